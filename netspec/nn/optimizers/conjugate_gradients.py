"""Nonlinear conjugate gradients."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

__all__ = ["conjugate_gradients", "scale_by_conjugate_gradients"]


_LINE_SEARCH = optax.scale_by_zoom_linesearch(
    max_linesearch_steps=20, curv_rtol=0.1, initial_guess_strategy="keep"
)
"""Nearly exact, since a direction that follows one that was cut short may lead up."""


class ConjugateState(NamedTuple):
    """The gradient and the direction of the step before; zeros at first."""

    gradient: Any
    direction: Any


def conjugate_gradients(
    learning_rate: optax.ScalarOrSchedule | None = None,
    method: Literal[
        "polak_ribiere", "fletcher_reeves", "hestenes_stiefel"
    ] = "polak_ribiere",
    linesearch: optax.GradientTransformationExtraArgs | None = _LINE_SEARCH,
) -> optax.GradientTransformationExtraArgs:
    """Descent along directions that undo as little as they can of what the ones before them did.

    With g the gradient, and its value and the direction before marked by a dash,

        d = g + β d',    w ← w − α d,

    and α from a line search. Where d would lead up, or β is no number, d = g.

    Args:
        learning_rate: what the direction is multiplied by before the line search looks along it.
        method: Polak and Ribière's β = max(0, g·(g − g') / g'·g'), Fletcher and Reeves's g·g / g'·g', or Hestenes and
            Stiefel's g·(g − g') / d'·(g − g'), where d' leads down.
        linesearch: how far to go; "identity" for a constant rate.

    References:
        Nocedal and Wright, Numerical Optimization, chapter 5.2, 2006

        Fletcher and Reeves, Function minimization by conjugate gradients, 1964

        Polak and Ribière, Note sur la convergence de méthodes de directions conjuguées, 1969

        Hestenes and Stiefel, Methods of conjugate gradients for solving linear systems, 1952
    """
    scaling = (
        optax.scale(-1.0)
        if learning_rate is None
        else optax.scale_by_learning_rate(learning_rate)
    )
    return optax.chain(
        scale_by_conjugate_gradients(method),
        scaling,
        optax.identity() if linesearch is None else linesearch,
    )


def scale_by_conjugate_gradients(
    method: Literal[
        "polak_ribiere", "fletcher_reeves", "hestenes_stiefel"
    ] = "polak_ribiere",
) -> optax.GradientTransformation:
    """The gradient turned into a direction that is conjugate to the one before; see `conjugate_gradients`.

    Args:
        method: how much of the direction before is kept.
    """

    def init(parameters: Any) -> ConjugateState:
        return ConjugateState(
            optax.tree.zeros_like(parameters), optax.tree.zeros_like(parameters)
        )

    def update(
        updates: Any, state: ConjugateState, parameters: Any = None
    ) -> tuple[Any, ConjugateState]:
        g, before, last = updates, state.gradient, state.direction
        change = jax.tree.map(jnp.subtract, g, before)
        above, below = {
            "polak_ribiere": (_dot(g, change), _dot(before, before)),
            "fletcher_reeves": (_dot(g, g), _dot(before, before)),
            # Directions lead up here, and those of the paper down.
            "hestenes_stiefel": (_dot(g, change), -_dot(last, change)),
        }[method]
        beta = jnp.where(below == 0, 0.0, above / jnp.where(below == 0, 1.0, below))
        beta = jnp.maximum(beta, 0.0) if method == "polak_ribiere" else beta
        direction = jax.tree.map(lambda a, b: a + beta * b, g, last)
        falls = _dot(direction, g) > 0
        direction = jax.tree.map(lambda d, a: jnp.where(falls, d, a), direction, g)
        return direction, ConjugateState(g, direction)

    return optax.GradientTransformation(init, update)


def _dot(a: Any, b: Any) -> Any:
    return optax.tree.vdot(a, b)
