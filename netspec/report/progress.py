"""The state of a training as its events tell it: a pure fold, cheap enough to run at every event.

Knows nothing of how the state is shown. A curve keeps a bounded number of points however long the training is, so a
state is small, immutable, and safe to hand to another thread.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from netspec.runs.events import Alerted, Entered, Evaluated, Event, Examined, Finished, Saved, Started, Stepped

__all__ = ["Best", "Curve", "Passed", "Progress", "Spent", "advance"]

Point = tuple[float, float]

CAPACITY = 512
"""Most buckets of a curve; twice as many points are more than any terminal has columns of dots."""

ALERTS = 8
"""Alerts kept: the newest ones. All of them are in the records."""

SMOOTHING, MORE_SMOOTHING = 0.02, 0.1
"""The time constants of the smoothed losses, as shares of the run: the same look for short and for long runs."""

BEGINNING = 10.0
"""Times these shares, but of what was trained so far: else smoothing would hold on to how a training began."""

PACE_SECONDS = 30.0
"""Least time constant of the pace; later it is half the time of the session, so that the time left stays calm."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in the order of their steps, thinned to the lowest and the highest of each bucket of equally many.

    Args:
        buckets: (lowest, highest) point of each full bucket.
        size: points that went into each full bucket: a power of two.
        rest: (lowest, highest) point of the bucket that is not full yet.
        rest_size: points that went into it.
        last: the newest point.
    """

    buckets: tuple[tuple[Point, Point], ...] = ()
    size: int = 1
    rest: tuple[Point, Point] | None = None
    rest_size: int = 0
    last: Point | None = None

    def append(self, step: float, value: float) -> Curve:
        """The curve with one more point; one whose value is not finite leaves it as it is."""
        if not math.isfinite(value):
            return self
        point = (step, value)
        rest = (point, point) if self.rest is None else _merged(self.rest, (point, point))
        if self.rest_size + 1 < self.size:
            return Curve(self.buckets, self.size, rest, self.rest_size + 1, point)
        buckets = (*self.buckets, rest)
        if len(buckets) < CAPACITY:
            return Curve(buckets, self.size, None, 0, point)
        halved = tuple(_merged(a, b) for a, b in zip(buckets[::2], buckets[1::2], strict=True))
        return Curve(halved, 2 * self.size, None, 0, point)

    def until(self, step: float) -> Curve:
        """The curve without what lies after the step (a bucket that reaches past it goes as a whole)."""
        if self.last is None or self.last[0] <= step:
            return self
        kept = tuple(b for b in self.buckets if max(b)[0] <= step)
        return Curve(kept, self.size, last=max(kept[-1]) if kept else None)

    def points(self) -> list[Point]:
        """The points that are kept, in the order of their steps."""
        spans = self.buckets if self.rest is None else (*self.buckets, self.rest)
        kept = [point for low, high in spans for point in ((low, high) if low[0] <= high[0] else (high, low))]
        if self.last is not None:
            kept.append(self.last)
        return [p for i, p in enumerate(kept) if not i or p != kept[i - 1]]


@dataclass(frozen=True, slots=True)
class Best:
    """The best value so far of the metric that says which step was best."""

    value: float
    step: int
    epoch: float


@dataclass(frozen=True, slots=True)
class Passed:
    """A phase that is over.

    Args:
        number, name: of the phase.
        metric: the metric that it was judged by.
        best: the best value of it; None where it was never evaluated.
        step: the last one.
        seconds: how long it took, in this session.
    """

    number: int
    name: str
    metric: str
    best: Best | None
    step: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Spent:
    """Where the seconds of this session went; the remainder went into data, saving and waiting."""

    stepping: float = 0.0
    compiling: float = 0.0
    evaluating: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds and steps of the recent past, the past weighing less with time."""

    seconds: float = 0.0
    steps: float = 0.0
    evaluation: float = math.inf  # the fastest so far: the first one holds a compilation

    def left(self, steps: int, evaluations: int) -> float | None:
        """Seconds for that many more steps and evaluations, or None before the first steps."""
        if self.steps <= 0:
            return None
        return steps * self.seconds / self.steps + (evaluations * self.evaluation if self.evaluation < math.inf else 0)


@dataclass(frozen=True, slots=True)
class Progress:
    """A training as seen from its events.

    Args:
        started, entered, stepped, evaluated, examined, saved, finished: the newest event of each kind; what differs
            between the phases of a training, `started` has as the newest phase has it.
        time: of the newest event.
        earlier: seconds of the sessions before this one, where their events were seen.
        loss, smoothed_loss, smoother_loss: the training loss by step, as it is and under exponential smoothing.
        smoothings: the two smoothed losses, and the step that they began at; empty where they begin anew.
        gradient_norms, learning_rates: by step.
        measured: a curve for each "part/metric" that was evaluated.
        best: of the metric that decides now.
        passed: the phases that are over.
        alerts: the newest ones, oldest first.
        compilations: how many stretches of steps of this session were compiled first.
    """

    started: Started | None = None
    entered: Entered | None = None
    stepped: Stepped | None = None
    evaluated: Evaluated | None = None
    examined: Examined | None = None
    saved: Saved | None = None
    finished: Finished | None = None
    time: float = 0.0
    earlier: float = 0.0
    loss: Curve = Curve()
    smoothed_loss: Curve = Curve()
    smoother_loss: Curve = Curve()
    smoothings: tuple[float, ...] = ()
    gradient_norms: Curve = Curve()
    learning_rates: Curve = Curve()
    measured: Mapping[str, Curve] = field(default_factory=lambda: MappingProxyType({}))
    best: Best | None = None
    passed: tuple[Passed, ...] = ()
    alerts: tuple[Alerted, ...] = ()
    compilations: int = 0
    spent: Spent = Spent()
    pace: Pace = Pace()

    @property
    def step(self) -> int:
        """Steps made since the beginning of the run."""
        if self.finished is not None:
            return self.finished.step
        return max((e.step for e in (self.started, self.stepped) if e is not None), default=0)

    @property
    def is_compiling(self) -> bool:
        """Whether the first steps, or what looks at the layers after the first evaluation, are being compiled."""
        if self.started is None or self.finished is not None:
            return False
        first = self.evaluated is not None and self.examined is None and self.time == self.evaluated.time
        return self.stepped is None or (first and self.step < self.started.steps)

    @property
    def smoothed(self) -> float | None:
        """The newest value of the smoothed training loss."""
        return self.smoothed_loss.last[1] if self.smoothed_loss.last else None

    @property
    def epoch(self) -> float:
        """Passes over the training examples since the beginning of the run."""
        if self.finished is not None:
            return self.finished.epoch
        if self.stepped is not None:
            return self.stepped.epoch
        return self.started.step / self.started.steps_per_epoch if self.started else 0.0

    def elapsed(self, now: float) -> float:
        """Seconds of training so far, all sessions that were seen together."""
        if self.finished is not None and self.finished.seconds:
            return self.finished.seconds
        end = self.time if self.finished else max(now, self.time)
        return self.earlier + (end - self.started.time if self.started else 0.0)

    def left(self, now: float) -> float | None:
        """Seconds until the end at the recent pace; None while it is unknown."""
        if self.started is None or self.finished is not None:
            return None
        steps = max(0, self.started.steps - self.step)
        estimate = self.pace.left(steps, math.ceil(steps / self.started.steps_per_epoch))
        return None if estimate is None else max(0.0, estimate - max(0.0, now - self.time))

    def shares(self) -> Mapping[str, float]:
        """What part of this session's time went where; they add up to 1, or are empty at the very beginning."""
        total = self.time - self.started.time if self.started else 0.0
        if total <= 0:
            return {}
        spent = self.spent
        known = spent.stepping + spent.evaluating + spent.compiling
        total = max(total, known)
        return {
            "steps": spent.stepping / total,
            "evaluating": spent.evaluating / total,
            "compiling": spent.compiling / total,
            "data and other": (total - known) / total,
        }


def advance(progress: Progress, event: Event) -> Progress:
    """The state after one more event."""
    match event:
        case Started():
            return _started(progress, event)
        case Entered():
            return _entered(progress, event)
        case Stepped():
            return _stepped(progress, event)
        case Evaluated():
            return _evaluated(progress, event)
        case Examined():
            spent, compilations = _evaluating(progress, event)
            return dataclasses.replace(
                progress, examined=event, time=event.time, spent=spent, compilations=compilations
            )
        case Saved():
            return dataclasses.replace(progress, saved=event, time=event.time)
        case Alerted():
            return dataclasses.replace(progress, alerts=(*progress.alerts, event)[-ALERTS:], time=event.time)
        case Finished():
            return dataclasses.replace(progress, finished=event, time=event.time)


def _started(progress: Progress, event: Started) -> Progress:
    """A new session: what was measured up to its step stays, the clocks begin anew."""
    earlier = progress.time - progress.started.time if progress.started else 0.0
    at = event.step
    newest = {name: before for name in _NEWEST if (before := getattr(progress, name)) and before.step <= at}
    return Progress(
        started=event,
        **newest,
        time=event.time,
        earlier=progress.earlier + earlier,
        **{name: getattr(progress, name).until(at) for name in _CURVES},
        measured=MappingProxyType({name: curve.until(at) for name, curve in progress.measured.items()}),
        smoothings=progress.smoothings if progress.step <= at else (),
        passed=tuple(p for p in progress.passed if p.step <= at),
        alerts=tuple(a for a in progress.alerts if a.step <= at),
    )


_NEWEST = ("entered", "stepped", "evaluated", "examined", "saved", "best")
_CURVES = ("loss", "smoothed_loss", "smoother_loss", "gradient_norms", "learning_rates")
_OF_PHASE = ("steps", "steps_per_epoch", "batch", "parameters", "metric", "higher_is_better", "keep")


def _entered(progress: Progress, event: Entered) -> Progress:
    """A phase, which may be judged by another metric; after a stop the one that it was before."""
    started = progress.started and dataclasses.replace(
        progress.started, **{name: getattr(event, name) for name in _OF_PHASE}
    )
    before = progress.entered
    if before is not None and before.number >= event.number:
        return dataclasses.replace(progress, started=started, entered=event, time=event.time)
    over = () if before is None else (_passed(progress, before, event),)
    return dataclasses.replace(
        progress,
        started=started,
        entered=event,
        best=None,
        smoothings=(),
        passed=(*progress.passed, *over),
        time=event.time,
    )


def _passed(progress: Progress, before: Entered, event: Entered) -> Passed:
    seconds = event.time - before.time
    return Passed(before.number, before.phase, before.metric, progress.best, event.step, seconds)


def _stepped(progress: Progress, event: Stepped) -> Progress:
    started = progress.started
    steps = event.step - progress.step
    seconds = max(0.0, event.time - progress.time - event.compiling)
    busy = steps * started.batch / event.examples_per_second if started and event.examples_per_second > 0 else 0.0
    spent, rate, step = progress.spent, event.learning_rate, event.step
    normal, more, _ = smoothings = _smoothed(progress, event, steps)
    return dataclasses.replace(
        progress,
        stepped=event,
        time=event.time,
        loss=progress.loss.append(step, event.loss),
        smoothed_loss=progress.smoothed_loss.append(step, normal),
        smoother_loss=progress.smoother_loss.append(step, more),
        smoothings=smoothings if math.isfinite(event.loss) else progress.smoothings,
        gradient_norms=progress.gradient_norms.append(step, event.gradient_norm),
        learning_rates=progress.learning_rates if rate is None else progress.learning_rates.append(step, rate),
        spent=Spent(spent.stepping + min(busy, seconds), spent.compiling + event.compiling, spent.evaluating),
        pace=_paced(progress, seconds, steps),
        compilations=progress.compilations + (event.compiling > 0),
    )


def _smoothed(progress: Progress, event: Stepped, steps: int) -> tuple[float, float, float]:
    """Exponential smoothing over steps, by a time constant that grows up to its share of the run."""
    if not progress.smoothings or progress.started is None or not math.isfinite(event.loss):
        return event.loss, event.loss, event.step
    normal, more, begun = progress.smoothings
    span = min(progress.started.steps, BEGINNING * (event.step - begun))
    kept = math.exp(-steps / max(1.0, SMOOTHING * span))
    kept_more = math.exp(-steps / max(1.0, MORE_SMOOTHING * span))
    return kept * normal + (1 - kept) * event.loss, kept_more * more + (1 - kept_more) * event.loss, begun


def _paced(progress: Progress, seconds: float, steps: int) -> Pace:
    pace = progress.pace
    session = progress.time - progress.started.time if progress.started else 0.0
    kept = math.exp(-seconds / max(PACE_SECONDS, session / 2))
    return Pace(kept * pace.seconds + seconds, kept * pace.steps + steps, pace.evaluation)


def _evaluated(progress: Progress, event: Evaluated) -> Progress:
    curves = dict(progress.measured)
    for name, value in event.metrics.items():
        curves[name] = curves.get(name, Curve()).append(event.step, value)
    metric = progress.started.metric if progress.started else ""
    is_best = event.best and metric in event.metrics
    pace, (spent, compilations) = progress.pace, _evaluating(progress, event)
    return dataclasses.replace(
        progress,
        evaluated=event,
        time=event.time,
        measured=MappingProxyType(curves),
        best=Best(event.metrics[metric], event.step, event.epoch) if is_best else progress.best,
        spent=spent,
        compilations=compilations,
        pace=Pace(pace.seconds, pace.steps, min(pace.evaluation, event.seconds - event.compiling)),
    )


def _evaluating(progress: Progress, event: Evaluated | Examined) -> tuple[Spent, int]:
    """Where the seconds went with an evaluation or a look at the layers, and how many compilations there were."""
    spent, compiling = progress.spent, event.compiling
    evaluating = spent.evaluating + event.seconds - compiling
    return Spent(spent.stepping, spent.compiling + compiling, evaluating), progress.compilations + (compiling > 0)


def _merged(first: tuple[Point, Point], second: tuple[Point, Point]) -> tuple[Point, Point]:
    low = first[0] if first[0][1] <= second[0][1] else second[0]
    high = first[1] if first[1][1] >= second[1][1] else second[1]
    return low, high
