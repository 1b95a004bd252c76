"""Transposed and depthwise convolution, as sums by hand."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec.nn.transposed_convolution import ConvTranspose
from netspec.spec.call import Mismatch, Shape
from netspec.spec.layers.convolution import ConvTransposed, DepthwiseConv

RANDOM = np.random.default_rng(0)


def spread(x: np.ndarray, kernel: np.ndarray, stride: int, dilation: int) -> np.ndarray:
    """[batch, n, in] and [taps, in, out]: every number, times the kernel, added in from where it stands."""
    # JAX's kernel is turned round against the definition by spreading; learned, it is the same.
    kernel = kernel[::-1]
    taps, _, outputs = kernel.shape
    reach = (taps - 1) * dilation + 1
    y = np.zeros((len(x), (x.shape[1] - 1) * stride + reach, outputs))
    for i in range(x.shape[1]):
        for tap in range(taps):
            y[:, i * stride + tap * dilation] += x[:, i] @ kernel[tap]
    return y


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_sizes_and_sums_are_those_of_the_page(run: Any, kernel: int, stride: int, dilation: int) -> None:
    x, weights = RANDOM.normal(size=(2, 5, 3)), RANDOM.normal(size=(kernel, 3, 2))
    settings = {"conv_transposed": 2, "kernel": kernel, "stride": stride, "dilation": dilation}
    whole, reach = spread(x, weights, stride, dilation), (kernel - 1) * dilation + 1
    for cut in {0, reach // 2}:
        found, _ = run(ConvTransposed(**settings, padding=cut), x, parameters={"kernel": weights})
        assert found.shape[1] == 4 * stride + reach - 2 * cut
        np.testing.assert_allclose(found, whole[:, cut : whole.shape[1] - cut], rtol=1e-3, atol=1e-4)
    valid, _ = run(ConvTransposed(**settings, padding="valid"), x, parameters={"kernel": weights})
    assert valid.shape[1] == 4 * stride + max(reach, stride)
    np.testing.assert_allclose(valid[:, : whole.shape[1]], whole[:, : valid.shape[1]], rtol=1e-3, atol=1e-4)
    same, _ = run(ConvTransposed(**settings), x, parameters={"kernel": weights})
    assert same.shape[1] == 5 * stride


@pytest.mark.parametrize(
    ("window", "strides", "padding"),
    [((4, 3), (2, 3), "SAME"), ((1, 5), (2, 2), "VALID"), ((3, 4, 2), (1, 2, 2), ((2, 1), (3, 2), (1, 1)))],
)
def test_values_and_gradients_are_those_of_flax(window: Any, strides: Any, padding: Any) -> None:
    arguments = (2, 3, window, strides)
    ours = ConvTranspose(*arguments, padding=padding, rngs=nnx.Rngs(0))
    flax = nnx.ConvTranspose(*arguments, padding=padding, rngs=nnx.Rngs(0))
    x = jnp.asarray(RANDOM.normal(size=(2, *(4 + i for i in range(len(window))), 2)), jnp.float32)

    def of(layer: Any) -> Any:
        y = layer(x)
        gradients = nnx.grad(lambda layer, x: jnp.sin(layer(x)).sum(), argnums=(0, 1))(layer, x)
        return y, nnx.to_pure_dict(gradients[0]), gradients[1]

    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), of(ours), of(flax))


def test_pictures_grow(run: Any) -> None:
    assert run(ConvTransposed(conv_transposed=7, kernel=4, stride=2), np.ones((1, 3, 5, 2)))[0].shape == (1, 6, 10, 7)
    assert run(ConvTransposed(conv_transposed=7, kernel=4, stride=(2, 1)), np.ones((1, 3, 5, 2)))[0].shape == (
        1,
        6,
        5,
        7,
    )


def test_a_depthwise_convolution_mixes_no_channels(run: Any) -> None:
    x, kernel = RANDOM.normal(size=(2, 6, 5, 3)), RANDOM.normal(size=(3, 2, 1, 6))
    layer = DepthwiseConv(depthwise_conv=(3, 2), multiplier=2, padding="valid", stride=(2, 1))
    found, _ = run(layer, x, parameters={"kernel": kernel})
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 2), axis=(1, 2))[:, ::2]
    expected = np.einsum("bhwckl,klcm->bhwcm", windows, kernel.reshape(3, 2, 3, 2)).reshape(found.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (ConvTransposed(conv_transposed=2, padding=3), (5, 2), "cuts off more than its windows add"),
        (ConvTransposed(conv_transposed=2), (5,), r"needs \[length, channels\]"),
        (DepthwiseConv(), (5,), r"needs \[length, channels\]"),
        (DepthwiseConv(depthwise_conv=(3, 3)), (5, 2), "one spatial axis"),
    ],
)
def test_a_misfit_is_told(layer: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        layer.lower(Shape(shape))
