"""How a network is on one fixed batch, layer by layer: gradients, dead units, saturated units; compiled.

What it means is for `netspec.train.diagnoses` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Phase
from netspec.graph.calls import Arrays, Mode
from netspec.graph.graph import Graph, Node
from netspec.nn.convolution import convolution
from netspec.train.diagnoses.condition import Health
from netspec.train.diagnoses.history import Patient
from netspec.train.step import make_update

__all__ = ["SATURATED", "Examination", "examples_for", "make_examination", "patient_of"]

Examination = Callable[..., Health]
"""(parameters, frozen, statistics, inputs, targets, key, step, the optimizer's state or none) to what is found."""

SATURATED = 0.98
"""A result counts as saturated beyond this share of the way from the middle of its range to an end.

There the slope of a tanh is under 0.04 of its largest, and that of a sigmoid likewise: the layer passes next to no
gradient on."""

MOST_EXAMPLES = 1000
"""Examples that are looked at, at the most: a unit that fires for one in a hundred is seen to fire."""

MOST_ACTIVATIONS = 2**21
"""Numbers that the layers' results may take together, as a rule, so that a look takes no longer than a few steps."""

RANGES: Mapping[str, tuple[float, float]] = {
    "jax.nn.sigmoid": (0.0, 1.0),
    "jax.nn.hard_sigmoid": (0.0, 1.0),
    "jax.nn.tanh": (-1.0, 1.0),
    "jax.nn.hard_tanh": (-1.0, 1.0),
    "jax.nn.soft_sign": (-1.0, 1.0),
}
"""By activation that saturates, the ends of its range."""

RECTIFIED = frozenset({"jax.nn.relu", "jax.nn.relu6"})
"""Activations that are 0, and have no slope, for every input below 0."""


def examples_for(graph: Graph, batch: int, examples: int) -> int:
    """How many training examples are looked at: a batch, or more where they are small.

    Args:
        batch: examples a step.
        examples: how many there are.
    """
    return min(examples, max(batch, min(MOST_EXAMPLES, MOST_ACTIVATIONS // graph.activations)))


SCALED = frozenset({"perceptron", "multiclass_perceptron"})
"""Losses that grow with the weights while what these weights say stays the same."""


def patient_of(phase: Phase, examples: int, first: int = 0) -> Patient:
    """What is known of a phase before it begins.

    Args:
        examples: training examples.
        first: the steps of the phases before it.
    """
    optimizer = phase.spec.optimizer
    return Patient(
        phase.clock.steps,
        phase.clock.per_epoch,
        phase.judge.metric,
        phase.judge.higher_is_better,
        _layers_with_kernels(phase.network.graph),
        examples,
        first,
        comparable=not any(term.kind in SCALED for term in phase.objective.terms),
        clips=optimizer is not None and optimizer.clip is not None,
    )


def _layers_with_kernels(graph: Graph) -> tuple[str, ...]:
    """The layers whose gradients can be held against each other, in order: those that learn a kernel."""
    frozen = graph.frozen
    return tuple(
        leaf.path
        for leaf in graph.leaves()
        if not leaf.shared
        and any(path.endswith("kernel") and path not in frozen for path, _ in leaf.arrays("parameters"))
    )


def make_examination(phase: Phase) -> Examination:
    """The function that examines a network: one pass forward and one back, and one array that is brought over.

    It runs as in training, so that the gradient is the one that is learned by; what it does to statistics is dropped.
    Where it is given the optimizer's state, it also works out what a step would add, and drops that, too.
    """
    network, objective = phase.network, phase.objective
    own = _parameters_of(network.graph)
    dead, saturated = _rectified(network.graph), _saturating(network.graph)
    update = make_update(phase)

    @jax.jit
    def look(
        parameters: Arrays,
        frozen: Arrays,
        statistics: Arrays,
        inputs: Any,
        targets: Any,
        key: Any,
        step: Any,
        optimizer: Any = None,
    ) -> Any:
        convolve = convolution(jnp.where(step >= 0, 1.0, jnp.nan))
        noise = jax.random.fold_in(key, step) if network.random else None

        def loss_of(parameters: Arrays) -> tuple[Any, tuple[Arrays, Arrays]]:
            shares: tuple[Arrays, Arrays] = ({}, {})

            def watch(node: Node, y: Any) -> None:
                if node.path in dead:
                    shares[0][node.path] = _dead(y)
                if node.path in saturated:
                    shares[1][node.path] = _saturated(y, *saturated[node.path])

            result = network.apply(
                parameters | frozen,
                statistics,
                inputs,
                key=noise,
                mode=Mode(True, convolve, step=step, clock=phase.clock),
                watch=watch,
                also=objective.also,
            )
            return objective.value(parameters, result, inputs, targets, step), shares

        loss_and_gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, shares), gradient = loss_and_gradient(parameters)
        found = [loss, *_norms(gradient, own), *_norms(parameters, own)]
        found += [shares[0][path] for path in dead] + [shares[1][path] for path in saturated]
        if optimizer is not None:
            added, _ = update(loss_and_gradient, loss, gradient, optimizer, parameters)
            found += _norms(added, own)
        return jnp.stack([jnp.asarray(number, jnp.float32) for number in found])

    def examine(*arguments: Any) -> Health:
        return _health(np.asarray(look(*arguments)), arguments[3], (tuple(own), tuple(dead), tuple(saturated)))

    return examine


def _health(found: Any, inputs: Mapping[str, Any], layers: tuple[tuple[str, ...], ...]) -> Health:
    learning, dead, saturated = layers
    loss, *rest = (float(number) for number in found)
    numbers = iter(rest)
    gradients, parameters, *others = (
        dict(zip(paths, numbers, strict=False)) for paths in (learning, learning, dead, saturated, learning)
    )
    whole = float(np.linalg.norm(np.asarray(list(gradients.values()), np.float64)))
    return Health(len(next(iter(inputs.values()))), loss, whole, gradients, parameters, *others)


def _parameters_of(graph: Graph) -> dict[str, tuple[str, ...]]:
    """By layer, the paths of its parameters that learn."""
    frozen = graph.frozen
    own = {
        leaf.path: tuple(path for path, _ in leaf.arrays("parameters") if path not in frozen)
        for leaf in graph.leaves()
        if not leaf.shared
    }
    return {layer: paths for layer, paths in own.items() if paths}


def _norms(arrays: Arrays, own: Mapping[str, tuple[str, ...]]) -> list[Any]:
    return [jnp.sqrt(sum(jnp.sum(jnp.square(arrays[path])) for path in paths)) for paths in own.values()]


def _rectified(graph: Graph) -> tuple[str, ...]:
    return tuple(leaf.path for leaf in _hidden(graph) if _activation(leaf) in RECTIFIED)


def _saturating(graph: Graph) -> dict[str, tuple[float, float]]:
    return {leaf.path: RANGES[name] for leaf in _hidden(graph) if (name := _activation(leaf)) in RANGES}


def _hidden(graph: Graph) -> list[Node]:
    """The layers whose results are told of one by one, but for the outputs: those are meant to reach their ends."""
    last = {[*node.leaves()][-1].path for node in graph.every() if node.path in graph.outputs.values()}
    inside = {leaf.path for node in graph.every() if node.state is not None for leaf in node.leaves()}
    return [leaf for leaf in graph.leaves() if leaf.steps and leaf.path not in last | inside]


def _activation(leaf: Node) -> str:
    """The function that a layer ends with, the one inside a recurrent layer included; "" where none is known."""
    call = leaf.steps[-1].call
    inner = dict(call.keywords).get("activation")
    return f"jax.nn.{inner}" if isinstance(inner, str) else call.name


def _dead(y: Any) -> Any:
    """The share of units that are 0 at every position of every example."""
    return jnp.mean((y == 0.0).all(axis=tuple(range(y.ndim - 1))))


def _saturated(y: Any, low: float, high: float) -> Any:
    middle, half = (low + high) / 2, (high - low) / 2
    return jnp.mean(jnp.abs(y - middle) > SATURATED * half)
