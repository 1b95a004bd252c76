"""What a display of a training is, and how events get into its state without holding up the training.

Knows nothing of how the state is shown: `live`, `lines` and `objects` do.
"""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from netspec.report.progress import Progress, advance
from netspec.runs.events import Event

__all__ = ["Asked", "Display", "Follower", "Held"]

MOST_NEWS = 256
"""Events that may wait to be folded: the stretch is short, yet folding many at a time is several times cheaper."""


class Held(Protocol):
    """Something that holds the terminal, and hears of what a person wants of the process."""

    def stopping(self) -> None:
        """Say that a stop was asked for and that the trainer is about to save."""

    def release(self) -> None:
        """Leave the terminal as it was found, until `hold`."""

    def hold(self) -> None:
        """Go on after `release`."""


class Display(Held, Protocol):
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


class Asked(Protocol):
    """What a person asks of a training while it goes on; the trainer looks from time to time."""

    stops_after_epoch: bool

    def stop_after_epoch(self, wanted: bool = True) -> None:
        """Save and stop where the epoch ends, or not after all."""

    def save(self) -> None:
        """Save soon, and go on."""


class Follower:
    """Events on their way into a state: cheap to add from one thread, folded by whichever thread wants the state."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._news: deque[Event] = deque()
        self._folding = threading.Lock()

    def add(self, event: Event) -> None:
        """Take in one event; hardly ever folds."""
        self._news.append(event)
        if len(self._news) >= MOST_NEWS:
            self.progress()

    def progress(self) -> Progress:
        """The state, with every event in it that was added."""
        with self._folding:
            while self._news:
                self._progress = advance(self._progress, self._news.popleft())
            return self._progress
