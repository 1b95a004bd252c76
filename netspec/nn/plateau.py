"""A factor on the updates that falls when a metric has stopped getting better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

__all__ = ["PlateauState", "factor_of", "observer", "plateau"]


class PlateauState(NamedTuple):
    """What there is to remember.

    Args:
        scale: the factor.
        best: the lowest value of the metric so far.
        waited: evaluations in a row that were no better.
        resting: evaluations that are not counted yet.
    """

    scale: jax.Array
    best: jax.Array
    waited: jax.Array
    resting: jax.Array


def plateau() -> optax.GradientTransformationExtraArgs:
    """Updates times the factor; nothing but what `observer` makes changes that."""

    def init(parameters: Any) -> PlateauState:
        one, none = jnp.ones(()), jnp.zeros((), jnp.int32)
        return PlateauState(one, jnp.full_like(one, jnp.inf), none, none)

    def update(
        updates: Any, state: PlateauState, parameters: Any = None, **extra: Any
    ) -> tuple[Any, PlateauState]:
        return jax.tree.map(lambda u: (state.scale * u).astype(u.dtype), updates), state

    return optax.GradientTransformationExtraArgs(init, update)


def factor_of(state: Any) -> jax.Array:
    """The factor that an optimizer's whole state holds; 1 where it has none."""
    found = [p for p in jax.tree.leaves(state, is_leaf=_is_one) if _is_one(p)]
    return found[0].scale if found else jnp.ones(())


def _is_one(part: Any) -> bool:
    return isinstance(part, PlateauState)


def observer(
    factor: float,
    patience: int,
    *,
    cooldown: int = 0,
    threshold: float = 1e-4,
    least: float = 0.0,
) -> Callable[[Any, Any], Any]:
    """A function of an optimizer's whole state and a metric, lower is better, that gives the state after.

    Args:
        factor: what the scale is multiplied by.
        patience: after how many values in a row that were no better.
        cooldown: how many values after that are not counted.
        threshold: by what share of itself the best value must be beaten.
        least: the scale is never below.
    """

    def seen(state: PlateauState, value: Any) -> PlateauState:
        # Whichever sign the metric has; nothing is a share of infinity.
        margin = jnp.where(
            jnp.isfinite(state.best), threshold * jnp.abs(state.best), 0.0
        )
        better = value < state.best - margin
        waited = jnp.where(better | (state.resting > 0), 0, state.waited + 1)
        falls = waited >= patience
        return PlateauState(
            scale=jnp.where(
                falls, jnp.maximum(state.scale * factor, least), state.scale
            ),
            best=jnp.where(better, value, state.best).astype(state.best.dtype),
            waited=jnp.where(falls, 0, waited),
            resting=jnp.where(falls, cooldown, jnp.maximum(state.resting - 1, 0)),
        )

    def observe(state: Any, value: Any) -> Any:
        return jax.tree.map(
            lambda part: seen(part, value) if _is_one(part) else part,
            state,
            is_leaf=_is_one,
        )

    return observe
