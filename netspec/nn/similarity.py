"""Losses of embeddings: near for what is alike, far for what is not. Functions that give one number an example [batch].

Distances are Euclidean.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

__all__ = [
    "anchors",
    "contrastive",
    "contrastive_in_batch",
    "distance",
    "paired",
    "triplet",
    "triplet_in_batch",
]


def distance(left: jax.Array, right: jax.Array) -> jax.Array:
    """‖left - right‖ along the last axis; where it is 0, the gradient is 0, too."""
    squared = jnp.sum(jnp.square(left - right), axis=-1)
    apart = squared > 0.0
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, squared, 1.0)), 0.0)


def anchors(targets: jax.Array) -> jax.Array:
    """Which examples have another one of their class in the batch, and one of another class, [batch]."""
    alike, other = _pairs(targets)
    return alike.any(axis=1) & other.any(axis=1)


def paired(targets: jax.Array) -> jax.Array:
    """Which examples have any other in the batch, [batch]."""
    alike, other = _pairs(targets)
    return (alike | other).any(axis=1)


def triplet(
    anchor: jax.Array, positive: jax.Array, negative: jax.Array, *, margin: float = 1.0
) -> jax.Array:
    """max(0, ‖a - p‖ - ‖a - n‖ + margin); each [batch, width]."""
    return jnp.maximum(
        0.0, distance(anchor, positive) - distance(anchor, negative) + margin
    )


def triplet_in_batch(
    embeddings: jax.Array,
    targets: jax.Array,
    *,
    margin: float = 1.0,
    hardest: bool = False,
) -> jax.Array:
    """The triplet loss of each example as anchor, with positives and negatives from the same batch.

    Args:
        embeddings: [batch, width].
        targets: class indices, [batch]; one below 0 is in no triplet.
        hardest: take the farthest positive and the nearest negative, instead of the mean over all triplets.

    Returns:
        [batch]; 0 where an anchor is in no triplet.
    """
    apart = distance(embeddings[:, None], embeddings[None])
    alike, other = _pairs(targets)
    some = alike.any(axis=1) & other.any(axis=1)
    if hardest:
        farthest = jnp.max(jnp.where(alike, apart, -jnp.inf), axis=1, initial=-jnp.inf)
        nearest = jnp.min(jnp.where(other, apart, jnp.inf), axis=1, initial=jnp.inf)
        return jnp.maximum(0.0, jnp.where(some, farthest - nearest + margin, 0.0))

    def of_anchor(anchor: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        apart, alike, other = anchor
        each = jnp.maximum(0.0, apart[:, None] - apart[None, :] + margin)
        counts = alike[:, None] & other[None, :]
        return jnp.sum(jnp.where(counts, each, 0.0)) / jnp.maximum(jnp.sum(counts), 1)

    # All triplets at once would be batch³ numbers, kept for the gradient.
    return jax.lax.map(jax.checkpoint(of_anchor), (apart, alike, other))


def contrastive(
    left: jax.Array, right: jax.Array, targets: jax.Array, *, margin: float = 1.0
) -> jax.Array:
    """D² / 2 for pairs that are alike, max(0, margin - D)² / 2 for others, D = ‖left - right‖.

    Args:
        left, right: [batch, width].
        targets: 1 for pairs that are alike, 0 for others, [batch, 1].
    """
    return _contrast(distance(left, right), targets[..., 0] > 0.5, margin)


def contrastive_in_batch(
    embeddings: jax.Array, targets: jax.Array, *, margin: float = 1.0
) -> jax.Array:
    """The contrastive loss of each example, the mean over its pairs with all others of the batch.

    Args:
        embeddings: [batch, width].
        targets: class indices, [batch]; one below 0 is in no pair.
    """
    alike, other = _pairs(targets)
    counts = alike | other
    each = _contrast(distance(embeddings[:, None], embeddings[None]), alike, margin)
    return jnp.sum(jnp.where(counts, each, 0.0), axis=1) / jnp.maximum(
        jnp.sum(counts, axis=1), 1
    )


def _contrast(apart: jax.Array, alike: jax.Array, margin: float) -> jax.Array:
    return 0.5 * jnp.square(jnp.where(alike, apart, jnp.maximum(0.0, margin - apart)))


def _pairs(targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Which two examples are of one class, themselves left out, and which are of two; [batch, batch] each."""
    known = (targets[:, None] >= 0) & (targets[None] >= 0)
    same = targets[:, None] == targets[None]
    return known & same & ~jnp.eye(len(targets), dtype=bool), known & ~same
