"""Depthwise convolution as the sum over a window's taps; XLA's CPU backend takes far longer over its own kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

__all__ = ["depthwise_convolution"]

Pairs = tuple[tuple[int, int], ...]
Sizes = tuple[int, ...]

_IN_CACHE = 2**18
"""Numbers of the input that a gradient is worked out for at once: a weight gradient reads them for every tap."""


@partial(jax.custom_vjp, nondiff_argnums=(3, 4, 5))
def depthwise_convolution(
    x: jax.Array,
    kernel: jax.Array,
    one: Any,
    strides: Sizes,
    padding: Pairs,
    dilation: Sizes,
) -> jax.Array:
    """y[p, c m + j] = Σ_t x[s p + d t, c] k[t, c m + j], over the taps t of a window; x padded by zeros.

    Args:
        x: [batch, ..., channels].
        kernel: [..., 1, channels * m].
        one: a 1.0 that XLA cannot know to be one, which keeps it from working the sums out anew for each reader.
        strides, padding, dilation: one for each axis between batch and channels; no padding below 0.
    """
    return _slid(x, kernel, strides, padding, dilation) / one


def _forward(x: Any, kernel: Any, one: Any, *settings: Any) -> tuple[Any, Any]:
    return depthwise_convolution(x, kernel, one, *settings), (x, kernel, one)


def _backward(
    strides: Sizes, padding: Pairs, dilation: Sizes, kept: Any, dy: jax.Array
) -> tuple[Any, Any, None]:
    x, kernel, one = kept
    window = kernel.shape[:-2]

    def gradients(x: jax.Array, dy: jax.Array) -> tuple[jax.Array, jax.Array]:
        slices = _windows(x, window, strides, padding, dilation)
        sums = [
            jnp.sum(_repeated(met, kernel) * dy, axis=tuple(range(dy.ndim - 1)))
            for _, met in slices
        ]
        return _input_gradient(
            x.shape, kernel, dy, strides, padding, dilation
        ), jnp.stack(sums)

    dx, dk = _by_parts(gradients, x / one, dy / one)
    return dx.reshape(x.shape), dk.sum(axis=0).reshape(kernel.shape), None


depthwise_convolution.defvjp(_forward, _backward)


def _slid(
    x: jax.Array, kernel: jax.Array, strides: Sizes, padding: Pairs, dilation: Sizes
) -> jax.Array:
    parts = (
        _repeated(met, kernel) * kernel[tap][0]
        for tap, met in _windows(x, kernel.shape[:-2], strides, padding, dilation)
    )
    return sum(parts, next(parts))


def _windows(
    x: jax.Array, window: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes
) -> Iterator[tuple[Sizes, jax.Array]]:
    """Each tap of a window, and what it meets: a slice of the padded input, with steps of the stride."""
    x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
    sizes = zip(x.shape[1:-1], window, strides, dilation, strict=True)
    # From a window's first number to one after the last window's first.
    reach = [
        (size - (taps - 1) * apart - 1) // step * step + 1
        for size, taps, step, apart in sizes
    ]
    for tap in product(*map(range, window)):
        begins = [i * apart for i, apart in zip(tap, dilation, strict=True)]
        slices = [
            slice(b, b + r, step)
            for b, r, step in zip(begins, reach, strides, strict=True)
        ]
        yield tap, x[(slice(None), *slices)]


def _repeated(met: jax.Array, kernel: jax.Array) -> jax.Array:
    """Each channel as often as it has outputs."""
    times = kernel.shape[-1] // met.shape[-1]
    return met if times == 1 else jnp.repeat(met, times, axis=-1)


def _input_gradient(
    shape: Sequence[int],
    kernel: jax.Array,
    dy: jax.Array,
    strides: Sizes,
    padding: Pairs,
    dilation: Sizes,
) -> jax.Array:
    """`dy` spread by the stride, with the kernel slid over it turned round."""
    window, axes = kernel.shape[:-2], range(len(strides))
    reach = [(taps - 1) * apart for taps, apart in zip(window, dilation, strict=True)]
    before = [reach[i] - padding[i][0] for i in axes]
    after = [
        shape[1 + i] + reach[i] - before[i] - (dy.shape[1 + i] - 1) * strides[i] - 1
        for i in axes
    ]
    around = [(before[i], after[i], strides[i] - 1) for i in axes]
    spread = lax.pad(dy, jnp.zeros((), dy.dtype), [(0, 0, 0), *around, (0, 0, 0)])
    turned = jnp.flip(kernel, tuple(axes))
    times = dy.shape[-1] // shape[-1]
    parts = (
        (met * turned[tap][0]).reshape(*met.shape[:-1], -1, times).sum(axis=-1)
        for tap, met in _windows(
            spread, window, (1,) * len(window), ((0, 0),) * len(window), dilation
        )
    )
    return sum(parts, next(parts))


def _by_parts(function: Callable[..., Any], x: jax.Array, dy: jax.Array) -> Any:
    """What the function gives for some examples at a time, one after another along a new first axis."""
    batch = len(x)
    fitting = max(1, _IN_CACHE // (x.size // batch))
    many = next(n for n in range(min(batch, fitting), 0, -1) if batch % n == 0)
    parted = [array.reshape(-1, many, *array.shape[1:]) for array in (x, dy)]
    return lax.map(lambda pair: function(*pair), tuple(parted))
