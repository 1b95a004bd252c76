"""Recurrent layers against Flax's cells with the same weights, and, padded, against each sequence by itself."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec.spec.layers  # noqa: F401
from netspec.graph.trace import trace
from netspec.nn.recurrent import GRU, LSTM, RNN
from netspec.spec.call import Mismatch, Shape
from netspec.spec.layer import Layer

CHANNELS, UNITS = 5, 4
KINDS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
CELLS: dict[str, Any] = {"rnn": nnx.SimpleCell, "lstm": nnx.OptimizedLSTMCell, "gru": nnx.GRUCell}


def made(kind: str, **arguments: Any) -> Any:
    layer = KINDS[kind](CHANNELS, UNITS, **arguments, rngs=nnx.Rngs(3))
    if layer.bias is not None:
        layer.bias[...] = jax.random.normal(jax.random.key(4), layer.bias.shape)
    return layer


def flax_twin(kind: str, layer: Any, **arguments: Any) -> nnx.RNN:
    cell = CELLS[kind](CHANNELS, UNITS, **arguments, rngs=nnx.Rngs(0))
    cell.dense_i.kernel[...] = layer.kernel[...]
    cell.dense_h.kernel[...] = layer.recurrent_kernel[...]
    (cell.dense_h if kind == "lstm" else cell.dense_i).bias[...] = layer.bias[...]
    return nnx.RNN(cell, rngs=False)


def run(layer: Any, x: jax.Array, apply: Any = lambda layer, x: layer(x)) -> tuple[jax.Array, Any, jax.Array]:
    """The states, and the gradient of a function of them by parameters and by input."""
    definition, parameters = nnx.split(layer)

    def loss(parameters: Any, x: jax.Array) -> Any:
        h = apply(nnx.merge(definition, parameters), x)
        return jnp.sum(jnp.sin(h * jnp.arange(1, UNITS + 1))), h

    (_, h), gradients = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(parameters, x)
    return h, *gradients


@pytest.fixture
def x() -> jax.Array:
    return jax.random.normal(jax.random.key(1), (3, 7, CHANNELS))


@pytest.mark.parametrize(
    ("kind", "ours", "theirs"),
    [
        ("rnn", {}, {}),
        ("rnn", {"activation": "relu"}, {"activation_fn": jax.nn.relu}),
        ("rnn", {"activation": "sigmoid"}, {"activation_fn": jax.nn.sigmoid}),
        ("rnn", {"activation": "identity"}, {"activation_fn": lambda x: x}),
        ("lstm", {}, {}),
        ("gru", {}, {}),
    ],
)
def test_values_and_gradients_are_those_of_flax(
    kind: str, ours: dict[str, Any], theirs: dict[str, Any], x: jax.Array
) -> None:
    layer = made(kind, **ours)
    found, found_gradient, found_x = run(layer, x)
    wanted, wanted_gradient, wanted_x = run(
        flax_twin(kind, layer, **theirs), x, lambda layer, x: layer(x, rngs=nnx.Rngs(0))
    )
    cell = wanted_gradient["cell"]
    of_bias = cell["dense_h" if kind == "lstm" else "dense_i"]["bias"]
    for a, b in (
        (found, wanted),
        (found_x, wanted_x),
        (found_gradient["kernel"][...], cell["dense_i"]["kernel"][...]),
        (found_gradient["recurrent_kernel"][...], cell["dense_h"]["kernel"][...]),
        (found_gradient["bias"][...], of_bias[...]),
    ):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_padded_sequence_is_as_it_is_alone_and_its_state_stays(kind: str, x: jax.Array) -> None:
    layer, lengths = made(kind), (7, 4, 1)
    mask = jnp.arange(7) < jnp.array(lengths)[:, None]

    def apart(layer: Any, x: jax.Array) -> jax.Array:
        rows = [layer(x[i : i + 1, :n])[0] for i, n in enumerate(lengths)]
        return jnp.stack([jnp.concatenate([r, jnp.tile(r[-1:], (7 - len(r), 1))]) for r in rows])

    found = run(layer, x, lambda layer, x: layer(x, mask=mask))
    for a, b in zip(*map(jax.tree.leaves, (found, run(layer, x, apart))), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_is_close_to_float32(kind: str, x: jax.Array) -> None:
    layer = made(kind)
    wanted = run(layer, x)
    definition, parameters = nnx.split(layer)
    halved = nnx.merge(definition, jax.tree.map(lambda a: a.astype(jnp.bfloat16), parameters))
    for a, b in zip(*map(jax.tree.leaves, (run(halved, x.astype(jnp.bfloat16)), wanted)), strict=True):
        assert a.dtype == jnp.bfloat16
        np.testing.assert_allclose(a.astype(jnp.float32), b, atol=0.1 * float(jnp.abs(b).max()))


def test_each_gate_begins_orthogonal_and_forgets_little() -> None:
    layer = LSTM(CHANNELS, UNITS, rngs=nnx.Rngs(0))
    gates = jnp.split(layer.recurrent_kernel[...], 4, axis=1)
    for gate in gates:
        np.testing.assert_allclose(gate.T @ gate, jnp.eye(UNITS), atol=1e-5)
    assert not np.allclose(gates[0], gates[1])
    np.testing.assert_array_equal(layer.bias[...], [0] * UNITS + [1] * UNITS + [0] * 2 * UNITS)


@pytest.mark.parametrize(("kind", "gates"), [("rnn", 1), ("lstm", 4), ("gru", 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_kinds(kind: str, gates: int, bias: bool) -> None:
    layer = Layer.kinds[kind].model_validate({kind: 128, "bias": bias})
    assert isinstance(layer, Layer)
    traced = trace(layer.lower(Shape((10, 64))), (Shape((10, 64)),), "float32")
    assert traced.output == (10, 128)
    count = sum(a.size for a in traced.parameters.values())
    assert count == gates * (128 * (64 + 128) + 128 * bias)
    with pytest.raises(Mismatch, match=r"needs \[length, channels\]"):
        layer.lower(Shape((64,)))
