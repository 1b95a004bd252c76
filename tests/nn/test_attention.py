"""Attention against Flax's with the same weights, against JAX's, and against sequences without their padding."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec.spec.layers  # noqa: F401
from netspec.graph.trace import trace
from netspec.nn.attention import Attention
from netspec.spec.call import Mismatch, Shape
from netspec.spec.layer import Layer

BATCH, LENGTH, FEATURES, HEADS, WIDTH = 2, 6, 12, 4, 3


@pytest.fixture
def x() -> jax.Array:
    return jax.random.normal(jax.random.key(1), (BATCH, LENGTH, FEATURES))


@pytest.fixture
def memory() -> jax.Array:
    return jax.random.normal(jax.random.key(2), (BATCH, 5, 7))


def made(**arguments: Any) -> Attention:
    layer = Attention(FEATURES, HEADS, **arguments, rngs=nnx.Rngs(3))
    for path, parameter in nnx.to_flat_state(nnx.state(layer, nnx.Param)):
        if path[-1] == "bias":
            parameter[...] = jax.random.normal(jax.random.key(len(path[0])), parameter.shape)
    return layer


def run(layer: Any, *values: jax.Array, **keywords: Any) -> jax.Array:
    definition, state = nnx.split(layer)
    return jax.jit(lambda state, values: nnx.merge(definition, state)(*values, **keywords))(state, values)


def flax_twin(layer: Attention, memory_features: int | None) -> nnx.MultiHeadAttention:
    twin = nnx.MultiHeadAttention(
        HEADS, FEATURES, in_kv_features=memory_features, qkv_features=HEADS * WIDTH, decode=False, rngs=nnx.Rngs(0)
    )
    if memory_features is None:
        kernels = jnp.split(layer.query_key_value.kernel[...], 3, axis=1)
        biases = jnp.split(layer.query_key_value.bias[...], 3)
    else:
        kernels = [layer.query.kernel[...], *jnp.split(layer.key_value.kernel[...], 2, axis=1)]
        biases = [layer.query.bias[...], *jnp.split(layer.key_value.bias[...], 2)]
    for part, kernel, bias in zip((twin.query, twin.key, twin.value), kernels, biases, strict=True):
        part.kernel[...] = kernel.reshape(-1, HEADS, WIDTH)
        part.bias[...] = bias.reshape(HEADS, WIDTH)
    twin.out.kernel[...] = layer.output.kernel[...].reshape(HEADS, WIDTH, FEATURES)
    twin.out.bias[...] = layer.output.bias[...]
    return twin


def test_self_attention_is_that_of_flax(x: jax.Array) -> None:
    layer = made()
    np.testing.assert_allclose(run(layer, x), run(flax_twin(layer, None), x), atol=1e-5)


def test_causal_attention_is_that_of_flax_and_does_not_see_what_follows(x: jax.Array) -> None:
    layer = made(causal=True)
    y = run(layer, x)
    np.testing.assert_allclose(y, run(flax_twin(layer, None), x, mask=nnx.make_causal_mask(x[..., 0])), atol=1e-5)
    np.testing.assert_array_equal(run(layer, x.at[:, 4:].set(9.0))[:, :4], y[:, :4])


def test_cross_attention_is_that_of_flax(x: jax.Array, memory: jax.Array) -> None:
    layer = made(memory_features=7)
    np.testing.assert_allclose(run(layer, x, memory), run(flax_twin(layer, 7), x, memory, memory), atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("keys", [1, 2, 4])
def test_fewer_heads_of_keys_are_as_jax_shares_them(x: jax.Array, keys: int, causal: bool) -> None:
    layer = made(key_value_heads=keys, causal=causal)
    mask = jnp.array([[True] * 6, [True] * 3 + [False] * 3])

    def theirs(x: jax.Array) -> jax.Array:
        parts = HEADS * WIDTH, (HEADS + keys) * WIDTH
        split = (p.reshape(BATCH, LENGTH, -1, WIDTH) for p in jnp.split(layer.query_key_value(x), parts, axis=-1))
        taken = jax.nn.dot_product_attention(*split, mask=mask[:, None, None, :], is_causal=causal)
        return layer.output(taken.reshape(BATCH, LENGTH, -1))

    found, wanted = (
        jax.jit(jax.value_and_grad(lambda x, f=f: jnp.sum(jnp.sin(f(x)))))(x)  # type: ignore[misc]
        for f in (lambda x: layer(x, mask=mask), theirs)
    )
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-5)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-5)


def test_padding_is_as_if_it_was_not_there(x: jax.Array, memory: jax.Array) -> None:
    mask = jnp.array([[True, True, True, False, False, False]] * BATCH)
    for layer in (made(), made(causal=True, rotary_base=10_000.0, width=4), made(query_key_norm=True)):
        np.testing.assert_allclose(run(layer, x, mask=mask)[:, :3], run(layer, x[:, :3]), atol=1e-5)
    crossed = made(memory_features=7)
    np.testing.assert_allclose(run(crossed, x, memory, mask=mask[:, :5]), run(crossed, x, memory[:, :3]), atol=1e-5)


def test_nothing_to_take_from_gives_no_nan(x: jax.Array) -> None:
    layer = made()
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(layer(x, mask=jnp.zeros((BATCH, LENGTH), bool)))))(x)
    assert bool(jnp.isfinite(gradient).all())


def test_rotary_attention_knows_distances_alone(x: jax.Array) -> None:
    layer = Attention(FEATURES, 2, rotary_base=100.0, rngs=nnx.Rngs(3))
    found = layer(x)
    moved = layer(
        jnp.concatenate([jnp.zeros_like(x), x], axis=1), mask=jnp.arange(12)[None, :] >= jnp.array([[6], [6]])
    )
    np.testing.assert_allclose(moved[:, 6:], found, atol=1e-5)
    without = Attention(FEATURES, 2, rngs=nnx.Rngs(3))
    assert not np.allclose(found, run(without, x), atol=1e-3)


def test_normed_queries_do_not_feel_their_size(x: jax.Array) -> None:
    layer = made(query_key_norm=True, use_bias=False)
    before = run(layer, x)
    kernel = layer.query_key_value.kernel
    kernel[...] = kernel[...].at[:, : 2 * HEADS * WIDTH].multiply(7.0)
    np.testing.assert_allclose(run(layer, x), before, atol=1e-4)


def test_dropout_drops_in_training_and_keeps_the_mean(x: jax.Array) -> None:
    layer = made(dropout=0.5)
    still = run(layer, x, deterministic=True)
    keys = jax.random.split(jax.random.key(5), 2000)
    drawn = jax.jit(jax.vmap(lambda key: layer(x, deterministic=False, rngs=key)))(keys)
    assert not np.allclose(drawn[0], drawn[1])
    np.testing.assert_allclose(drawn.mean(axis=0), still, atol=0.1)
    own = Attention(FEATURES, HEADS, dropout=0.5, rngs=nnx.Rngs(params=0, dropout=1))
    call = nnx.jit(lambda layer, x: layer(x))
    assert not np.allclose(call(own, x), call(own, x))
    own.eval()
    np.testing.assert_array_equal(call(own, x), call(own, x))


def test_bfloat16_is_close_to_float32(x: jax.Array) -> None:
    layer = made(causal=True, rotary_base=100.0, width=4, key_value_heads=2)
    wanted = run(layer, x)
    for _, parameter in nnx.to_flat_state(nnx.state(layer, nnx.Param)):
        parameter.set_value(parameter[...].astype(jnp.bfloat16))
    found = run(layer, x.astype(jnp.bfloat16))
    assert found.dtype == jnp.bfloat16
    np.testing.assert_allclose(found.astype(jnp.float32), wanted, atol=0.1)


def lowered(shapes: tuple[Shape, ...], **keys: Any) -> Any:
    return Layer.kinds["attention"].model_validate(keys).lower(*shapes)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("shapes", "keys", "count"),
    [
        ([(10, 768)], {"attention": 12}, 4 * (768 * 768 + 768)),  # GPT-2 (Radford et al., 2019)
        ([(10, 768)], {"attention": 12, "bias": False}, 4 * 768 * 768),
        # Llama 3 8B (Dubey et al., 2024): 32 heads of width 128, 8 of keys and values.
        ([(3, 4096)], {"attention": 32, "key_value_heads": 8, "bias": False}, 2 * 4096 * 4096 + 2 * 4096 * 1024),
        ([(4, 64), (9, 32)], {"attention": 4}, 2 * (64 * 64 + 64) + 2 * (32 * 64 + 64)),
        ([(4, 64)], {"attention": 4, "width": 8, "query_key_norm": True}, 3 * (65 * 32) + 33 * 64 - 32 + 32 + 16),
    ],
)
def test_parameters_are_as_many_as_published(shapes: Any, keys: dict[str, Any], count: int) -> None:
    inputs = tuple(Shape(s) for s in shapes)
    traced = trace(lowered(inputs, **keys), inputs, "float32")
    assert traced.output == inputs[0]
    assert sum(a.size for a in traced.parameters.values()) == count
    assert not traced.statistics


@pytest.mark.parametrize(
    ("shapes", "keys", "key"),
    [
        ([(64,)], {"attention": 4}, None),
        ([(4, 64), (64,)], {"attention": 4}, None),
        ([(4, 64)], {"attention": 5}, "attention"),
        ([(4, 64)], {"attention": 4, "key_value_heads": 3}, "key_value_heads"),
        ([(4, 12)], {"attention": 4, "rotary": True}, "rotary"),
        ([(4, 64)], {"attention": 4, "rotary_base": 10.0}, "rotary_base"),
        ([(4, 64), (4, 64)], {"attention": 4, "causal": True}, "causal"),
        ([(4, 64), (4, 64)], {"attention": 4, "rotary": True}, "rotary"),
    ],
)
def test_what_does_not_fit_is_said(shapes: Any, keys: dict[str, Any], key: str | None) -> None:
    with pytest.raises(Mismatch) as raised:
        lowered(tuple(Shape(s) for s in shapes), **keys)
    assert raised.value.key == key
