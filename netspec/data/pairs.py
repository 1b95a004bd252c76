"""Two examples of another source at a time: drawn within each part, half of them of one class, the same every time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from netspec.data.files import Where
from netspec.data.format import Array, Chosen, Examples, Format, Inputs, Source, Survey, TargetFormat
from netspec.data.split import rows_of, sizes_of
from netspec.diagnostics import DataError, Diagnostic
from netspec.spec.data import Split

__all__ = ["Pairs", "base_of", "in_arrays", "paired"]

SAME = TargetFormat("class", ("different", "same"), source="is_same")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of the examples of another source.

    Args:
        base: that source.
    """

    base: Source

    def survey(self, where: Where, split: Split) -> Survey:
        inside = where.inside("pairs")
        survey = self.base.survey(inside, split)
        return self._of_pairs(survey, split, inside)

    def read(self, where: Where, split: Split) -> tuple[Survey, Examples]:
        inside = where.inside("pairs")
        survey, examples = self.base.read(inside, split)
        own = self._of_pairs(survey, split, inside)
        assert own.parts is not None
        target = examples.targets["target"][np.arange(survey.examples)]
        rows = rows_of(survey, own.parts, target, split.seed)
        drawn = [
            _drawn(part, target[part], split.seed, name, where)
            for name, part in zip(own.parts._fields, rows, strict=True)
        ]
        left, right = (np.concatenate([both[i] for both in drawn]) for i in range(2))
        return own, _joined(examples.inputs["input"], target, left, right)

    def _of_pairs(self, survey: Survey, split: Split, where: Where) -> Survey:
        known = survey.format
        if [*known.inputs] != ["input"] or [*known.targets] != ["target"] or known.target.kind != "class":
            _refuse("it takes a source of one input and one target, which is a class", where)
        if known.target.shape:
            _refuse("it takes a source of one class an example, and this one has one a position", where)
        return Survey(_format(known), survey.examples, parts=sizes_of(survey, split, where), notes=survey.notes)


def _refuse(message: str, where: Where) -> None:
    raise DataError(Diagnostic("pairs", f"no pairs can be made: {message}", where.place(*where.source)))


def _format(base: Format) -> Format:
    inputs = {"left": base.input, "right": base.input}
    targets = {"is_same": SAME, "left_label": base.target, "right_label": base.target}
    return Format(inputs, targets, base.reading, paired=True)


def base_of(pairs: Format) -> Format:
    """The format of the examples that pairs are made of."""
    return Format({"input": pairs.inputs["left"]}, {"target": pairs.targets["left_label"]}, pairs.reading)


def in_arrays(pairs: Format) -> Format:
    """The format of pairs whose two sides are arrays of one file, "left" and "right"."""
    return replace(pairs, inputs={name: replace(known, array=name) for name, known in pairs.inputs.items()})


def paired(examples: Examples, seed: int, where: Where) -> Examples:
    """Pairs of all examples of a source, as many as there are.

    Raises:
        DataError: they are all of one class.
    """
    rows = np.arange(len(examples.inputs["input"]))
    target = examples.targets["target"][rows]
    return _joined(examples.inputs["input"], target, *_drawn(rows, target, seed, "data", where))


def _joined(inputs: Inputs, target: Array, left: Array, right: Array) -> Examples:
    is_same = (target[left] == target[right]).astype(np.int32)
    targets = {"is_same": is_same, "left_label": target[left], "right_label": target[right]}
    return Examples({"left": Chosen(inputs, left), "right": Chosen(inputs, right)}, targets)


def _drawn(rows: Array, classes: Array, seed: int, part: str, where: Where) -> tuple[Array, Array]:
    """The rows of the left ones, each once, and of those they are paired with.

    Half are paired with another one of their class, the others with one of another class. An example that is the only
    one of its class is always paired with one of another.
    """
    if not len(rows):
        return rows, rows
    if len(set(classes.tolist())) < 2:
        message = f"all examples of the {part} part are of one class, so that no two are different"
        raise DataError(Diagnostic("pairs", message, where.place("split"), help="make the part larger"))
    # Raw numbers do not depend on NumPy's version, unlike what its generators make of them.
    numbers = np.random.PCG64(seed % 2**64)
    chance = numbers.random_raw(len(rows))
    order = np.argsort(numbers.random_raw(len(rows)), kind="stable")
    by_class = np.argsort(classes, kind="stable")
    ordered = classes[by_class]
    first = np.searchsorted(ordered, classes, side="left")
    count = np.searchsorted(ordered, classes, side="right") - first
    can_be_same = order[count[order] > 1]
    same = np.zeros(len(rows), bool)
    same[can_be_same[: len(rows) // 2]] = True
    rank = np.empty(len(rows), np.int64)
    rank[by_class] = np.arange(len(rows))
    alike = first + (rank - first + 1 + _below(chance, np.maximum(count - 1, 1))) % count
    other = _below(chance, len(rows) - count)
    right = np.where(same, alike, other + np.where(other >= first, count, 0))
    return rows[order], rows[by_class[right]][order]


def _below(chance: Array, bounds: Array) -> Array:
    """Whole numbers below some bounds, by chance."""
    return (chance % bounds.astype(np.uint64)).astype(np.int64)
