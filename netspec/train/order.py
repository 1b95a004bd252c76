"""In which order examples are drawn: from the seed and the epoch alone, so that a resumed training goes on exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Order", "make_order"]

Order = Callable[[Any, Any], Any]
"""(key, epoch) to indices of examples, in the order in which the epoch's batches take them."""

_BOOTSTRAP = 2**31 - 1
"""Folded into the key of the examples that a learner has; no epoch has this number."""


def make_order(
    examples: int,
    draw: str = "without_replacement",
    classes: np.ndarray[Any, Any] | None = None,
    *,
    bootstrap: bool = False,
    abreast: bool = False,
) -> Order:
    """The function that gives the order of an epoch's examples.

    Args:
        examples: how many there are.
        draw: as `[train]` has it.
        classes: of each example, from 0; needed to draw balanced batches.
        bootstrap: whether the examples are first drawn with replacement, once for all epochs.
        abreast: whether keys come several at once, each with its own order.
    """
    drawn = _balanced(classes) if draw == "balanced" and classes is not None else _DRAWS[draw]

    def order(key: Any, epoch: Any) -> Any:
        chosen = drawn(key, epoch, examples)
        if bootstrap:
            own = jax.random.randint(jax.random.fold_in(key, _BOOTSTRAP), (examples,), 0, examples)
            chosen = own[chosen]
        return chosen.astype(jnp.int32)

    return jax.jit(jax.vmap(order, in_axes=(0, None)) if abreast else order)


def _shuffled(key: Any, epoch: Any, examples: int) -> Any:
    return jax.random.permutation(jax.random.fold_in(key, epoch), examples)


def _replaced(key: Any, epoch: Any, examples: int) -> Any:
    return jax.random.randint(jax.random.fold_in(key, epoch), (examples,), 0, examples)


_DRAWS: dict[str, Callable[[Any, Any, int], Any]] = {
    "without_replacement": _shuffled,
    "with_replacement": _replaced,
    "shuffled_once": lambda key, epoch, examples: _shuffled(key, 0, examples),
    "in_order": lambda key, epoch, examples: jnp.arange(examples),
}


def _balanced(classes: np.ndarray[Any, Any]) -> Callable[[Any, Any, int], Any]:
    """Classes in turn, in a new order each round, so that no class is more than one ahead in any batch's worth of
    rounds; of each class an example, drawn with replacement.
    """
    present = np.unique(classes)
    by_class = np.argsort(classes, kind="stable")
    starts = np.searchsorted(classes[by_class], present)
    sizes = np.diff([*starts, len(classes)])

    def order(key: Any, epoch: Any, examples: int) -> Any:
        turns, which = jax.random.split(jax.random.fold_in(key, epoch))
        rounds = -(-examples // len(present))
        one = jnp.argsort(jax.random.uniform(turns, (rounds, len(present))), axis=-1).reshape(-1)[:examples]
        place = jax.random.uniform(which, (examples,)) * jnp.asarray(sizes)[one]
        place = jnp.minimum(place.astype(jnp.int32), jnp.asarray(sizes)[one] - 1)
        return jnp.asarray(by_class)[jnp.asarray(starts)[one] + place]

    return order
