"""Lookahead, whose slow parameters are hidden in its state: the trainer knows one set of parameters."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

__all__ = ["SlowState", "lookahead"]


class SlowState(NamedTuple):
    """The slow parameters, and the state of Optax's own."""

    slow: Any
    inner: Any


def lookahead(
    fast_optimizer: optax.GradientTransformation,
    sync_period: int,
    slow_step_size: float,
    reset_state: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Slow parameters follow fast ones, and those begin anew from them after every few steps.

    After every `sync_period` steps: slow ← slow + slow_step_size · (fast − slow), fast ← slow. The slow ones are
    evaluated and kept.

    Args:
        fast_optimizer: makes the steps.
        sync_period: steps between.
        slow_step_size: how far the slow ones go towards the fast, from 0 to 1.
        reset_state: whether the fast optimizer forgets what it remembers when they meet.

    References:
        Zhang et al., `Lookahead Optimizer: k steps forward, 1 step back <https://arxiv.org/abs/1907.08610>`_, 2019
    """
    inside = optax.with_extra_args_support(fast_optimizer)

    def with_keywords(keywords: dict[str, Any]) -> optax.GradientTransformation:
        def update(updates: Any, state: Any, parameters: Any = None) -> Any:
            return inside.update(updates, state, parameters, **keywords)

        fast = optax.GradientTransformation(inside.init, update)
        return optax.lookahead(fast, sync_period, slow_step_size, reset_state)

    def init(parameters: Any) -> SlowState:
        # A copy, since the trainer gives its own parameters away at each step.
        slow = jax.tree.map(jnp.copy, parameters)
        return SlowState(
            slow, with_keywords({}).init(optax.LookaheadParams(parameters, slow))
        )

    def update(
        updates: Any, state: SlowState, parameters: Any = None, **keywords: Any
    ) -> tuple[Any, SlowState]:
        pair = optax.LookaheadParams(parameters, state.slow)
        steps, inner = with_keywords(keywords).update(updates, state.inner, pair)
        return steps.fast, SlowState(optax.apply_updates(state.slow, steps.slow), inner)

    return optax.GradientTransformationExtraArgs(init, update)
