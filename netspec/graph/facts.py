"""What the data tells a network before the network is built: shapes, classes, counts. Plain numbers, nothing read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Literal

from netspec.spec.call import Shape

__all__ = ["Facts"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the examples after their transforms.

    Args:
        input: the shape of one input.
        dtype: what the numbers of an input are.
        target: what is to be predicted: one of some classes, or numbers.
        labels: the classes' names, in the order of their indices; empty for numbers.
        outputs: how many numbers are to be predicted; 1 for classes.
        examples: how many there are to "train", "validation" and "test" with.
    """

    input: Shape
    dtype: Literal["float32", "int32"]
    target: Literal["class", "number"]
    labels: tuple[str, ...]
    outputs: int
    examples: Mapping[str, int]

    @property
    def constants(self) -> dict[str, int]:
        """The names that a spec may count with: `$features`, and `$classes` where there are classes."""
        classes = {"classes": len(self.labels)} if self.target == "class" else {"targets": self.outputs}
        return {"features": prod(self.input), **classes}

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back."""
        return {**asdict(self), "input": list(self.input), "labels": list(self.labels), "examples": dict(self.examples)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Facts:
        """The facts that `to_json` wrote.

        Raises:
            KeyError, TypeError: the data is something else.
        """
        known = {**data, "input": Shape(data["input"]), "labels": tuple(data["labels"])}
        return Facts(**known)
