"""Activation functions."""

from __future__ import annotations

import jax
import jax.numpy as jnp

__all__ = ["gaussian", "glu", "maxout", "step", "swiglu"]


def step(x: jax.Array) -> jax.Array:
    """1 from 0 upwards, 0 below. Its gradient is 0 everywhere."""
    return (x >= 0).astype(x.dtype)


def gaussian(x: jax.Array) -> jax.Array:
    """exp(-x²)."""
    return jnp.exp(-jnp.square(x))


def maxout(x: jax.Array, pieces: int) -> jax.Array:
    """The largest of every so many neighbouring channels (Goodfellow et al., 2013).

    Args:
        x: [..., units * pieces], to [..., units].
        pieces: how many.
    """
    if x.shape[-1] % pieces:
        raise ValueError(f"{x.shape[-1]} channels do not part into pieces of {pieces}")
    return x.reshape(*x.shape[:-1], -1, pieces).max(axis=-1)


def glu(x: jax.Array) -> jax.Array:
    """The first half of the channels times σ of the second (Dauphin et al., 2017): [..., 2n] to [..., n]."""
    a, gate = halves(x)
    return a * jax.nn.sigmoid(gate)


def swiglu(x: jax.Array) -> jax.Array:
    """The first half of the channels times `silu` of the second (Shazeer, 2020): [..., 2n] to [..., n]."""
    a, gate = halves(x)
    return a * jax.nn.silu(gate)


def halves(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The first half of the channels, and the second."""
    if x.shape[-1] % 2:
        raise ValueError(f"{x.shape[-1]} channels have no two halves")
    half = x.shape[-1] // 2
    return x[..., :half], x[..., half:]
