"""Layers that only move numbers."""

from math import prod
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from netspec.spec.call import Call, Mismatch, Shape, call
from netspec.spec.layer import Layer
from netspec.spec.layers.fitting import each, needs_axes
from netspec.spec.values import Integer, Literally, Size, as_expression, must_be

__all__: list[str] = []

MOST_AXES = 8
LARGEST = 2**31 - 1


def _whole(value: Any, least: int, expected: str, written: Any) -> Any:
    if (found := as_expression(value)) is not None:
        return found
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST:
        raise must_be(expected, written)
    return value


def _list(least: int, expected: str) -> Any:
    def validate(value: Any) -> Any:
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_AXES:
            raise must_be(expected, value)
        return tuple(_whole(part, least, expected, value) for part in value)

    return validate


def _margins(value: Any) -> Any:
    expected = "a whole number from 0, or a list that has for each axis such a number or [before, after]"
    if not isinstance(value, list | tuple):
        return _whole(value, 0, expected, value)
    if not 1 <= len(value) <= 3:
        raise must_be(expected, value)
    return tuple(_ends(part, expected, value) for part in value)


def _ends(part: Any, expected: str, written: Any) -> Any:
    if not isinstance(part, list | tuple):
        return _whole(part, 0, expected, written)
    if len(part) != 2:
        raise must_be(expected, written)
    return tuple(_whole(end, 0, expected, written) for end in part)


if TYPE_CHECKING:
    Sizes = tuple[int, ...]
    Axes = tuple[int, ...]
    Margins = int | tuple[int | tuple[int, int], ...]
else:
    _EXPRESSION = {"type": "string", "pattern": r"^\$"}

    def _schema(least: int) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer", "minimum": least}, _EXPRESSION]}

    def _listed(items: dict[str, Any], most: int) -> dict[str, Any]:
        return {"type": "array", "items": items, "minItems": 1, "maxItems": most}

    Sizes = Annotated[
        tuple[int, ...],
        PlainValidator(_list(-1, f"a list of 1 to {MOST_AXES} whole numbers, one of which may be -1")),
        WithJsonSchema(_listed(_schema(-1), MOST_AXES)),
    ]
    Axes = Annotated[
        tuple[int, ...],
        PlainValidator(_list(0, "a list of the input's axes, counted from 0")),
        WithJsonSchema(_listed(_schema(0), MOST_AXES)),
    ]
    Margins = Annotated[
        int | tuple[int | tuple[int, int], ...],
        PlainValidator(_margins),
        WithJsonSchema(
            {"anyOf": [_schema(0), _listed({"anyOf": [_schema(0), _listed(_schema(0), 2) | {"minItems": 2}]}, 3)]}
        ),
    ]


class Flatten(Layer):
    """All axes in one, in row-major order."""

    def lower(self, x: Shape) -> Call:
        return call("netspec.nn.shapes.flatten")


class Reshape(Layer):
    """The same numbers in row-major order, in another shape.

    reshape: the shape, channels last; -1 for an axis that follows from the others.
    """

    example = "{ reshape = [4, 16] }"

    reshape: Sizes

    def lower(self, x: Shape) -> Call:
        known = prod(n for n in self.reshape if n != -1)
        free = self.reshape.count(-1)
        if 0 in self.reshape or free > 1:
            raise Mismatch("has a shape with no numbers" if free < 2 else "has more than one -1", self.kind)
        if prod(x) % known or (not free and prod(x) != known):
            count = f"{prod(x):,} numbers, and {Shape(self.reshape)} has {'a multiple of ' if free else ''}{known:,}"
            raise Mismatch(f"gets {x}, which has {count}", self.kind)
        return call("netspec.nn.shapes.reshape", tuple(prod(x) // known if n == -1 else n for n in self.reshape))


class Permute(Layer):
    """The axes in another order.

    permute: for each axis of the result, which one of the input it is, counted from 0: [1, 0] turns [height, channels]
    to [channels, height].
    """

    example = "{ permute = [1, 0, 2] }"

    permute: Axes

    def lower(self, x: Shape) -> Call:
        if sorted(self.permute) != list(range(len(x))):
            every = ", ".join(map(str, range(len(x))))
            raise Mismatch(f"orders the axes {Shape(self.permute)}, and its input {x} has the axes {every}", self.kind)
        return call("netspec.nn.shapes.permute", self.permute)


def _each_margin(margins: Margins, x: Shape, kind: str) -> tuple[tuple[int, int], ...]:
    axes = needs_axes(x, kind)
    if isinstance(margins, int):
        return ((margins, margins),) * axes
    each(tuple(0 for _ in margins), axes, kind, x)
    return tuple((m, m) if isinstance(m, int) else m for m in margins)


class Pad(Layer):
    """More positions around.

    pad: how many at both ends of every axis; or a list that has for each axis a number or [before, after].
    mode: what is there: "zeros"; "edge", the outermost numbers; "reflect", the numbers mirrored at them; "wrap", the
    numbers of the other end.
    """

    example = "{ pad = 2 }"

    pad: Margins
    mode: Literally("zeros", "edge", "reflect", "wrap") = "zeros"  # type: ignore[valid-type]

    def lower(self, x: Shape) -> Call:
        margins = _each_margin(self.pad, x, self.kind)
        reach = {"reflect": 1, "wrap": 0}.get(self.mode)
        if reach is not None and any(max(m) > n - reach for m, n in zip(margins, x.spatial, strict=True)):
            raise Mismatch(f"takes more from {x} than is there to {self.mode}", self.kind)
        return call("netspec.nn.shapes.pad", margins, self.mode)


class Crop(Layer):
    """Fewer positions around.

    crop: how many go at both ends of every axis; or a list that has for each axis a number or [before, after].
    """

    example = "{ crop = 2 }"

    crop: Margins

    def lower(self, x: Shape) -> Call:
        margins = _each_margin(self.crop, x, self.kind)
        if any(sum(m) >= n for m, n in zip(margins, x.spatial, strict=True)):
            raise Mismatch(f"leaves nothing of {x}", self.kind)
        return call("netspec.nn.shapes.crop", margins)


class Take(Layer):
    """One position of the first axis: [length, channels] becomes [channels].

    take: which, from 0; -1 is the last. The padding of a sequence does not count: -1 is the last that is none.
    Of a sequence that is too short for it, the position nearest to it is taken.
    """

    padded = "used"

    take: Integer = -1

    def lower(self, x: Shape) -> Call:
        if len(x) < 2:
            raise Mismatch(f"needs [length, channels], and gets {x}", label=f"gets {x}")
        if not -x[0] <= self.take < x[0]:
            raise Mismatch(f"takes position {self.take} of {x[0]}", self.kind, label=f"from {-x[0]} to {x[0] - 1}")
        return call("netspec.nn.shapes.take", self.take)


class Upsample(Layer):
    """More positions from fewer.

    upsample: how many for each, one number or one for each axis.
    method: "nearest" repeats each number; "bilinear" is linear between their middles, along each axis.
    """

    upsample: Size = 2
    method: Literally("nearest", "bilinear") = "nearest"  # type: ignore[valid-type]

    def lower(self, x: Shape) -> Call:
        factors = each(self.upsample, needs_axes(x, self.kind), self.kind, x)
        return call(f"netspec.nn.upsampling.{self.method}", factors)


class Subsample(Layer, abstract=True):
    """Every so manieth position, and channels of zeros at the end: what `shortcut = "pad"` becomes."""

    stride: tuple[int, ...]
    channels: int

    def lower(self, x: Shape) -> Call:
        return call("netspec.nn.shapes.subsample", self.stride, self.channels)


class Reverse(Layer):
    """A sequence backwards: the last position first. Padding stays at the end."""

    padded = "kept"

    def lower(self, x: Shape) -> Call:
        return call("netspec.nn.shapes.reverse")
