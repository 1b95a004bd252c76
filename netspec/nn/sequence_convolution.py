"""Convolution over sequences of different lengths."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

__all__ = ["SequenceConv"]


class SequenceConv(nnx.Conv):
    """A convolution over [length, channels] that reads zeros beyond the end of a sequence, whatever padding is there.

    So a sequence gives the same whether it is padded or not.
    """

    def __call__(self, x: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:  # type: ignore[override]
        """[batch, length, in] to [batch, length, out].

        Args:
            mask: [batch, length], true where there is no padding.
        """
        return super().__call__(x if mask is None else jnp.where(mask[..., None], x, 0))
