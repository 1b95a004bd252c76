"""Lines of a record by their kind, and the numbers in them: what makes reading many runs fast.

Events are lines that one program writes in one way, so a number is found by the name before it, a whole column at a
time and a fifth of the time that JSON takes. Lines that look otherwise are read as JSON; what is no event is passed
over. Knows nothing of what the numbers say.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from netspec.runs.atomic import reading
from netspec.runs.events import Alerted, Entered, Evaluated, Event, Examined, Finished, Saved, Started, Stepped, to_json
from netspec.runs.records import event_of

__all__ = ["Lines", "Numbers", "by_kind", "lines_of", "metrics_in", "numbers", "parsed", "sound"]

Numbers: TypeAlias = NDArray[np.float64]
Lines: TypeAlias = Mapping[type[Event], list[bytes]]
E = TypeVar("E", bound=Event)


def lines_of(path: Path) -> list[bytes]:
    """The lines of a file; none where there is no file.

    Raises:
        RunError: the system does not allow reading it.
    """
    with reading(path):
        try:
            return path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []


# -- lines by their kind -----------------------------------------------------------------------------------------------

_START = 16
"""As many bytes tell the kinds apart."""

_KINDS: Mapping[bytes, type[Event]] = {
    f'{{"event": "{kind.event}"'.encode()[:_START]: kind
    for kind in (Started, Entered, Stepped, Evaluated, Examined, Saved, Alerted, Finished)
}


def by_kind(lines: Sequence[bytes]) -> Lines:
    """The lines of each kind of event, in their order."""
    found = _by_start(lines)
    if not found.keys() <= {b"", *_KINDS}:
        found = _by_start(map(_rewritten, lines))
    return {kind: found[start] for start, kind in _KINDS.items() if start in found}


def _by_start(lines: Iterable[bytes]) -> Mapping[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for line in lines:
        found[line[:_START]].append(line)
    return found


def _rewritten(line: bytes) -> bytes:
    """An event that another program wrote in its own way, in ours; nothing, where it is none."""
    if line[:_START] in _KINDS:
        return line
    event = event_of(line)
    return json.dumps(to_json(event)).encode() if event else b""


def parsed(lines: Iterable[bytes], kind: type[E]) -> Iterator[E]:
    """The events of a kind among some lines."""
    return (event for event in map(event_of, lines) if isinstance(event, kind))


def sound(lines: list[bytes]) -> list[bytes]:
    """The lines of `stepped` events without those that are none."""
    if _are_alike(lines) and np.isfinite(numbers(lines, "step")).all():
        return lines
    return [line for line in lines if isinstance(event_of(line), Stepped)]


def metrics_in(lines: list[bytes]) -> list[str] | None:
    """What all `evaluated` events measured; None where that is not the same in all of them."""
    first = next(parsed(lines[:1], Evaluated), None)
    if first is None or not _are_alike(lines):
        return None
    text = b"\n".join(lines)
    fields = ("time", "step", "epoch", *first.metrics)
    alike = all(len(_pattern(name).findall(text)) == len(lines) for name in fields)
    return list(first.metrics) if alike else None


def _are_alike(lines: list[bytes]) -> bool:
    """Whether lines have as many keys and tables as the first of them, and are whole."""
    if not lines:
        return True
    text = b"\n".join(lines)
    start = lines[0][: lines[0].find(b",")]
    parts = (start, b"{", b"}", b', "')
    return all(text.count(part) == lines[0].count(part) * len(lines) for part in parts) and all(
        line.endswith(b"}") for line in lines
    )


# -- numbers by the name before them -----------------------------------------------------------------------------------


@cache
def _pattern(name: str) -> re.Pattern[bytes]:
    return re.compile(re.escape(json.dumps(name).encode()) + rb": ([^,}\n]*)")


def numbers(lines: Sequence[bytes], name: str) -> Numbers:
    """What stands in each line behind a name; NaN where nothing does, or no number."""
    found = _pattern(name).findall(b"\n".join(lines))
    if len(found) != len(lines):
        found = [next(iter(_pattern(name).findall(line)), b"") for line in lines]
    try:
        return np.array(list(map(float, found)), np.float64)
    except ValueError:
        return np.array([_number(text) for text in found], np.float64)


_NAMED = frozenset({b'"nan"', b'"inf"', b'"-inf"'})


def _number(text: bytes) -> float:
    try:
        return float(text[1:-1] if text in _NAMED else text)
    except ValueError:
        return math.nan
