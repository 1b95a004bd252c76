"""Pooling over windows, and over whole sequences.

Means of windows that tile their input are taken by reshaping, which XLA's CPU backend runs many times faster than a
windowed reduction, forward and backward. All others, and maxima, whose gradient at ties is that of the first, go
through Flax.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

__all__ = [
    "avg_pool",
    "global_avg_pool",
    "global_max_pool",
    "max_pool",
    "mean_of_tiles",
]

Padding = str | Sequence[tuple[int, int]]


def avg_pool(
    x: jax.Array,
    *,
    window_shape: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
) -> jax.Array:
    """The mean of each window; positions that padding added do not count.

    Args:
        x: [batch, …, channels].
        window_shape, strides: for each spatial axis.
        padding: "VALID", "SAME", or positions before and after each spatial axis.
    """
    if _tiles(x, window_shape, strides, padding):
        return mean_of_tiles(x, window_shape)
    return nnx.avg_pool(
        x, tuple(window_shape), tuple(strides), _given(padding), count_include_pad=False
    )


def mean_of_tiles(x: jax.Array, window_shape: Sequence[int]) -> jax.Array:
    """The mean of each window, of windows that tile the spatial axes.

    Args:
        x: [batch, …, channels].
        window_shape: for each spatial axis, of which it is a divisor.
    """
    split = [
        part
        for n, w in zip(x.shape[1:-1], window_shape, strict=True)
        for part in (n // w, w)
    ]
    inner = tuple(2 + 2 * i for i in range(len(window_shape)))
    return x.reshape(x.shape[0], *split, x.shape[-1]).mean(axis=inner)


def max_pool(
    x: jax.Array,
    *,
    window_shape: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
) -> jax.Array:
    """The largest number of each window.

    Args:
        x: [batch, …, channels].
        window_shape, strides: for each spatial axis.
        padding: "VALID", "SAME", or positions before and after each spatial axis.
    """
    return nnx.max_pool(x, tuple(window_shape), tuple(strides), _given(padding))


def global_avg_pool(x: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
    """The mean over a sequence: [batch, length, channels] to [batch, channels].

    Args:
        mask: [batch, length], true where there is no padding: what counts. A sequence of nothing else gives 0.
    """
    if mask is None:
        return jnp.mean(x, axis=1)
    total = jnp.where(mask[..., None], x, 0).sum(axis=1)
    return total / jnp.maximum(mask.sum(axis=1, keepdims=True), 1).astype(x.dtype)


def global_max_pool(x: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
    """The largest over a sequence: [batch, length, channels] to [batch, channels].

    Args:
        mask: [batch, length], true where there is no padding: what counts. A sequence of nothing else gives 0.
    """
    if mask is None:
        return jnp.max(x, axis=1)
    largest = jnp.where(mask[..., None], x, -jnp.inf).max(axis=1)
    return jnp.where(mask.any(axis=1, keepdims=True), largest, 0)


def _given(padding: Padding) -> Any:
    return padding if isinstance(padding, str) else tuple(tuple(p) for p in padding)


def _tiles(
    x: jax.Array, window: Sequence[int], strides: Sequence[int], padding: Padding
) -> bool:
    unpadded = padding in ("VALID", "SAME") or all(tuple(p) == (0, 0) for p in padding)
    return (
        unpadded
        and tuple(window) == tuple(strides)
        and all(n % w == 0 for n, w in zip(x.shape[1:-1], window, strict=True))
    )
