"""What is emitted so far, and what one part of it has to know of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from netspec.diagnostics import Diagnostic, SpecError
from netspec.emit.arguments import Parameter
from netspec.emit.body import Statement
from netspec.emit.forms import public_name
from netspec.emit.names import free
from netspec.emit.parts import Key, Plan
from netspec.graph.graph import Node
from netspec.spec.call import Call
from netspec.spec.sections import BlockDefinition

__all__ = ["Attribute", "Class", "Made", "Module", "refuse"]

Attribute = tuple[str | int, ...]
"""Names and positions in lists, from a block's object to something in it."""


@dataclass(frozen=True, slots=True)
class Made:
    """A class that was emitted, and what those who use it have to know.

    Args:
        name, parameters: how it is made.
        draws: whether its constructor takes `rngs`.
        width: of its result, in its own names; None where that is a plain number.
        takes_mask: whether its call does.
        outside: what its call takes besides its input: the paths of values and parameters, from the block's own.
    """

    name: str
    parameters: tuple[Parameter, ...]
    draws: bool
    width: str | None
    takes_mask: bool
    outside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Class:
    """A class as it will be printed.

    Args:
        initial, call: the bodies of its constructor and of its call; no constructor where there is nothing to make.
        arguments: of its call.
    """

    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    draws: bool
    initial: tuple[Statement, ...]
    arguments: tuple[str, ...]
    call: tuple[Statement, ...]
    result: str


@dataclass(slots=True)
class Module:
    """What is emitted so far.

    Args:
        blocks: the spec's own kinds.
        wanted: by path, a name for each value that is read by name or is an output.
        taken: names that mean something in the whole file.
        comments: what the spec says of its own kinds.
        made, classes: what the classes are called by, and the classes, those first that others need.
        copied: the names of calls whose source is needed.
        constants: names of `[let]` that are needed.
        attributes: by path of a block, the path of the block around it, and where it is within that one's object.
        arrays: by path of a parameter or statistic, likewise.
        from_data: by path of a parameter, the call that makes its initial value of the layer's inputs.
    """

    plan: Plan
    blocks: Mapping[str, BlockDefinition]
    wanted: Mapping[str, str]
    taken: set[str]
    comments: Mapping[str, str]
    made: dict[Key, Made] = field(default_factory=dict)
    classes: list[Class] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    constants: set[str] = field(default_factory=set)
    attributes: dict[str, tuple[str, Attribute]] = field(default_factory=dict)
    arrays: dict[str, tuple[str, Attribute]] = field(default_factory=dict)
    from_data: dict[str, Call] = field(default_factory=dict)

    def name(self, call: Call) -> str:
        """A call's name as printed; what it needs is copied."""
        if call.name.startswith("netspec.") and call.name not in self.copied:
            self.copied.append(call.name)
        return public_name(call.name)

    def class_name(self, wanted: str) -> str:
        """A name for a class that nothing else has."""
        name = free(wanted, self.taken)
        self.taken.add(name)
        return name

    def path(self, array: str) -> Attribute:
        """Where a parameter or statistic is within the whole network's object."""
        around, attribute = self.arrays[array]
        while around in self.attributes:
            around, outer = self.attributes[around]
            attribute = (*outer, *attribute)
        return attribute


def refuse(node: Node, message: str, help: str = "") -> NoReturn:  # noqa: A002
    """Say that a part of a network has no source yet.

    Raises:
        SpecError: always.
    """
    raise SpecError(Diagnostic("compile", f"{node.path} cannot be compiled: {message}", node.place, help=help))
