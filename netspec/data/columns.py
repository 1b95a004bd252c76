"""What the columns of a table are: all their cells together tell."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.data.cells import all_numbers, is_missing, label
from netspec.data.files import DataFile, Where
from netspec.data.format import Column, TargetFormat, in_natural_order, number_in
from netspec.diagnostics import DataError, Diagnostic

__all__ = ["Look", "lookup", "target_format"]

MOST_CLASSES = 20
"""Different whole numbers of a target that is taken for a class, at the most."""

MOST_WORDS = 1000
"""Different words of an input column, at the most: each becomes a number of the input."""

MOST_VALUES = 1_000_000
"""Different values of a column that is looked up, at the most: each is a row of an embedding."""


class Look:
    """What an input column looks like, as its cells go by: how many are numbers, and which words the others are."""

    def __init__(self) -> None:
        self.numbers = 0
        self.others = 0
        self.words: set[str] = set()

    def see(self, cells: Sequence[str]) -> None:
        if all_numbers(cells) is not None:
            self.numbers += len(cells)
            return
        present = [c for c in cells if not is_missing(c)]
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


def lookup(name: str, cells: Sequence[str], file: DataFile) -> Column:
    """A column of values that are looked up, by whole numbers in their order.

    Raises:
        DataError: it holds too many.
    """
    values = {label(c) for c in set(cells) if not is_missing(c)}
    if len(values) > MOST_VALUES:
        message = f"column '{name}' holds {len(values):,} different values, and {MOST_VALUES:,} are the most"
        raise file.error("too-many-words", message)
    fractions = [v for v in values if (number := number_in(v)) is not None and not number.is_integer()]
    if fractions:
        message = f"column '{name}' is to be looked up, and holds fractions, such as {min(fractions)}"
        raise file.error("fraction", message, help="look up whole numbers or words; leave it out of 'lookup'")
    return Column(name, in_natural_order(values))


def target_format(cells: list[str], task: str | None, file: DataFile, name: str, where: Where) -> TargetFormat:
    """What a target is: words or few whole numbers are classes, anything else numbers.

    Raises:
        DataError: the task does not fit the column; or all examples are of one class.
    """
    labels = _labels(cells, task, file, name, where)
    found = (
        TargetFormat("number", (), (1,), source=name) if labels is None else TargetFormat("class", labels, source=name)
    )
    return found.checked(file)


def _labels(cells: list[str], task: str | None, file: DataFile, name: str, where: Where) -> tuple[str, ...] | None:
    present = [c for c in cells if not is_missing(c)]
    if not present:
        return None
    numbers = [n for c in present if (n := number_in(c)) is not None]
    mostly_numbers = len(numbers) >= len(present) - len(numbers)
    if task == "regress" and not mostly_numbers:
        message = f"{file.name}: column '{name}' holds words, such as '{present[0]}', and cannot be regressed to"
        raise DataError(Diagnostic("wrong-task", message, where.key("task"), str(file.path)))
    if not mostly_numbers or (task == "classify" and len(numbers) < len(present)):
        return in_natural_order(set(present))
    if task == "classify" or (task is None and _look_like_classes(numbers)):
        return in_natural_order({label(c) for c in present if number_in(c) is not None})
    return None


def _look_like_classes(numbers: Sequence[float]) -> bool:
    different = set(numbers)
    few = len(different) <= MOST_CLASSES and 2 * len(different) <= len(numbers)
    return few and all(n.is_integer() for n in different)
