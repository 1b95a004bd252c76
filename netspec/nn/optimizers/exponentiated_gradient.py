"""The exponentiated gradient: weights are multiplied, and not added to."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

__all__ = ["exponentiated_gradient"]


class PartsState(NamedTuple):
    """Steps made."""

    count: Any


def exponentiated_gradient(
    learning_rate: optax.ScalarOrSchedule, beta: float = 0.1
) -> optax.GradientTransformationExtraArgs:
    """A weight is the difference of two positive parts, and each part is multiplied by a power of the gradient g.

        w = p − q,    p ← p exp(−learning_rate · g),    q ← q exp(learning_rate · g)

    Parts are not scaled to a constant sum (the form that is called EGU±). Their product stays as it is, and `beta` is
    the root of it: p and q of a weight of 0. So the weight alone tells both, and

        w ← 2 beta sinh(arcsinh(w / 2 beta) − learning_rate · g).

    With beta = 0 there is one part only: w ← w exp(∓ learning_rate · g), a weight keeps its sign, and 0 stays 0. Under
    the perceptron loss, with all weights positive at first, that is Winnow.

    Args:
        learning_rate: of the exponent.
        beta: the two parts of a weight of 0; from 0. The larger, the nearer to plain descent at 2 beta times the rate.

    References:
        Kivinen and Warmuth, `Exponentiated Gradient versus Gradient Descent for Linear Predictors
        <https://doi.org/10.1006/inco.1996.2612>`_, 1997

        Littlestone, Learning Quickly When Irrelevant Attributes Abound: A New Linear-Threshold Algorithm, 1988
    """

    def init(parameters: Any) -> PartsState:
        return PartsState(jnp.zeros([], jnp.int32))

    def update(
        updates: Any, state: PartsState, parameters: Any = None, **_: Any
    ) -> tuple[Any, PartsState]:
        rate = learning_rate(state.count) if callable(learning_rate) else learning_rate
        steps = jax.tree.map(
            lambda w, g: _step(w, rate * g, beta).astype(w.dtype), parameters, updates
        )
        return steps, PartsState(optax.safe_increment(state.count))

    return optax.GradientTransformationExtraArgs(init, update)


def _step(w: Any, exponent: Any, beta: Any) -> Any:
    """What is added to a weight whose parts are multiplied by exp(∓ exponent)."""
    # p − q with p = (√(w² + 4 beta²) + w) / 2, and q likewise: the difference to w, without cancellation.
    root = jnp.sqrt(w * w + 4.0 * beta * beta)
    p, q = 0.5 * (root + w), 0.5 * (root - w)
    return p * jnp.expm1(-exponent) - q * jnp.expm1(exponent)
