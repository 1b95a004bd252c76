"""What a training says while it goes on: plain data, one kind of event a class, in the order in which things happen.

The trainer yields them; the records keep them, one JSON object a line; the dashboard and the comparison read them. The
JSON shapes are public: the class's name in lower case stands under "event", the fields under their own names.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, get_args

__all__ = [
    "Alerted",
    "Entered",
    "Evaluated",
    "Event",
    "Examined",
    "Finished",
    "Saved",
    "Started",
    "Stepped",
    "from_json",
    "to_json",
]


@dataclass(frozen=True, slots=True)
class Started:
    """A training begins, or goes on after a stop.

    Args:
        time: seconds since 1970, as in every event.
        run: the run's directory, as the user would type it; empty where nothing is recorded.
        name: the spec's name.
        seed: the seed of everything random.
        device: what it runs on, in words ("cpu, 2 cores").
        step: the steps that lie behind already: 0, or more where a run is resumed.
        steps: the steps that it will have made at the end.
        steps_per_epoch: the steps of one pass over the training examples.
        batch: examples a step.
        examples: how many examples there are to train, validate and test with.
        parameters: the numbers that are learned.
        metric: the metric that says which step was best ("validation/accuracy").
        higher_is_better: whether more of it is better.
        keep: whether the parameters of the best step are kept.
        phases: how many stages it has.
        members: how many networks are trained side by side to speak as one.
    """

    event: ClassVar[str] = "started"
    time: float
    run: str
    name: str
    seed: int
    device: str
    step: int
    steps: int
    steps_per_epoch: int
    batch: int
    examples: Mapping[str, int]
    parameters: int
    metric: str
    higher_is_better: bool
    keep: bool = False
    phases: int = 1
    members: int = 1


@dataclass(frozen=True, slots=True)
class Entered:
    """A phase of a training that has several begins, or goes on after a stop.

    Args:
        step: the steps that lie behind.
        phase: its name.
        number: which one it is, from 1.
        steps: the steps that the whole training will have made at the end, if no phase ends early.
        steps_per_epoch, batch: of this phase.
        parameters: the numbers that are learned in it.
        metric, higher_is_better, keep: as in `Started`.
    """

    event: ClassVar[str] = "entered"
    time: float
    step: int
    phase: str
    number: int
    steps: int
    steps_per_epoch: int
    batch: int
    parameters: int
    metric: str
    higher_is_better: bool
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Stepped:
    """Steps were made: always the same number of them between two events of a run, whatever the machine's speed.

    Args:
        step: steps made since the beginning.
        epoch: passes over the training examples made since the beginning, with its fraction.
        loss: the mean of the training loss over the steps since the event before.
        learning_rate: the rate of the last of these steps; None where the optimizer sets its own.
        gradient_norm: the Euclidean norm of the last of these steps' whole gradient.
        examples_per_second: of these steps; waiting and evaluating not counted.
        compiling: seconds spent on compiling since the event before.
    """

    event: ClassVar[str] = "stepped"
    time: float
    step: int
    epoch: float
    loss: float
    learning_rate: float | None
    gradient_norm: float
    examples_per_second: float
    compiling: float = 0.0


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The network was measured on whole parts of the data.

    Args:
        metrics: by "part/metric" ("validation/loss", "validation/accuracy").
        seconds: how long it took, compilation included.
        best: whether this is the best value so far of the metric that `Started` names.
        compiling: how much of that was compilation.
    """

    event: ClassVar[str] = "evaluated"
    time: float
    step: int
    epoch: float
    metrics: Mapping[str, float]
    seconds: float
    best: bool
    compiling: float = 0.0


@dataclass(frozen=True, slots=True)
class Examined:
    """The network was looked at layer by layer, on the same few training examples each time.

    Args:
        layers: by path, what applies to the layer of: "gradient", the norm of the gradient of its parameters;
            "weights", their norm; "update", the norm of what a step adds to them, as a share of theirs; "dead", the
            share of its rectified units that are 0 for every example; "saturated", the share of its results that lie
            at the ends of a sigmoid's or tanh's range.
        memory: bytes in use: of the device, or of the process where that computes; None where nobody tells.
        peak: bytes in use at the most so far.
        skipped: steps that the optimizer did not take so far, as their gradient was not finite.
        seconds, compiling: how long the look took, and how much of that was compilation.
    """

    event: ClassVar[str] = "examined"
    time: float
    step: int
    layers: Mapping[str, Mapping[str, float]]
    memory: int | None = None
    peak: int | None = None
    skipped: int = 0
    seconds: float = 0.0
    compiling: float = 0.0


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint is on the disk, whole and verified."""

    event: ClassVar[str] = "saved"
    time: float
    step: int
    path: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Alerted:
    """Something that a person should know: one sentence of evidence, and a remedy."""

    event: ClassVar[str] = "alerted"
    time: float
    step: int
    code: str
    message: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """A training ends.

    Args:
        reason: "done", "interrupted" (can be resumed) or "diverged".
        metrics: of the parameters that are kept, by "part/metric"; "test/…" where there is a test part.
        best_step: the step of the parameters that are kept.
        seconds: the time of all sessions of the run together.
        best: the best value of the metric that decides, in the last phase; None before the first evaluation.
    """

    event: ClassVar[str] = "finished"
    time: float
    run: str
    step: int
    epoch: float
    reason: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    best_step: int | None = None
    seconds: float = 0.0
    best: float | None = None


Event = Started | Entered | Stepped | Evaluated | Examined | Saved | Alerted | Finished

_KINDS: Mapping[str, type[Event]] = {kind.event: kind for kind in get_args(Event)}


def to_json(event: Event) -> dict[str, Any]:
    """The event as a JSON object; a number that is not finite becomes its name, since JSON has none."""
    names, _, _ = _FIELDS[type(event)]
    return {"event": event.event, **{name: _plain(getattr(event, name)) for name in names}}


def from_json(data: Mapping[str, Any]) -> Event:
    """The event that `to_json` wrote.

    Raises:
        ValueError: the object is no event, or lacks a field.
    """
    kind = _KINDS.get(data.get("event", ""))
    if kind is None:
        raise ValueError(f"no such event: {data.get('event')!r}")
    names, numbers, tables = _FIELDS[kind]
    found = {name: data[name] for name in names if name in data}
    for name in numbers & found.keys():
        found[name] = _number(found[name])
    for name in tables & found.keys():
        if isinstance(found[name], Mapping):
            found[name] = _numbers(found[name])
    try:
        return kind(**found)
    except TypeError as error:
        raise ValueError(str(error)) from error


_NAMES = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _number(value: Any) -> Any:
    return _NAMES.get(value, value) if isinstance(value, str) else value


def _numbers(table: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _numbers(v) if isinstance(v, Mapping) else _number(v) for k, v in table.items()}


def _fields(kind: type[Event]) -> tuple[tuple[str, ...], frozenset[str], frozenset[str]]:
    """The names of a kind's fields: all, those of fractions, and those of tables of fractions."""
    types = {f.name: f.type for f in dataclasses.fields(kind)}
    numbers = frozenset(n for n, t in types.items() if t in ("float", "float | None"))
    return tuple(types), numbers, frozenset(n for n, t in types.items() if t.startswith("Mapping[str, "))


_FIELDS = {kind: _fields(kind) for kind in _KINDS.values()}
