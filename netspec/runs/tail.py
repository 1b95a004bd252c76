"""A run's record read while another process writes it: each time only what was added, or all of it where it is another.

Reading never fails and never waits: whatever became of the file, it says so, and goes on when there is one again. Knows
nothing of what the events add up to.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from netspec.runs.events import Event
from netspec.runs.records import EVENTS, event_of

__all__ = ["News", "Tail"]

MOST_BYTES = 1 << 20
"""Read at once: a long record comes in pieces, and what shows it stays answerable in between."""

LONGEST_LINE = 1 << 24
"""Of a line that has no end yet: what goes on for longer is no event, and is not kept."""

REMEMBERED = 128
"""The last bytes that were read: where others stand in their place, it is another record."""


@dataclass(frozen=True, slots=True)
class News:
    """What has happened to a record since it was last looked at.

    Args:
        events: what was added.
        anew: it is not the record that it was: the events are its first ones, and what was known holds no more.
        more: there is more to read at once.
        problem: why nothing can be read; empty where all is well.
    """

    events: tuple[Event, ...] = ()
    anew: bool = False
    more: bool = False
    problem: str = ""


class Tail:
    """The end of a run's record, wherever that is now.

    A training appends to its record, and replaces it by a shorter one when it is resumed; people remove, rename and
    copy runs while somebody looks. To look costs one question to the system where nothing has changed.
    """

    def __init__(self, run: Path, most: int = MOST_BYTES) -> None:
        self._path = run / EVENTS
        self._most = most
        self._file: tuple[int, int] | None = None  # device and number
        self._looked: tuple[int, ...] = ()
        self._begin()

    def news(self) -> News:
        """What was added since the last time."""
        try:
            found = self._path.stat()
            looked = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if looked == self._looked and self._read == found.st_size:
                return News()
            news = self._news()
        except FileNotFoundError:
            self._looked = ()
            return News(problem="" if self._path.parent.is_dir() else "removed or renamed")
        except OSError as error:
            self._looked = ()
            return News(problem=f"{EVENTS} could not be read: {error.strerror or error}")
        self._looked = looked
        return news

    def _begin(self) -> None:
        self._read = 0
        self._last = b""
        self._torn = b""
        self._lost = False  # within a line that is too long to be one

    def _news(self) -> News:
        # Not to wait for a pipe that somebody has put there.
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return News(problem=f"{EVENTS} is no file")
            anew = self._is_another(descriptor, found)
            if anew:
                self._begin()
            self._file = (found.st_dev, found.st_ino)
            data = os.pread(descriptor, self._most, self._read)
        finally:
            os.close(descriptor)
        self._read += len(data)
        self._last = (self._last + data)[-REMEMBERED:]
        return News(self._events(data), anew, self._read < found.st_size)

    def _is_another(self, descriptor: int, found: os.stat_result) -> bool:
        if not self._read:
            return False
        if (found.st_dev, found.st_ino) != self._file or found.st_size < self._read:
            return True
        return os.pread(descriptor, len(self._last), self._read - len(self._last)) != self._last

    def _events(self, data: bytes) -> tuple[Event, ...]:
        """The events of the lines that end in the data; what follows the last of them is kept for later."""
        whole, end, rest = data.rpartition(b"\n")
        if not end:
            self._keep(self._torn + rest)
            return ()
        lines = (self._torn + whole).split(b"\n")[self._lost :]
        self._torn, self._lost = b"", False
        self._keep(rest)
        return tuple(event for event in map(event_of, lines) if event is not None)

    def _keep(self, torn: bytes) -> None:
        self._lost = self._lost or len(torn) > LONGEST_LINE
        self._torn = b"" if self._lost else torn
