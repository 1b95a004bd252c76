"""Functions that only move numbers."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

__all__ = [
    "crop",
    "flatten",
    "pad",
    "permute",
    "reshape",
    "reverse",
    "subsample",
    "take",
]


def flatten(x: jax.Array) -> jax.Array:
    """All axes but the batch in one, in row-major order."""
    return x.reshape(x.shape[0], -1)


def reverse(x: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
    """A sequence [batch, length, …] backwards; where some of it is padding, that stays at the end.

    Args:
        mask: [batch, length], true where there is no padding.
    """
    if mask is None:
        return x[:, ::-1]
    length = x.shape[1]
    lengths = mask.sum(axis=1, keepdims=True)
    position = jnp.arange(length)[None, :]
    source = jnp.where(position < lengths, lengths - 1 - position, position)
    return jnp.take_along_axis(
        x, source.reshape(*source.shape, *(1,) * (x.ndim - 2)), axis=1
    )


def subsample(x: jax.Array, stride: tuple[int, ...], channels: int) -> jax.Array:
    """Every so manieth position of each spatial axis, and zeros up to so many channels (He et al., 2015, option A).

    Args:
        x: [batch, …, channels].
        stride: for each spatial axis.
        channels: at least as many as `x` has.
    """
    taken = x[(slice(None), *(slice(None, None, s) for s in stride))]
    return jnp.pad(taken, [(0, 0)] * (x.ndim - 1) + [(0, channels - x.shape[-1])])


def reshape(x: jax.Array, shape: Sequence[int]) -> jax.Array:
    """The same numbers in row-major order, in another shape.

    Args:
        x: [batch, …].
        shape: of one example.
    """
    return x.reshape(x.shape[0], *shape)


def permute(x: jax.Array, axes: Sequence[int]) -> jax.Array:
    """The axes of each example in another order.

    Args:
        x: [batch, …].
        axes: for each axis of the result, which one of an example it was, from 0.
    """
    return x.transpose(0, *(1 + axis for axis in axes))


def pad(x: jax.Array, margins: Sequence[tuple[int, int]], mode: str) -> jax.Array:
    """More positions around.

    Args:
        x: [batch, …, channels].
        margins: how many before and after, for each spatial axis.
        mode: "zeros"; or as `jax.numpy.pad` calls them: "edge", "reflect", "wrap".
    """
    return jnp.pad(
        x, [(0, 0), *margins, (0, 0)], mode="constant" if mode == "zeros" else mode
    )


def crop(x: jax.Array, margins: Sequence[tuple[int, int]]) -> jax.Array:
    """Fewer positions around.

    Args:
        x: [batch, …, channels].
        margins: how many go before and after, for each spatial axis.
    """
    inner = (
        slice(before, n - after)
        for n, (before, after) in zip(x.shape[1:-1], margins, strict=True)
    )
    return x[(slice(None), *inner)]


def take(x: jax.Array, position: int, *, mask: jax.Array | None = None) -> jax.Array:
    """One position of the first axis of each example: [batch, length, …] to [batch, …].

    Args:
        position: from 0; or from the end, where -1 is the last.
        mask: [batch, length], true where there is no padding: what counts, and counts back from its end. A sequence too
            short for the position gives the nearest that it has.
    """
    if mask is None:
        return x[:, position]
    lengths = mask.sum(axis=1)
    wanted = jnp.clip(
        position if position >= 0 else lengths + position,
        0,
        jnp.maximum(lengths - 1, 0),
    )
    wanted = jnp.broadcast_to(wanted, lengths.shape).reshape(-1, *(1,) * (x.ndim - 1))
    return jnp.take_along_axis(x, wanted, axis=1)[:, 0]
