"""Runs that are watched, in a terminal, and what a person's keys do there.

Knows nothing of files: it shows what it is given, and asks for what it cannot do itself.
"""

from __future__ import annotations

import dataclasses
import shlex
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, TextIO

from netspec.report.dashboard.chosen import ALL, Chosen, Watched, keys_of, over, pressed
from netspec.report.dashboard.side_by_side import view
from netspec.report.drawing.frame import Frame, fitted
from netspec.report.live.screen import Screen

__all__ = ["Window"]

MOST_LINES = 200
"""The whole terminal: whoever watches has it for nothing else."""

SUMMARY_LINES = 13
"""What is left free by the last frame of runs that are over: their end is told below it."""


class Window:
    """Watched runs on a `Screen`; their last state stays there.

    Args:
        stream: the terminal; see `screen.is_live`.
        environ: the environment: TERM, COLORTERM and NO_COLOR matter.
        leave: called when a person wants to leave.
        switch: called when a person wants to see the newer run.
        clock: gives the time.
    """

    def __init__(
        self,
        stream: TextIO,
        environ: Mapping[str, str],
        leave: Callable[[], None],
        switch: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._leave, self._switch = leave, switch
        self._runs: Sequence[Watched] = ()
        self._waiting = self._newer = ""
        self._chosen = ALL
        self._closing = False
        self._lock = threading.Lock()  # whoever holds it may touch what is shown and what is chosen of it
        self._shown: Sequence[Watched] = ()
        self._seen: tuple[object, ...] = ()
        self._frame = Frame(())
        self._screen = Screen(stream, environ, self._newest, self._press, MOST_LINES, clock)

    def __enter__(self) -> Self:
        self._screen.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closing = True
            looks = dataclasses.replace(self._chosen.looks, explained=False)
            self._chosen = dataclasses.replace(self._chosen, paused=(), looks=looks)
        self._screen.__exit__(kind, error, trace)

    def show(self, runs: Sequence[Watched], newer: str = "", waiting: str = "") -> None:
        """What there is to be seen from now on.

        Args:
            runs: the same object as long as nothing has changed.
            newer: the run that began since.
            waiting: what is said where there is no run.
        """
        with self._lock:
            if [run.name for run in runs] != [run.name for run in self._runs]:
                self._chosen = ALL
            self._runs, self._newer, self._waiting = runs, newer, waiting

    def stopping(self) -> None:
        """Say nothing: leaving takes no time."""

    def release(self) -> None:
        """Leave the terminal as it was found, until `hold`."""
        self._screen.release()

    def hold(self) -> None:
        """Go on after `release`."""
        self._screen.hold()

    def _newest(self, now: float, columns: int, lines: int) -> Frame:
        """The frame of the newest state; the one before, where it would be the same."""
        with self._lock:
            runs, chosen, notes, closing = self._runs, self._chosen, (self._newer, self._waiting), self._closing
        moving = not chosen.paused and not all(map(over, runs))
        seen = (chosen, notes, closing, int(now) if moving else 0, columns, lines)
        # Runs that have not changed are the same object: to compare long curves would take as long as to draw them.
        if runs is not self._shown or seen != self._seen:
            self._frame = self._drawn(runs, chosen, *notes, now, columns, lines)
            self._shown, self._seen = runs, seen
        return self._frame

    def _drawn(
        self, runs: Sequence[Watched], chosen: Chosen, newer: str, waiting: str, now: float, columns: int, lines: int
    ) -> Frame:
        look, has_keys = self._screen.look, self._screen.has_keys and not self._closing
        if self._closing and all(map(over, runs)):
            lines = max(lines // 2, lines - SUMMARY_LINES)
        if not runs:
            return Frame((fitted(look.text(waiting), columns, look),) if waiting else ())
        how = "n shows it" if has_keys else f"netspec watch {shlex.quote(newer)}"
        return view(
            runs,
            now,
            columns,
            lines,
            ascii=look.ascii,
            colour=look.colour,
            chosen=chosen,
            keys=keys_of(chosen, len(runs)) if has_keys else (),
            notes=[f"{newer} has begun: {how}"] if newer else (),
        )

    def _press(self, key: str) -> None:
        if key == "q":
            self._leave()
        elif key == "n":
            self._switch()
        else:
            with self._lock:
                self._chosen = pressed(self._chosen, key, self._runs)
