"""A model that is no network but a point, which an optimizer moves over a function; as a layer, so that no stage knows
anything new.
"""

from typing import Annotated

from pydantic import Field

from netspec.spec.call import Call, Shape, call
from netspec.spec.layer import Layer
from netspec.spec.values import Number

__all__ = ["Coordinates", "Point"]

Coordinates = Annotated[tuple[Number, ...], Field(min_length=1, max_length=1000, strict=False)]
"""The numbers of a point, a thousand at the most."""


class Point(Layer, abstract=True):
    """Numbers that are learned, whatever the input.

    point: where they begin.
    """

    point: Coordinates

    def lower(self, x: Shape) -> Call:
        return call("netspec.nn.point.Point", self.point)
