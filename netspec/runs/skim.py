"""A run's record read from its end, and no further than it takes to say what the run has come to.

Of a training that ended that is its last line, or little more; of one that goes on, or was killed, all of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from netspec.runs.atomic import reading
from netspec.runs.events import Entered, Evaluated, Event, Finished, Started, Stepped
from netspec.runs.records import EVENTS, event_of

__all__ = ["Skim", "skim"]

BLOCK = 4096
"""Bytes that are read first; then four times as many, and so on."""

LARGEST_BLOCK = 2**20

LONGEST = 2**20
"""Bytes of a line that is kept: those that tell of every layer may be longer, and nothing is looked for in them."""

PAUSE = 1.0
"""Seconds that a training lasts longer than its own clock says before there was a pause in it."""


@dataclass(slots=True)
class Skim:
    """What a record says: of each kind of event the newest.

    Args:
        first: the event that it begins with.
        end: the event that it ends with, where that is an end.
        course: what the newest session, or phase, says of what it will do; None where `first` says it.
        best: the newest evaluation of the last phase that was the best so far.
        best_step: its step, where that alone was looked for.
        time: of the newest event.
        written: when the record was last written to, in nanoseconds of the file system's clock.
        size: bytes of the record.
        earlier: seconds of the sessions that were read through.
        until: when the session ended that is being read; None before any event of it is met.
        is_best_sought: whether an earlier evaluation may still be the best.
        phase: the number of the phase whose begin was met last.
    """

    first: Started | None = None
    end: Finished | None = None
    course: Started | Entered | None = None
    stepped: Stepped | None = None
    evaluated: Evaluated | None = None
    best: Evaluated | None = None
    best_step: int | None = None
    time: float | None = None
    written: int = 0
    size: int = 0
    earlier: float = 0.0
    until: float | None = None
    is_best_sought: bool = True
    phase: int | None = None

    def best_value(self) -> tuple[float | None, int | None]:
        """The best value of the metric that decides, and its step."""
        course = self.course or self.first
        step = self.best.step if self.best else self.best_step
        if self.end is not None and self.end.best is not None:
            return self.end.best, self.end.best_step if step is None else step
        return self.best.metrics.get(course.metric) if self.best and course else None, step

    def metrics(self) -> Mapping[str, float]:
        """What was measured of the parameters that are kept, or at last."""
        if self.end is not None and self.end.metrics:
            return self.end.metrics
        return self.evaluated.metrics if self.evaluated else {}

    def step(self) -> int:
        """Steps made so far."""
        return max((e.step for e in (self.first, self.course, self.stepped, self.end) if e is not None), default=0)

    def epoch(self) -> float:
        """Passes over the training examples made so far."""
        newest = self.end or self.stepped
        return newest.epoch if newest else 0.0

    def seconds(self) -> float | None:
        """Of training, all sessions together, up to the newest event."""
        if self.end is not None and self.end.seconds:
            return self.end.seconds
        return self.earlier if self.first is not None else None


def skim(run: Path) -> Skim:
    """What a run's record says; nothing, where there is none.

    Raises:
        RunError: the record cannot be read.
    """
    path = run / EVENTS
    try:
        with reading(path):
            # What is no file, such as a pipe that somebody put there, is not waited for.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            try:
                return _skimmed(descriptor)
            finally:
                os.close(descriptor)
    except FileNotFoundError:
        return Skim()


def _skimmed(descriptor: int) -> Skim:
    status = os.fstat(descriptor)
    head = event_of(os.pread(descriptor, BLOCK, 0).partition(b"\n")[0])
    found = Skim(first=head if isinstance(head, Started) else None, written=status.st_mtime_ns, size=status.st_size)
    for lines in _lines_back(descriptor, status.st_size):
        if found.time is not None and (found.stepped or found.end):
            lines = [line for line in lines if line.startswith(_TELLING)]  # few: the others cost next to nothing so
        for line in lines:
            if _is_telling(found, line) and (event := event_of(line)) is not None:
                _take(found, event)
                if _is_told_by_end(found):
                    found.best_step = _newest_best(descriptor, status.st_size)
                    return found
                if _is_enough(found):
                    return found
    return found


def _lines_back(descriptor: int, size: int) -> Iterator[list[bytes]]:
    """The lines of a file, block by block, from the last to the first."""
    end, rest, block = size, b"", BLOCK
    while end > 0:
        start = max(0, end - block)
        pieces = (os.pread(descriptor, end - start, start) + rest).split(b"\n")
        rest = pieces[0] if len(pieces[0]) <= LONGEST else b""
        yield pieces[:0:-1]
        end, block = start, min(4 * block, LARGEST_BLOCK)
    yield [rest]


def _newest_best(descriptor: int, size: int) -> int | None:
    """The step of the newest evaluation that was the best so far: looked for as bytes, and not line by line."""
    end, rest, block = size, b"", BLOCK
    while end > 0:
        start = max(0, end - block)
        data = os.pread(descriptor, end - start, start) + rest
        at = data.rfind(_IS_BEST)
        line = data.rfind(b"\n", 0, at) + 1
        if at >= 0 and (line or not start):
            step = _STEP.search(data, line, at)
            return int(step[1]) if step else None
        # A line that begins in the block before is looked at with it.
        rest = data[: data.find(b"\n") + 1 or None] if at < 0 else data
        rest = rest if len(rest) <= LONGEST else b""
        end, block = start, min(4 * block, LARGEST_BLOCK)
    return None


_IS_BEST = b'"best": true'
_STEP = re.compile(rb'"step": ([0-9]{1,18})\b')
_COURSES = (b'{"event": "started"', b'{"event": "entered"')
_EVALUATED = b'{"event": "evaluated"'
_TELLING = (*_COURSES, _EVALUATED)


def _is_telling(found: Skim, line: bytes) -> bool:
    """Whether a line may say what is not known yet: decoding it is what takes the time."""
    if found.until is None or (found.stepped is None and found.end is None) or line.startswith(_COURSES):
        return bool(line)
    if not line.startswith(_EVALUATED):
        return False
    if found.evaluated is None and not (found.end and found.end.metrics):
        return True
    return found.is_best_sought and found.best is None and _IS_BEST in line


def _take(found: Skim, event: Event) -> None:
    """Note what an event says, all later ones having been seen."""
    if found.time is None:
        found.time = event.time
        found.end = event if isinstance(event, Finished) else None
    if found.until is None:
        found.until = event.time
    match event:
        case Stepped():
            found.stepped = found.stepped or event
        case Evaluated():
            found.evaluated = found.evaluated or event
            if event.best and found.is_best_sought:
                found.best = found.best or event
        case Entered():
            found.course = found.course or event
            found.is_best_sought, found.phase = False, event.number
        case Started():
            if isinstance(found.course, Entered) and event.step > 0:
                # A phase that was gone on with, and not begun: what it had reached before counts.
                found.is_best_sought = found.phase == found.course.number
            found.first, found.course = event, found.course or event
            found.earlier += max(0.0, found.until - event.time)
            found.until = None


def _is_one_course(found: Skim) -> bool:
    """Whether the begin says all of what was to be done: in another phase, or session, that may have changed."""
    first, end = found.first, found.end
    return bool(first and end and first.phases == 1 and end.time - first.time <= end.seconds + PAUSE)


def _is_told_by_end(found: Skim) -> bool:
    """Whether begin and end say all but the step that was best, which they do where its parameters were not kept."""
    first, end = found.first, found.end
    told = first and end and not first.keep and end.best is not None and end.metrics
    return bool(told and found.course is None and _is_one_course(found))


def _is_enough(found: Skim) -> bool:
    first, end = found.first, found.end
    if first is None or end is None or not (found.course or _is_one_course(found)):
        return False
    is_kept = (found.course or first).keep and end.best is not None
    return bool((found.best or is_kept) and (found.evaluated or end.metrics))
