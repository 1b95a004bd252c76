"""Frames in a terminal, drawn in place beside what a program does, and the keys that a person presses meanwhile.

The program never waits for the terminal: another thread draws the newest frame, and what a slow terminal had no time
for is never drawn. Rich renders the frames, but does not drive the terminal: its Live leaves cursor and echo broken on
SIGTERM. Knows nothing of trainings.
"""

from __future__ import annotations

import io
import os
import re
import select
import termios
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console

from netspec.report.drawing.frame import Frame, Look

__all__ = ["Screen", "is_live"]

FRAME_SECONDS = 0.5
"""Between two frames: with some milliseconds a frame, about one percent of two cores."""

LEAST_SECONDS = 0.25
"""Between two frames where a key was pressed: the most that an answer takes."""

MOST_LINES = 36
"""A frame no higher than this: on a large screen, what was there before stays in sight."""

WHOLE_SECONDS = 5.0
"""After so long a frame is written whole: whatever else was written to the terminal is gone then."""

STALLED_SECONDS = 1.0
"""How long the end waits for a terminal that takes nothing."""

LEAST_COLUMNS, LEAST_LINES = 20, 3

MOST_KEYS = 3
"""As many different ones at once are pressed by nobody: they were pasted, and are no keys."""


def is_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream is a terminal that a person looks at and whose cursor can be moved."""
    if not stream.isatty() or environ.get("TERM", "dumb") in {"", "dumb", "unknown"}:
        return False
    if environ.get("CI", "").lower() not in {"", "0", "false"}:
        return False
    columns, lines = os.get_terminal_size(stream.fileno())
    return columns >= LEAST_COLUMNS and lines >= LEAST_LINES and _in_foreground(stream.fileno())


_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_CLEAR_REST, _CLEAR_BELOW, _HOME = "\x1b[K", "\r\x1b[J", "\x1b[H"
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"  # shown at once, by terminals that can; passed over by others


def _nothing(key: str) -> None:
    """What a key does where keys do nothing."""


class Screen:
    """The lower part of a terminal's main screen, drawn in place in a thread; its last frame stays there.

    Args:
        stream: the terminal; see `is_live`.
        environ: the environment: TERM, COLORTERM and NO_COLOR matter.
        frame: what to show at a time (seconds since 1970) in so many columns and lines. The frame that stands there
            already, the same object, is not drawn again; one without lines neither. Called in the thread.
        key: called in the thread with each key pressed that is one character, where the keyboard is this terminal's.
        most_lines: more lines than these are never asked for.
        clock: gives the time.
    """

    def __init__(
        self,
        stream: TextIO,
        environ: Mapping[str, str],
        frame: Callable[[float, int, int], Frame],
        key: Callable[[str], None] = _nothing,
        most_lines: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.look = Look(ascii=not _speaks_braille(stream, environ), colour=not environ.get("NO_COLOR"))
        self._stream, self._terminal = stream, stream.fileno()
        self._frame, self._key, self._clock = frame, key, clock
        self._most_lines = most_lines or MOST_LINES
        self._keyboard = None if key is _nothing else _keyboard_of(self._terminal)
        self._console = Console(
            file=io.StringIO(),
            force_terminal=True,
            no_color=not self.look.colour,
            legacy_windows=False,
            _environ=environ,
        )
        self._done = False
        self._inbox = self._outbox = -1
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
        self._lock = threading.Lock()  # whoever holds it may touch the terminal and what is below
        self._drawn: Frame | None = None
        self._lines: list[str] = []
        self._size = (0, 0)
        self._whole = 0.0  # when a frame was written whole
        self._modes: list[Any] | None = None
        self._released = False

    @property
    def has_keys(self) -> bool:
        """Whether keys that are pressed arrive here."""
        return self._keyboard is not None

    def __enter__(self) -> Self:
        self._inbox, self._outbox = os.pipe()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw the last frame, unless the terminal is stalled or was given back, and leave the cursor below it."""
        self._done = True
        os.close(self._outbox)  # wakes the thread
        self._thread.join(STALLED_SECONDS)
        try:
            if not self._thread.is_alive():
                os.close(self._inbox)
                self._draw()
        finally:
            self.release()

    def release(self) -> None:
        """Leave the terminal as it was found, until `hold`."""
        self._released = True
        if self._modes is not None:
            _set_modes(self._terminal, self._modes)  # needs no lock: works while a frame is stuck
            self._modes = None
        if self._lock.acquire(timeout=STALLED_SECONDS):
            try:
                self._write("\n" + _SHOW if self._lines else "")
                self._lines, self._drawn = [], None
            finally:
                self._lock.release()

    def hold(self) -> None:
        """Go on after `release`."""
        self._released = False

    def _run(self) -> None:
        while not self._done:
            self._draw()
            self._wait()

    def _wait(self) -> None:
        """Hear keys until the next frame is due, which is sooner where there were some."""
        begun = time.monotonic()
        due = begun + FRAME_SECONDS
        while not self._done and (rest := due - time.monotonic()) > 0:
            if self._pressed(rest):
                due = begun + LEAST_SECONDS

    def _pressed(self, seconds: float) -> bool:
        """Hear the keys of at most so many seconds, and say whether there were any."""
        keyboard = self._keyboard
        if keyboard is None or self._modes is None or not _in_foreground(keyboard):
            select.select([self._inbox], [], [], seconds)
            return False
        ready, _, _ = select.select([self._inbox, keyboard], [], [], seconds)
        keys = self._read(keyboard) if keyboard in ready else ""
        for key in keys:
            self._key(key)
        return bool(keys)

    def _read(self, keyboard: int) -> str:
        """The keys that are there; none where they were meant for someone else by now."""
        with self._lock:
            if self._modes is None:
                return ""
            try:
                data = os.read(keyboard, 1024)
            except OSError:
                data = b""
            if not data:  # the terminal has gone: it would be ready for ever
                self._keyboard = None
        return _keys(data)

    def _draw(self) -> None:
        """Draw the newest frame, unless it is what stands there or the terminal is someone else's."""
        if self._released:
            return
        try:
            columns, lines = size = os.get_terminal_size(self._terminal)
        except OSError:
            return
        if min(size) < 2 or not _in_foreground(self._terminal):
            return
        height = min(lines - 1, self._most_lines)
        frame = self._frame(self._clock(), columns, height)
        if not frame.lines or (frame is self._drawn and size == self._size):
            return
        drawn = self._rendered(frame, columns, height)
        with self._lock:
            if self._released:
                return
            self._take()
            self._write(_BEGIN + self._changes(drawn, size) + _END)
            self._drawn, self._lines, self._size = frame, drawn, size

    def _rendered(self, frame: Frame, columns: int, height: int) -> list[str]:
        """The frame's lines, each clearing what stood to its right: where it reaches the edge, there is nothing."""
        self._console.size = (columns, height)
        with self._console.capture() as capture:
            self._console.print(frame)
        texts = capture.get().split("\n")
        shown = zip(texts, frame.lines[:height], strict=False)
        return [text + (_CLEAR_REST if line.cell_len < columns else "") for text, line in shown]

    def _changes(self, drawn: list[str], size: tuple[int, int]) -> str:
        """What makes the new frame of what stands there: what stays as it is, is seldom written anew."""
        before, lead = self._lines, ""
        if not before:
            lead = _HIDE
        elif size != self._size:  # the terminal has wrapped its lines anew: nothing is where it was
            before, lead = [], _HOME + _CLEAR_BELOW
        else:
            lead = f"\x1b[{len(before) - 1}A" if len(before) > 1 else ""
            if len(drawn) < len(before):
                before, lead = [], lead + _CLEAR_BELOW
        if time.monotonic() - self._whole >= WHOLE_SECONDS:
            before, self._whole = [], time.monotonic()
        same = [i < len(before) and before[i] == line for i, line in enumerate(drawn)]
        return lead + "\r" + "\n".join("" if s else "\r" + line for s, line in zip(same, drawn, strict=True))

    def _take(self) -> None:
        """Stop echoing what is typed, once: it would stand in the middle of the frame. Keys need no Enter."""
        if self._modes is not None:
            return
        self._stream.flush()
        self._modes = termios.tcgetattr(self._terminal)
        silent = [*self._modes[:6], list(self._modes[6])]
        silent[3] &= ~termios.ECHO
        silent[3] |= termios.NOFLSH  # else Ctrl-C takes away what the terminal has not read of a frame
        if self._keyboard is not None:
            silent[3] &= ~termios.ICANON
            silent[6][termios.VMIN], silent[6][termios.VTIME] = 0, 0  # reading never waits
        _set_modes(self._terminal, silent)

    def _write(self, text: str) -> None:
        """Write past the stream's buffer: a frame that is stuck must not keep others from the stream's lock."""
        data = text.encode("ascii" if self.look.ascii else "utf-8", "replace")
        try:
            while data:
                try:
                    data = data[os.write(self._terminal, data) :]
                except BlockingIOError:  # someone has set the terminal so
                    select.select([], [self._terminal], [])
        except OSError:  # the terminal has gone, and the program goes on
            self._released = True


_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|O.?|.)?")


def _keys(data: bytes) -> str:
    """The keys of one character in what was typed: arrows and the like are sequences of several, and are none."""
    typed = _SEQUENCE.sub("", data.decode("utf-8", "ignore"))
    keys = "".join(c for c in typed if c.isprintable() or c in "\t\n")
    return keys if len(set(keys)) <= MOST_KEYS else ""


def _keyboard_of(terminal: int) -> int | None:
    """Standard input, where it is that terminal."""
    try:
        same = os.isatty(0) and os.fstat(0).st_rdev == os.fstat(terminal).st_rdev
    except OSError:
        return None
    return 0 if same else None


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
