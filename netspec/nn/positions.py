"""What tells a sequence's positions apart: vectors that are added, put before, or turned."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

__all__ = ["Positions", "Tokens", "rotated", "sinusoidal"]


class Positions(nnx.Module):
    """y_t = x_t + p_t, with a learned vector p_t for each position (Gehring et al., 2017).

    Args:
        length: how many positions there are vectors for.
        features: channels.
        embedding_init: how p [length, features] begins: normal, with the deviation of GPT-2, unless said otherwise.
    """

    def __init__(
        self, length: int, features: int, *, embedding_init: Any = None, rngs: nnx.Rngs
    ) -> None:
        drawn = embedding_init or jax.nn.initializers.normal(0.02)
        self.embedding = nnx.Param(
            drawn(rngs.params(), (length, features), jnp.float32)
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """[batch, up to length, features], of the same shape after."""
        return x + self.embedding[...][: x.shape[1]]


class Tokens(nnx.Module):
    """Learned vectors before a sequence, such as BERT's and ViT's class token (Devlin et al., 2019).

    Args:
        tokens: how many.
        features: channels.
        embedding_init: how they [tokens, features] begin: normal, with the deviation of BERT, unless said otherwise.
    """

    def __init__(
        self, tokens: int, features: int, *, embedding_init: Any = None, rngs: nnx.Rngs
    ) -> None:
        drawn = embedding_init or jax.nn.initializers.normal(0.02)
        self.embedding = nnx.Param(
            drawn(rngs.params(), (tokens, features), jnp.float32)
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """[batch, length, features] to [batch, tokens + length, features]."""
        tokens = self.embedding[...].astype(x.dtype)
        return jnp.concatenate(
            [jnp.broadcast_to(tokens, (x.shape[0], *tokens.shape)), x], axis=1
        )


def sinusoidal(x: jax.Array) -> jax.Array:
    """Add to channels 2i and 2i + 1 of position t the sine and the cosine of t / 10000^(2i / channels) (Vaswani et al.,
    2017): [batch, length, channels], of the same shape after.
    """
    length, channels = x.shape[1:]
    turns = angles(length, channels + channels % 2, 10_000.0)
    waves = jnp.stack([jnp.sin(turns), jnp.cos(turns)], axis=-1).reshape(length, -1)
    return x + waves[:, :channels].astype(x.dtype)


def rotated(x: jax.Array, base: float) -> jax.Array:
    """Turn channels i and i + width / 2 of position t, as a point in the plane, by t / base^(2i / width) (Su et al.,
    2021), so that an inner product of two positions knows how far apart they are.

    Args:
        x: [..., length, width], of queries or keys; width even. The pairs are those of LLaMA and GPT-NeoX.
        base: above 0.
    """
    turns = angles(x.shape[-2], x.shape[-1], base)
    cosine, sine = jnp.cos(turns).astype(x.dtype), jnp.sin(turns).astype(x.dtype)
    a, b = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([a * cosine - b * sine, b * cosine + a * sine], axis=-1)


def angles(length: int, width: int, base: float) -> jax.Array:
    """T / base^(2i / width) for each position t and pair of channels i: [length, width / 2]."""
    frequencies = base ** (-jnp.arange(0, width, 2, dtype=jnp.float32) / width)
    return jnp.arange(length, dtype=jnp.float32)[:, None] * frequencies
