"""The dashboard in a terminal, drawn in place while a training goes on; lines where there is no such terminal.

The training thread never waits for the terminal: another thread draws the newest state, and what a slow terminal had no
time for is never drawn. Rich renders the frames, but does not drive the terminal: its Live leaves cursor and echo
broken on SIGTERM.
"""

from __future__ import annotations

import io
import os
import select
import termios
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console

from netspec.report.dashboard import view
from netspec.report.display import Display, Follower
from netspec.report.lines import Lines
from netspec.report.progress import Progress
from netspec.runs.events import Event

__all__ = ["Dashboard", "display_for", "is_live"]

FRAME_SECONDS = 0.5
"""Between two frames: with 4 ms a frame, well under one percent of two cores."""

MOST_LINES = 30
"""A dashboard no higher than this: on a large screen, what was there before stays in sight."""

STALLED_SECONDS = 1.0
"""How long the end of a training waits for a terminal that takes nothing."""

LEAST_COLUMNS, LEAST_LINES = 20, 3


def display_for(stream: TextIO, environ: Mapping[str, str], progress: Progress | None = None) -> Display:
    """The dashboard where it can live, lines anywhere else.

    Args:
        stream: where to show it, usually standard output.
        environ: the environment: TERM, COLORTERM, NO_COLOR and CI matter.
        progress: the state so far, where a run is resumed.
    """
    progress = progress or Progress()
    return Dashboard(stream, environ, progress) if is_live(stream, environ) else Lines(stream, progress)


def is_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream is a terminal that a person looks at and whose cursor can be moved."""
    if not stream.isatty() or environ.get("TERM", "dumb") in {"", "dumb", "unknown"}:
        return False
    if environ.get("CI", "").lower() not in {"", "0", "false"}:
        return False
    columns, lines = os.get_terminal_size(stream.fileno())
    return columns >= LEAST_COLUMNS and lines >= LEAST_LINES and _in_foreground(stream.fileno())


_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_CLEAR_LINE, _CLEAR_BELOW, _HOME = "\r\x1b[2K", "\r\x1b[J", "\x1b[H"


class Dashboard:
    """The dashboard in the lower part of a terminal's main screen, drawn in place; its last frame stays there."""

    def __init__(
        self, stream: TextIO, environ: Mapping[str, str], progress: Progress, clock: Callable[[], float] = time.time
    ) -> None:
        self._follower = Follower(progress)
        self._stream = stream
        self._terminal = stream.fileno()
        self._clock = clock
        self._ascii = not _speaks_braille(stream, environ)
        self._colour = not environ.get("NO_COLOR")
        self._console = Console(
            file=io.StringIO(), force_terminal=True, no_color=not self._colour, legacy_windows=False, _environ=environ
        )
        self._stopping = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dashboard", daemon=True)
        self._lock = threading.Lock()  # whoever holds it may touch the terminal and what is below
        self._drawn: tuple[object, ...] | None = None
        self._lines = 0
        self._size = (0, 0)
        self._modes: list[Any] | None = None
        self._released = False

    @property
    def progress(self) -> Progress:
        return self._follower.progress()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw the last state, unless the terminal is stalled or was given back, and leave the cursor below it."""
        self._done.set()
        self._thread.join(STALLED_SECONDS)
        if not self._released and not self._thread.is_alive():
            self._draw()
        self.release()

    def show(self, event: Event) -> None:
        self._follower.add(event)

    def stopping(self) -> None:
        self._stopping = True

    def release(self) -> None:
        self._released = True
        if self._modes is not None:
            _set_modes(self._terminal, self._modes)  # needs no lock: works while a frame is stuck
            self._modes = None
        if self._lock.acquire(timeout=STALLED_SECONDS):
            try:
                self._write("\n" + _SHOW if self._lines else "")
                self._lines, self._drawn = 0, None
            finally:
                self._lock.release()

    def hold(self) -> None:
        self._released = False

    def _run(self) -> None:
        while not self._done.wait(FRAME_SECONDS):
            if not self._released:
                self._draw()

    def _draw(self) -> None:
        """Draw the newest state, unless it is what stands there or the terminal is someone else's."""
        progress, now = self.progress, self._clock()
        try:
            size = os.get_terminal_size(self._terminal)
        except OSError:
            return
        seen = (progress, self._stopping, int(now), size)
        if progress.started is None or seen == self._drawn or min(size) < 2 or not _in_foreground(self._terminal):
            return
        frame = self._rendered(progress, now, *size)
        with self._lock:
            if self._released:
                return
            self._take()
            self._write(self._lead(size, len(frame)) + "\n".join(_CLEAR_LINE + line for line in frame))
            self._drawn, self._lines, self._size = seen, len(frame), size

    def _rendered(self, progress: Progress, now: float, columns: int, lines: int) -> list[str]:
        height = min(lines - 1, MOST_LINES)
        frame = view(progress, now, columns, height, ascii=self._ascii, colour=self._colour, stopping=self._stopping)
        self._console.size = (columns, lines)
        with self._console.capture() as capture:
            self._console.print(frame)
        return capture.get().rstrip("\n").split("\n")[:height]

    def _lead(self, size: tuple[int, int], lines: int) -> str:
        """What brings the cursor to where the frame begins."""
        if not self._lines:
            return _HIDE
        if size != self._size:  # the terminal has wrapped its lines anew: nothing is where it was
            return _HOME + _CLEAR_BELOW
        up = f"\x1b[{self._lines - 1}A" if self._lines > 1 else ""
        return up + (_CLEAR_BELOW if lines < self._lines else "")

    def _take(self) -> None:
        """Stop echoing what is typed, once: it would stand in the middle of the frame."""
        if self._modes is not None:
            return
        self._stream.flush()
        self._modes = termios.tcgetattr(self._terminal)
        silent = list(self._modes)
        silent[3] &= ~termios.ECHO
        _set_modes(self._terminal, silent)

    def _write(self, text: str) -> None:
        """Write past the stream's buffer: a frame that is stuck must not keep others from the stream's lock."""
        data = text.encode("ascii" if self._ascii else "utf-8", "replace")
        try:
            while data:
                try:
                    data = data[os.write(self._terminal, data) :]
                except BlockingIOError:  # someone has set the terminal so
                    select.select([], [self._terminal], [])
        except OSError:  # the terminal has gone, and the training goes on
            self._released = True


def _set_modes(terminal: int, modes: list[Any]) -> None:
    """Set them if the terminal is ours: a process in the background would be stopped for it."""
    if _in_foreground(terminal):
        try:
            termios.tcsetattr(terminal, termios.TCSANOW, modes)
        except termios.error:  # the terminal has gone
            return


def _in_foreground(terminal: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # a terminal that controls no session, as under some containers
        return True


def _speaks_braille(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the terminal shows Unicode; the Linux console does, but has no glyphs for braille."""
    encoding = (stream.encoding or "").lower().replace("-", "").replace("_", "")
    return encoding == "utf8" and environ.get("TERM") != "linux"
