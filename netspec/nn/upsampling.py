"""More positions from fewer."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

__all__ = ["bilinear", "nearest"]


def nearest(x: jax.Array, factors: Sequence[int]) -> jax.Array:
    """Every position f times in a row: [batch, n, …, channels] to [batch, f n, …, channels].

    Args:
        factors: f for each spatial axis.
    """
    apart = [part for n in x.shape[1:-1] for part in (n, 1)]
    repeated = [
        part for n, f in zip(x.shape[1:-1], factors, strict=True) for part in (n, f)
    ]
    batch, channels = x.shape[0], x.shape[-1]
    many = jnp.broadcast_to(
        x.reshape(batch, *apart, channels), (batch, *repeated, channels)
    )
    return many.reshape(
        batch, *(n * f for n, f in zip(x.shape[1:-1], factors, strict=True)), channels
    )


def bilinear(x: jax.Array, factors: Sequence[int]) -> jax.Array:
    """Linear along each spatial axis between the middles of the positions; level beyond the outermost ones.

    Position i of the result stands at (i + 1/2) / f - 1/2 of the input.

    Args:
        x: [batch, n, …, channels], to [batch, f n, …, channels].
        factors: f for each spatial axis.
    """
    sizes = (n * f for n, f in zip(x.shape[1:-1], factors, strict=True))
    return jax.image.resize(x, (x.shape[0], *sizes, x.shape[-1]), "linear")
