"""What kinds become: calls of named functions and modules, as data. Printed, they are source; looked up, they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netspec.spec.layer import Layer

__all__ = ["Branch", "Branches", "Call", "Loaded", "Mismatch", "Parameter", "Shape", "Shared", "call"]

ROOTS = ("flax.nnx", "jax.nn", "jax.numpy", "optax", "netspec.nn", "netspec.data")
"""Where the names of calls may live: a closed registry, whatever a spec says."""


class Shape(tuple[int, ...]):
    """The shape of one example of a value: channels last, without the batch."""

    __slots__ = ()

    @property
    def channels(self) -> int:
        """The width of the last axis; 1 for a single number."""
        return self[-1] if self else 1

    @property
    def spatial(self) -> tuple[int, ...]:
        """All axes but the channels."""
        return tuple(self[:-1])

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self))}]"


@dataclass(frozen=True, slots=True)
class Call:
    """A dotted name under one of the allowed roots, and its arguments; hashable, so that results can be remembered."""

    name: str
    arguments: tuple[Any, ...] = ()
    keywords: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        assert self.name.startswith(tuple(f"{root}." for root in ROOTS)), self.name

    def __str__(self) -> str:
        parts = [_written(a) for a in self.arguments] + [f"{k}={_written(v)}" for k, v in self.keywords]
        return f"{self.name.rpartition('.')[2]}({', '.join(parts)})"


def call(name: str, /, *arguments: Any, **keywords: Any) -> Call:
    """A call, written as one.

    >>> str(call("flax.nnx.Linear", 4, 2, use_bias=False))
    'Linear(4, 2, use_bias=False)'
    """
    return Call(name, arguments, tuple(keywords.items()))


def _written(value: Any) -> str:
    """An argument as source has it, calls inside it included."""
    if isinstance(value, Parameter):
        return f"{value.layer}.{value.name}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))}{',' * (len(value) == 1)})"
    return str(value) if isinstance(value, Call) else repr(value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument that is another layer's parameter: its array follows the call's inputs.

    Args:
        layer: the layer's name, as `from` would say it.
        key: the layer's key that names it.
        name: the parameter's, within that layer.
        shape: that it must have; None for an axis of any length.
    """

    layer: str
    key: str
    name: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """A layer that stands elsewhere, applied again with the same parameters.

    Args:
        layer: its name.
    """

    layer: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """Layers of an earlier run.

    Args:
        run: as the spec names it.
        upto: the name of the last one; None for all.
    """

    run: str
    upto: str | None


@dataclass(frozen=True, slots=True)
class Branch:
    """One list of layers of an item.

    Args:
        layers: in turn; or, where they depend on what the first list gives, a function of that shape.
        at: the key under the item (and the number in a list of lists) where the spec writes them, or asks for them.
    """

    layers: tuple[Layer, ...] | Callable[[Shape], tuple[Layer, ...]]
    at: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Branches:
    """Lists of layers that read one input, and what becomes of their results.

    Args:
        lists: by name; the layers of the one named "" have their paths right under the item's own.
        join: takes the results in turn; None where there is one list and its result is the item's.
        aside: whether the item's input goes on as it is, and the results are read by name alone.
        state: the list is a cell: at each position of a sequence it reads what is there and, side by side with it, what
            it gave for the position before (so many numbers, zeros at first).
    """

    lists: Mapping[str, Branch]
    join: Call | None = None
    aside: bool = False
    state: int | None = None


class Mismatch(Exception):  # noqa: N818  (it says what is so, and is no failure of ours)
    """A layer that cannot take its input; whoever lowers it knows its name and place.

    Args:
        message: what does not fit, to follow the layer's path: "needs [height, width, channels], and gets [64]".
        key: the layer's key that is to blame, where one is.
        label: a few words to stand under the place.
        help: what to do.
    """

    def __init__(self, message: str, key: str | None = None, label: str = "", help: str = "") -> None:  # noqa: A002
        super().__init__(message)
        self.message, self.key, self.label, self.help = message, key, label, help
