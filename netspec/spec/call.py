"""What kinds become: calls of named functions and modules, as data. Printed, they are source; looked up, they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netspec.spec.layer import Layer

__all__ = ["Branches", "Call", "Mismatch", "Shape", "call"]

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
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))}{',' * (len(value) == 1)})"
    return str(value) if isinstance(value, Call) else repr(value)


@dataclass(frozen=True, slots=True)
class Branches:
    """Lists of layers that read one input, and the call that joins their results.

    Args:
        lists: by name; the layers of the branch named "" have their paths right under the item's own. Where a branch
            depends on what the first one gives, it is a function of that shape.
        join: takes one value a branch; None where there is one branch and its result is the item's.
    """

    lists: Mapping[str, tuple[Layer, ...] | Callable[[Shape], tuple[Layer, ...]]]
    join: Call | None = None


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
