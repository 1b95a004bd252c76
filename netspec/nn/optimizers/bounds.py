"""Adam whose rates are bounded from both sides, and go from Adam's to those of plain descent."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

__all__ = ["adabound", "amsbound"]


class BoundedState(NamedTuple):
    """Steps made, the moments of the gradient, and the largest second moment so far."""

    count: Any
    mean: Any
    square: Any
    largest: Any


def adabound(
    learning_rate: optax.ScalarOrSchedule,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    final_learning_rate: optax.ScalarOrSchedule = 0.1,
    gamma: float = 1e-3,
) -> optax.GradientTransformationExtraArgs:
    """Adam whose rate of each weight is clipped to bounds that close in on one rate.

    With m and v the moments of Adam, corrected for their beginning at 0,

        w ← w − clip(learning_rate / (√v + eps), low, high) · m,

    where low = f (1 − 1 / (gamma t + 1)) and high = f (1 + 1 / (gamma t)) at step t, and f the final rate: as the
    authors' own code has it, without the factor 1 / √t of their theorem.

    Args:
        learning_rate: Adam's, at first.
        b1: decay of the mean of the gradient.
        b2: decay of the mean of its square.
        eps: added to the root, so that it is never 0.
        final_learning_rate: the rate of plain descent that all weights come to.
        gamma: how fast the bounds close in, above 0.

    References:
        Luo et al., `Adaptive Gradient Methods with Dynamic Bound of Learning Rate <https://arxiv.org/abs/1902.09843>`_,
        2019
    """
    return _bounded(learning_rate, b1, b2, eps, final_learning_rate, gamma, False)


def amsbound(
    learning_rate: optax.ScalarOrSchedule,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    final_learning_rate: optax.ScalarOrSchedule = 0.1,
    gamma: float = 1e-3,
) -> optax.GradientTransformationExtraArgs:
    """AdaBound with the largest second moment so far in the place of the last, as AMSGrad has it.

    Args:
        learning_rate: Adam's, at first.
        b1: decay of the mean of the gradient.
        b2: decay of the mean of its square.
        eps: added to the root, so that it is never 0.
        final_learning_rate: the rate of plain descent that all weights come to.
        gamma: how fast the bounds close in, above 0.

    References:
        Luo et al., `Adaptive Gradient Methods with Dynamic Bound of Learning Rate <https://arxiv.org/abs/1902.09843>`_,
        2019
    """
    return _bounded(learning_rate, b1, b2, eps, final_learning_rate, gamma, True)


def _bounded(
    learning_rate: optax.ScalarOrSchedule,
    b1: float,
    b2: float,
    eps: float,
    final_learning_rate: optax.ScalarOrSchedule,
    gamma: float,
    largest: bool,
) -> optax.GradientTransformationExtraArgs:
    def init(parameters: Any) -> BoundedState:
        mean, square, most = (optax.tree.zeros_like(parameters) for _ in range(3))
        return BoundedState(
            jnp.zeros([], jnp.int32), mean, square, most if largest else ()
        )

    def update(
        updates: Any, state: BoundedState, parameters: Any = None, **_: Any
    ) -> tuple[Any, BoundedState]:
        rate, final = (
            _at(learning_rate, state.count),
            _at(final_learning_rate, state.count),
        )
        t = optax.safe_increment(state.count)
        mean = optax.tree.update_moment(updates, state.mean, b1, 1)
        square = optax.tree.update_moment_per_elem_norm(updates, state.square, b2, 2)
        most = jax.tree.map(jnp.maximum, state.largest, square) if largest else ()
        first = rate * jnp.sqrt(1 - b2**t) / (1 - b1**t)
        low, high = final * (1 - 1 / (gamma * t + 1)), final * (1 + 1 / (gamma * t))
        steps = jax.tree.map(
            lambda m, v: (
                -(jnp.clip(first / (jnp.sqrt(v) + eps), low, high) * m).astype(m.dtype)
            ),
            mean,
            most if largest else square,
        )
        return steps, BoundedState(t, mean, square, most)

    return optax.GradientTransformationExtraArgs(init, update)


def _at(rate: Any, step: Any) -> Any:
    return rate(step) if callable(rate) else rate
