"""Runs that are watched while other processes train them, or long after: what their files say, as they are written.

Prints nothing, and waits for nothing: whoever shows the runs asks for what is new as often as it likes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from netspec.diagnostics import Diagnostic, RunError
from netspec.report.dashboard.chosen import Watched, over, shown
from netspec.report.drawing.wording import age
from netspec.report.progress import Progress, advance
from netspec.runs.directory import ENDS, PARENT, State, is_locked
from netspec.runs.events import Event, Finished, Started
from netspec.runs.glance import glances
from netspec.runs.records import EVENTS
from netspec.runs.selection import chosen
from netspec.runs.tail import Tail

__all__ = ["LOOK_SECONDS", "MOST_RUNS", "Followed", "Watching", "watch"]

MOST_RUNS = 16
"""As many as a screen has lines and colours for."""

STARTING_SECONDS = 20.0
"""How long a run that has no record yet, and that nobody holds, may be one that is being made."""

QUIET_SECONDS = 120.0
"""A training that records nothing for longer is told of: it may be stopped (Ctrl-Z), or stuck."""


def watch(texts: Sequence[str] = (), parent: Path = PARENT, *, patient: bool = False) -> Watching:
    """The runs that a person means, or else the newest one, of those that go on if any does.

    Args:
        texts: as `selection.chosen` takes them.
        parent: the folder of runs.
        patient: where there is no run yet, the first one is waited for.

    Raises:
        RunError: there is no such run, or there are too many.
    """
    paths = chosen(texts, parent) if texts else _newest(parent)
    if len(paths) > MOST_RUNS:
        message = f"{len(paths)} runs are too many to be watched at once"
        raise RunError(Diagnostic("choice", message, help=f"name {MOST_RUNS} of them at the most"))
    if not paths and not patient:
        raise RunError(Diagnostic("no-run", f"{parent} holds no runs yet", help="netspec train SPEC makes one"))
    return Watching(paths, None if texts else parent)


def _newest(parent: Path) -> tuple[Path, ...]:
    runs, _ = glances(parent)
    going = [run for run in runs if run.state == "running"]
    return tuple(run.path for run in (going or runs)[:1])


LOOK_SECONDS = 0.25
"""Between two looks at the runs' files."""

ARRIVALS_SECONDS = 1.0
"""Between two looks for newer runs."""


class Watching:
    """The runs that are watched.

    Args:
        paths: their directories.
        parent: the folder in which newer ones may begin; None where nobody wants to hear of them.
    """

    def __init__(self, paths: Sequence[Path], parent: Path | None = None) -> None:
        self._followed = [Followed(path) for path in paths]
        self._arrivals = None if parent is None else Arrivals(parent)
        self.runs: tuple[Watched, ...] = tuple(one.watched for one in self._followed)
        self.more = True
        self.newer: Path | None = None
        self._asked = 0.0  # when it was last asked for newer ones

    @property
    def over(self) -> bool:
        """Whether all of them have ended, and everything of them was read."""
        return bool(self.runs) and not self.more and all(map(over, self.runs))

    def look(self, now: float) -> list[tuple[int, Event]]:
        """What has happened since the last time, and to which run; `more` says that there is more at once."""
        happened = [(i, event) for i, one in enumerate(self._followed) for event in one.look(now)]
        self.more = any(one.more for one in self._followed)
        found = tuple(one.watched for one in self._followed)
        if any(a is not b for a, b in zip(found, self.runs, strict=True)):
            self.runs = found
        if self._arrivals is not None and abs(now - self._asked) >= ARRIVALS_SECONDS:
            self._asked, self.newer = now, self._arrivals.look() or self.newer
            if not self.runs:
                self.switch()
        return happened

    def follow(self, once: bool = False) -> Iterator[tuple[int, Event]]:
        """What happens until all runs are over, and to which; a process that dies ends with "stopped".

        Args:
            once: only what has happened already.
        """
        while True:
            yield from self.look(time.time())
            if self.over or (once and not self.more):
                return
            if not self.more:
                time.sleep(LOOK_SECONDS)

    def switch(self) -> None:
        """Watch the newer run that has begun, if one has, and it alone."""
        if self.newer is not None:
            self._followed = [Followed(self.newer)]
            self.runs = (self._followed[0].watched,)
            self.more, self.newer = True, None


class Followed:
    """A run that is followed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tail = Tail(path)
        self._progress = Progress()
        self._told = 0.0  # the time of the newest event that was given
        self._again = False  # the record is read anew, and what was given comes once more
        self._ended = False  # its end was told, though it did not tell of it itself
        self.watched = Watched(str(path), self._progress, "running")
        self.more = True

    def look(self, now: float) -> list[Event]:
        """What has happened since the last time; nothing is told twice."""
        # The lock comes first: a training records its end before it lets go. And last: it may just have begun.
        locked, trouble = self._is_locked()
        news = self._tail.news()
        locked, trouble = (locked, trouble) if locked or not news.events else self._is_locked()
        progress = Progress() if news.anew else self._progress
        events = [self._named(event) for event in news.events]
        for event in events:
            progress = advance(progress, event)
        self._progress, self.more = progress, news.more
        state = self._state(locked, news.more, now)
        problem = news.problem or trouble or self._silence(state, now)
        if (progress, state, problem) != (self.watched.progress, self.watched.state, self.watched.problem):
            self.watched = Watched(str(self._path), progress, state, problem)
        return self._untold(events, news.anew) + self._end()

    def _named(self, event: Event) -> Event:
        """The event with the run's directory as a person would type it here, and now."""
        return replace(event, run=str(self._path)) if isinstance(event, Started | Finished) else event

    def _is_locked(self) -> tuple[bool, str]:
        try:
            return is_locked(self._path), ""
        except RunError as error:
            return False, error.diagnostics[0].message

    def _state(self, locked: bool, more: bool, now: float) -> State:
        if locked or more:
            return "running"
        if self._progress.finished is not None:
            return ENDS.get(self._progress.finished.reason, "failed")
        return "running" if self._progress.started is None and self._is_new(now) else "stopped"

    def _is_new(self, now: float) -> bool:
        try:
            return now - self._path.stat().st_mtime < STARTING_SECONDS
        except OSError:
            return False

    def _silence(self, state: State, now: float) -> str:
        silent = now - self._progress.time
        if state != "running" or self._progress.started is None or silent < QUIET_SECONDS:
            return ""
        return f"it last recorded something {age(silent)}"

    def _untold(self, events: Sequence[Event], anew: bool) -> list[Event]:
        self._again = self._again or anew
        fresh = [event for event in events if not self._again or event.time > self._told]
        if fresh:
            self._again, self._told = False, fresh[-1].time
        return fresh

    def _end(self) -> list[Event]:
        """The end of a training that recorded none."""
        end = shown(self.watched).finished if over(self.watched) and self._progress.finished is None else None
        told, self._ended = self._ended, end is not None
        return [] if end is None or told else [end]


class Arrivals:
    """Runs that begin in a folder; to look costs one question to the system while none does."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._changed = 0
        self._known: set[str] = set()
        self._awaited: set[str] = set()
        self._known, self._awaited = self._new_names(), set()

    def look(self) -> Path | None:
        """The newest of the runs that began since the last time, as soon as it has a record."""
        names = self._new_names()
        self._known |= names
        self._awaited |= names
        self._awaited = {name for name in self._awaited if (self._parent / name).is_dir()}
        begun = sorted((name for name in self._awaited if (self._parent / name / EVENTS).exists()), key=self._made)
        self._awaited.difference_update(begun)
        return self._parent / begun[-1] if begun else None

    def _new_names(self) -> set[str]:
        try:
            changed = os.stat(self._parent).st_mtime_ns
            if changed == self._changed:
                return set()
            self._changed = changed
            return {n for n in os.listdir(self._parent) if not n.startswith(".") and n not in self._known}
        except OSError:
            return set()

    def _made(self, name: str) -> float:
        try:
            return (self._parent / name).stat().st_mtime
        except OSError:
            return 0.0
