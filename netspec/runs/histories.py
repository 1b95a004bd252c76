"""A run's record as columns, for what looks at many runs at once: nothing of it is read before it is asked for.

What a resumed run went back behind is left out, as in the dashboard.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from netspec.runs.columns import Lines, Numbers, by_kind, lines_of, metrics_in, numbers, parsed, sound
from netspec.runs.events import Alerted, Entered, Evaluated, Event, Examined, Finished, Saved, Started, Stepped
from netspec.runs.records import EVENTS, event_of

__all__ = ["History", "Measured", "Peak", "read_history"]

_ENOUGH = 64
"""Records that a median is taken of."""

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Measured:
    """A "part/metric" as it was measured while the run trained: arrays of equal length.

    Args:
        steps: at which.
        values: anything that a float is.
        times: seconds since 1970.
        seconds: of training until then, without the gaps between sessions.
        epochs: passes over the training examples until then, with their fractions.
    """

    steps: Numbers
    values: Numbers
    times: Numbers
    seconds: Numbers
    epochs: Numbers


@dataclass(frozen=True, slots=True)
class Peak:
    """The best value of the metric that decides."""

    value: float
    step: int
    epoch: float


@dataclass(frozen=True, slots=True)
class _Session:
    """From a start to the next: from which step it went on, how far the sessions after it go back behind its end."""

    start: float
    step: float
    earlier: float
    kept: float


@dataclass(frozen=True)
class History:
    """What a run's record holds; arrays have an element for each `stepped` event.

    Args:
        started: its first start.
        finished: its end, if it has one.
        entered, alerts: in the order of their happening.
        saved: how many checkpoints were written.
    """

    started: Started | None
    finished: Finished | None
    entered: tuple[Entered, ...]
    alerts: tuple[Alerted, ...]
    saved: int
    _lines: Lines = field(repr=False, compare=False)
    _sessions: tuple[_Session, ...] = field(repr=False, compare=False)
    _last: float = field(repr=False, compare=False)

    @property
    def judged(self) -> Started | Entered | None:
        """What says which metric decides, and how: the newest phase, else the start."""
        return self.entered[-1] if self.entered else self.started

    @property
    def metric(self) -> str:
        """The "part/metric" that decides; empty before the start."""
        return self.judged.metric if self.judged else ""

    @property
    def step(self) -> int:
        """Steps made since the beginning of the run."""
        if self.finished is not None:
            return self.finished.step
        return int(self.steps[-1]) if len(self.steps) else max((int(s.step) for s in self._sessions), default=0)

    @property
    def epoch(self) -> float:
        """Passes over the training examples since the beginning of the run."""
        if self.finished is not None:
            return self.finished.epoch
        return float(self.epochs[-1]) if len(self.epochs) else 0.0

    @property
    def duration(self) -> float | None:
        """Seconds of training, without the gaps between sessions; None before the start."""
        if self.finished is not None and self.finished.seconds:
            return self.finished.seconds
        return self._sessions[-1].earlier + max(0.0, self._last - self._sessions[-1].start) if self._sessions else None

    @cached_property
    def best(self) -> Peak | None:
        """The best value of the metric that decides, in the newest phase."""
        since = self.entered[-1].step if self.entered else -math.inf
        flagged = [line for line in self._lines.get(Evaluated, ()) if b'"best": true' in line]
        for event in _lived(parsed(reversed(flagged), Evaluated), self._sessions):
            if event.best and event.step >= since and self.metric in event.metrics:
                return Peak(event.metrics[self.metric], event.step, event.epoch)
        return None

    @cached_property
    def pace(self) -> float | None:
        """Examples a second, the median over the run: a pause or a compilation does not move it; None before a step."""
        lines = self._lines.get(Stepped, [])
        some = numbers(lines[:: 1 + len(lines) // _ENOUGH], "examples_per_second")
        some = some[~np.isnan(some)]
        return float(np.median(some)) if len(some) else None

    # -- of each `stepped` event ---------------------------------------------------------------------------------------

    @cached_property
    def steps(self) -> Numbers:
        """Steps made since the beginning."""
        return self._column("step")

    @cached_property
    def epochs(self) -> Numbers:
        """Passes over the training examples."""
        return self._column("epoch")

    @cached_property
    def times(self) -> Numbers:
        """Seconds since 1970."""
        return self._column("time")

    @cached_property
    def seconds(self) -> Numbers:
        """Of training until then, without the gaps between sessions."""
        return _trained(self.times, self._sessions)

    @cached_property
    def losses(self) -> Numbers:
        """The mean of the training loss since the event before."""
        return self._column("loss")

    @cached_property
    def learning_rates(self) -> Numbers:
        """NaN where the optimizer sets its own."""
        return self._column("learning_rate")

    @cached_property
    def gradient_norms(self) -> Numbers:
        """Of the whole gradient."""
        return self._column("gradient_norm")

    @cached_property
    def paces(self) -> Numbers:
        """Examples a second."""
        return self._column("examples_per_second")

    # -- of the other events -------------------------------------------------------------------------------------------

    @cached_property
    def measured(self) -> Mapping[str, Measured]:
        """By "part/metric", in the order in which they were first measured."""
        lines = self._lines.get(Evaluated, [])
        names = metrics_in(lines)
        if names is not None:
            steps, times, epochs = (numbers(lines, name) for name in ("step", "time", "epoch"))
            return {name: self._measured(steps, numbers(lines, name), times, epochs) for name in names}
        rows: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
        for event in parsed(lines, Evaluated):
            for name, value in event.metrics.items():
                rows[name].append((event.step, value, event.time, event.epoch))
        return {name: self._measured(*np.array(found, np.float64).T) for name, found in rows.items()}

    @cached_property
    def last_measured(self) -> Mapping[str, float]:
        """The newest evaluation's metrics."""
        newest = next(_lived(parsed(reversed(self._lines.get(Evaluated, [])), Evaluated), self._sessions), None)
        return newest.metrics if newest else {}

    @cached_property
    def examined(self) -> tuple[Examined, ...]:
        """How the layers were."""
        return tuple(_lived(parsed(self._lines.get(Examined, ()), Examined), self._sessions))

    def _measured(self, steps: Numbers, values: Numbers, times: Numbers, epochs: Numbers) -> Measured:
        found = Measured(steps, values, times, _trained(times, self._sessions), epochs)
        kept = _kept(steps, times, self._sessions)
        return found if kept is None else Measured(*(getattr(found, name)[kept] for name in Measured.__slots__))

    def _column(self, name: str) -> Numbers:
        found = numbers(self._stepped, name)
        return found if self._lived_through is None else found[self._lived_through]

    @cached_property
    def _stepped(self) -> list[bytes]:
        return sound(self._lines.get(Stepped, []))

    @cached_property
    def _lived_through(self) -> NDArray[np.bool_] | None:
        if len(self._sessions) < 2:
            return None
        return _kept(numbers(self._stepped, "step"), numbers(self._stepped, "time"), self._sessions)


def read_history(run: Path) -> History:
    """A run's record; of no run, or of one that was never begun, it is empty.

    Raises:
        RunError: the system does not allow reading it.
    """
    lines = by_kind(lines_of(run / EVENTS))
    starts = list(parsed(lines.get(Started, ()), Started))
    sessions = _sessions(starts, lines)
    ends = list(parsed(lines.get(Finished, ())[-1:], Finished))
    return History(
        started=starts[0] if starts else None,
        finished=ends[0] if ends and not (starts and ends[0].time < starts[-1].time) else None,
        entered=tuple(_lived(parsed(lines.get(Entered, ()), Entered), sessions)),
        alerts=tuple(_lived(parsed(lines.get(Alerted, ()), Alerted), sessions)),
        saved=len(lines.get(Saved, ())),
        _lines=lines,
        _sessions=sessions,
        _last=_last_time(lines),
    )


# -- sessions ----------------------------------------------------------------------------------------------------------


def _sessions(starts: Sequence[Started], lines: Lines) -> tuple[_Session, ...]:
    if len(starts) < 2:
        return tuple(_Session(start.time, start.step, 0.0, math.inf) for start in starts)
    times = np.sort(np.concatenate([numbers(of_kind, "time") for of_kind in lines.values()]))
    found: list[_Session] = []
    earlier = 0.0
    for i, start in enumerate(starts):
        found.append(
            _Session(start.time, start.step, earlier, min((s.step for s in starts[i + 1 :]), default=math.inf))
        )
        if i + 1 < len(starts):
            inside = times[(times >= start.time) & (times < starts[i + 1].time)]
            earlier += float(inside[-1]) - start.time if len(inside) else 0.0
    return tuple(found)


def _of(times: Numbers, sessions: Sequence[_Session]) -> NDArray[np.intp]:
    """The session that each time is in."""
    return np.maximum(np.searchsorted([session.start for session in sessions], times, side="right") - 1, 0)


def _kept(steps: Numbers, times: Numbers, sessions: Sequence[_Session]) -> NDArray[np.bool_] | None:
    """Of which steps no later session went back behind; None: of all."""
    if len(sessions) < 2:
        return None
    return np.asarray(steps <= np.array([session.kept for session in sessions])[_of(times, sessions)])


def _lived(events: Iterator[E], sessions: Sequence[_Session]) -> Iterator[E]:
    """The events that no later session went back behind."""
    if len(sessions) < 2:
        return events
    starts = [session.start for session in sessions]
    return (e for e in events if e.step <= sessions[max(0, bisect_right(starts, e.time) - 1)].kept)


def _trained(times: Numbers, sessions: Sequence[_Session]) -> Numbers:
    """Seconds of training until some times."""
    if not sessions:
        return times - times[:1]
    starts, earlier = np.array([(session.start, session.earlier) for session in sessions]).T
    at = _of(times, sessions)
    return np.asarray(np.maximum(times - starts[at], 0.0) + earlier[at])


def _last_time(lines: Lines) -> float:
    """When the newest event happened."""
    ends = [event.time for of_kind in lines.values() for event in map(event_of, of_kind[-1:]) if event]
    return max(ends, default=0.0)
