"""A TOML text as its values and their places."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomli

from netspec.diagnostics import Diagnostic, Place, Source, SpecError, nearest

from .lines import Lines
from .scan import LimitError, Path, scan
from .syntax import explain

__all__ = ["SIZE", "Document", "Path", "parse", "parse_as", "read"]

SIZE = 2**20


@dataclass(frozen=True, slots=True)
class Document:
    """What a text says, and where.

    Args:
        source: the text; an override's places point into sources of their own.
        values: the whole, as tomli gives it.
        keys: by path, the place of the key; a table's is the first place that mentions it.
        places: by path, the place of the value, of its first line where it has several. A table with a header of its
            own: the header. An array of tables: its first header. A table that is only mentioned: its key.
    """

    source: Source
    values: dict[str, Any]
    keys: Mapping[Path, Place]
    places: Mapping[Path, Place]

    def key_place(self, path: Path) -> Place:
        """The place of a key, or of an element of an array; of the nearest thing around it where there is none."""
        place = self.keys.get(path) or self.places.get(path)
        return place or (self.key_place(path[:-1]) if path else self._start())

    def value_place(self, path: Path) -> Place:
        """The place of a value; of the nearest thing around it where there is none."""
        place = self.places.get(path)
        return place or (self.value_place(path[:-1]) if path else self._start())

    def _start(self) -> Place:
        return Place(self.source, 1, 1, min(1, len(self.source.line(1))) + 1)


def read(path: pathlib.Path) -> Document:
    """The document in a file of at most 1 MiB of UTF-8.

    Raises:
        SpecError: the file can't be read, or is no TOML.
    """
    try:
        with path.open("rb") as file:
            data = file.read(SIZE + 1)
    except (OSError, ValueError) as error:
        raise SpecError(_unreadable(path, error)) from None
    if len(data) > SIZE:
        raise SpecError(_too_large(str(path)))
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise SpecError(_not_utf8(str(path), data, error.start)) from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Document:
    """The document in a text; `name` is what messages call it.

    Raises:
        SpecError: the text is no TOML, or more than netspec reads.
    """
    return parse_as(Source(name, text), text)


def parse_as(source: Source, text: str) -> Document:
    """The document in a text that stands for another, which is what places point into."""
    _check_characters(source)
    lines = Lines(source, text.replace("\r\n", "\n"))
    try:
        scanned = scan(lines.text)
    except LimitError as limit:
        raise SpecError(Diagnostic(limit.code, limit.message, lines.place(limit.span))) from None
    try:
        values = tomli.loads(text)  # which shortens line ends itself, and only once: "\r\r\n" is a mistake
    except tomli.TOMLDecodeError as error:
        raise SpecError(explain(error, scanned, lines)) from None
    assert scanned.stopped is None, f"tomli reads what the scanner can't, at offset {scanned.stopped}"
    keys: dict[Path, Place] = {}
    places: dict[Path, Place] = {}
    for path, key, value in scanned.found:
        if key is not None:
            keys.setdefault(path, lines.place(key))
        places[path] = lines.place(value)
    return Document(source, values, keys, places)


def _check_characters(source: Source) -> None:
    if source.text.startswith("\ufeff"):
        raise SpecError(
            Diagnostic(
                "encoding",
                "the text begins with a byte order mark",
                Place(source, 1, 1, 2),
                help="save it as UTF-8 without one",
            )
        )
    try:
        size = len(source.text.encode())
    except UnicodeEncodeError as error:  # an argument that is not UTF-8 arrives with such characters
        place = Lines(source, source.text).place((error.start, error.start + 1))
        raise SpecError(Diagnostic("encoding", "this is not UTF-8", place)) from None
    if size > SIZE:
        raise SpecError(_too_large(source.name))


def _too_large(name: str) -> Diagnostic:
    return Diagnostic("too-large", f"a spec of more than {SIZE:,} bytes", file=name)


def _not_utf8(name: str, data: bytes, offset: int) -> Diagnostic:
    source = Source(name, data.decode(errors="replace"))
    start = len(data[:offset].decode())
    return Diagnostic(
        "encoding",
        f"the file is not UTF-8: byte 0x{data[offset]:02x} at offset {offset}",
        Lines(source, source.text).place((start, start + 1)),
        help="it looks like UTF-16: save it as UTF-8" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "save it as UTF-8",
    )


def _unreadable(path: pathlib.Path, error: OSError | ValueError) -> Diagnostic:
    if isinstance(error, FileNotFoundError):
        return Diagnostic("file", f"there is no file '{path}'", file=str(path), help=_similar(path))
    if os.path.isdir(path):
        return Diagnostic("file", f"'{path}' is a folder, not a spec", file=str(path))
    reason = error.strerror if isinstance(error, OSError) else error
    return Diagnostic("file", f"the file can't be read: {reason}", file=str(path))


def _similar(path: pathlib.Path) -> str:
    found = nearest(path.name, (p.name for p in path.parent.glob("*.toml")))
    return f"did you mean '{path.with_name(found)}'?" if found else ""
