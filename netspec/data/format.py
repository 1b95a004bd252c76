"""What examples look like before any transform, and what sources give: plain values, nothing read here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from netspec.data.files import DataFile, Where

__all__ = [
    "Array",
    "Column",
    "Dtype",
    "Examples",
    "Format",
    "Inputs",
    "Source",
    "Survey",
    "Target",
    "Targets",
    "class_indices",
    "in_natural_order",
    "number_in",
]

Array = NDArray[Any]
Dtype = Literal["float32", "int32"]
Target = Literal["class", "number"]


@dataclass(frozen=True, slots=True)
class Column:
    """An input column of a table.

    Args:
        name: in the header.
        words: the different words in it, in order; empty for a column of numbers.
    """

    name: str
    words: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many numbers of the input it becomes."""
        return max(1, len(self.words)) if len(self.words) > 2 else 1


@dataclass(frozen=True, slots=True)
class Format:
    """What examples look like before any transform; what is needed to read more of the same.

    Args:
        shape: of one input, channels last.
        dtype: of the inputs, once they are numbers for a network.
        target: one of some classes, or numbers.
        labels: the classes' names, in the order of their indices; empty for numbers.
        outputs: how many numbers are to be predicted; 1 for classes.
        columns: of a table, in order; empty where inputs are arrays or images.
        input_name: the input's array in an NPZ file.
        target_name: the target's column or array.
        white: the number of a white pixel, where the inputs are known to be images.
    """

    shape: tuple[int, ...]
    dtype: Dtype
    target: Target
    labels: tuple[str, ...]
    outputs: int = 1
    columns: tuple[Column, ...] = ()
    input_name: str = "x"
    target_name: str = "y"
    white: float | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """What can be known of a source by reading little of it.

    Args:
        examples: how many there are in all.
        tests: how many of them, the last ones, are the source's own test part; None where it has none.
    """

    format: Format
    examples: int
    tests: int | None = None


class Inputs(Protocol):
    """Inputs by number: an array, or something that reads them when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Array) -> Array: ...


@dataclass(frozen=True, slots=True)
class Examples:
    """All examples of a source.

    Args:
        inputs: `[examples, *shape]`.
        targets: class indices (int32) `[examples]`, or numbers (float32) `[examples, outputs]`.
    """

    inputs: Inputs
    targets: Array


class Source(Protocol):
    """Where examples come from; what the kinds of `netspec.spec.data` are lowered to."""

    def survey(self, where: Where) -> Survey:
        """What the examples look like, and how many there are, by reading as little as possible."""
        ...

    def read(self, where: Where) -> tuple[Survey, Examples]:
        """All of them, every one checked."""
        ...


@dataclass(frozen=True, slots=True)
class Targets:
    """What the targets of a source are: the part of a format that concerns them."""

    target: Target
    labels: tuple[str, ...]
    outputs: int = 1

    def checked(self, file: DataFile) -> Targets:
        """The same, if there is something to learn.

        Raises:
            DataError: all examples are of one class.
        """
        if self.target == "class" and len(self.labels) < 2:
            only = f"all examples are of class '{self.labels[0]}'" if self.labels else "there are no examples"
            raise file.error("one-class", f"{only}; there must be two classes at least")
        return self


def class_indices(values: Array, labels: tuple[str, ...]) -> tuple[Array, Array]:
    """The indices (int32) of labels, and which of the values (bool) are labels at all.

    Args:
        values: `[examples]`, whole numbers or words.
        labels: the classes' names, in the order of their indices.
    """
    different, inverse = np.unique(values, return_inverse=True)
    index = {label: i for i, label in enumerate(labels)}
    found = np.array([index.get(str(v), -1) for v in different.tolist()], np.int32)[inverse.reshape(-1)]
    return found, found >= 0


_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)


def number_in(text: str) -> float | None:
    """The number that a text is, perhaps an infinity for one that is too large; None for any other text."""
    return float(text) if _NUMBER.fullmatch(text) else None


def in_natural_order(words: Iterable[str]) -> tuple[str, ...]:
    """Sorted as people do: numbers by value, and words by the numbers in them.

    >>> in_natural_order(["10", "9", "-1"]), in_natural_order(["b", "a10", "a9"])
    (('-1', '9', '10'), ('a9', 'a10', 'b'))
    """
    listed = sorted(words)
    if all(number_in(w) is not None for w in listed):
        return tuple(sorted(listed, key=float))
    return tuple(sorted(listed, key=_pieces))


def _pieces(word: str) -> list[str | tuple[int, str]]:
    """Text and digits in turn, so that pieces at the same position can be compared."""
    return [_by_value(p) if i % 2 else p.casefold() for i, p in enumerate(re.split(r"([0-9]+)", word))]


def _by_value(digits: str) -> tuple[int, str]:
    significant = digits.lstrip("0")
    return len(significant), significant
