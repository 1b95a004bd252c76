"""What every layer of a list shares: the keys that any item takes, and how it says what it becomes."""

from abc import abstractmethod
from typing import Annotated, ClassVar

from pydantic import Field

from netspec.spec.call import Branches, Call, Shape
from netspec.spec.initial import Init
from netspec.spec.kind import Kind, items_of
from netspec.spec.values import Count, Name

__all__ = ["Layer", "Layers", "Lowered"]

Lowered = Call | tuple[Call, ...] | Branches
"""One call, several in turn, or lists of layers that are joined."""


class Layer(Kind, family="layer"):
    """One item of a list of layers."""

    consumes: ClassVar[str] = "float32"
    """The type of number that the layer reads: "int32" for one that looks things up."""

    name: Name | None = None
    from_: Name | None = Field(default=None, alias="from")
    times: Count = 1
    freeze: bool = False
    init: Init = None

    @abstractmethod
    def lower(self, x: Shape) -> Lowered:
        """What the layer becomes for an input of shape `x`.

        Raises:
            Mismatch: the layer cannot take such an input.
        """

    def label(self) -> str:
        """The word that an unnamed item's path is counted by."""
        return self.kind

    @classmethod
    def universal(cls) -> tuple[str, ...]:
        return ("name", "from", "times", "freeze", "init")


Layers = Annotated[tuple[Layer, ...], *items_of(Layer)]
"""A list of layers."""
