"""The network as functions of plain arrays by path: what the trainer's one compiled function is made of."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax

from netspec.graph.calls import Arrays, apply, construct, initialise
from netspec.graph.graph import Graph, Node, Step

__all__ = ["Network"]

Watch = Callable[[Node, Any], None]
"""Is told each layer's result."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network that can be initialised and applied.

    >>> parameters, statistics = network.initialise(jax.random.key(0))  # doctest: +SKIP
    >>> outputs, _ = network.apply(parameters, statistics, x)  # doctest: +SKIP
    """

    graph: Graph

    def initialise(self, key: jax.Array) -> tuple[Arrays, Arrays]:
        """Parameters and statistics by path.

        Each layer draws with a key of its own, made from its path, so that a layer more or less elsewhere does not
        change what it begins with.
        """
        parameters: Arrays = {}
        statistics: Arrays = {}
        for leaf in self.graph.leaves():
            for step in leaf.steps:
                if step.traced.parameters or step.traced.statistics:
                    own = jax.random.fold_in(key, zlib.crc32(_prefix(leaf, step).encode()))
                    p, s = initialise(step.call, own)
                    p |= _chosen(leaf, step, own)
                    parameters |= {_prefix(leaf, step) + n: v for n, v in p.items()}
                    statistics |= {_prefix(leaf, step) + n: v for n, v in s.items()}
        return parameters, statistics

    def apply(
        self,
        parameters: Arrays,
        statistics: Arrays,
        x: Any,
        *,
        key: jax.Array | None = None,
        training: bool = False,
        watch: Watch | None = None,
        convolve: Callable[..., Any] | None = None,
    ) -> tuple[dict[str, Any], Arrays]:
        """The outputs for a batch, and the statistics after it.

        Args:
            parameters, statistics: by path, as `initialise` makes them.
            x: [batch, …], the shape that the graph says.
            key: for what is random in training; needed where `random` is true.
            training: whether dropout drops and batch norm follows the batch.
            convolve: what convolutions are done with, in place of `jax.lax.conv_general_dilated`.
        """
        run = _Run(parameters, dict(statistics), key, training, self._read_by_name(), watch, convolve)
        y = run.nodes(self.graph.nodes, x)
        by_path = {self.graph.nodes[-1].path: y, **run.values}
        return {name: by_path[path] for name, path in self.graph.outputs.items()}, run.statistics

    @property
    def random(self) -> bool:
        """Whether training draws random numbers inside the network."""
        return any(step.call.name == "flax.nnx.Dropout" for leaf in self.graph.leaves() for step in leaf.steps)

    @property
    def convolves(self) -> bool:
        """Whether there is a convolution."""
        return any(step.call.name == "flax.nnx.Conv" for leaf in self.graph.leaves() for step in leaf.steps)

    def _read_by_name(self) -> frozenset[str]:
        def sources(node: Node) -> set[str]:
            own = {node.source} if node.source else set[str]()
            return own.union(*(sources(n) for branch in node.branches for n in branch))

        return frozenset[str]().union(*(sources(n) for n in self.graph.nodes))


def _prefix(leaf: Node, step: Step) -> str:
    return f"{leaf.path}/{step.prefix}/" if step.prefix else f"{leaf.path}/"


def _chosen(leaf: Node, step: Step, key: jax.Array) -> Arrays:
    """The parameters whose initial values the spec chooses."""
    if step.prefix:
        return {}
    shapes = step.traced.parameters
    return {
        name: construct(call)(
            jax.random.fold_in(key, zlib.crc32(name.encode())), shapes[name].shape, shapes[name].dtype
        )
        for name, call in leaf.initial.items()
    }


@dataclass(slots=True)
class _Run:
    """One pass through the network."""

    parameters: Arrays
    statistics: Arrays
    key: jax.Array | None
    training: bool
    wanted: frozenset[str]
    watch: Watch | None
    convolve: Callable[..., Any] | None
    values: Arrays = field(default_factory=dict)

    def nodes(self, nodes: tuple[Node, ...], x: Any) -> Any:
        for node in nodes:
            x = self.node(node, self.values[node.source] if node.source else x)
            if node.path in self.wanted:
                self.values[node.path] = x
        return x

    def node(self, node: Node, x: Any) -> Any:
        if node.branches:
            results = [self.nodes(branch, x) for branch in node.branches]
            return self.step(node, node.steps[0], results) if node.steps else results[0]
        for step in node.steps:
            x = self.step(node, step, [x])
        if self.watch is not None:
            self.watch(node, x)
        return x

    def step(self, node: Node, step: Step, inputs: list[Any]) -> Any:
        prefix = _prefix(node, step)
        own = {n: self.parameters[prefix + n] for n in step.traced.parameters}
        kept = {n: self.statistics[prefix + n] for n in step.traced.statistics}
        key = None if self.key is None else jax.random.fold_in(self.key, zlib.crc32(prefix.encode()))
        y, after = apply(step.call, inputs, own, kept, key, self.training, self.convolve)
        self.statistics |= {prefix + n: v for n, v in after.items()}
        return y
