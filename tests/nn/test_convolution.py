"""The convolution that trains on CPU, against the one of JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec.build.network import Network
from netspec.document import parse
from netspec.graph.calls import Mode
from netspec.graph.resolve import resolve
from netspec.nn.convolution import convolution
from netspec.spec.decode import decode

# Input, outputs, and the convolution's arguments; those that a band takes over stand first.
CASES: list[tuple[tuple[int, ...], int, dict[str, Any]]] = [
    ((9, 9, 1), 4, {"kernel_size": (5, 5), "padding": 2}),
    ((9, 7, 3), 5, {"kernel_size": (3, 2), "padding": "VALID"}),
    ((6, 6, 2), 3, {"kernel_size": (2, 3), "padding": ((1, 0), (2, 1))}),
    ((6, 6, 3), 2, {"kernel_size": (3, 3), "padding": "SAME"}),
    ((6, 6, 3), 2, {"kernel_size": (3, 3), "padding": "SAME", "strides": 2}),
    ((6, 6, 4), 6, {"kernel_size": (3, 3), "feature_group_count": 2}),
    ((6, 5, 36), 54, {"kernel_size": (3, 2), "feature_group_count": 18, "strides": (1, 2)}),
    ((6, 6, 3), 2, {"kernel_size": (3, 3), "padding": ((2, 1), (0, 2)), "input_dilation": 2}),
    ((9, 6), 9, {"kernel_size": (2,), "feature_group_count": 3, "kernel_dilation": 2}),
    ((7, 7, 3), 2, {"kernel_size": (3, 3), "kernel_dilation": 2}),
    ((8, 8, 16), 16, {"kernel_size": (3, 3)}),
    ((12, 3), 4, {"kernel_size": (3,)}),
]

# The shape, outputs for each channel, and the arguments; each channel is convolved by itself.
DEPTHWISE: list[tuple[tuple[int, ...], int, dict[str, Any]]] = [
    ((9, 7, 5), 1, {"kernel_size": (3, 3)}),
    ((9, 6, 5), 3, {"kernel_size": (3, 2), "strides": 2}),
    ((9, 8, 2), 1, {"kernel_size": (3, 4), "strides": (2, 3), "padding": "VALID"}),
    ((9, 7, 4), 2, {"kernel_size": (2, 3), "strides": (3, 2), "padding": ((1, 0), (0, 4))}),
    ((11, 9, 3), 1, {"kernel_size": (3, 2), "kernel_dilation": (2, 3), "strides": (2, 3), "padding": ((3, 1), (0, 2))}),
    ((6, 6, 3), 1, {"kernel_size": (3, 3), "padding": ((5, 4), (3, 7))}),
    ((7, 7, 3), 1, {"kernel_size": (2, 2), "strides": 3, "padding": "VALID"}),
    ((7, 7, 3), 1, {"kernel_size": (3, 3), "padding": ((2, 1), (0, 2)), "input_dilation": 2}),
    ((7, 7, 3), 1, {"kernel_size": (3, 3), "padding": ((-1, 1), (0, 2))}),
    ((7, 7, 3), 2, {"kernel_size": (1, 1), "strides": 2}),
    ((12, 4), 1, {"kernel_size": (3,), "padding": "CAUSAL", "kernel_dilation": 3}),
    ((13, 4), 2, {"kernel_size": (5,), "strides": 2}),
    ((5, 4, 6, 2), 1, {"kernel_size": (3, 2, 3), "strides": (1, 2, 2)}),
    ((5, 5, 5, 2), 1, {"kernel_size": (2, 2, 2), "kernel_dilation": (2, 1, 3), "padding": "VALID"}),
]

# Most of the time here is compilation.
QUICK = {"xla_llvm_disable_expensive_passes": True, "xla_backend_optimization_level": 0}

needs_cpu = pytest.mark.skipif(jax.default_backend() != "cpu", reason="other backends keep JAX's convolution")


@needs_cpu
@pytest.mark.parametrize(("shape", "outputs", "arguments"), CASES)
def test_values_and_gradients_are_those_of_jax(shape: tuple[int, ...], outputs: int, arguments: dict[str, Any]) -> None:
    compare(4, shape, outputs, arguments)


@needs_cpu
@pytest.mark.parametrize(("shape", "multiplier", "arguments"), DEPTHWISE)
def test_depthwise_values_and_gradients(shape: tuple[int, ...], multiplier: int, arguments: dict[str, Any]) -> None:
    compare(3, shape, shape[-1] * multiplier, {**arguments, "feature_group_count": shape[-1]})


@needs_cpu
def test_gradients_of_many_examples_are_summed_in_parts() -> None:
    assert 6 * 24 * 24 * 256 > 3 * 2**18
    compare(6, (24, 24, 256), 256, {"kernel_size": (3, 3), "feature_group_count": 256}, scale=0.02)


def compare(batch: int, shape: tuple[int, ...], outputs: int, arguments: dict[str, Any], scale: float = 1.0) -> None:
    """Ours against JAX's: the result, and the gradients by the input, the kernel and the bias."""
    layer = nnx.eval_shape(lambda: nnx.Conv(shape[-1], outputs, **arguments, rngs=nnx.Rngs(0)))
    definition, shapes = nnx.split(layer)
    random = np.random.default_rng(0)
    x = random.standard_normal((batch, *shape), np.float32)
    parameters = jax.tree.map(lambda array: random.standard_normal(array.shape, np.float32) / 4, shapes)

    def loss(x: Any, parameters: Any, one: Any, ours: bool) -> Any:
        layer = nnx.merge(definition, parameters)
        if ours:
            layer.conv_general_dilated = convolution(one)
        y = layer(x)
        return scale * jnp.sum(jnp.sin(y)), y

    run = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True), static_argnames="ours", compiler_options=QUICK)
    ours, theirs = (jax.tree.leaves(run(x, parameters, jnp.ones(()), ours=ours)) for ours in (True, False))
    for found, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-5, rtol=1e-4)


@needs_cpu
def test_a_network_is_the_same_with_either() -> None:
    """Also that it is the sum over the taps that runs: the compiled network has no convolution in it."""
    layers = """
      { depthwise_conv = 3, stride = 2, multiplier = 2, activation = "relu" },
      { conv = "$channels", groups = "$channels", kernel = [1, 3], dilation = 2, norm = "weight" },
      { reshape = [-1, "$channels"] }, { conv = "$channels", groups = "$channels", causal = true, kernel = 4 },
    """
    spec = decode(parse(f"[model]\ninput = [9, 8, 3]\nlayers = [{layers}]\n", "a.toml"))
    network = Network(resolve(spec))
    parameters, statistics = network.initialise(jax.random.key(0))
    x = {"input": jax.random.normal(jax.random.key(1), (5, 9, 8, 3))}

    def value(parameters: Any, one: Any, ours: bool) -> Any:
        mode = Mode(True, convolution(one) if ours else None)
        outputs = network.apply(parameters, statistics, x, mode=mode).outputs
        return sum(jnp.sum(jnp.sin(y)) for y in outputs.values()), outputs

    run = jax.jit(jax.value_and_grad(value, has_aux=True), static_argnames="ours", compiler_options=QUICK)
    ours, theirs = (jax.tree.leaves(run(parameters, jnp.ones(()), ours=ours)) for ours in (True, False))
    for found, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-5, rtol=1e-4)
    assert "convolution(" not in run.lower(parameters, jnp.ones(()), ours=True).as_text()
    assert "convolution(" in run.lower(parameters, jnp.ones(()), ours=False).as_text()
