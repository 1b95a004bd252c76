"""What a training shows while it goes on: a dashboard in a terminal, lines anywhere else; and how it hears Ctrl-C.

The only module of `report` that knows of terminals, threads and signals. The training thread never waits for a
terminal: it folds its events into a state and goes on; another thread draws the newest state, and what a slow terminal
had no time for is never drawn.

Rich renders the frames, but does not drive the terminal: its Live leaves cursor and echo broken on SIGTERM.
"""

from __future__ import annotations

import io
import json
import os
import re
import select
import signal
import socket
import termios
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import FrameType, TracebackType
from typing import Any, Protocol, Self, TextIO

from rich.console import Console

from netspec.diagnostics import printable
from netspec.report.dashboard import view
from netspec.report.progress import Progress, advance
from netspec.runs.events import Alerted, Evaluated, Event, Finished, Started, Stepped

__all__ = ["Dashboard", "Display", "Interrupts", "Lines", "display_for", "is_live"]

FRAME_SECONDS = 0.5
"""Between two frames: with 4 ms a frame, well under one percent of two cores."""

MOST_LINES = 30
"""A dashboard no higher than this: on a large screen, what was there before stays in sight."""

LINE_SECONDS = 10.0
"""Between two lines about steps, where nothing was evaluated in the meantime."""

STALLED_SECONDS = 1.0
"""How long the end of a training waits for a terminal that takes nothing."""

GRACE_SECONDS = 2.0
"""How long a second Ctrl-C waits for Python to get a turn before the process is ended."""

LEAST_COLUMNS, LEAST_LINES = 20, 3


MOST_NEWS = 256
"""Events that may wait to be folded: the stretch is short, yet folding many at a time is several times cheaper."""


class Display(Protocol):
    """Something that shows a training while it goes on."""

    @property
    def progress(self) -> Progress:
        """The state, with every event in it that was shown."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: Event) -> None:
        """Take in one event; returns at once."""

    def stopping(self) -> None:
        """Say that a stop was asked for and that the trainer is about to save."""

    def release(self) -> None:
        """Leave the terminal as it was found, until `hold`."""

    def hold(self) -> None:
        """Go on after `release`."""


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


class _Follower:
    """Events on their way into a state: cheap to add from one thread, folded by whichever thread wants the state."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._news: deque[Event] = deque()
        self._folding = threading.Lock()

    def add(self, event: Event) -> None:
        self._news.append(event)
        if len(self._news) >= MOST_NEWS:
            self.progress()

    def progress(self) -> Progress:
        with self._folding:
            while self._news:
                self._progress = advance(self._progress, self._news.popleft())
            return self._progress


class Lines:
    """One line of `key=value` for each evaluation, and for steps every few seconds: for logs, pipes and CI."""

    def __init__(self, stream: TextIO, progress: Progress) -> None:
        self._follower = _Follower(progress)
        self._stream = stream
        self._said = 0.0
        self._lock = threading.Lock()

    @property
    def progress(self) -> Progress:
        return self._follower.progress()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event) -> None:
        self._follower.add(event)
        if isinstance(event, Stepped) and event.time - self._said < LINE_SECONDS:
            return
        pairs = _pairs(event, self.progress)
        if pairs:
            self._said = event.time
            self._write(pairs)

    def stopping(self) -> None:
        self._write({"stopping": "finishing the step and saving"})

    def release(self) -> None:
        return None

    def hold(self) -> None:
        return None

    def _write(self, pairs: Mapping[str, Any]) -> None:
        with self._lock:
            self._stream.write(" ".join(f"{key}={_value(value)}" for key, value in pairs.items()) + "\n")
            self._stream.flush()


def _pairs(event: Event, progress: Progress) -> Mapping[str, Any]:
    """What a line says of an event; nothing where the event deserves no line."""
    match event:
        case Started():
            keys = ("run", "name", "device", "seed", "parameters", "batch", "step", "steps")
            return {key: getattr(event, key) for key in keys if getattr(event, key) != ""}
        case Stepped():
            return _position(event, progress) | _measured(progress)
        case Evaluated():
            return _position(event, progress) | _measured(progress) | dict(event.metrics) | {"best": event.best}
        case Alerted():
            return {"alert": event.code, "step": event.step, "message": event.message, "help": event.help}
        case Finished():
            ending = {"finished": event.reason, "step": event.step, "seconds": round(event.seconds, 1)}
            return ending | dict(event.metrics) | ({"run": event.run} if event.run else {})
        case _:
            return {}


def _position(event: Stepped | Evaluated, progress: Progress) -> dict[str, Any]:
    left = progress.left(event.time)
    steps = {"steps": progress.started.steps} if progress.started else {}
    clocks = {"elapsed": round(progress.elapsed(event.time))} | ({} if left is None else {"left": round(left)})
    return {"step": event.step, **steps, "epoch": round(event.epoch, 2), **clocks}


def _measured(progress: Progress) -> dict[str, Any]:
    stepped = progress.stepped
    if stepped is None:
        return {}
    rate = {} if stepped.learning_rate is None else {"learning_rate": stepped.learning_rate}
    return {
        "loss": stepped.loss,
        "smoothed_loss": progress.smoothed,
        **rate,
        "gradient_norm": stepped.gradient_norm,
        "examples_per_second": round(stepped.examples_per_second, 1),
    }


def _value(value: Any) -> str:
    """A value without blanks, or in quotes: ASCII in either case."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.5g}"
    text = str(value)
    return text if re.fullmatch(r"[\w./:+-]+", text, re.ASCII) else json.dumps(printable(text))


_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_CLEAR_LINE, _CLEAR_BELOW, _HOME = "\r\x1b[2K", "\r\x1b[J", "\x1b[H"


class Dashboard:
    """The dashboard in the lower part of a terminal's main screen, drawn in place; its last frame stays there."""

    def __init__(
        self, stream: TextIO, environ: Mapping[str, str], progress: Progress, clock: Callable[[], float] = time.time
    ) -> None:
        self._follower = _Follower(progress)
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


class Interrupts:
    """Ctrl-C and SIGTERM while a training goes on: the first asks for a stop, a second Ctrl-C leaves at once.

    The trainer looks at `requested` after each dispatch, saves, and stops. Python runs signal handlers between two
    bytecodes of the main thread only, which may be deep in a compilation for a minute; so a thread of its own hears
    every signal as it arrives, shows that it was heard, and at a second Ctrl-C gives the terminal back and, if the main
    thread did not leave by a KeyboardInterrupt within two seconds, ends the process with code 130. Checkpoints are
    whole at any moment, so nothing that was saved is lost by that. Ctrl-Z gives the terminal back while it lasts.
    """

    def __init__(self, display: Display) -> None:
        self.requested = False
        self._display = display
        self._heard = False  # by the listening thread
        self._handled = False  # by the main thread
        self._again = False
        self._left = threading.Event()

    def __enter__(self) -> Self:
        self._inbox, self._outbox = socket.socketpair()
        self._outbox.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._outbox.fileno(), warn_on_full_buffer=False)
        heard = [n for n in _HEARD if signal.getsignal(n) is not signal.SIG_IGN]  # as under nohup: stays ignored
        self._before = {number: signal.signal(number, self._handle) for number in heard}
        self._thread = threading.Thread(target=self._listen, name="interrupts", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._outbox.close()
        self._thread.join(GRACE_SECONDS)
        self._inbox.close()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """In the main thread. Two signals that came during one call into C arrive here as one: `_again` tells."""
        if number == signal.SIGTSTP:
            self._suspend()
            return
        second = number == signal.SIGINT and (self._handled or self._again)
        self.requested = self._handled = True
        if second:
            raise KeyboardInterrupt

    def _suspend(self) -> None:
        """Stop as if nothing had handled Ctrl-Z, the terminal given back until the process goes on."""
        self._display.release()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._handle)
        self._display.hold()

    def _listen(self) -> None:
        """In a thread: every signal is one byte, at once, whatever the main thread is doing."""
        while data := self._inbox.recv(1):
            if data[0] not in (signal.SIGINT, signal.SIGTERM):
                continue
            if not self._heard:
                self._heard = self.requested = True
                self._display.stopping()
            elif data[0] == signal.SIGINT:
                self._leave()

    def _leave(self) -> None:
        self._again = True
        self._display.release()
        if not self._left.wait(GRACE_SECONDS):
            os._exit(130)


_HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGTSTP)
