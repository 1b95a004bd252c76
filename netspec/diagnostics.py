"""What a mistake looks like: where it is, what it is, and what to do about it.

Knows nothing of TOML, of networks or of terminals' colours: every other module may import this one.

The exceptions that leave netspec's functions::

    NetspecError
    ├── SpecError       a mistake in a spec or in an argument that overrides one
    ├── DataError       a mistake in the data that a spec names, or that a command was given
    ├── RunError        a run directory that is missing, damaged or does not fit
    └── TrainingError   a training that could not go on: it diverged, or the device failed
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

__all__ = [
    "DataError",
    "Diagnostic",
    "NetspecError",
    "Place",
    "RunError",
    "Source",
    "SpecError",
    "TrainingError",
    "nearest",
    "printable",
    "render",
    "to_json",
]


@dataclass(frozen=True, slots=True)
class Source:
    """A text that a person wrote: a file, or one argument of the command line."""

    name: str
    text: str

    def line(self, number: int) -> str:
        """The line of that number (from 1), without its end; empty past the last."""
        lines = _lines(self.text)
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


@lru_cache(maxsize=4)
def _lines(text: str) -> list[str]:
    return text.split("\n")  # remembered, since a text with a mistake on each line is asked for each of them


@dataclass(frozen=True, slots=True)
class Place:
    """A part of one line of a source: columns count characters from 1, `end_column` is the one after the last."""

    source: Source
    line: int
    column: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake.

    Args:
        code: what kind of mistake, in lower case and hyphens; stable, so that tools may rely on it.
        message: one sentence on what is wrong, in the user's names.
        place: the part of the text that is to blame, where there is a text.
        file: the file that is to blame where there is no place in a text (a data file, a folder).
        label: a few words that stand under the place.
        note: a fact that helps, such as the keys that are allowed.
        help: what to do.
    """

    code: str
    message: str
    place: Place | None = None
    file: str | None = None
    label: str = ""
    note: str = ""
    help: str = ""
    severity: Literal["error", "warning"] = "error"


class NetspecError(Exception):
    """Base of every error that netspec raises on purpose; carries one Diagnostic or more."""

    exit_code = 2

    def __init__(self, *diagnostics: Diagnostic) -> None:
        assert diagnostics, "an error says what is wrong"
        self.diagnostics: tuple[Diagnostic, ...] = diagnostics
        super().__init__("\n\n".join(render(d) for d in diagnostics))


class SpecError(NetspecError):
    """A mistake in a spec, or in an argument that overrides one."""


class DataError(NetspecError):
    """A mistake in the data."""


class RunError(NetspecError):
    """A run directory that is missing, damaged or does not fit."""


class TrainingError(NetspecError):
    """A training that could not go on."""

    exit_code = 1


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a misspelt one most likely stands for, or None when none is close."""
    candidates = sorted(known)
    by_folded = {c.replace("_", "").replace("-", "").casefold(): c for c in reversed(candidates)}
    folded = word.replace("_", "").replace("-", "").replace(" ", "").casefold()
    if folded in by_folded:
        return by_folded[folded]
    found = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def printable(text: str) -> str:
    r"""The text with every character that could steer a terminal made visible: a stranger's spec may hold any.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if text.isprintable():
        return text  # nearly always
    return "".join(_escaped(c) if unicodedata.category(c) in _UNPRINTABLE else c for c in text)


_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def render(diagnostic: Diagnostic) -> str:
    """The mistake as text for people: message, place, the line with the wrong part underlined, note and help."""
    place = diagnostic.place
    margin = " " * (2 if place is None else max(2, len(str(place.line))))
    lines = [f"{diagnostic.severity}[{diagnostic.code}]: {printable(diagnostic.message)}"]
    if place is not None:
        lines += _shown(place, margin, diagnostic.label)
    elif diagnostic.file is not None:
        lines.append(f"{margin}--> {printable(diagnostic.file)}")
    if diagnostic.label and place is None:
        lines.append(f"{margin} = {printable(diagnostic.label)}")
    if diagnostic.note:
        lines.append(f"{margin} = {printable(diagnostic.note)}")
    if diagnostic.help:
        lines.append(f"{margin} = help: {printable(diagnostic.help)}")
    return "\n".join(lines)


def _shown(place: Place, margin: str, label: str) -> list[str]:
    """The place, its line, and the label under the part that is to blame."""
    before, marked, after = _around(place)
    underline = " " * _width(before) + "^" * max(1, _width(marked))
    return [
        f"{margin}--> {printable(place.source.name)}:{place.line}:{place.column}",
        f"{margin} |",
        f"{place.line:>{len(margin)}} | {_visible(before + marked + after)}".rstrip(),
        f"{margin} | {underline} {printable(label)}".rstrip(),
    ]


WIDEST = 160
"""Columns of a line that are shown, at the most."""


def _around(place: Place) -> tuple[str, str, str]:
    """The line before, at and after the place; of a long line the part around the place, with … at cut ends."""
    text = place.source.line(place.line)
    start, end = place.column - 1, max(place.column - 1, place.end_column - 1)
    before, marked, after = text[:start], text[start:end], text[end:]
    if len(text) <= WIDEST and _width(text) <= WIDEST:
        return before, marked, after
    marked = _beginning(marked, WIDEST - 2)
    rest = WIDEST - 2 - _width(marked)
    ahead = before[: -WIDEST - 1 : -1]  # read from the place towards the margin
    after = _beginning(after, max(rest // 2, rest - _width(ahead))) if start + len(marked) >= end else ""
    before = _beginning(ahead, rest - _width(after))[::-1]
    cut = start + len(marked) + len(after) < len(text)
    return "…" * (len(before) < start) + before, marked, after + "…" * cut


def _beginning(text: str, columns: int) -> str:
    """As much of a text's beginning as fits into so many columns."""
    used = 0
    for i, character in enumerate(text[:columns]):  # a line may be a megabyte long
        used += _width(character)
        if used > columns:
            return text[:i]
    return text[:columns]


def to_json(diagnostics: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """The mistakes as plain data; the shape is public (see `netspec check --json`)."""
    return [
        {
            "code": d.code,
            "message": d.message,
            "file": d.place.source.name if d.place else d.file,
            "line": d.place.line if d.place else None,
            "column": d.place.column if d.place else None,
            "end_column": d.place.end_column if d.place else None,
            "help": "; ".join(part for part in (d.label, d.note, d.help) if part),
            "severity": d.severity,
        }
        for d in diagnostics
    ]


def _visible(text: str) -> str:
    return printable(text.replace("\t", "    "))


def _width(text: str) -> int:
    """How many columns of a terminal the text takes as `_visible` shows it."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in _visible(text)
    )
