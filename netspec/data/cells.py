"""The cells of a table as numbers; the mistakes in them are gathered, and told all at once.

Knows nothing of which columns there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from netspec.data.files import SHOWN, DataFile, listed
from netspec.data.format import Array, number_in
from netspec.diagnostics import DataError, Diagnostic

__all__ = ["Mistakes", "all_numbers", "as_codes", "as_numbers", "is_missing", "label"]

LARGEST_FLOAT = float(np.finfo(np.float32).max)

MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "?"})


def is_missing(cell: str) -> bool:
    """Whether a cell says that nothing is known."""
    return cell.casefold() in MISSING


@dataclass(slots=True)
class Mistakes:
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
    "short": (
        "short-text",
        "is a text that is too short",
        "are texts that are too short",
        "training knew none shorter",
    ),
    "label": ("unknown-class", "is no class that is known", "are no classes that are known", ""),
}


def _first(found: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Those of the first rows, in their order; columns are gone through one by one, so that rows come as they will."""
    return sorted(found, key=lambda mistake: mistake[0])[:SHOWN]


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"


def all_numbers(cells: Sequence[str]) -> Array | None:
    """The cells as numbers if every one is a finite one; None otherwise."""
    try:
        numbers = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None
    # Python's float takes more than a table's cell may be: 1_000 and infinities among them.
    return numbers if np.isfinite(numbers).all() and "_" not in "".join(cells) else None


def label(cell: str) -> str:
    """A class's name: of numbers, the shortest way to write them, so that 1, 1.0 and +1 are one class."""
    number = number_in(cell)
    if number is None or not np.isfinite(number):
        return cell
    return str(int(number)) if number.is_integer() else repr(number)


def as_numbers(cells: Sequence[str], rows: Sequence[int], column: str, mistakes: Mistakes) -> Array:
    """A column's cells as numbers, float32 [rows]."""
    numbers = all_numbers(cells)
    if numbers is None or (np.abs(numbers) > LARGEST_FLOAT).any():
        numbers = np.array([_number(c, r, column, mistakes) for c, r in zip(cells, rows, strict=True)])
    return numbers.astype(np.float32)


def _number(cell: str, row: int, column: str, mistakes: Mistakes) -> float:
    number = number_in(cell)
    if number is not None and abs(number) <= LARGEST_FLOAT:
        return number
    missing = is_missing(cell)
    mistakes.add("missing" if missing else "number" if number is None else "large", row, column, cell)
    return 0.0


def as_codes(
    cells: Sequence[str], rows: Sequence[int], column: str, index: Mapping[str, int], sort: str, mistakes: Mistakes
) -> Array:
    """A column's cells as the numbers of its words, int32 [rows].

    Args:
        index: the number of each word.
        sort: of mistake, where a cell holds another word.
    """
    codes = np.zeros(len(cells), np.int32)
    for i, (cell, row) in enumerate(zip(cells, rows, strict=True)):
        if (code := index.get(cell)) is None:
            mistakes.add("missing" if is_missing(cell) else sort, row, column, cell)
        else:
            codes[i] = code
    return codes
