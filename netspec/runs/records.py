"""The events of a run on the disk: one JSON object a line, appended while it trains and cut back when it is resumed.

Reading never fails on what a killed process or a bad disk left: a line that is no event is passed over. Knows nothing
of the rest of the run's directory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args, get_origin, get_type_hints

from netspec.runs.atomic import reading, write_bytes, writing
from netspec.runs.events import Event, Finished, from_json, to_json

__all__ = ["EVENTS", "Recorder", "cut_back", "event_of", "last_event", "read_events"]

EVENTS = "events.jsonl"


class Recorder:
    """Appends events to a run's events.jsonl, for as long as the training goes on.

    Each line is with the system before `record` returns, so a killed process loses no event that it recorded; the
    disk is not waited for. A line takes some 25 microseconds, of which handing it over is 2: holding lines back
    would save next to nothing.

    Raises:
        RunError: the disk is full, or the system does not allow writing.
    """

    def __init__(self, run: Path) -> None:
        self._path = run / EVENTS
        with writing(self._path):
            self._file = self._path.open("ab")
            if _is_torn(run):
                self._file.write(b"\n")  # else the first event would become a part of the torn line

    def record(self, event: Event) -> None:
        """Append one event."""
        line = json.dumps(to_json(event)).encode() + b"\n"
        with writing(self._path, len(line)):
            self._file.write(line)
            self._file.flush()

    def close(self) -> None:
        """End the recording; it is safe to close twice."""
        with writing(self._path):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_events(run: Path) -> tuple[Event, ...]:
    """The events of a run, in the order in which they happened; none where there is no record."""
    return tuple(_events(_lines(run)))


def last_event(run: Path) -> Event | None:
    """The last event of a run, read off the end of its record however long that is."""
    ends = (next(_events(reversed(_lines(run, size))), None) for size in (_USUAL_END, _LONGEST_LINE, None))
    return next((event for event in ends if event is not None), None)


def cut_back(run: Path, step: int) -> None:
    """Drop what a resumed run is going to live through again: every event past `step`, and the end of the training.

    Lines that are no JSON go too. Events of a kind that this version does not know stay, if they are not past it.

    Raises:
        RunError: the disk is full, or the system does not allow writing; the record is as it was.
    """
    kept = [line for line in _lines(run) if _lies_behind(_object(line), step)]
    write_bytes(run / EVENTS, b"".join(line + b"\n" for line in kept))


def _lies_behind(data: dict[str, Any] | None, step: int) -> bool:
    if data is None or data.get("event") == Finished.event:
        return False
    reached = data.get("step", 0)
    return isinstance(reached, int) and reached <= step


# A training's end takes some hundred bytes; an examination has a line for all layers of the network.
_USUAL_END, _LONGEST_LINE = 1 << 13, 1 << 20


def _lines(run: Path, last_bytes: int | None = None) -> list[bytes]:
    path = run / EVENTS
    with reading(path):
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                start = 0 if last_bytes is None else max(0, size - last_bytes)
                file.seek(start)
                return file.read(size - start).split(b"\n")
        except FileNotFoundError:
            return []


def _is_torn(run: Path) -> bool:
    """Whether the last line lacks its end."""
    return any(_lines(run, 1))


def _events(lines: Iterable[bytes]) -> Iterator[Event]:
    return (event for event in map(event_of, lines) if event is not None)


def event_of(line: bytes) -> Event | None:
    """The event that a line of a record holds; None where it holds none that is known and sound."""
    data = _object(line)
    if data is None or not isinstance(data.get("event"), str):
        return None
    try:
        event = from_json(data)
    except ValueError:
        return None
    return event if _is_sound(event) else None


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _is_sound(event: Event) -> bool:
    """Whether every field holds what its class says: who reads a record computes with it."""
    values, allowed = _FIELDS[type(event)]
    return all(map(isinstance, values(event), allowed))


def _allowed(hint: Any) -> Any:
    """What `isinstance` takes for a field's type; an int will do for a float, as everywhere in Python."""
    if get_origin(hint) is Mapping:
        return Mapping
    return hint | int if float in (hint, *get_args(hint)) else hint


def _fields(kind: type[Event]) -> tuple[attrgetter[Any], tuple[Any, ...]]:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    return attrgetter(*names), tuple(_allowed(hints[name]) for name in names)


_FIELDS = {kind: _fields(kind) for kind in get_args(Event)}
