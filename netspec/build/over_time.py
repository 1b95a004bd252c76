"""Numbers that change over time, as functions of the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netspec.graph.calls import at_step, construct
from netspec.spec.call import Call
from netspec.spec.clock import Clock
from netspec.spec.courses import Course

__all__ = ["arguments_over_time", "number_over_time"]


def number_over_time(value: float | Course, clock: Clock) -> Callable[[Any], Any]:
    """A number as a function of the step (a traced one, too); of None, what it is in the end.

    Args:
        clock: how long the training, or the phase, is.
    """
    return lambda step: at_step(value, step, clock) if isinstance(value, Course) else value


def arguments_over_time(call: Call, clock: Clock) -> Callable[[Any], dict[str, Any]]:
    """A call's keyword arguments as a function of the step; of None, what they are in the end.

    Args:
        clock: how long the training, or the phase, is.
    """
    plain = {name: construct(v) if isinstance(v, Call) else v for name, v in call.keywords}
    changing = {name: number_over_time(v, clock) for name, v in plain.items() if isinstance(v, Course)}
    return lambda step: plain | {name: changes(step) for name, changes in changing.items()}
