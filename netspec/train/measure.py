"""Measuring a network, or networks that are trained side by side, on whole parts of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.ensemble import combined
from netspec.build.program import Phase
from netspec.graph.calls import Arrays, Mode
from netspec.nn.convolution import convolution
from netspec.train.feed import Examples, in_memory, size_of
from netspec.train.state import Weights

__all__ = ["Measure", "outputs_for", "outputs_of"]

_ACTIVATIONS = 2**26
"""Numbers that the layers' results of one batch may take together, as a rule."""


def batch_for(phase: Phase, examples: int) -> int:
    """How many examples are measured at once."""
    fitting = max(1, _ACTIVATIONS // phase.network.graph.activations)
    largest = max(stretch.batch for stretch in phase.clock.stretches)
    return min(examples, max(largest, min(1000, fitting)))


class Measure:
    """Every metric of a part's examples, in batches of one size.

    Args:
        abreast: how many networks the weights are of; None for one, with no axis for it.
        ensemble: whether they speak as one, rather than each for itself.
    """

    def __init__(
        self, phase: Phase, examples: Examples, capacity: int, abreast: int | None = None, *, ensemble: bool = False
    ) -> None:
        self._metrics = phase.objective.metrics
        self._examples = examples
        self._abreast, self._ensemble = abreast, ensemble
        self._batch = batch_for(phase, len(examples))
        self._sums = _compiled(phase, self._batch, abreast, ensemble=ensemble)
        fits = in_memory(examples) and size_of(examples) <= capacity
        self._held = (jax.device_put(examples.inputs), jax.device_put(examples.targets)) if fits else None

    def __call__(self, weights: Weights) -> list[Mapping[str, float]]:
        """The metrics by name: of each network; of an ensemble or a single network once."""
        count = len(self._examples)
        starts = range(0, count, self._batch)
        sums = jax.device_get([self._sums(weights, *self._rows(start, count)) for start in starts])
        totals = jax.tree.map(lambda *parts: np.sum(np.asarray(parts, np.float64), axis=0), *sums)
        if self._ensemble:
            together, each = totals
            return [self._finished(together) | self._of_members(each)]
        if self._abreast is None:
            return [self._finished(totals)]
        return [self._finished({name: rows[i] for name, rows in totals.items()}) for i in range(self._abreast)]

    def _finished(self, totals: Mapping[str, Any]) -> dict[str, float]:
        return {name: metric.finish(totals[name]) for name, metric in self._metrics.items()}

    def _of_members(self, totals: Mapping[str, Any]) -> dict[str, float]:
        """The mean of the members' own metrics, and how far they lie apart: their standard deviation."""
        assert self._abreast is not None
        each = [self._finished({name: rows[i] for name, rows in totals.items()}) for i in range(self._abreast)]
        values = {name: np.array([metrics[name] for metrics in each]) for name in self._metrics}
        means = {f"member/{name}": float(v.mean()) for name, v in values.items()}
        return means | {f"spread/{name}": _spread(v) for name, v in values.items()}

    def _rows(self, start: int, count: int) -> tuple[Any, Any, int, int]:
        if self._held is not None:
            return (*self._held, start, count)
        end = min(start + self._batch, count)
        chosen = np.minimum(np.arange(start, start + self._batch), count - 1)
        return (*self._examples.take(chosen), 0, end - start)


def _compiled(phase: Phase, batch: int, abreast: int | None, *, ensemble: bool) -> Any:
    """The function that sums every metric over the examples from `start` to `end`, at most a batch of them."""
    objective = phase.objective
    outputs = outputs_for(phase, abreast)

    @jax.jit
    def sums(weights: Weights, inputs: Any, targets: Any, start: Any, end: Any) -> Any:
        rows = start + jnp.arange(batch)
        chosen = jnp.minimum(rows, end - 1)
        x, y = jax.tree.map(lambda held: held[chosen], (inputs, targets))

        def of(outputs: Arrays) -> Any:
            return {name: metric.sums(outputs, x, y, rows < end) for name, metric in objective.metrics.items()}

        found = outputs(weights, x)
        if abreast is None:
            return of(found)
        each = jax.vmap(of)(found)
        return (of(combined(objective, found)), each) if ensemble else each

    return sums


def outputs_for(phase: Phase, abreast: int | None) -> Callable[[Weights, Any], Arrays]:
    """The function that gives what the objective sees of a batch: of networks abreast, [networks, batch, …]."""
    network, objective = phase.network, phase.objective

    def outputs(weights: Weights, x: Any) -> Arrays:
        mode = Mode(convolve=convolution(1.0))
        result = network.apply(weights.parameters, weights.statistics, x, mode=mode, also=objective.also)
        return objective.seen(result)

    if abreast is None:
        return outputs
    if jax.default_backend() == "cpu" and network.convolves:
        return lambda weights, x: jax.lax.map(lambda own: outputs(own, x), weights)
    return jax.vmap(outputs, in_axes=(0, None))


def outputs_of(phase: Phase, weights: Weights, inputs: Any, abreast: int | None = None) -> np.ndarray[Any, Any]:
    """The outputs for new inputs, on the host: [n, …]; of networks abreast, [networks, n, …].

    Args:
        inputs: by name, arrays [n, …] or what can be indexed like one.
    """
    count = len(next(iter(inputs.values())))
    batch = batch_for(phase, count)
    main = phase.objective.terms[0].aim.output
    apply = jax.jit(lambda w, x: outputs_for(phase, abreast)(w, x)[main])
    axis = 0 if abreast is None else 1
    found = []
    for start in range(0, count, batch):
        chosen = np.minimum(np.arange(start, start + batch), count - 1)
        rows = {name: array[chosen] for name, array in inputs.items()}
        found.append(np.take(np.asarray(apply(weights, rows)), range(min(batch, count - start)), axis))
    return np.concatenate(found, axis)


def _spread(values: np.ndarray) -> float:
    """The standard deviation; of equal values 0, and not what rounding makes of that."""
    return float(values.std()) if np.ptp(values) > 0 else 0.0
