"""What a list of layers is read in: the names that it sees, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from netspec.document import Path
from netspec.graph.graph import Node, Value
from netspec.spec.layer import Layer

__all__ = ["Frame", "Known", "Scope", "Written"]


@dataclass(frozen=True, slots=True)
class Known:
    """Something that a name stands for: a layer's result, or an input of the network.

    Args:
        path: of the value.
        line: of the spec, where it is written; 0 for an input.
        node: the layer; None for an input.
        at, frame: where the layer is written, so that it can be applied again.
    """

    path: str
    value: Value
    line: int = 0
    node: Node | None = None
    at: Path = ()
    frame: Frame | None = None


@dataclass(slots=True)
class Scope:
    """The names that `from` sees: of one list, and of those around it."""

    around: Scope | None = None
    known: dict[str, Known] = field(default_factory=dict)

    def find(self, name: str) -> Known | None:
        """What a name stands for, the innermost first."""
        found = self.known.get(name)
        return found if found or self.around is None else self.around.find(name)

    def names(self) -> set[str]:
        """All names in sight."""
        return set(self.known) | (self.around.names() if self.around else set())

    def everything(self) -> dict[str, Known]:
        """All that is in sight, by name."""
        return {**(self.around.everything() if self.around else {}), **self.known}


@dataclass(frozen=True, slots=True)
class Frame:
    """What a list of layers is read in.

    Args:
        prefix: of its layers' paths.
        owner: of the paths of its layers' parameters: the same, unless they are shared.
        at: where the list stands in the document.
        names: what expressions may use.
        context: the blocks that it is inside of, in words, innermost first.
        kinds: the user's kinds that it is inside of, so that one inside itself is noticed.
        frozen: whether parameters stay as they begin.
        repeats: how often its layers run for one example.
        cell: whether it is inside a cell, whose layers see one position at a time.
    """

    prefix: str
    owner: str
    at: Path
    names: Mapping[str, Any]
    context: tuple[str, ...]
    kinds: tuple[str, ...]
    frozen: bool
    scope: Scope
    repeats: int = 1
    cell: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """One item of a list, about to become a node.

    Args:
        layer: its expressions worked out.
        name: the last part of its path.
        sources: the paths of the values that it reads by name.
        inputs: what it reads.
        at: where it stands in the document.
    """

    layer: Layer
    name: str
    sources: tuple[str, ...]
    inputs: tuple[Value, ...]
    at: Path
