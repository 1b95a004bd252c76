"""Files that a spec or an argument names: found, opened, and blamed in words when they cannot be read.

Knows nothing of what is in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from netspec.diagnostics import DataError, Diagnostic, Place, nearest

__all__ = ["LARGEST_FILE", "SHOWN", "DataFile", "PlaceOf", "Where", "found_file", "found_folder", "listed"]

LARGEST_FILE = 8 * 2**30
"""Bytes of a file, and of an array that is read from one, at the most."""

SHOWN = 10
"""Mistakes of one sort that are listed; the rest are counted."""

PlaceOf = Callable[[tuple[str | int, ...]], Place | None]
"""Gives the place in the spec of a key under [data]: `("source", "csv")`."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file or folder, and who named it.

    Args:
        path: where it is.
        name: as it was written, for messages.
        place: of that name in the spec; None where a command's argument gave it.
    """

    path: Path
    name: str
    place: Place | None = None

    def diagnostic(self, code: str, message: str, label: str = "", note: str = "", help: str = "") -> Diagnostic:  # noqa: A002
        """A mistake in the file; the message begins with its name."""
        return Diagnostic(code, f"{self.name}: {message}", self.place, str(self.path), label, note, help)

    def error(self, code: str, message: str, label: str = "", note: str = "", help: str = "") -> DataError:  # noqa: A002
        """The same, to be raised."""
        return DataError(self.diagnostic(code, message, label, note, help))

    def inside(self, path: Path) -> DataFile:
        """A file of this folder."""
        return DataFile(path, f"{self.name.rstrip('/')}/{path.relative_to(self.path).as_posix()}", self.place)

    def content(self) -> bytes:
        """Every byte of the file."""
        with self.readable():
            return self.path.read_bytes()

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Within it, what the system has against reading the file is a DataError."""
        try:
            yield
        except OSError as error:
            raise self.error("unreadable-file", f"cannot be read: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class Where:
    """From where relative paths start, and where in the spec the keys of [data] are.

    Args:
        source: where the source's own keys stand under [data].
    """

    directory: Path
    place_of: PlaceOf
    source: tuple[str, ...] = ("source",)

    def place(self, *path: str | int) -> Place | None:
        """The place of a key under [data], or of what it stands in where it was left out."""
        found = (self.place_of(path[:end]) for end in range(len(path), -1, -1))
        return next((place for place in found if place is not None), None)

    def key(self, key: str) -> Place | None:
        """The place of one of the source's keys."""
        return self.place(*self.source, key)

    def inside(self, key: str) -> Where:
        """The same for a source that another one's key holds."""
        return replace(self, source=(*self.source, key))

    def file(self, key: str, written: str) -> DataFile:
        """The file that a key of the source names.

        Raises:
            DataError: there is none, or it is too large.
        """
        return found_file(self.named(key, written))

    def folder(self, key: str, written: str) -> DataFile:
        """The folder that a key of the source names.

        Raises:
            DataError: there is none.
        """
        return found_folder(self.named(key, written))

    def named(self, key: str, written: str) -> DataFile:
        """A file or folder that a key of the source names, whether there is one or not.

        Raises:
            DataError: it cannot be the name of one.
        """
        place = self.key(key)
        if not written or "\0" in written:
            raise DataError(Diagnostic("no-such-file", f"'{written}' cannot be the name of a file", place))
        if _ADDRESS.match(written):
            message = f"'{written}' is an address, and data is read from files only"
            raise DataError(Diagnostic("address", message, place, help="download it, and name the file"))
        return DataFile(self.directory / written, written, place)


def found_file(file: DataFile) -> DataFile:
    """The same file, if it is one that can be read.

    Raises:
        DataError: there is none, or it is too large.
    """
    with file.readable():
        if file.path.is_dir():
            raise file.error("no-such-file", "is a folder, not a file")
        if not file.path.exists():
            raise _missing(file, "file")
        if not file.path.is_file():
            raise file.error("no-such-file", "is no ordinary file")
        if (size := file.path.stat().st_size) > LARGEST_FILE:
            raise file.error("too-large", f"has {size:,} bytes, and {LARGEST_FILE:,} are the most that is read")
    return file


def found_folder(folder: DataFile) -> DataFile:
    """The same folder, if it is one.

    Raises:
        DataError: there is none.
    """
    with folder.readable():
        if folder.path.is_file():
            raise folder.error("no-such-folder", "is a file, not a folder")
        if not folder.path.is_dir():
            raise _missing(folder, "folder")
    return folder


def _missing(file: DataFile, what: str) -> DataError:
    parent = file.path.parent
    if not parent.is_dir():
        return file.error(f"no-such-{what}", f"there is no such {what}", note=f"looked for in {parent}")
    siblings = (p.name for p in parent.iterdir() if p.is_dir() == (what == "folder"))
    guess = nearest(file.path.name, siblings)
    label = f"did you mean '{guess}'?" if guess else "not found"
    return file.error(f"no-such-{what}", f"there is no such {what}", label, note=f"looked for in {parent}")


def listed(found: Sequence[str], total: int) -> str:
    """The first few of some mistakes, and how many more there are.

    >>> listed(["row 2", "row 5"], 4)
    'row 2; row 5; and 2 more'
    """
    shown = list(found[:SHOWN])
    more = total - len(shown)
    return "; ".join([*shown, f"and {more:,} more"] if more else shown)
