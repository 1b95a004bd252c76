"""Newton's method, and the form of it that leaves saddles: for networks of a few thousand parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

__all__ = ["MOST_PARAMETERS", "newton", "saddle_free_newton"]

MOST_PARAMETERS = 4096
"""Parameters, at the most: the Hessian is a matrix of that many rows, and its eigenvalues take the cube of it."""


class NewtonState(NamedTuple):
    """Steps made."""

    count: Any


def newton(
    learning_rate: optax.ScalarOrSchedule = 1.0, damping: float = 1e-4
) -> optax.GradientTransformationExtraArgs:
    """To where the gradient of the quadratic that fits the loss here is 0: its minimum, its maximum or its saddle.

        w ← w − learning_rate · (H + damping · I)⁻¹ g

    with g the gradient and H the Hessian of the batch's loss. Along eigenvectors whose eigenvalue, damped, is 0 to
    rounding, nothing moves. Where the loss curves down the step leads up: it is drawn to saddles.

    Args:
        learning_rate: 1 is the whole step.
        damping: what is added to the eigenvalues, from 0.

    References:
        Nocedal and Wright, Numerical Optimization, chapter 3.3, 2006
    """
    return _second_order(learning_rate, lambda eigenvalues: eigenvalues + damping)


def saddle_free_newton(
    learning_rate: optax.ScalarOrSchedule = 1.0, damping: float = 1e-4
) -> optax.GradientTransformationExtraArgs:
    """Newton's method with the absolute values of the Hessian's eigenvalues: where the loss curves down, it is left.

        w ← w − learning_rate · (|H| + damping · I)⁻¹ g,    |H| = V |Λ| Vᵀ of H = V Λ Vᵀ

    Args:
        learning_rate: 1 is the whole step.
        damping: what is added to the absolute eigenvalues, from 0.

    References:
        Dauphin et al., `Identifying and attacking the saddle point problem in high-dimensional non-convex optimization
        <https://arxiv.org/abs/1406.2572>`_, 2014
    """
    return _second_order(
        learning_rate, lambda eigenvalues: jnp.abs(eigenvalues) + damping
    )


def _second_order(
    learning_rate: optax.ScalarOrSchedule, curvature: Callable[[Any], Any]
) -> optax.GradientTransformationExtraArgs:
    def init(parameters: Any) -> NewtonState:
        return NewtonState(jnp.zeros([], jnp.int32))

    def update(
        updates: Any,
        state: NewtonState,
        parameters: Any = None,
        *,
        value_fn: Callable[[Any], Any],
        **_: Any,
    ) -> tuple[Any, NewtonState]:
        rate = learning_rate(state.count) if callable(learning_rate) else learning_rate
        flat, unravel = ravel_pytree(parameters)
        if flat.size > MOST_PARAMETERS:
            raise ValueError(
                f"takes at most {MOST_PARAMETERS:,} parameters, and there are {flat.size:,}"
            )
        hessian = jax.hessian(lambda vector: value_fn(unravel(vector)))(flat)
        step = _solved(hessian, ravel_pytree(updates)[0], curvature)
        return unravel((-rate * step).astype(flat.dtype)), NewtonState(
            optax.safe_increment(state.count)
        )

    return optax.GradientTransformationExtraArgs(init, update)


def _solved(hessian: Any, gradient: Any, curvature: Callable[[Any], Any]) -> Any:
    """The gradient divided by the curvature along each eigenvector; 0 where that is 0 to rounding."""
    eigenvalues, vectors = jnp.linalg.eigh(hessian)
    divisors = curvature(eigenvalues)
    least = (
        divisors.size
        * float(np.finfo(hessian.dtype).eps)
        * jnp.max(jnp.abs(eigenvalues))
    )
    solid = jnp.abs(divisors) > least
    return vectors @ (
        jnp.where(solid, vectors.T @ gradient, 0.0) / jnp.where(solid, divisors, 1.0)
    )
