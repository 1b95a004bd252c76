"""Normalisation, against the equations in NumPy."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec.graph.calls import Mode, apply, initialise
from netspec.nn.normalisation import SpectralNormLinear, WeightNormConv, local_response_norm
from netspec.spec.call import Call, Shape
from netspec.spec.layers.convolution import Conv
from netspec.spec.layers.dense import Dense
from netspec.spec.layers.normalisation import GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, RmsNorm

RANDOM = np.random.default_rng(0)


def standard(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)


def grouped(x: np.ndarray, groups: int) -> np.ndarray:
    parts = x.reshape(*x.shape[:-1], groups, -1)
    return standard(parts, (*range(1, x.ndim - 1), x.ndim)).reshape(x.shape)


@pytest.mark.parametrize("shape", [(2, 5, 8), (2, 4, 3, 8), (2, 3, 2, 2, 8)])
@pytest.mark.parametrize(
    ("layer", "equation"),
    [
        (LayerNorm(), lambda x: standard(x, (-1,))),
        (RmsNorm(), lambda x: x / np.sqrt(np.square(x).mean(-1, keepdims=True) + 1e-5)),
        (GroupNorm(group_norm=4), lambda x: grouped(x, 4)),
        (GroupNorm(group_norm=1), lambda x: grouped(x, 1)),
        (InstanceNorm(), lambda x: standard(x, tuple(range(1, x.ndim - 1)))),
    ],
)
def test_values_are_those_of_the_equation(run: Any, layer: Any, equation: Any, shape: tuple[int, ...]) -> None:
    x = RANDOM.normal(2.0, 3.0, shape).astype(np.float32)
    scale, bias = RANDOM.normal(size=8), RANDOM.normal(size=8)
    shift = 0.0 if isinstance(layer, RmsNorm) else bias
    found, _ = run(layer, x, parameters={"scale": scale, "bias": bias})
    np.testing.assert_allclose(found, equation(x) * scale + shift, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("channels", "size"), [(7, 5), (7, 4), (3, 5), (2, 9), (6, 1)])
def test_local_response(run: Any, channels: int, size: int) -> None:
    x = RANDOM.normal(0.0, 30.0, (2, 3, 3, channels)).astype(np.float32)
    expected = np.empty_like(x)
    for c in range(channels):
        around = x[..., max(0, c - size // 2) : c + (size - 1 - size // 2) + 1]
        expected[..., c] = x[..., c] / (2.0 + 1e-4 * np.square(around).sum(-1)) ** 0.75
    layer = LocalResponseNorm(size=size)
    if size > 2 * channels - 1:
        assert dict(layer.lower(Shape(x.shape[1:])).keywords)["size"] == 2 * channels - 1
    np.testing.assert_allclose(run(layer, x)[0], expected, rtol=1e-5)


def test_the_gradient_of_a_local_response_is_that_of_differences() -> None:
    with jax.enable_x64(True):
        x = jnp.asarray(RANDOM.normal(0.0, 30.0, 6))
        loss = lambda x: jnp.sin(local_response_norm(x, size=3, alpha=0.01, beta=0.75, k=2.0)).sum()  # noqa: E731
        found = jax.grad(loss)(x)
        differences = [(loss(x.at[i].add(1e-5)) - loss(x.at[i].add(-1e-5))) / 2e-5 for i in range(6)]
        np.testing.assert_allclose(found, differences, rtol=1e-6)


def test_weight_norm_parts_length_from_direction(run: Any) -> None:
    x = RANDOM.normal(size=(2, 9, 3)).astype(np.float32)
    layer = Conv(conv=4, kernel=5, norm="weight", padding="valid")
    kernel, scale, bias = RANDOM.normal(size=(5, 3, 4)), np.array([1.0, 2, -1, 0.5]), RANDOM.normal(size=4)
    effective = kernel / np.sqrt(np.square(kernel).sum((0, 1))) * scale
    windows = np.lib.stride_tricks.sliding_window_view(x, 5, axis=1)  # [2, 5, 3, taps]
    expected = np.einsum("blik,kio->blo", windows, effective) + bias
    found, _ = run(layer, x, parameters={"kernel": kernel, "scale": scale, "bias": bias})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
def test_weight_norm_of_a_matrix_sets_the_length_of_each_column(run: Any, bias: bool) -> None:
    x, kernel = RANDOM.normal(size=(2, 6, 3)).astype(np.float32), RANDOM.normal(size=(3, 4))
    scale, shift = np.array([1.0, 2, -1, 0.5]), RANDOM.normal(size=4)
    given = {"kernel": kernel, "scale": scale, "bias": shift}  # the last is for a layer that has one
    found, _ = run(Dense(dense=4, norm="weight", bias=bias), x, parameters=given)
    columns = [x @ kernel[:, j] / np.linalg.norm(kernel[:, j]) * scale[j] for j in range(4)]
    np.testing.assert_allclose(found, np.stack(columns, -1) + shift * bias, rtol=1e-4, atol=1e-5)


def test_spectral_norm_in_a_dense_layer_reaches_the_largest_singular_value(run: Any) -> None:
    x, kernel = RANDOM.normal(size=(2, 6)).astype(np.float32), RANDOM.normal(size=(6, 5)).astype(np.float32)
    layer, statistics = Dense(dense=5, norm="spectral", bias=False), None
    for _ in range(100):
        _, statistics = run(layer, x, parameters={"kernel": kernel}, statistics=statistics, training=True)
    found, _ = run(layer, x, parameters={"kernel": kernel}, statistics=statistics)
    np.testing.assert_allclose(found, x @ kernel / np.linalg.svd(kernel)[1][0], rtol=1e-4, atol=1e-5)


def test_weight_norm_keeps_its_kernel_and_is_blind_to_its_length() -> None:
    layer = WeightNormConv(3, 4, kernel_size=(3,), rngs=nnx.Rngs(0))
    before, x = layer.kernel[...], jnp.ones((1, 5, 3))
    first = layer(x)
    np.testing.assert_array_equal(layer.kernel[...], before)
    layer.kernel.set_value(before * 7)
    np.testing.assert_allclose(layer(x), first, rtol=1e-5)
    gradient = nnx.grad(lambda layer: jnp.square(layer(x)).sum())(layer)["kernel"][...]
    # A gradient along the kernel itself would change its length alone.
    np.testing.assert_allclose((gradient * before).sum((0, 1)), np.zeros(4), atol=1e-4)


@pytest.mark.parametrize("shape", [(6, 5), (3, 3, 2, 5)])
def test_spectral_norm_divides_by_the_largest_singular_value(shape: tuple[int, ...]) -> None:
    kernel = RANDOM.normal(size=shape).astype(np.float32)
    width, window = shape[-2], shape[:-2]
    name, settings = ("Conv", (("kernel_size", window),)) if window else ("Linear", ())
    call = Call(f"netspec.nn.normalisation.SpectralNorm{name}", (width, 5), settings)
    x = jnp.asarray(RANDOM.normal(size=(2, *(4 for _ in window), width)), jnp.float32)
    parameters, statistics = initialise(call, jax.random.key(0))
    parameters["kernel"] = jnp.asarray(kernel)
    before = statistics
    for _ in range(100):
        _, statistics = apply(call, (x,), parameters, statistics, Mode(training=True))
    y, still = apply(call, (x,), parameters, statistics, Mode())
    np.testing.assert_array_equal(still["direction"], statistics["direction"])
    assert not np.allclose(before["direction"], statistics["direction"])
    largest = np.linalg.svd(kernel.reshape(-1, 5))[1][0]
    plain = Call(f"flax.nnx.{name}", (width, 5), settings)
    expected, _ = apply(plain, (x,), {**parameters, "kernel": jnp.asarray(kernel / largest)}, {}, Mode())
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_spectral_norm_is_still_after_eval() -> None:
    layer = SpectralNormLinear(4, 3, rngs=nnx.Rngs(0))
    x, before = jnp.ones((1, 4)), layer.direction[...]
    layer.eval()
    layer(x)
    np.testing.assert_array_equal(layer.direction[...], before)
    layer.train()
    layer(x)
    assert not np.allclose(layer.direction[...], before)
