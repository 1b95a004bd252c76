"""Measuring a network on whole parts of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Program
from netspec.graph.calls import Arrays
from netspec.nn.convolution import convolution
from netspec.train.feed import Examples, size_of

__all__ = ["Measure", "outputs_of"]

_ACTIVATIONS = 2**26
"""Numbers that the layers' results of one batch may take together, as a rule."""


def batch_for(program: Program, examples: int) -> int:
    """How many examples are measured at once."""
    fitting = max(1, _ACTIVATIONS // program.network.graph.activations)
    return min(examples, max(program.batch, min(1000, fitting)))


class Measure:
    """Every metric of a part's examples, in batches of one size."""

    def __init__(self, program: Program, examples: Examples, capacity: int) -> None:
        self._program = program
        self._examples = examples
        self._batch = batch_for(program, len(examples))
        self._sums = _compiled(program, self._batch)
        fits = isinstance(examples.inputs, np.ndarray) and size_of(examples) <= capacity
        self._held = (jax.device_put(examples.inputs), jax.device_put(examples.targets)) if fits else None

    def __call__(self, parameters: Arrays, statistics: Arrays) -> Mapping[str, float]:
        """The metrics by name."""
        count = len(self._examples)
        starts = range(0, count, self._batch)
        sums = [self._sums(parameters, statistics, *self._rows(start, count)) for start in starts]
        totals = np.sum(np.asarray(jax.device_get(sums), np.float64), axis=0)
        named = zip(self._program.objective.metrics.items(), totals, strict=True)
        return {name: metric.finish(float(total) / count) for (name, metric), total in named}

    def _rows(self, start: int, count: int) -> tuple[Any, Any, int, int]:
        if self._held is not None:
            return (*self._held, start, count)
        end = min(start + self._batch, count)
        chosen = np.minimum(np.arange(start, start + self._batch), count - 1)
        return (*self._examples.take(chosen), 0, end - start)


def _compiled(program: Program, batch: int) -> Any:
    """The function that sums every metric over the examples from `start` to `end`, at most a batch of them."""
    network, objective = program.network, program.objective

    @jax.jit
    def sums(parameters: Arrays, statistics: Arrays, inputs: Any, targets: Any, start: Any, end: Any) -> Any:
        rows = start + jnp.arange(batch)
        chosen = jnp.minimum(rows, end - 1)
        outputs, _ = network.apply(parameters, statistics, inputs[chosen], convolve=convolution(1.0))
        wanted = objective.encode(targets[chosen])
        each = [metric.each(outputs["output"], wanted) for metric in objective.metrics.values()]
        return jnp.stack([jnp.sum(jnp.where(rows < end, e, 0.0)) for e in each])

    return sums


def outputs_of(program: Program, parameters: Arrays, statistics: Arrays, inputs: Any) -> np.ndarray[Any, Any]:
    """The network's outputs for new inputs, on the host.

    Args:
        inputs: an array [n, …] or what can be indexed like one.
    """
    count = len(inputs)
    batch = batch_for(program, count)
    apply = jax.jit(lambda p, s, x: program.network.apply(p, s, x, convolve=convolution(1.0))[0]["output"])
    found = []
    for start in range(0, count, batch):
        chosen = np.minimum(np.arange(start, start + batch), count - 1)
        found.append(np.asarray(apply(parameters, statistics, inputs[chosen]))[: count - start])
    return np.concatenate(found)
