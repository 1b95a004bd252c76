"""A network as a tree of named parts, every shape known: what `inspect` shows and `build` makes live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from netspec.diagnostics import Place
from netspec.graph.trace import Traced
from netspec.spec.call import Call, Shape

__all__ = ["Graph", "Node", "Step", "matches"]


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a node.

    Args:
        prefix: what its parameters' paths begin with, within the node; "" for the node's own.
    """

    call: Call
    prefix: str
    traced: Traced


@dataclass(frozen=True, slots=True)
class Node:
    """A layer, or a block of layers.

    Args:
        path: its name within the network: "bottleneck3/residual1/conv2".
        kind: as the spec writes it.
        place: where the spec writes it.
        source: the path of the node that it reads; None for the one before it in its list.
        input, output: shapes of one example.
        steps: a layer's calls, in turn; of a block, the call that joins its branches, if any.
        branches: the lists that a block holds, each of the block's input; empty for a layer.
        initial: by parameter, what makes its initial value, where the spec says.
        frozen: whether its parameters stay as they begin.
    """

    path: str
    kind: str
    place: Place
    source: str | None
    input: Shape
    output: Shape
    steps: tuple[Step, ...]
    branches: tuple[tuple[Node, ...], ...] = ()
    initial: Mapping[str, Call] = field(default_factory=dict)
    frozen: bool = False

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def leaves(self) -> Iterator[Node]:
        """The layers of which it consists, in the order in which they are written."""
        if not self.branches:
            yield self
        for branch in self.branches:
            for node in branch:
                yield from node.leaves()

    def arrays(self, which: str) -> Iterator[tuple[str, Any]]:
        """The layer's own "parameters" or "statistics": paths and shapes."""
        for step in self.steps:
            for name, shape in getattr(step.traced, which).items():
                yield "/".join(filter(None, (self.path, step.prefix, name))), shape


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole network.

    Args:
        input: the shape of one example.
        dtype: the type of its numbers.
        nodes: in turn.
        outputs: by name, the path of the node that gives it.
    """

    name: str
    input: Shape
    dtype: str
    nodes: tuple[Node, ...]
    outputs: Mapping[str, str]

    def leaves(self) -> Iterator[Node]:
        """All layers, in the order in which they are written."""
        for node in self.nodes:
            yield from node.leaves()

    @property
    def output_shapes(self) -> dict[str, Shape]:
        """The shape of each output."""
        by_path = {node.path: node.output for node in self.nodes}
        return {name: by_path[path] for name, path in self.outputs.items()}

    @property
    def parameters(self) -> dict[str, Any]:
        """The shape of every parameter, by path."""
        return {path: shape for leaf in self.leaves() for path, shape in leaf.arrays("parameters")}

    @property
    def statistics(self) -> dict[str, Any]:
        """The shape of everything that is remembered but not learned, by path."""
        return {path: shape for leaf in self.leaves() for path, shape in leaf.arrays("statistics")}

    @property
    def frozen(self) -> frozenset[str]:
        """The paths of the parameters that stay as they begin."""
        return frozenset(path for leaf in self.leaves() if leaf.frozen for path, _ in leaf.arrays("parameters"))

    @property
    def multiply_adds(self) -> int:
        """Of one forward pass of one example."""
        return sum(step.traced.multiply_adds for leaf in self.leaves() for step in leaf.steps)

    @property
    def activations(self) -> int:
        """How many numbers one example leaves behind for the backward pass: the result of every call."""
        return prod(self.input) + sum(prod(step.traced.output) for leaf in self.leaves() for step in leaf.steps)


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
