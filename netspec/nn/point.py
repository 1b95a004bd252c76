"""A point as a module: numbers that are learned, whatever the input."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

__all__ = ["Point"]


class Point(nnx.Module):
    """y = w, for each example of a batch.

    Args:
        start: where w begins.
    """

    def __init__(self, start: Sequence[float], *, rngs: nnx.Rngs) -> None:
        self.coordinates = nnx.Param(jnp.asarray(start, jnp.result_type(float)))

    def __call__(self, x: jax.Array) -> jax.Array:
        """[batch, …] to [batch, dimensions]."""
        return jnp.broadcast_to(
            self.coordinates[...], (x.shape[0], *self.coordinates.shape)
        )
