"""Layers that join values by name. One of [C] or [1, 1, C] joins one of [H, W, C]: it counts at every position."""

from typing import ClassVar

from netspec.spec.call import Call, Shape, call
from netspec.spec.layer import Layer, Names

__all__: list[str] = []


class _Join(Layer, abstract=True):
    takes: ClassVar[tuple[int, int]] = (2, 100)
    joins = True
    padded = "kept"

    def reads(self) -> tuple[str, ...]:
        names: tuple[str, ...] = getattr(self, self.kind)
        return names

    def lower(self, x: Shape, *others: Shape) -> Call:
        return call(f"netspec.nn.joins.{self.kind}")


class Concat(_Join):
    """Named values side by side, along the channels.

    concat: the names.
    """

    concat: Names


class Add(_Join):
    """The sum of named values.

    add: the names.
    """

    add: Names


class Subtract(_Join):
    """The first of two named values less the second.

    subtract: the names.
    """

    takes = (2, 2)

    subtract: Names


class Multiply(_Join):
    """The product of named values, number by number.

    multiply: the names.
    """

    multiply: Names


class Mean(_Join):
    """The mean of named values, number by number.

    mean: the names.
    """

    mean: Names


class Max(_Join):
    """The largest of named values, number by number.

    max: the names.
    """

    max: Names


class Dot(_Join):
    """The inner product of two named values over their channels: [..., C] and [..., C] become [..., 1].

    dot: the names.
    """

    takes = (2, 2)

    dot: Names
