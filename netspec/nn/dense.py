"""Matrix products with another layer's parameters."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

__all__ = ["TiedLinear", "tied", "unembed"]


class TiedLinear(nnx.Module):
    """y = x Wᵀ + b, with the W [out, in] of another layer.

    Args:
        out_features: the width of the result.
    """

    def __init__(self, out_features: int, *, rngs: nnx.Rngs) -> None:
        self.bias = nnx.Param(nnx.initializers.zeros(rngs.params(), (out_features,), jnp.float32))

    def __call__(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """[..., in] to [..., out]."""
        return x @ kernel.T + self.bias[...]


def tied(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Y = x Wᵀ, with the W [out, in] of another layer."""
    return x @ kernel.T


def unembed(x: jax.Array, embedding: jax.Array) -> jax.Array:
    """[..., width] to one logit for each vector of the embedding [vocabulary, width]."""
    return x @ embedding.T
