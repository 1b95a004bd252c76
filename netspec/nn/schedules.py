"""Functions of the step that Optax lacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

__all__ = [
    "cyclic",
    "geometric",
    "growing_restarts",
    "half_cosine",
    "hyperbolic",
    "interpolated",
    "inverse_sqrt",
    "levels",
    "restarts",
    "scaled",
    "steps",
    "triangles",
]

Schedule = Callable[[Any], Any]


def scaled(rate: float, factor: Schedule) -> Schedule:
    """A number times a factor that changes."""
    return lambda step: rate * factor(step)


# -- for good ----------------------------------------------------------------------------------------------------------


def hyperbolic(rate: float, every: int) -> Schedule:
    """1 / (1 + rate · step / every)."""
    return lambda step: 1.0 / (1.0 + rate * step / every)


def inverse_sqrt(timescale: int) -> Schedule:
    """√(timescale / (timescale + step))."""
    return lambda step: jnp.sqrt(timescale / (timescale + jnp.asarray(step)))


def steps(factor: float, times: Sequence[int]) -> Schedule:
    """`factor` to the power of how many of the times have come."""
    return lambda step: factor ** jnp.sum(jnp.asarray(step) >= jnp.asarray(times))


# -- from one number to the next ---------------------------------------------------------------------------------------


def half_cosine(first: float, last: float, over: int, after: int = 0) -> Schedule:
    """From first to last along half a cosine, in `over` steps; `first` for `after` steps before."""
    return lambda step: (
        last
        + (first - last) * 0.5 * (1.0 + jnp.cos(jnp.pi * _share(step, over, after)))
    )


def geometric(first: float, last: float, over: int, after: int = 0) -> Schedule:
    """From first to last by one factor a step, in `over` steps; `first` for `after` steps before."""
    return lambda step: first * (last / first) ** _share(step, over, after)


def _share(step: Any, over: int, after: int) -> Any:
    return jnp.clip((jnp.asarray(step) - after) / over, 0.0, 1.0)


def levels(values: Sequence[float], times: Sequence[int]) -> Schedule:
    """The first value, and each of the others from its time on."""
    return lambda step: jnp.asarray(values)[
        jnp.sum(jnp.asarray(step) >= jnp.asarray(times))
    ]


def interpolated(values: Sequence[float], times: Sequence[int], shape: str) -> Schedule:
    """The first value at step 0, each of the others at its time; between them "linear", "cosine" or "sqrt"."""
    shapes = {
        "linear": lambda t: t,
        "cosine": lambda t: 0.5 * (1.0 - jnp.cos(jnp.pi * t)),
        "sqrt": jnp.sqrt,
    }

    def at(step: Any) -> Any:
        ends, numbers = jnp.asarray((0, *times)), jnp.asarray(values)
        i = jnp.clip(jnp.sum(jnp.asarray(step) >= ends) - 1, 0, len(times) - 1)
        t = jnp.clip((step - ends[i]) / jnp.maximum(ends[i + 1] - ends[i], 1), 0.0, 1.0)
        share = shapes[shape](t)
        return (1.0 - share) * numbers[i] + share * numbers[i + 1]

    return at


# -- again and again ---------------------------------------------------------------------------------------------------


def triangles(first: float, other: float, every: int) -> Schedule:
    """From the first number to the other and back in `every` steps, in lines, again and again."""
    return lambda step: first + (other - first) * _height(step, every)


def cyclic(
    base: float, every: int, halving: bool = False, gamma: float = 1.0
) -> Schedule:
    """From `base` to 1 and back in `every` steps, in lines; the height halved with each cycle, or times gamma^step."""

    def at(step: Any) -> Any:
        height = gamma ** jnp.asarray(step) * _height(step, every)
        return base + (1.0 - base) * (
            height * 0.5 ** (jnp.asarray(step) // every) if halving else height
        )

    return at


def _height(step: Any, every: int) -> Any:
    return 1.0 - jnp.abs(2.0 * (jnp.asarray(step) % every) / every - 1.0)


def restarts(every: int, final: float) -> Schedule:
    """Half a cosine from 1 to `final` in `every` steps, again and again."""
    return lambda step: _fallen(jnp.asarray(step) % every / every, final)


def growing_restarts(starts: Sequence[int], final: float) -> Schedule:
    """Half a cosine from 1 to `final` from each of the starts, which begin with 0, to the next."""

    def at(step: Any) -> Any:
        ends = jnp.asarray(starts)
        i = jnp.clip(jnp.sum(jnp.asarray(step) >= ends) - 1, 0, len(starts) - 2)
        return _fallen(
            jnp.clip((step - ends[i]) / (ends[i + 1] - ends[i]), 0.0, 1.0), final
        )

    return at


def _fallen(share: Any, final: float) -> Any:
    return final + (1.0 - final) * 0.5 * (1.0 + jnp.cos(jnp.pi * share))
