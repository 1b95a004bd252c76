"""Labels of a sequence without their places: the loss over all alignments, and how wrong the best path is."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

__all__ = ["ctc", "label_errors"]


def ctc(
    logits: jax.Array, targets: jax.Array, frames: jax.Array | None = None
) -> jax.Array:
    """-log of the probability of all paths that come to the labels, blanks and repetitions left out.

    Args:
        logits: [batch, frames, classes + 1], the last one the blank.
        targets: class indices, [batch, length], -1 after the last.
        frames: [batch, frames], true where a frame counts; all do unless it is given.

    References:
        Graves et al., 2006, Connectionist temporal classification.
    """
    counts = jnp.ones(logits.shape[:2], bool) if frames is None else frames
    ends = (targets < 0).astype(logits.dtype)
    absent = (~counts).astype(logits.dtype)
    return optax.ctc_loss(
        logits, absent, jnp.maximum(targets, 0), ends, blank_id=logits.shape[-1] - 1
    )


def label_errors(
    logits: jax.Array, targets: jax.Array, frames: jax.Array | None = None
) -> jax.Array:
    """Insertions, deletions and substitutions from the labels of the best path to the targets, for each label of these.

    Args:
        logits, targets, frames: as of `ctc`.

    Returns:
        [batch].
    """
    counts = jnp.ones(logits.shape[:2], bool) if frames is None else frames
    path = jnp.where(counts, jnp.argmax(logits, axis=-1), logits.shape[-1] - 1)
    before = jnp.pad(path[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    said = jnp.where((path != before) & (path != logits.shape[-1] - 1), path, -1)
    return jax.vmap(_distance)(said, targets) / jnp.maximum(
        jnp.sum(targets >= 0, axis=-1), 1
    )


def _distance(said: jax.Array, targets: jax.Array) -> jax.Array:
    """Levenshtein's distance between two rows of labels; one below 0 is none, and stands at the end of the targets."""
    places = jnp.arange(len(targets) + 1)

    def after(row: jax.Array, label: jax.Array) -> tuple[jax.Array, None]:
        changed = row[:-1] + (targets != label)
        best = jnp.minimum(row + 1, jnp.concatenate([row[:1] + 1, changed]))
        best = (
            jax.lax.cummin(best - places) + places
        )  # insertions: each is one more than the place before
        return jnp.where(label < 0, row, best), None

    row, _ = jax.lax.scan(after, places, said)
    return row[jnp.sum(targets >= 0)].astype(jnp.float32)
