"""The learning-rate range test (Smith, 2017): the rate grows from step to step, and the loss tells which ones do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from netspec.build.optimizer import build_optimizer
from netspec.build.program import Phase, Program
from netspec.diagnostics import Diagnostic, SpecError
from netspec.spec.call import Call, call
from netspec.spec.clock import Clock
from netspec.spec.optimizers import Optimizer, Setting
from netspec.spec.schedules import Schedule
from netspec.spec.values import Positive
from netspec.train.stage import Parts
from netspec.train.walk import walk

__all__ = ["RangeTest", "growing", "range_test", "smoothed"]

FAR = 1.0
"""The loss has diverged when it is above its beginning by this share of it, or by as much as it had fallen."""

AGREEING = 5
"""Steps whose mean has to be so high: a single batch may be a hard one."""

WIDTH = 0.02
"""Of the smoothing, as a share of all steps: the standard deviation of the weights around each."""

SAFETY = 10.0
"""What the rate where the loss was least is divided by: there, it is about to diverge."""

LEAST_FALL = 0.02
"""As a share of what the loss was at first: less may be chance."""


@dataclass(frozen=True, slots=True)
class RangeTest:
    """What became of a loss while the rate grew.

    Args:
        rates, losses: of each step.
        smoothed: the losses.
        least: the rate where the smoothed loss is least.
        steepest: the rate where it falls fastest, over the logarithm of the rate.
        diverged: the rate where it was far above its beginning, or was no number; None where that did not happen.
        suggested: None where the loss did not fall.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    least: float
    steepest: float
    diverged: float | None
    suggested: float | None


class Growth(Schedule, abstract=True):
    """From `start` to `end`, by even factors from the first step to the last."""

    start: Positive
    end: Positive

    def after_warmup(self, clock: Clock, rise: int) -> Call:
        return call("optax.exponential_decay", self.start, max(1, clock.steps - 1), self.end / self.start)


def growing(phase: Phase, first: float, last: float, steps: int) -> Phase:
    """A phase as it would be if its learning rate grew from `first` to `last` in so many steps.

    The rates of groups grow with it, by their own factors.

    Raises:
        SpecError: the optimizer has no learning rate, or none that may change.
    """
    stretch = phase.clock.stretches[0]
    clock = Clock(steps, stretch.per_epoch, (stretch,))
    optimizer, rate = _rated(phase, clock)
    changed = replace(
        phase.spec,
        optimizer=optimizer,
        schedule=Growth(start=first / rate, end=last / rate),
        train=phase.train.model_copy(update={"stop": None, "evaluate": None, "keep": None}),
    )
    return replace(phase, spec=changed, clock=clock, updater=build_optimizer(changed, clock, phase.network.graph))


def _rated(phase: Phase, clock: Clock) -> tuple[Optimizer, float]:
    """The optimizer with a learning rate that stays, and that rate."""
    spec, optimizer = phase.spec, phase.spec.optimizer
    assert optimizer is not None
    rate = optimizer.rate(Setting(clock))
    if isinstance(rate, Call) and getattr(optimizer, "learning_rate", None) is not None:
        optimizer, rate = optimizer.model_copy(update={"learning_rate": 1.0}), 1.0
    if not isinstance(rate, int | float) or rate <= 0:
        message = f"{optimizer.kind} has no learning rate here that could grow"
        place = spec.document.key_place(spec.at("optimizer"))
        raise SpecError(Diagnostic("learning-rate", message, place, help="a range test is for sgd, adam and the like"))
    return optimizer, float(rate)


def range_test(program: Program, parts: Parts, first: float, last: float, steps: int) -> RangeTest:
    """Train with a rate that grows, until the loss is far above its beginning; of several phases, as the first does.

    Args:
        first, last: rates.
        steps: from the one to the other.

    Raises:
        SpecError: the optimizer has no learning rate that may change.
    """
    changed = replace(program, phases=(growing(program.phases[0], first, last, steps),))
    losses: list[float] = []
    diverged = False
    for walked in walk(changed, parts):
        losses.append(walked.loss)
        diverged = _has_diverged(losses)
        if diverged:
            break
    every = first * (last / first) ** (np.arange(steps) / max(1, steps - 1))
    return _read(every[: len(losses)], losses, steps, diverged=diverged)


def _has_diverged(losses: Sequence[float]) -> bool:
    if not math.isfinite(losses[-1]):
        return True
    if len(losses) <= 2 * AGREEING:
        return False
    begun = sum(losses[:AGREEING]) / AGREEING
    high = begun + FAR * max(abs(begun), begun - min(losses))
    return sum(losses[-AGREEING:]) / AGREEING > high


def _read(rates: Any, losses: Sequence[float], steps: int, *, diverged: bool) -> RangeTest:
    """What the losses say."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    if len(finite) < 3:
        message = "the loss is no finite number from the first steps on"
        raise SpecError(Diagnostic("diverged", message, help="a smaller --from, or a look at the data"))
    curve = smoothed(finite, max(1.0, WIDTH * steps))
    least = int(np.argmin(curve))
    slopes = np.gradient(curve, np.log(rates[: len(curve)]))
    steepest = int(np.argmin(slopes[: least + 1]))
    fell = curve[0] - curve[least] > LEAST_FALL * abs(curve[0])
    return RangeTest(
        rates=tuple(map(float, rates[: len(curve)])),
        losses=tuple(finite),
        smoothed=tuple(map(float, curve)),
        least=float(rates[least]),
        steepest=float(rates[steepest]),
        diverged=float(rates[len(losses) - 1]) if diverged else None,
        suggested=float(f"{rates[least] / SAFETY:.2g}") if fell else None,
    )


def smoothed(values: Sequence[float], width: float) -> np.ndarray[Any, Any]:
    """Means around each value, weighed by a normal distribution: nothing moves along, as an average that trails would.

    Args:
        width: the distribution's standard deviation, in steps.
    """
    places = np.arange(len(values))
    weights = np.exp(-0.5 * np.square((places[:, None] - places) / width))
    return weights @ np.asarray(values, np.float64) / weights.sum(axis=1)  # type: ignore[no-any-return]
