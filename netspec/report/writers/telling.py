"""Tells one program of one run, from a thread of its own.

However slow the program is, and whatever becomes of it, the training goes on as it would without.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from netspec.report.writers.told import Row, Writer, row_of
from netspec.runs.events import Event, Finished, Started

__all__ = ["Telling"]

MOST_WAITING = 50_000
"""Events that may wait; a program that lags behind by more than that is given up."""

AT_ONCE = 1000
"""Events that are handed over together, at the most."""

PATIENCE = 60.0
"""Seconds that a program may take, when the training has ended, to write what waits."""


class Telling:
    """Takes in events at once, and tells them as fast as the program takes them.

    Args:
        title: of the program.
        opened: begins the writing, when the training begins.
    """

    def __init__(self, title: str, opened: Callable[[Started], Writer]) -> None:
        self.title = title
        self._opened = opened
        self._waiting: queue.Queue[Event | None] = queue.Queue(MOST_WAITING)
        self._failure = ""
        self._told = False
        # A daemon: a program that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"telling {title}", daemon=True)
        self._thread.start()

    def tell(self, event: Event) -> None:
        """Take in one event; returns at once."""
        if self._failure:
            return
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._failure = f"it lags behind by {MOST_WAITING:,} events"

    def failure(self) -> str:
        """Why the program is told no more, once; empty while all is well."""
        said, self._told = self._failure if not self._told else "", self._told or bool(self._failure)
        return said

    def close(self, patience: float = PATIENCE) -> None:
        """Let the program write what waits, for so many seconds at the most; it is safe to close twice."""
        if not self._thread.is_alive():
            return
        try:
            self._waiting.put(None, timeout=patience)
        except queue.Full:
            self._failure = self._failure or "it takes nothing in any more"
        self._thread.join(patience)
        if self._thread.is_alive():
            self._failure = self._failure or f"it did not end within {patience:.0f} seconds"

    def _run(self) -> None:
        try:
            self._write()
        except BaseException as error:  # a program may even try to exit
            said = " ".join(str(error).split())
            self._failure = self._failure or f"{type(error).__name__}{': ' if said else ''}{said[:200]}"

    def _write(self) -> None:
        writer: Writer | None = None
        finished: Finished | None = None
        try:
            for events in self._batches():
                rows: list[Row] = []
                for event in events:
                    if isinstance(event, Started) and writer is None:
                        writer = self._opened(event)
                    rows += [row] if (row := row_of(event)) is not None else []
                if writer is not None and rows and not self._failure:
                    writer.write(rows)
                finished = next((event for event in events if isinstance(event, Finished)), finished)
        finally:
            if writer is not None:
                writer.close(finished)

    def _batches(self) -> Iterator[list[Event]]:
        """What waits, together; until the end."""
        ended = False
        while not ended:
            found = [self._waiting.get()]
            while found[-1] is not None and len(found) < AT_ONCE and not self._waiting.empty():
                found.append(self._waiting.get())
            ended = found[-1] is None
            yield [event for event in found if event is not None]
