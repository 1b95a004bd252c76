"""The network as functions of plain arrays by path: what the trainer's one compiled function is made of."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from netspec.diagnostics import Diagnostic, SpecError
from netspec.graph.calls import Arrays, Mode, apply, construct, draws, initialise, lookup
from netspec.graph.graph import Graph, Node, Step
from netspec.graph.initials import FROM_DATA
from netspec.spec.call import Call

__all__ = ["Network", "Result"]

Watch = Callable[[Node, Any], None]
"""Is told each layer's result."""


class Result(NamedTuple):
    """What one pass gives.

    Args:
        outputs: by name, [batch, …].
        statistics: after it, by path.
        values: of the nodes that were asked for, by path.
    """

    outputs: Arrays
    statistics: Arrays
    values: Arrays


@dataclass(frozen=True)
class Network:
    """A network that can be initialised and applied.

    >>> parameters, statistics = network.initialise(jax.random.key(0))  # doctest: +SKIP
    >>> outputs = network.apply(parameters, statistics, {"input": x}).outputs  # doctest: +SKIP
    """

    graph: Graph

    def initialise(self, key: jax.Array) -> tuple[Arrays, Arrays]:
        """Parameters and statistics by path.

        Each layer draws with a key of its own, made from its path, so that a layer more or less elsewhere does not
        change what it begins with. Those that begin as the data says (`from_data`) are drawn at random here. One layer
        at a time, so that no more is held than the parameters and what one of them takes to draw.
        """
        parameters: Arrays = {}
        statistics: Arrays = {}
        for leaf in self.graph.leaves():
            for step in () if leaf.shared else leaf.steps:
                if step.traced.parameters or step.traced.statistics:
                    own = jax.random.fold_in(key, zlib.crc32(_prefix(leaf, step).encode()))
                    chosen = () if step.prefix else tuple(leaf.initial.items())
                    p, s = _drawing(step.call, chosen)(own)
                    parameters |= {_prefix(leaf, step) + n: v for n, v in p.items()}
                    statistics |= {_prefix(leaf, step) + n: v for n, v in s.items()}
        return parameters, statistics

    def initialise_from_data(
        self, parameters: Arrays, statistics: Arrays, inputs: Mapping[str, Any], seed: int
    ) -> Arrays:
        """The parameters whose initial values are made of the layer's own inputs, in the order of the layers.

        Args:
            inputs: some training examples.

        Raises:
            SpecError: they are too few.
        """
        found: Arrays = {}
        for leaf in self.graph.leaves():
            for name, call in leaf.initial.items():
                if call.name.startswith(FROM_DATA):
                    path = f"{leaf.owner}/{name}"
                    x = self._input_of(leaf, {**parameters, **found}, statistics, inputs)
                    rows = jnp.reshape(x, (-1, x.shape[-1]))
                    try:
                        made = lookup(call.name)(jax.device_get(rows), tuple(parameters[path].shape), seed)
                    except ValueError as error:
                        raise SpecError(Diagnostic("initial", f"{path} {error}", leaf.place)) from error
                    found[path] = jnp.asarray(made, parameters[path].dtype)
        return found

    def _input_of(self, leaf: Node, parameters: Arrays, statistics: Arrays, inputs: Mapping[str, Any]) -> Any:
        seen: Arrays = {}
        run = _Run(self, parameters, dict(statistics), None, Mode(), None)
        run.reads = lambda node, x: seen.setdefault(node.path, x)
        run.whole(inputs)
        return seen[leaf.path]

    def apply(
        self,
        parameters: Arrays,
        statistics: Arrays,
        inputs: Mapping[str, Any],
        *,
        key: jax.Array | None = None,
        mode: Mode | None = None,
        watch: Watch | None = None,
        also: frozenset[str] = frozenset(),
    ) -> Result:
        """The outputs for a batch, and the statistics after it.

        Args:
            parameters, statistics: by path, as `initialise` makes them.
            inputs: by name, [batch, …], of the shapes that the graph says.
            key: for what is random in training; needed where `random` is true.
            also: the paths of nodes whose results are wanted besides.
        """
        run = _Run(self, parameters, dict(statistics), key, mode or Mode(), watch, also)
        run.whole(inputs)
        outputs = {name: run.values[path].array for name, path in self.graph.outputs.items()}
        return Result(outputs, run.statistics, {path: run.values[path].array for path in also})

    @cached_property
    def random(self) -> bool:
        """Whether training draws random numbers inside the network."""
        return any(draws(step.call) for leaf in self.graph.leaves() for step in leaf.steps)

    @cached_property
    def convolves(self) -> bool:
        """Whether there is a convolution."""
        return any("Conv" in step.call.name for leaf in self.graph.leaves() for step in leaf.steps)

    @cached_property
    def from_data(self) -> bool:
        """Whether some parameters begin as the data says."""
        calls = (call for leaf in self.graph.leaves() for call in leaf.initial.values())
        return any(call.name.startswith(FROM_DATA) for call in calls)

    @cached_property
    def wanted(self) -> frozenset[str]:
        """The paths of the values that are read by name, or are outputs."""
        return frozenset(s for node in self.graph.every() for s in node.sources) | set(self.graph.outputs.values())


def _prefix(leaf: Node, step: Step) -> str:
    return f"{leaf.owner}/{step.prefix}/" if step.prefix else f"{leaf.owner}/"


@cache
def _drawing(call: Call, chosen: tuple[tuple[str, Call], ...]) -> Callable[[jax.Array], tuple[Arrays, Arrays]]:
    """The function of a key that draws parameters and statistics of a call's module: compiled once, however many equal
    layers there are.

    Args:
        chosen: by parameter, what makes the initial values that the spec chooses.
    """

    def draw(key: jax.Array) -> tuple[Arrays, Arrays]:
        parameters, statistics = initialise(call, key)
        for name, initial in chosen:
            if not initial.name.startswith(FROM_DATA):
                own = jax.random.fold_in(key, zlib.crc32(name.encode()))
                parameters[name] = construct(initial)(own, parameters[name].shape, parameters[name].dtype)
        return parameters, statistics

    # It runs a few times, so what counts is how long it takes to compile: a quarter of what full optimization takes.
    options = {"xla_backend_optimization_level": 1} if jax.default_backend() == "cpu" else None
    return jax.jit(draw, compiler_options=options)


class _Flow(NamedTuple):
    """What runs through the network.

    Args:
        array: [batch, …].
        mask: of a padded sequence, [batch, length], true where there is no padding.
    """

    array: Any
    mask: Any = None


@dataclass(slots=True)
class _Run:
    """One pass through the network."""

    network: Network
    parameters: Arrays
    statistics: Arrays
    key: jax.Array | None
    mode: Mode
    watch: Watch | None
    also: frozenset[str] = frozenset()
    reads: Callable[[Node, Any], Any] | None = None
    values: dict[str, _Flow] = field(default_factory=dict)

    def whole(self, inputs: Mapping[str, Any]) -> None:
        graph = self.network.graph
        for name, value in graph.inputs.items():
            self.values[name] = _masked(inputs[name]) if value.padded else _Flow(inputs[name])
        first = next(iter(self.values.values()))
        self.nodes(graph.nodes, first)

    def nodes(self, nodes: tuple[Node, ...], x: _Flow) -> _Flow:
        for node in nodes:
            inputs = [self.values[source] for source in node.sources] or [x]
            y = self.node(node, inputs)
            x = x if node.aside else y
            if node.path in self.network.wanted or node.path in self.also:
                self.values[node.path] = y
        return x

    def node(self, node: Node, inputs: list[_Flow]) -> _Flow:
        if self.reads is not None:
            self.reads(node, inputs[0].array)
        if node.state is not None:
            return self.cell(node, inputs[0])
        if node.branches:
            results = [self.nodes(branch, inputs[0]) for branch in node.branches.values()]
            if not node.steps:
                return results[0]
            y = self.step(node, node.steps[0], [r.array for r in results], None)
            return _Flow(y, next((r.mask for r in results if r.mask is not None), None))
        arrays = [flow.array for flow in inputs]
        for step in node.steps:
            arrays = [self.step(node, step, arrays, inputs[-1].mask)]
        if self.watch is not None:
            self.watch(node, arrays[0])
        masks = (flow.mask for flow in (inputs if node.layer.joins else inputs[:1]) if flow.mask is not None)
        return _Flow(arrays[0], next(masks, None) if node.output.padded else None)

    def step(self, node: Node, step: Step, inputs: list[Any], mask: Any) -> Any:
        prefix = _prefix(node, step)
        own = {n: self.parameters[prefix + n] for n in step.traced.parameters}
        kept = {n: self.statistics[prefix + n] for n in step.traced.statistics}
        # Each use draws for itself, so the key is of where it stands, not of where its parameters are.
        place = f"{node.path}/{step.prefix}/" if step.prefix else f"{node.path}/"
        key = None if self.key is None else jax.random.fold_in(self.key, zlib.crc32(place.encode()))
        inputs = [*inputs, *(self.parameters[path] for path in step.borrowed)]
        # What is frozen stays as it is, running statistics too: it is run as in evaluation.
        mode = replace(self.mode, training=False) if node.frozen and kept else self.mode
        y, after = apply(step.call, inputs, own, kept, mode, key, mask)
        self.statistics |= {prefix + n: v for n, v in after.items()}
        return y

    def cell(self, node: Node, x: _Flow) -> _Flow:
        """A list of layers at each position of a sequence, its own result before beside what is there."""
        assert node.state is not None
        inside = replace(self, watch=None, reads=None, values={})
        first = jnp.zeros((*x.array.shape[:1], *x.array.shape[2:-1], node.state), x.array.dtype)

        def body(state: Any, here: tuple[Any, Any]) -> tuple[Any, Any]:
            array, valid = here
            new = inside.nodes(node.branches[""], _Flow(jnp.concatenate([array, state], axis=-1))).array
            if valid is not None:
                new = jnp.where(valid.reshape(-1, *(1,) * (new.ndim - 1)), new, state)
            return new, new

        steps = (jnp.moveaxis(x.array, 1, 0), None if x.mask is None else jnp.moveaxis(x.mask, 1, 0))
        _, states = jax.lax.scan(body, first, steps)
        return _Flow(jnp.moveaxis(states, 0, 1), x.mask)


def _masked(x: Any) -> _Flow:
    """A padded sequence and its mask; padding of fractions is NaN, and becomes 0."""
    if jnp.issubdtype(x.dtype, jnp.integer):
        return _Flow(x, x != 0)
    mask = ~jnp.isnan(x).any(axis=tuple(range(2, x.ndim)))
    return _Flow(jnp.where(jnp.isnan(x), 0.0, x), mask)
