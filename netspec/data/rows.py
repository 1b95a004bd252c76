"""Text as rows of cells, parted by commas, semicolons or tabs; knows nothing of what the cells mean.

Rows are counted as a spreadsheet does: the header is row 1.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from netspec.data.files import SHOWN, DataFile, listed
from netspec.data.format import number_in

__all__ = ["DELIMITERS", "Chunk", "Table", "opened"]

LARGEST_TABLE = 2 * 2**30
"""Bytes of a table, at the most: it is held as text while it is read."""

CHUNK = 512
"""Rows that are worked on together: so few that their cells stay in the processor's cache, which doubles the speed."""

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a table.

    Args:
        rows: their numbers.
        columns: their cells, column by column.
    """

    rows: Sequence[int]
    columns: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's text, its header, and what parts its cells."""

    file: DataFile
    text: str = field(repr=False)
    delimiter: str
    header: tuple[str, ...]

    def chunks(self, wanted: Sequence[int]) -> Iterator[Chunk]:
        """The cells of some columns, some hundred rows at a time; empty rows are passed over.

        Raises:
            DataError: rows with too many or too few cells, or quotes that do not close; after all that is well.
        """
        ragged: list[str] = []
        total = 0
        below = islice(self.rows(), 1, None)
        while some := list(islice(below, CHUNK)):
            whole = [(number, cells) for number, cells in some if len(cells) == len(self.header)]
            wrong = [(number, len(cells)) for number, cells in some if len(cells) != len(self.header)]
            total += len(wrong)
            ragged += [] if len(ragged) >= SHOWN else [f"row {number} has {count}" for number, count in wrong]
            columns = [[cells[i].strip() for _, cells in whole] for i in wanted]
            yield Chunk([number for number, _ in whole], columns)
        if ragged:
            message = f"the header has {len(self.header)} cells, and {listed(ragged, total)}"
            raise self.file.error("ragged-row", message)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not empty, by its number; the header first."""
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.delimiter, strict=True)
        number = 0
        try:
            for number, cells in enumerate(reader, 1):
                if cells and (number == 1 or len(cells) > 1 or cells[0].strip()):
                    yield number, cells
        except csv.Error as error:
            raise self.file.error("damaged-file", f"row {number + 1} cannot be read: {error}") from error


def opened(file: DataFile) -> Table:
    """The table that a file holds; only its header is read.

    Raises:
        DataError: it is no UTF-8 text, or its header will not do.
    """
    text = _text(file)
    first = re.match(r"[^\r\n]*", text)[0]  # type: ignore[index]
    if not first.strip():
        raise file.error("bad-header", "the first row is empty; it must hold the columns' names")
    delimiter = max(DELIMITERS, key=lambda d: _unquoted(first).count(d))
    _, cells = next(Table(file, text, delimiter, ()).rows())
    header = tuple(c.strip() for c in cells)
    _check_header(header, file)
    return Table(file, text, delimiter, header)


def _text(file: DataFile) -> str:
    content = file.content()
    if len(content) > LARGEST_TABLE:
        raise file.error("too-large", f"has {len(content):,} bytes; a table may have {LARGEST_TABLE:,}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte {error.start:,} is 0x{content[error.start]:02x}, which is no UTF-8 text"
        raise file.error("damaged-file", found, help="save the table as UTF-8") from error


def _unquoted(line: str) -> str:
    return "".join(line.split('"')[::2])


def _check_header(header: tuple[str, ...], file: DataFile) -> None:
    if unnamed := [str(i) for i, name in enumerate(header, 1) if not name]:
        raise file.error("bad-header", f"the header has no name for column {', '.join(unnamed)}")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise file.error("bad-header", f"the header has two columns called '{twice[0]}'")
    if all(number_in(name) is not None for name in header):
        message = "the first row holds numbers; it must hold the columns' names"
        raise file.error("bad-header", message, help="put a row of names above it")
