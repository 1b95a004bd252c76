"""Tables: what their columns are, and their cells as numbers.

A table is gone through twice, once for each: what a column is, only all its cells can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from netspec.data.files import SHOWN, DataFile, Where, listed
from netspec.data.format import Array, Column, Examples, Format, Survey, Targets, in_natural_order, number_in
from netspec.data.rows import DELIMITERS, Chunk, Table, opened
from netspec.diagnostics import DataError, Diagnostic, nearest

__all__ = ["Csv", "Table", "opened", "read_examples", "read_inputs"]

MOST_CLASSES = 20
"""Different whole numbers of a target that is taken for a class, at the most."""

MOST_WORDS = 1000
"""Different words of an input column, at the most: each becomes a number of the input."""

LARGEST_FLOAT = float(np.finfo(np.float32).max)

MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "?"})


@dataclass(frozen=True, slots=True)
class Csv:
    """A table, one of whose columns is to be predicted.

    Args:
        path: as it was written.
        target: the column's name; None for the last.
        task: "classify" or "regress"; None where the column itself says.
    """

    path: str
    target: str | None = None
    task: str | None = None

    def survey(self, where: Where) -> Survey:
        return self.read(where)[0]

    def read(self, where: Where) -> tuple[Survey, Examples]:
        table = opened(where.file("csv", self.path))
        survey = self._surveyed(table, where)
        return survey, read_examples(table, survey.format)

    def _surveyed(self, table: Table, where: Where) -> Survey:
        target = self._target(table, where)
        looks = [_Look() for _ in table.header]
        cells: list[str] = []
        for chunk in table.chunks(range(len(table.header))):
            for look, column in zip(looks, chunk.columns, strict=True):
                look.see(column)
            cells += chunk.columns[target]
        if not cells:
            raise table.file.error("no-examples", "there are no rows below the header")
        columns = tuple(
            look.column(name, table.file)
            for i, (name, look) in enumerate(zip(table.header, looks, strict=True))
            if i != target
        )
        targets = _targets(cells, self.task, table, table.header[target], where).checked(table.file)
        shape = (sum(c.width for c in columns),)
        name = table.header[target]
        format_ = Format(shape, "float32", targets.target, targets.labels, 1, columns, target_name=name)
        return Survey(format_, len(cells))

    def _target(self, table: Table, where: Where) -> int:
        if len(table.header) < 2:
            found = f"there is one column only, '{table.header[0]}'"
            help_ = f"cells are parted by {' or '.join(DELIMITERS.values())}"
            raise table.file.error("bad-header", f"{found}; there must be inputs and a target", help=help_)
        if self.target is None:
            return len(table.header) - 1
        if self.target not in table.header:
            guess = nearest(self.target, table.header)
            message = f"{table.file.name}: no column is called '{self.target}'"
            label = f"did you mean '{guess}'?" if guess else ""
            note = f"there are: {', '.join(table.header)}"
            place = where.place("source", "target")
            raise DataError(Diagnostic("no-such-column", message, place, str(table.file.path), label, note))
        return table.header.index(self.target)


# -- what columns are ------------------------------------------------------------------------------------------------


class _Look:
    """What an input column looks like, as its cells go by: how many are numbers, and which words the others are."""

    def __init__(self) -> None:
        self.numbers = 0
        self.others = 0
        self.words: set[str] = set()

    def see(self, cells: Sequence[str]) -> None:
        if _all_numbers(cells) is not None:
            self.numbers += len(cells)
            return
        present = [c for c in cells if c.casefold() not in MISSING]
        numbers = sum(number_in(c) is not None for c in present)
        self.numbers += numbers
        self.others += len(present) - numbers
        self.words.update(c for c in present if len(self.words) <= MOST_WORDS)

    def column(self, name: str, file: DataFile) -> Column:
        """Words, unless most cells are numbers: then the words are mistakes, and found to be such later."""
        if self.numbers >= self.others:
            return Column(name)
        if len(self.words) > MOST_WORDS:
            message = f"column '{name}' holds more than {MOST_WORDS:,} different words, each of which would be an input"
            raise file.error("too-many-words", message, help="leave the column out of the file")
        return Column(name, in_natural_order(self.words))


def _all_numbers(cells: Sequence[str]) -> Array | None:
    """The cells as numbers if every one is a finite one; None otherwise."""
    try:
        numbers = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None
    # Python's float takes more than a table's cell may be: 1_000 and infinities among them.
    return numbers if np.isfinite(numbers).all() and "_" not in "".join(cells) else None


def _targets(cells: list[str], task: str | None, table: Table, name: str, where: Where) -> Targets:
    present = [c for c in cells if c.casefold() not in MISSING]
    if not present:
        return Targets("number", ())
    numbers = [n for c in present if (n := number_in(c)) is not None]
    mostly_numbers = len(numbers) >= len(present) - len(numbers)
    if task == "regress" and not mostly_numbers:
        message = f"{table.file.name}: column '{name}' holds words, such as '{present[0]}', and cannot be regressed to"
        raise DataError(Diagnostic("wrong-task", message, where.place("source", "task"), str(table.file.path)))
    if not mostly_numbers or (task == "classify" and len(numbers) < len(present)):
        return Targets("class", in_natural_order(set(present)))
    if task == "classify" or (task is None and _look_like_classes(numbers)):
        return Targets("class", in_natural_order({_label(c) for c in present if number_in(c) is not None}))
    return Targets("number", ())


def _look_like_classes(numbers: Sequence[float]) -> bool:
    different = set(numbers)
    few = len(different) <= MOST_CLASSES and 2 * len(different) <= len(numbers)
    return few and all(n.is_integer() for n in different)


def _label(cell: str) -> str:
    """A class's name: of numbers, the shortest way to write them, so that 1, 1.0 and +1 are one class."""
    number = number_in(cell)
    if number is None or not np.isfinite(number):
        return cell
    return str(int(number)) if number.is_integer() else repr(number)


# -- cells to numbers ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Mistakes:
    """Cells that will not do, by the sort of mistake: the first few in words, and how many."""

    file: DataFile
    found: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)

    def add(self, sort: str, row: int, column: str, found: str = "") -> None:
        listing = self.found.setdefault(sort, [])
        self.totals[sort] = self.totals.get(sort, 0) + 1
        listing.append((row, f"row {row}, column '{column}'" + (f": '{_short(found)}'" if found else "")))
        if len(listing) > 100 * SHOWN:
            self.found[sort] = _first(listing)

    def check(self) -> None:
        """Raises all of them in one DataError, if there are any."""
        if self.found:
            raise DataError(*(self._diagnostic(sort) for sort in self.found))

    def _diagnostic(self, sort: str) -> Diagnostic:
        code, one, many, help_ = _SORTS[sort]
        total = self.totals[sort]
        what = f"1 cell {one}" if total == 1 else f"{total:,} cells {many}"
        return self.file.diagnostic(
            code, f"{what}: {listed([text for _, text in _first(self.found[sort])], total)}", help=help_
        )


_SORTS = {
    "missing": ("missing-value", "is empty", "are empty", "fill them in, or leave their rows out"),
    "number": ("not-a-number", "is no number", "are no numbers", "decimals are written with a point: 0.5"),
    "large": ("not-finite", "is too large for float32", "are too large for float32", ""),
    "word": ("unknown-word", "is a word that training never saw", "are words that training never saw", ""),
    "label": ("unknown-class", "is no class that is known", "are no classes that are known", ""),
}


def _first(found: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Those of the first rows, in their order; columns are gone through one by one, so that rows come as they will."""
    return sorted(found, key=lambda mistake: mistake[0])[:SHOWN]


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"


def read_inputs(table: Table, format: Format) -> tuple[list[int], Array]:  # noqa: A002
    """The rows' numbers, and their inputs (float32) `[rows, width]`; a target column is passed over.

    Raises:
        DataError: columns that are not the format's; cells that are missing or do not fit their column.
    """
    _check_columns(table, format, {format.target_name})
    mistakes = _Mistakes(table.file)
    rows: list[int] = []
    inputs = [np.empty((0, *format.shape), np.float32)]
    for chunk in table.chunks([table.header.index(c.name) for c in format.columns]):
        rows += chunk.rows
        inputs.append(_inputs(chunk, format, mistakes))
    mistakes.check()
    return rows, np.concatenate(inputs)


def read_examples(table: Table, format: Format) -> Examples:  # noqa: A002
    """The examples of a table with inputs and targets.

    Raises:
        DataError: columns that are not the format's; cells that are missing or do not fit their column.
    """
    _check_columns(table, format, set())
    mistakes = _Mistakes(table.file)
    names = [*(c.name for c in format.columns), format.target_name]
    inputs = [np.empty((0, *format.shape), np.float32)]
    targets = [np.empty(0, np.int32 if format.labels else np.float32)]
    for chunk in table.chunks([table.header.index(name) for name in names]):
        inputs.append(_inputs(chunk, format, mistakes))
        targets.append(_target(chunk.columns[-1], chunk.rows, format, mistakes))
    mistakes.check()
    joined = np.concatenate(targets)
    return Examples(np.concatenate(inputs), joined if format.labels else joined[:, None])


def _check_columns(table: Table, format_: Format, optional: set[str]) -> None:
    """The format's columns, in any order, and no others."""
    known = {c.name for c in format_.columns} | {format_.target_name}
    missing = [name for name in sorted(known - optional) if name not in table.header]
    unknown = [name for name in table.header if name not in known]
    if missing or unknown:
        lacking = [f"lacks column {_quoted(missing)}"] if missing else []
        excess = [f"has column {_quoted(unknown)}, which the network does not take"] if unknown else []
        note = f"the columns are: {', '.join(c.name for c in format_.columns)}; target: {format_.target_name}"
        raise table.file.error("wrong-columns", " and ".join([*lacking, *excess]), note=note)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _inputs(chunk: Chunk, format_: Format, mistakes: _Mistakes) -> Array:
    """The inputs of some rows, whose first cells are those of the format's columns."""
    parts = []
    for column, cells in zip(format_.columns, chunk.columns, strict=False):
        if not column.words:
            parts.append(_numbers(cells, chunk.rows, column.name, mistakes)[:, None])
            continue
        codes = _codes(cells, chunk.rows, column.name, column.words, "word", mistakes)
        parts.append(np.eye(len(column.words))[codes] if column.width > 1 else codes[:, None])
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _target(cells: Sequence[str], rows: Sequence[int], format_: Format, mistakes: _Mistakes) -> Array:
    name, labels = format_.target_name, format_.labels
    if not labels:
        return _numbers(cells, rows, name, mistakes)
    if all(number_in(label) is not None for label in labels):
        cells = [_label(c) for c in cells]
    return _codes(cells, rows, name, labels, "label", mistakes)


def _numbers(cells: Sequence[str], rows: Sequence[int], column: str, mistakes: _Mistakes) -> Array:
    numbers = _all_numbers(cells)
    if numbers is None or (np.abs(numbers) > LARGEST_FLOAT).any():
        numbers = np.array([_number(c, r, column, mistakes) for c, r in zip(cells, rows, strict=True)])
    return numbers.astype(np.float32)


def _number(cell: str, row: int, column: str, mistakes: _Mistakes) -> float:
    number = number_in(cell)
    if number is not None and abs(number) <= LARGEST_FLOAT:
        return number
    missing = cell.casefold() in MISSING
    mistakes.add("missing" if missing else "number" if number is None else "large", row, column, cell)
    return 0.0


def _codes(
    cells: Sequence[str], rows: Sequence[int], column: str, words: tuple[str, ...], sort: str, mistakes: _Mistakes
) -> Array:
    index = {word: i for i, word in enumerate(words)}
    codes = np.zeros(len(cells), np.int32)
    for i, (cell, row) in enumerate(zip(cells, rows, strict=True)):
        if (code := index.get(cell)) is None:
            mistakes.add("missing" if cell.casefold() in MISSING else sort, row, column, cell)
        else:
            codes[i] = code
    return codes
