"""What the data tells a network before the network is built: shapes, classes, counts. Plain numbers, nothing read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import prod
from typing import Any, Literal

from netspec.spec.call import Shape

__all__ = ["NOTHING", "Facts", "InputFacts", "TargetFacts"]


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What is known of one input, after its transforms.

    Args:
        shape: of one example.
        dtype: what its numbers are.
        vocabulary: how many different whole numbers it holds, from 0; None where it holds fractions.
        padded: whether it is a sequence that may be shorter than `shape` says. Padding is the whole number 0, or a
            position that is all NaN, and stands at the end.
    """

    shape: Shape
    dtype: Literal["float32", "int32"]
    vocabulary: int | None = None
    padded: bool = False


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What is known of one thing that is to be predicted.

    Args:
        kind: one of some classes, or numbers.
        labels: the classes' names, in the order of their indices; empty for numbers.
        shape: of one example's: [] one class, [length] a class for each position, [n] so many numbers.
        padded: whether some positions may hold the class -1, which is nothing to be predicted.
        counts: how many training examples, or positions of them, are of each class; empty before they were read, or
            where the classes are too many.
    """

    kind: Literal["class", "number"]
    labels: tuple[str, ...]
    shape: Shape
    padded: bool = False
    counts: tuple[int, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the examples after their transforms.

    Args:
        inputs: by name; the only one is called "input" unless the spec names it.
        targets: by name; the only one is called "target" unless the spec names it.
        examples: how many there are to "train", "validation" and "test" with.
    """

    inputs: Mapping[str, InputFacts]
    targets: Mapping[str, TargetFacts]
    examples: Mapping[str, int]

    @staticmethod
    def of(
        shape: Shape,
        labels: tuple[str, ...] = (),
        outputs: int = 1,
        examples: Mapping[str, int] | None = None,
        dtype: Literal["float32", "int32"] = "float32",
    ) -> Facts:
        """The facts of one input and one target: one of some classes, or, without labels, so many numbers."""
        target = TargetFacts("class", labels, Shape(())) if labels else TargetFacts("number", (), Shape((outputs,)))
        return Facts({"input": InputFacts(shape, dtype)}, {"target": target}, examples or {})

    @property
    def constants(self) -> dict[str, int]:
        """The names that a spec may count with, where they stand for one number."""
        features = {prod(i.shape) for i in self.inputs.values()} if len(self.inputs) == 1 else set()
        vocabulary = {i.vocabulary for i in self.inputs.values() if i.vocabulary is not None}
        classes = {len(t.labels) for t in self.targets.values() if t.kind == "class"}
        targets = {prod(t.shape) for t in self.targets.values() if t.kind == "number"}
        found = {"features": features, "vocabulary": vocabulary, "classes": classes, "targets": targets}
        return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back."""
        return {
            "inputs": {name: {**asdict(i), "shape": list(i.shape)} for name, i in self.inputs.items()},
            "targets": {
                name: {**asdict(t), "shape": list(t.shape), "labels": list(t.labels), "counts": list(t.counts)}
                for name, t in self.targets.items()
            },
            "examples": dict(self.examples),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Facts:
        """The facts that `to_json` wrote.

        Raises:
            KeyError, TypeError, AttributeError: the data is something else.
        """
        inputs = {n: InputFacts(**{**i, "shape": Shape(i["shape"])}) for n, i in data["inputs"].items()}
        targets = {
            n: TargetFacts(
                **{**t, "shape": Shape(t["shape"]), "labels": tuple(t["labels"]), "counts": tuple(t.get("counts", ()))}
            )
            for n, t in data["targets"].items()
        }
        return Facts(inputs, targets, dict(data["examples"]))


NOTHING = Facts({"input": InputFacts(Shape((0,)), "float32")}, {}, {"train": 1, "validation": 0, "test": 0})
"""What there is to know where the model is a point, which learns from no data: one example of nothing."""
