"""A training as JSON objects, one event a line, for programs that follow it."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Self, TextIO

from netspec.report.progress import Progress, advance
from netspec.runs.events import Event, to_json

__all__ = ["Objects"]


class Objects:
    """A display that prints each event as it comes; a stop that was asked for is told by the last of them."""

    def __init__(self, stream: TextIO, progress: Progress) -> None:
        self.progress = progress
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event) -> None:
        """Print one event."""
        self.progress = advance(self.progress, event)
        self._stream.write(json.dumps(to_json(event)) + "\n")
        self._stream.flush()

    def stopping(self) -> None:
        """Say nothing: `Finished` will tell."""

    def release(self) -> None:
        """Do nothing: no terminal is held."""

    def hold(self) -> None:
        """Do nothing: no terminal is held."""
