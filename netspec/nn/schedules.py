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


def half_cosine(first: float, last: float, over: int, after: int = 0) -> Schedule:
    """From first to last along half a cosine, in `over` steps; `first` for `after` steps before."""
    return lambda step: last + (first - last) * 0.5 * (1.0 + jnp.cos(jnp.pi * _share(step, over, after)))


def geometric(first: float, last: float, over: int, after: int = 0) -> Schedule:
    """From first to last by one factor a step, in `over` steps; `first` for `after` steps before."""
    return lambda step: first * (last / first) ** _share(step, over, after)


def levels(values: Sequence[float], times: Sequence[int]) -> Schedule:
    """The first value, and each of the others from its time on."""
    return lambda step: jnp.asarray(values)[jnp.sum(jnp.asarray(step) >= jnp.asarray(times))]


def triangles(first: float, other: float, every: int) -> Schedule:
    """From the first number to the other and back in `every` steps, in lines, again and again."""
    return lambda step: first + (other - first) * (1.0 - jnp.abs(2.0 * (jnp.asarray(step) % every) / every - 1.0))


def _share(step: Any, over: int, after: int) -> Any:
    return jnp.clip((jnp.asarray(step) - after) / over, 0.0, 1.0)
