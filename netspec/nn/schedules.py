"""Functions of the step that Optax lacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

__all__ = ["hyperbolic", "scaled", "steps"]

Schedule = Callable[[Any], Any]


def scaled(rate: float, factor: Schedule) -> Schedule:
    """A number times a factor that changes."""
    return lambda step: rate * factor(step)


def hyperbolic(rate: float, every: int) -> Schedule:
    """1 / (1 + rate · step / every)."""
    return lambda step: 1.0 / (1.0 + rate * step / every)


def steps(factor: float, times: Sequence[int]) -> Schedule:
    """`factor` to the power of how many of the times have come."""
    return lambda step: factor ** jnp.sum(jnp.asarray(step) >= jnp.asarray(times))
