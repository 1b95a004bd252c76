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
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


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
    """The text with every character that could steer a terminal made visible: a stranger's spec may hold any.

    >>> printable("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return "".join(_escaped(c) if unicodedata.category(c) in _UNPRINTABLE else c for c in text)


_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def render(diagnostic: Diagnostic) -> str:
    """The mistake as text for people: message, place, the line with the wrong part underlined, note and help."""
    lines = [f"{diagnostic.severity}[{diagnostic.code}]: {printable(diagnostic.message)}"]
    margin = "  "
    if diagnostic.place is not None:
        place = diagnostic.place
        width = max(2, len(str(place.line)))
        margin = " " * width
        text = place.source.line(place.line)
        before, marked = text[: place.column - 1], text[place.column - 1 : place.end_column - 1]
        underline = " " * _width(before) + "^" * max(1, _width(marked))
        label = f" {printable(diagnostic.label)}" if diagnostic.label else ""
        lines += [
            f"{margin}--> {printable(place.source.name)}:{place.line}:{place.column}",
            f"{margin} |",
            f"{place.line:>{width}} | {_visible(text)}".rstrip(),
            f"{margin} | {underline}{label}",
        ]
    elif diagnostic.file is not None:
        lines.append(f"{margin}--> {printable(diagnostic.file)}")
        if diagnostic.label:
            lines.append(f"{margin} = {printable(diagnostic.label)}")
    elif diagnostic.label:
        lines.append(f"{margin} = {printable(diagnostic.label)}")
    if diagnostic.note:
        lines.append(f"{margin} = {printable(diagnostic.note)}")
    if diagnostic.help:
        lines.append(f"{margin} = help: {printable(diagnostic.help)}")
    return "\n".join(lines)


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
        }
        for d in diagnostics
    ]


def _visible(text: str) -> str:
    return printable(text.replace("\t", "    "))


def _width(text: str) -> int:
    """How many columns of a terminal the text takes as `_visible` shows it."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in _visible(text)
    )
