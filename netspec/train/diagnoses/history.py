"""What is remembered of a training: bounded, plain, and the same whether or not the run was broken off in between."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Self

from netspec.runs.events import Evaluated, Stepped
from netspec.train.diagnoses.condition import Health

__all__ = ["Curve", "History", "Mark", "Patient"]

STRETCHES = 64
"""Into how many stretches the course of a run is parted."""

TURNS = 24
"""Turns that are remembered: enough for some swings up and down."""

RECORDS = 3
"""Records of steps that are remembered: three in a row are no accident."""

BEGINNING = 8
"""Records that say where the loss began: the middle one of them, since any one may be of an odd batch."""

EVALUATIONS = 5
"""Evaluations that are remembered: the lowest of them is what the validation loss may be now."""


EXPLODED = 100.0
"""By how many times the first records may lie above the very first one and still tell what a loss began with."""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is known of a training beforehand.

    Args:
        steps: how many it will make.
        steps_per_epoch: how many of them are one pass over the training examples.
        metric: the metric that says which step was best.
        higher_is_better: whether more of it is better.
        layers: those whose gradients are compared, in order.
        examples: training examples.
        first: the step that it begins at, counted as the events count.
        comparable: whether the loss at two steps can be compared. It cannot where it grows with weights whose size
            does not matter, as the perceptron's does.
        clips: whether gradients are clipped already.
    """

    steps: int
    steps_per_epoch: int
    metric: str
    higher_is_better: bool
    layers: tuple[str, ...] = ()
    examples: int = 0
    first: int = 0
    comparable: bool = True
    clips: bool = False

    @property
    def turn(self) -> int:
        """Steps whose mean loss says how training goes: an epoch, or less where there are few of them."""
        return min(self.steps_per_epoch, math.ceil(self.steps / 40))

    @property
    def stretch(self) -> int:
        """Steps of one of the stretches that the run's course is parted into."""
        return math.ceil(self.steps / STRETCHES)


@dataclass(slots=True)
class Curve:
    """Means over stretches of so many steps.

    Args:
        width: steps of a stretch, at the least.
        most: stretches that are remembered.
    """

    width: int
    most: int
    means: list[float] = field(default_factory=list)
    total: float = 0.0
    steps: int = 0

    def add(self, value: float, steps: int) -> bool:
        """Take a mean over some steps in; says whether a stretch is full."""
        self.total += value * steps
        self.steps += steps
        if self.steps < self.width:
            return False
        self.means = [*self.means, self.total / self.steps][-self.most :]
        self.total, self.steps = 0.0, 0
        return True


@dataclass(slots=True)
class Mark:
    """Something's best value so far: what it was, at which step, and the training loss then where it matters."""

    value: float
    step: int
    training: float = 0.0


@dataclass(slots=True)
class History:
    """What is remembered.

    Args:
        turns, course: the training loss over turns and over stretches of the whole run.
        rates: the learning rate over stretches; 0 where there is none.
        pulls: the logarithm of the gradient's norm over stretches, where it is not 0.
        losses: of the last records.
        beginning: the losses of the first records.
        pull: the largest gradient of the first records.
        step: of the last record.
        rate: the largest learning rate so far.
        lowest: the lowest turn.
        training: the training loss over the steps since the last evaluation, its sum, and how many steps they are.
        trainings, validations: the losses of the last evaluations.
        first_validation: the first validation loss.
        smoothed: the best validation loss, of three evaluations the middle one.
        judged: the metric that says which step was best, where it last changed for the better by more than a little.
        first_judged: its first value.
        examined: the step of the last examination.
        gradient: the norm of the gradient that it found; steepest: the largest that any found.
    """

    turns: Curve
    course: Curve
    rates: Curve
    pulls: Curve
    losses: list[float] = field(default_factory=list)
    beginning: list[float] = field(default_factory=list)
    pull: float = 0.0
    step: int = 0
    rate: float = 0.0
    lowest: Mark | None = None
    training: tuple[float, int] = (0.0, 0)
    trainings: list[float] = field(default_factory=list)
    validations: list[float] = field(default_factory=list)
    first_validation: float | None = None
    smoothed: Mark | None = None
    judged: Mark | None = None
    first_judged: float | None = None
    examined: int | None = None
    gradient: float | None = None
    steepest: float = 0.0

    @classmethod
    def of(cls, patient: Patient) -> Self:
        """The one of a training that begins."""
        course, rates, pulls = (Curve(patient.stretch, STRETCHES + 1) for _ in range(3))
        return cls(Curve(patient.turn, TURNS), course, rates, pulls, step=patient.first)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The one that `to_json` wrote."""
        curves = {name: Curve(**data[name]) for name in ("turns", "course", "rates", "pulls")}
        marks = {n: None if data[n] is None else Mark(**data[n]) for n in ("lowest", "smoothed", "judged")}
        return cls(**{**data, **curves, **marks, "training": tuple(data["training"])})

    @property
    def start(self) -> float:
        """What the loss began with."""
        if not self.beginning:
            return math.nan
        first, middle = self.beginning[0], median(self.beginning)
        # Far above the first one, the others are of a training that has diverged already.
        return first if middle > EXPLODED * max(first, 1e-12) else max(first, middle)

    @property
    def level(self) -> float:
        """What the loss is now: the middle one of the last turns."""
        return median(self.turns.means[-3:] or self.losses or [math.nan])

    def step_of(self, stretch: int) -> int:
        """About the step at which a stretch of the course began."""
        return self.step - (len(self.course.means) - stretch) * self.course.width

    def stepped(self, event: Stepped) -> tuple[bool, bool]:
        """Take a record of steps in; says whether a turn is over, and whether a stretch is."""
        steps = max(1, event.step - self.step)
        self.step = event.step
        self.rate = max(self.rate, event.learning_rate or 0.0)
        if len(self.beginning) < BEGINNING:
            self.beginning.append(event.loss)
            self.pull = max(self.pull, event.gradient_norm)
        self.losses = [*self.losses, event.loss][-RECORDS:]
        self.training = (self.training[0] + event.loss * steps, self.training[1] + steps)
        turned = self.turns.add(event.loss, steps)
        if turned and (self.lowest is None or self.turns.means[-1] < self.lowest.value):
            self.lowest = Mark(self.turns.means[-1], event.step)
        self.rates.add(event.learning_rate or 0.0, steps)
        # The mean of logarithms: one gradient that is a thousand times as long as the others hardly moves it.
        if event.gradient_norm > 0.0:
            self.pulls.add(math.log(event.gradient_norm), steps)
        return turned, self.course.add(event.loss, steps)

    def evaluated(self, event: Evaluated, patient: Patient) -> None:
        """Take an evaluation in."""
        total, steps = self.training
        training = total / steps if steps else math.nan
        self.training = (0.0, 0)
        value = event.metrics.get(patient.metric, math.nan)
        if math.isfinite(value):
            self._judge(value, event.step, patient.higher_is_better)
        validation = event.metrics.get("validation/loss", math.nan)
        if math.isfinite(validation) and math.isfinite(training):
            self._validate(validation, training, event.step)

    def _judge(self, value: float, step: int, higher_is_better: bool) -> None:
        if self.judged is None or self.first_judged is None:
            self.judged, self.first_judged = Mark(value, step), value
            return
        gain = value - self.judged.value if higher_is_better else self.judged.value - value
        if gain > 0.01 * max(abs(self.judged.value - self.first_judged), 0.01 * abs(self.first_judged)):
            self.judged = Mark(value, step)

    def _validate(self, validation: float, training: float, step: int) -> None:
        self.trainings = [*self.trainings, training][-EVALUATIONS:]
        self.validations = [*self.validations, validation][-EVALUATIONS:]
        if self.first_validation is None:
            self.first_validation = validation
        if len(self.validations) >= 3:
            smoothed = median(self.validations[-3:])
            if self.smoothed is None or smoothed < self.smoothed.value:
                self.smoothed = Mark(smoothed, step, median(self.trainings[-3:]))

    def looked_at(self, step: int, health: Health) -> None:
        """Take an examination in."""
        self.examined = step
        if math.isfinite(health.gradient):
            self.gradient = health.gradient
            self.steepest = max(self.steepest, health.gradient)
