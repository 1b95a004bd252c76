"""A network as single operations, each with what it reads and what reads it: what rules walk along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netspec.graph.graph import Graph, Node, Step
from netspec.spec.call import Call, Shape

__all__ = ["Flow", "Operation", "back_from"]


@dataclass(eq=False, slots=True)
class Operation:
    """One call of a layer; or a whole cell.

    Args:
        node: the layer.
        step: the call; None of a cell, which is run once for each position.
        inputs: what it reads; None for an input of the network, and for what a cell reads.
        readers: what reads its result.
        exposed: whether its result is read from elsewhere, too: it is an output, or a penalty is on it.
    """

    node: Node
    step: Step | None
    inputs: tuple[Operation | None, ...]
    readers: list[Operation] = field(default_factory=list)
    exposed: bool = False

    @property
    def call(self) -> Call | None:
        """What is called."""
        return None if self.step is None else self.step.call

    @property
    def name(self) -> str:
        """The dotted name of what is called; "" of a cell."""
        return "" if self.step is None else self.step.call.name

    @property
    def before(self) -> Operation | None:
        """The only operation that it reads, where there is just one value."""
        return self.inputs[0] if len(self.inputs) == 1 else None

    @property
    def after(self) -> Operation | None:
        """The operation that alone reads its result, if nothing else does."""
        return self.readers[0] if len(self.readers) == 1 and not self.exposed else None

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Its own parameters' shapes, by name."""
        return {} if self.step is None else self.step.traced.parameters

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all parameters that it uses: its own and those of other layers."""
        if self.step is None:
            return ()
        own = ("/".join(filter(None, (self.node.owner, self.step.prefix, n))) for n in self.parameters)
        return (*own, *self.step.borrowed)

    @property
    def reads(self) -> Shape:
        """The shape of what it reads, of its first input."""
        before = self.inputs[0]
        return self.node.inputs[0].shape if before is None or before.node is not self.node else before.gives

    @property
    def gives(self) -> Shape:
        """The shape of its result."""
        return self.node.output.shape if self.step is None else self.step.traced.output


FARTHEST = 100
"""Operations that are gone back from an output, at the most: it is done for each output."""


def back_from(operation: Operation | None) -> Iterator[Operation]:
    """An operation, what it reads, and so on, as long as that is a single value."""
    for _ in range(FARTHEST):
        if operation is None:
            return
        yield operation
        operation = operation.before


class Flow:
    """The operations of a network, in the order in which they run.

    Args:
        graph: the network.
        also: the paths of nodes whose results are read besides: those that penalties are on.
    """

    def __init__(self, graph: Graph, also: Sequence[str] = ()) -> None:
        self.operations: list[Operation] = []
        self._results: dict[str, Operation | None] = dict.fromkeys(graph.inputs)
        self._nodes(graph.nodes, None)
        self.outputs = {name: self._results[path] for name, path in graph.outputs.items()}
        self.penalised = tuple(found for path in also if (found := self._results[path]) is not None)
        for read in (*self.outputs.values(), *self.penalised):
            if read is not None:
                read.exposed = True

    def _nodes(self, nodes: tuple[Node, ...], x: Operation | None) -> Operation | None:
        for node in nodes:
            inputs = [self._results[source] for source in node.sources] or [x]
            y = self._node(node, inputs)
            self._results[node.path] = y
            x = inputs[0] if node.aside else y
        return x

    def _node(self, node: Node, inputs: list[Operation | None]) -> Operation | None:
        if node.state is not None:
            inside = self._nodes(node.branches[""], None)
            return self._add(Operation(node, None, (inputs[0], inside)))
        if node.branches:
            inputs = [self._nodes(branch, inputs[0]) for branch in node.branches.values()]
        last = inputs[0]
        for step in node.steps:
            last = self._add(Operation(node, step, tuple(inputs)))
            inputs = [last]
        return last

    def _add(self, operation: Operation) -> Operation:
        self.operations.append(operation)
        for read in operation.inputs:
            if read is not None:
                read.readers.append(operation)
        return operation

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)
