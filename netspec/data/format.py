"""What examples look like before any transform, and what sources give: plain values, nothing read here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from netspec.data.files import DataFile, Where
from netspec.data.tokens import Tokens
from netspec.spec.data import Split

__all__ = [
    "Array",
    "Chosen",
    "Column",
    "Dtype",
    "Examples",
    "Format",
    "InputFormat",
    "Inputs",
    "Reading",
    "Sizes",
    "Source",
    "Survey",
    "TargetFormat",
    "class_indices",
    "in_natural_order",
    "input_name",
    "number_in",
    "sole",
]

Array = NDArray[Any]
Dtype = Literal["float32", "int32"]
Reading = Literal["arrays", "table", "series", "text"]


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
class InputFormat:
    """What one input looks like before any transform.

    Args:
        shape: of one example's, channels last.
        dtype: once it is numbers for a network.
        columns: of a table, in order; empty where it is made of an array or an image.
        array: its name in an NPZ file.
        white: the number of a white pixel, where it is known to be an image.
        vocabulary: how many different whole numbers it holds, from 0; None for fractions, or where nobody counted.
        padded: whether it is a sequence that may be shorter than `shape` says.
        sequence: whether arrays of it are sequences of vectors or tokens, with padding at their end.
        tokens: what it is parted into, where it is text.
    """

    shape: tuple[int, ...]
    dtype: Dtype
    columns: tuple[Column, ...] = ()
    array: str = "x"
    white: float | None = None
    vocabulary: int | None = None
    padded: bool = False
    sequence: bool = False
    tokens: Tokens | None = None

    @property
    def looked_up(self) -> bool:
        """Whether it is a column of a table that is numbered by its different values."""
        return bool(self.columns) and self.vocabulary is not None and self.tokens is None


@dataclass(frozen=True, slots=True)
class TargetFormat:
    """What one target looks like.

    Args:
        kind: one of some classes, or numbers.
        labels: the classes' names, in the order of their indices; empty for numbers.
        shape: of one example's: [] one class, [length] a class for each position, [n] so many numbers.
        padded: whether some positions may hold the class -1, which is nothing to be predicted.
        source: the column or array that it is read from.
    """

    kind: Literal["class", "number"]
    labels: tuple[str, ...]
    shape: tuple[int, ...] = ()
    padded: bool = False
    source: str = "y"

    @property
    def dtype(self) -> Dtype:
        """What its numbers are."""
        return "int32" if self.kind == "class" else "float32"

    def checked(self, file: DataFile) -> TargetFormat:
        """The same, if there is something to learn.

        Raises:
            DataError: all examples are of one class.
        """
        if self.kind == "class" and len(self.labels) < 2:
            only = f"all examples are of class '{self.labels[0]}'" if self.labels else "there are no examples"
            raise file.error("one-class", f"{only}; there must be two classes at least")
        return self


@dataclass(frozen=True, slots=True)
class Format:
    """What examples look like before any transform; what is needed to read more of the same.

    Args:
        inputs: by name; the only one is called "input", unless a list named it.
        targets: by name; the only one is called "target", unless a list named it.
        reading: what they are read from: arrays (or images), rows of a table, windows of a table's rows or of a text.
        stride: positions from one window to the next.
        paired: whether they are pairs of examples that such a source holds.
    """

    inputs: Mapping[str, InputFormat]
    targets: Mapping[str, TargetFormat]
    reading: Reading = "arrays"
    stride: int = 1
    paired: bool = False

    @property
    def input(self) -> InputFormat:
        """The first input."""
        return next(iter(self.inputs.values()))

    @property
    def target(self) -> TargetFormat:
        """The first target."""
        return next(iter(self.targets.values()))


def sole(input: InputFormat, target: TargetFormat, reading: Reading = "arrays", stride: int = 1) -> Format:  # noqa: A002
    """The format of one input and one target."""
    return Format({"input": input}, {"target": target}, reading, stride)


class Sizes(NamedTuple):
    """How many examples each part has."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What can be known of a source by reading little of it.

    Args:
        examples: how many there are in all.
        tests: how many of them, the last ones, are the source's own test part; None where it has none.
        parts: their sizes, where the source parts its examples itself: those to train with come first, then those to
            validate, then those to test.
        notes: what a person should know of the data before the training.
    """

    format: Format
    examples: int
    tests: int | None = None
    parts: Sizes | None = None
    notes: tuple[str, ...] = ()


class Inputs(Protocol):
    """Inputs by number: an array, or something that reads them when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Array) -> Array: ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some of another source's inputs, in an order of their own.

    Args:
        of: all that there are.
        rows: the numbers of those that these are.
    """

    of: Inputs
    rows: Array

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Array) -> Array:
        return self.of[self.rows[rows]]


@dataclass(frozen=True, slots=True)
class Examples:
    """All examples of a source.

    Args:
        inputs: by name, `[examples, *shape]`.
        targets: by name, class indices (int32) or numbers (float32) `[examples, *shape]`.
    """

    inputs: Mapping[str, Inputs]
    targets: Mapping[str, Inputs] = field(default_factory=dict)


class Source(Protocol):
    """Where examples come from; what the kinds of `netspec.spec.data` are lowered to."""

    def survey(self, where: Where, split: Split) -> Survey:
        """What the examples look like, and how many there are, by reading as little as possible."""
        ...

    def read(self, where: Where, split: Split) -> tuple[Survey, Examples]:
        """All of them, every one checked."""
        ...


def input_name(written: str) -> str | None:
    """The name that a column or an array gives an input or target: None where nothing in it can stand in a name.

    >>> input_name("User ID"), input_name("7")
    ('user_id', None)
    """
    name = re.sub(r"[^a-z0-9]+", "_", written.casefold()).strip("_")[:64]
    return name if name[:1].isalpha() else None


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
