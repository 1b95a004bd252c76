"""What is done to examples before a network sees them; the work is done by what `lower` names, in `netspec.data`."""

from abc import abstractmethod
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from netspec.spec.call import Call, call
from netspec.spec.expression import Expression
from netspec.spec.kind import Kind
from netspec.spec.layer import Names
from netspec.spec.values import (
    EXPRESSION,
    LARGEST_COUNT,
    Count,
    as_expression,
    must_be,
)

__all__ = ["Transform"]


class Transform(Kind, family="transform"):
    """What is done to every input, in turn; what it needs to know it learns from the training part alone.

    of: the input, or a list of them, that it is for; every input of fractions unless said otherwise.
    """

    of: Names | None = None

    @abstractmethod
    def lower(self) -> Call:
        """The call that makes the transform."""

    @classmethod
    def universal(cls) -> tuple[str, ...]:
        return ("of",)


def _parts(value: Any) -> tuple[Any, ...]:
    return tuple(as_expression(p) or p for p in value) if isinstance(value, list | tuple) else ()


def _is_length(value: Any) -> bool:
    return isinstance(value, Expression) or (type(value) is int and 1 <= value <= LARGEST_COUNT)


def _height_and_width(value: Any) -> tuple[Any, ...]:
    parts = _parts(value)
    if len(parts) != 2 or not all(map(_is_length, parts)):
        raise must_be("a list of height and width, each a whole number from 1", value)
    return parts


class Resize(Transform):
    """Images to another height and width, bilinearly; where they shrink, every pixel counts.

    resize: height and width.
    """

    example = "{ resize = [28, 28] }"

    resize: Annotated[
        tuple[Count, Count],
        PlainValidator(_height_and_width),
        WithJsonSchema(
            {
                "type": "array",
                "items": {"anyOf": [{"type": "integer", "minimum": 1}, EXPRESSION]},
                "minItems": 2,
                "maxItems": 2,
            }
        ),
    ]

    def lower(self) -> Call:
        return call("netspec.data.transforms.Resize", tuple(self.resize))


class Standardize(Transform):
    """Mean 0 and variance 1: by channel for images and sequences, by column otherwise. What never varies becomes 0."""

    def lower(self) -> Call:
        return call("netspec.data.transforms.Standardize")


def _is_finite(value: Any) -> bool:
    return isinstance(value, Expression) or (type(value) in (int, float) and abs(value) <= LARGEST_COUNT)


def _range(value: Any) -> tuple[Any, ...]:
    low, high = parts if len(parts := _parts(value)) == 2 else (None, None)
    numbers = not isinstance(low, Expression) and not isinstance(high, Expression)
    if not _is_finite(low) or not _is_finite(high) or (numbers and not low < high):
        raise must_be("a list of two numbers, the lower one first", value)
    return tuple(p if isinstance(p, Expression) else float(p) for p in (low, high))


class Scale(Transform):
    """From the smallest and largest number to a range: over all pixels of images, by channel or column otherwise.

    They are the training part's, so others may fall somewhat outside.

    scale: the range.
    """

    scale: Annotated[
        tuple[float, float],
        PlainValidator(_range),
        WithJsonSchema(
            {"type": "array", "items": {"anyOf": [{"type": "number"}, EXPRESSION]}, "minItems": 2, "maxItems": 2}
        ),
    ] = (0.0, 1.0)

    def lower(self) -> Call:
        return call("netspec.data.transforms.Scale", *self.scale)


class FlattenInput(Transform):
    """All axes in one."""

    kind = "flatten"

    def lower(self) -> Call:
        return call("netspec.data.transforms.Flatten")


class Rgb(Transform):
    """Grey images with three channels, each the same."""

    def lower(self) -> Call:
        return call("netspec.data.transforms.Rgb")
