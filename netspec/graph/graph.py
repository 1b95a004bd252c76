"""A network as a tree of named parts, every shape known: what `inspect` shows and `build` makes live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

from netspec.diagnostics import Place
from netspec.graph.trace import Traced
from netspec.spec.call import Call, Shape
from netspec.spec.layer import Layer

__all__ = ["Graph", "Node", "Step", "Value", "covers", "matches"]


@dataclass(frozen=True, slots=True)
class Value:
    """What one layer gives and another takes.

    Args:
        shape: of one example.
        dtype: of its numbers.
        padded: whether it is a sequence that may be shorter than the shape says.
        vocabulary: how many different whole numbers it holds, where it is an input and that is known.
    """

    shape: Shape
    dtype: str
    padded: bool = False
    vocabulary: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a node.

    Args:
        prefix: what its parameters' paths begin with, within the node; "" for the node's own.
        borrowed: the paths of other layers' parameters, which it takes after its inputs.
    """

    call: Call
    prefix: str
    traced: Traced
    borrowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A layer, or a block of layers.

    Args:
        path: its name within the network: "bottleneck3/residual1/conv2".
        owner: the path that its parameters are under: its own, or that of the layer with which it shares them.
        layer: what the spec says of it, its expressions worked out.
        place: where the spec writes it.
        sources: the paths of the values that it reads; none for that of the node before it in its list.
        inputs, output: what it takes and gives.
        steps: a layer's calls, in turn; of a block, the call that joins its branches, if any.
        branches: the lists that a block holds, by name; empty for a layer.
        aside: whether what it reads goes on to the node after it, and its own result is read by name alone.
        state: of a cell, the numbers of its state.
        repeats: how often it runs for one example: once for each position, inside a cell.
        initial: by parameter, what makes its initial value, where the spec says.
        frozen: whether its parameters stay as they begin.
    """

    path: str
    owner: str
    layer: Layer
    place: Place
    sources: tuple[str, ...]
    inputs: tuple[Value, ...]
    output: Value
    steps: tuple[Step, ...] = ()
    branches: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)
    aside: bool = False
    state: int | None = None
    repeats: int = 1
    initial: Mapping[str, Call] = field(default_factory=dict)
    frozen: bool = False

    @property
    def kind(self) -> str:
        """As the spec writes it."""
        return self.layer.kind

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def shared(self) -> bool:
        """Whether its parameters are another layer's."""
        return self.owner != self.path

    def leaves(self) -> Iterator[Node]:
        """The layers of which it consists, in the order in which they are written."""
        if not self.branches:
            yield self
        for branch in self.branches.values():
            for node in branch:
                yield from node.leaves()

    def arrays(self, which: str) -> Iterator[tuple[str, Any]]:
        """The layer's "parameters" or "statistics": paths and shapes."""
        for step in self.steps:
            for name, shape in getattr(step.traced, which).items():
                yield "/".join(filter(None, (self.owner, step.prefix, name))), shape


@dataclass(frozen=True)
class Graph:
    """A whole network.

    Args:
        inputs: by name; the only one is called "input" unless the spec names it.
        nodes: in turn.
        outputs: by name, the path of the node that gives it; the main one first.
        held: the paths of parameters that stay as they begin besides those of frozen nodes.
    """

    name: str
    inputs: Mapping[str, Value]
    nodes: tuple[Node, ...]
    outputs: Mapping[str, str]
    held: frozenset[str] = frozenset()

    def holding(self, paths: frozenset[str]) -> Graph:
        """The same graph, in which the parameters with these paths stay as they begin, too."""
        return replace(self, nodes=_frozen(self.nodes, paths), held=self.held | paths) if paths else self

    def leaves(self) -> Iterator[Node]:
        """All layers, in the order in which they are written."""
        for node in self.nodes:
            yield from node.leaves()

    def every(self) -> Iterator[Node]:
        """All nodes, blocks before what they hold."""

        def within(nodes: tuple[Node, ...]) -> Iterator[Node]:
            for node in nodes:
                yield node
                for branch in node.branches.values():
                    yield from within(branch)

        yield from within(self.nodes)

    @property
    def output_shapes(self) -> dict[str, Shape]:
        """The shape of each output."""
        by_path = {node.path: node.output.shape for node in self.every()}
        return {name: by_path[path] for name, path in self.outputs.items()}

    @property
    def parameters(self) -> dict[str, Any]:
        """The shape of every parameter, by path."""
        return {path: shape for leaf in self.leaves() for path, shape in leaf.arrays("parameters")}

    @property
    def statistics(self) -> dict[str, Any]:
        """The shape of everything that is remembered but not learned, by path."""
        return {path: shape for leaf in self.leaves() for path, shape in leaf.arrays("statistics")}

    @cached_property
    def frozen(self) -> frozenset[str]:
        """The paths of the parameters that stay as they begin."""
        return self.held.union(path for leaf in self.leaves() if leaf.frozen for path, _ in leaf.arrays("parameters"))

    @property
    def multiply_adds(self) -> int:
        """Of one forward pass of one example."""
        return sum(leaf.repeats * step.traced.multiply_adds for leaf in self.leaves() for step in leaf.steps)

    @property
    def activations(self) -> int:
        """How many numbers one example leaves behind for the backward pass: the result of every call."""
        results = (leaf.repeats * prod(step.traced.output) for leaf in self.leaves() for step in leaf.steps)
        return sum(prod(value.shape) for value in self.inputs.values()) + sum(results)


def _frozen(nodes: tuple[Node, ...], paths: frozenset[str]) -> tuple[Node, ...]:
    """Nodes, of which those are frozen that have no other parameters than these."""

    def held(node: Node) -> Node:
        if node.branches:
            return replace(node, branches={name: _frozen(branch, paths) for name, branch in node.branches.items()})
        own = {path for path, _ in node.arrays("parameters")}
        return replace(node, frozen=True) if own and own <= paths else node

    return tuple(held(node) for node in nodes)


def covers(pattern: str, path: str) -> bool:
    """Whether a pattern means a path, or something that it lies in.

    >>> covers("conv*", "conv2/kernel"), covers("block1", "block1/conv2/kernel")
    (True, True)
    """
    parts = path.split("/")
    return any(matches(pattern, "/".join(parts[:n])) for n in range(1, len(parts) + 1))


def matches(pattern: str, path: str) -> bool:
    """Whether a path is one that the pattern means: `*` within a part, `**` across parts.

    >>> matches("**/kernel", "block1/conv2/kernel"), matches("conv*", "conv2/kernel")
    (True, False)
    """
    return _matches(tuple(pattern.split("/")), tuple(path.split("/")))


def _matches(pattern: Sequence[str], path: Sequence[str]) -> bool:
    # Row by row over the pattern, as a shell's matcher would: `reached[j]` says that j parts of the path are used up.
    reached = [True] + [False] * len(path)
    for part in pattern:
        if part == "**":
            first = reached.index(True) if True in reached else len(reached)
            reached = [j >= first for j in range(len(reached))]
        else:
            reached = [False, *(reached[j] and _part_matches(part, path[j]) for j in range(len(path)))]
    return reached[-1]


def _part_matches(pattern: str, word: str) -> bool:
    pieces = pattern.split("*")
    if len(pieces) == 1:
        return pattern == word
    if not (word.startswith(pieces[0]) and word.endswith(pieces[-1]) and len(word) >= len(pieces[0]) + len(pieces[-1])):
        return False
    at, end = len(pieces[0]), len(word) - len(pieces[-1])
    for piece in pieces[1:-1]:
        found = word.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
