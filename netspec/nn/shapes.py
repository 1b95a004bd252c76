"""Functions that only move numbers."""

from __future__ import annotations

import jax
import jax.numpy as jnp

__all__ = ["flatten", "subsample"]


def flatten(x: jax.Array) -> jax.Array:
    """All axes but the batch in one, in row-major order."""
    return x.reshape(x.shape[0], -1)


def subsample(x: jax.Array, stride: tuple[int, ...], channels: int) -> jax.Array:
    """Every so manieth position of each spatial axis, and zeros up to so many channels (He et al., 2015, option A).

    Args:
        x: [batch, …, channels].
        stride: for each spatial axis.
        channels: at least as many as `x` has.
    """
    taken = x[(slice(None), *(slice(None, None, s) for s in stride))]
    return jnp.pad(taken, [(0, 0)] * (x.ndim - 1) + [(0, channels - x.shape[-1])])
