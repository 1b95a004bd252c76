"""How examples are parted into training, validation and test: by chance, and the same way every time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from netspec.data.files import Where
from netspec.data.format import Array, Inputs, Sizes, Survey
from netspec.diagnostics import DataError, Diagnostic
from netspec.spec.data import Split

__all__ = ["Sizes", "parts", "rows_of", "sizes", "sizes_of"]


def sizes_of(survey: Survey, split: Split, where: Where) -> Sizes:
    """The sizes of a source's parts: its own where it parts its examples itself.

    Raises:
        DataError: as of `sizes`.
    """
    return survey.parts or sizes(split, survey.examples, survey.tests, where)


def rows_of(survey: Survey, wanted: Sizes, target: Inputs, seed: int) -> tuple[Array, Array, Array]:
    """The rows of each part of a source's examples.

    Args:
        target: of every example, the first one where there are several.
        seed: of the split.
    """
    ends = np.cumsum((0, *wanted))
    if survey.parts:
        train, validation, test = (np.arange(start, end) for start, end in pairwise(ends))
        return train, validation, test
    own = survey.tests or 0
    parted = survey.examples - own
    one_class = survey.format.target.kind == "class" and not survey.format.target.shape
    classes = target[np.arange(parted)] if one_class else None
    train, validation, test = parts(wanted._replace(test=wanted.test - own), classes, seed)
    return train, validation, np.arange(parted, survey.examples) if own else test


def sizes(split: Split, examples: int, tests: int | None, where: Where) -> Sizes:
    """The sizes of the parts: each share of the examples to the nearest whole number, and the rest to train with.

    Args:
        split: the shares.
        examples: how many there are in all.
        tests: how many of them are a test part already; None where the split makes one.
        where: for the places of mistakes.

    Raises:
        DataError: a part that is asked for would be empty, or nothing would be left to train with.
    """
    if tests is not None and split.test and "test" in split.model_fields_set:
        message = "the data has a test part of its own, and the split asks for another"
        raise DataError(Diagnostic("split", message, where.place("split", "test"), help="leave 'test' out"))
    parted = examples - (tests or 0)
    validation = _size(split.validation, parted, "validation", where)
    test = _size(split.test, parted, "test", where) if tests is None else tests
    train = examples - validation - test
    if train <= 0:
        message = (
            f"of {parted:,} examples, {validation:,} to validate and {test:,} to test with leave none to train with"
        )
        raise DataError(Diagnostic("split", message, where.place("split"), help="make the shares smaller"))
    return Sizes(train, validation, test)


def _size(share: float, examples: int, part: str, where: Where) -> int:
    size = round(share * examples)
    if share > 0 and size == 0:
        message = f"{part} = {share:g} of {examples:,} examples is less than one"
        help_ = f"make the share larger, or have no such part: [data.split] {part} = 0"
        raise DataError(Diagnostic("split", message, where.place("split", part), help=help_))
    return size


def parts(wanted: Sizes, classes: Array | None, seed: int) -> tuple[Array, Array, Array]:
    """The rows of training, validation and test part, each in ascending order.

    The rows are put in an order of chance and, where there are classes, sorted by them, those of one class staying as
    chance put them. Every part is then drawn at even distances, so that each class has its share of it, to within one.

    Args:
        wanted: the sizes.
        classes: of every row, or None where there are none.
        seed: any whole number.
    """
    numbers = np.random.PCG64(seed % 2**64)
    examples = sum(wanted)
    # Sorting raw numbers gives a permutation that does not depend on NumPy's version, unlike Generator.permutation.
    order = np.argsort(numbers.random_raw(examples), kind="stable")
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    drawn = {}
    for part, size in (("test", wanted.test), ("validation", wanted.validation)):
        positions = _evenly(size, len(order), int(numbers.random_raw()))
        drawn[part] = order[positions]
        order = np.delete(order, positions)
    return np.sort(order), np.sort(drawn["validation"]), np.sort(drawn["test"])


def _evenly(size: int, length: int, chance: int) -> Array:
    """So many different positions below a length, at even distances, the first one by chance."""
    return (np.arange(size) * length + chance % max(length, 1)) // max(size, 1)
