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
        self.bias = nnx.Param(
            nnx.initializers.zeros(rngs.params(), (out_features,), jnp.float32)
        )

    def __call__(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """[..., in] to [..., out]."""
        return tied(x, kernel) + self.bias[...]


def tied(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """[..., in] to [..., out]: x Wᵀ, with the W [out, in] of another layer."""
    # One product of rows: XLA's CPU backend is slow with the gradients of a batch of products.
    return (x.reshape(-1, x.shape[-1]) @ kernel.T).reshape(*x.shape[:-1], -1)


def unembed(x: jax.Array, embedding: jax.Array) -> jax.Array:
    """[..., width] to one logit for each vector of the embedding [vocabulary, width]."""
    return tied(x, embedding)
