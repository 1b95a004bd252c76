"""What rules look at, and how they say what they found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import Diagnostic, Place
from netspec.document import Path
from netspec.graph.facts import Facts
from netspec.graph.graph import Graph, Node
from netspec.lint.flow import Flow, Operation
from netspec.spec.clock import Clock
from netspec.spec.sections import Spec

if TYPE_CHECKING:
    from netspec.build import Program

__all__ = ["Judged", "Subject", "count", "warning"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A loss, and what it judges.

    Args:
        index: the loss's number.
        operation: what gives the output.
        target: the target's name; None where the data is not known.
        of_input: whether the target is an input.
    """

    index: int
    operation: Operation
    target: str | None = None
    of_input: bool = False


@dataclass(frozen=True)
class Subject:
    """A spec and what it became; without data, or without a loss, as much as there is.

    Args:
        spec: its expressions worked out.
        program: where there is data.
        targets: by name, the training examples' targets, where they were read: [n, …].
    """

    spec: Spec
    graph: Graph
    program: Program | None = None
    targets: Mapping[str, Any] | None = None

    @property
    def facts(self) -> Facts | None:
        """What the data tells."""
        return None if self.program is None else self.program.facts

    @property
    def clock(self) -> Clock | None:
        """How long the training is."""
        return None if self.program is None else self.program.clock

    @cached_property
    def flow(self) -> Flow:
        """The network's operations."""
        by_name = {node.name: node.path for node in self.graph.nodes}
        of = [p.of for loss in self.spec.losses for p in loss.penalties if p.of is not None]
        return Flow(self.graph, [by_name[name] for name in of if name in by_name])

    @cached_property
    def judged(self) -> tuple[Judged, ...]:
        """Every loss with the output that it judges."""
        found = []
        for i, loss in enumerate(self.spec.losses):
            first = "output" if "output" in self.flow.outputs else next(iter(self.flow.outputs))
            aim = None if self.program is None else self.program.objective.terms[i].aim
            for name in loss.output if isinstance(loss.output, tuple) else (loss.output or first,):
                if (operation := self.flow.outputs.get(name)) is not None:
                    target = None if aim is None else aim.target
                    found.append(Judged(i, operation, target, aim is not None and aim.of_input))
        return tuple(found)

    @cached_property
    def shared(self) -> frozenset[str]:
        """The owners of parameters that more than one layer uses."""
        owners = [leaf.owner for leaf in self.graph.leaves() if leaf.steps]
        borrowed = {p.rpartition("/")[0] for o in self.flow for p in (o.step.borrowed if o.step else ())}
        return frozenset({owner for owner, n in _counted(owners).items() if n > 1} | borrowed)

    @cached_property
    def _paths(self) -> dict[Place, Path]:
        document = self.spec.document
        items = {place: path for path, place in document.places.items()}
        return items | {place: path[:-1] for path, place in document.keys.items()}

    def place(self, node: Node, key: str) -> Place:
        """Where a layer's key has its value; the layer itself, where it has no such key."""
        path = self._paths.get(node.place)
        return self.spec.document.places.get((*path, key), node.place) if path is not None else node.place

    def place_of_call(self, operation: Operation) -> Place:
        """Where a call is written: the layer, or the key `activation` that asks for it."""
        first = operation.step is None or operation.step is operation.node.steps[0]
        return operation.node.place if first else self.place(operation.node, "activation")


def _counted(names: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return found


def warning(code: str, message: str, place: Place, label: str = "", note: str = "", help: str = "") -> Diagnostic:  # noqa: A002
    """Something that is legal and most likely wrong.

    Args:
        note: why.
        help: what to do.
    """
    return Diagnostic(code, message, place, label=label, note=note, help=help, severity="warning")


def count(n: int, what: str) -> str:
    """A number of things, in words: "1 parameter", "1,200 parameters"."""
    return f"{n:,} {what}{'s' * (n != 1)}"
