"""What every layer of a list shares: the keys that any item takes, and how it says what it becomes."""

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from netspec.spec.call import Branches, Call, Loaded, Shape, Shared
from netspec.spec.initial import Init
from netspec.spec.kind import Kind, items_of, lists_of
from netspec.spec.values import Count, Name, is_name, must_be

__all__ = ["Layer", "Layers", "ListsOfLayers", "Lowered", "Names"]

Lowered = Call | tuple[Call, ...] | Branches | Shared | Loaded
"""One call, several in turn, lists of layers that are joined, a layer that stands elsewhere, or layers of a run."""


def _names(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list | tuple) else [value]
    # Inside a block, an argument that names a value is in sight under its own name, as "$skip" or "skip".
    parts = [part.removeprefix("$") if isinstance(part, str) else part for part in parts]
    if parts and all(is_name(part) for part in parts):
        return tuple(parts)
    raise must_be("the name of a layer or an input, or a list of such names", value)


_NAME_SCHEMA = {"type": "string", "pattern": r"^\$?[a-z][a-z0-9_]{0,63}$"}

Names = Annotated[
    tuple[str, ...],
    PlainValidator(_names),
    WithJsonSchema({"anyOf": [_NAME_SCHEMA, {"type": "array", "items": _NAME_SCHEMA, "minItems": 1}]}),
]
"""The name of a value, or a list of them."""


class Layer(Kind, family="layer"):
    """One item of a list of layers: the name of a kind, or a table that begins with one.

    name: what others call it by; its kind and a count (`conv2`) unless said otherwise.
    from: the name of what it reads, or a list of names; what stands before it unless said otherwise.
    times: that many in a row, each with parameters of its own.
    freeze: whether its parameters stay as they begin, and its running statistics with them.
    init: how its parameters begin: the weights (`"he_normal"`, `{ normal = 0.02 }`, a number, an array), or each by its
    name (`{ bias = 0.1 }`).
    output: a name under which its result is an output of the network, too.
    """

    consumes: ClassVar[str] = "float32"
    """The type of number that the layer reads: "int32" for one that looks things up."""

    takes: ClassVar[tuple[int, int]] = (1, 1)
    """How many values the layer reads, at the least and at the most; `lower` gets the shape of each."""

    joins: ClassVar[bool] = False
    """Whether the layer joins values, number by number or side by side, and its principal argument names them."""

    padded: ClassVar[Literal["kept", "used", "refused"]] = "refused"
    """What becomes of sequences that were padded to one length. "kept": the layer works on each position by itself, or
    takes the mask, and its result is as padded as its input. "used": it takes the mask and its result has no padding.
    "refused": padding would leak into its result."""

    name: Name | None = None
    from_: Names | None = Field(default=None, alias="from")
    times: Count = 1
    freeze: bool = False
    init: Init = None
    output: Name | None = None

    @abstractmethod
    def lower(self, x: Shape) -> Lowered:
        """What the layer becomes for an input of shape `x`; one that takes several values has further arguments.

        Raises:
            Mismatch: the layer cannot take such an input.
        """

    def reads(self) -> tuple[str, ...]:
        """The names of the values that the layer reads; none where it reads what the layer before it gives."""
        return self.from_ or ()

    def label(self) -> str:
        """The word that an unnamed item's path is counted by."""
        return self.kind

    @classmethod
    def universal(cls) -> tuple[str, ...]:
        return ("name", "from", "times", "freeze", "init", "output")


Layers = Annotated[tuple[Layer, ...], *items_of(Layer)]
"""A list of layers."""

ListsOfLayers = Annotated[tuple[tuple[Layer, ...], ...], *lists_of(Layer)]
"""A list of lists of layers; one of them may be empty."""
