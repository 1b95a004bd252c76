"""Measuring a network on whole parts of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Program
from netspec.graph.calls import Arrays, Mode
from netspec.nn.convolution import convolution
from netspec.train.feed import Examples, in_memory, size_of

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
        fits = in_memory(examples) and size_of(examples) <= capacity
        self._held = (jax.device_put(examples.inputs), jax.device_put(examples.targets)) if fits else None

    def __call__(self, parameters: Arrays, statistics: Arrays) -> Mapping[str, float]:
        """The metrics by name."""
        count = len(self._examples)
        starts = range(0, count, self._batch)
        sums = jax.device_get([self._sums(parameters, statistics, *self._rows(start, count)) for start in starts])
        metrics = self._program.objective.metrics
        totals = {name: np.sum([np.asarray(batch[name], np.float64) for batch in sums], axis=0) for name in metrics}
        return {name: metric.finish(totals[name]) for name, metric in metrics.items()}

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
        x, y = jax.tree.map(lambda held: held[chosen], (inputs, targets))
        outputs = network.apply(parameters, statistics, x, mode=Mode(convolve=convolution(1.0))).outputs
        return {name: metric.sums(outputs, x, y, rows < end) for name, metric in objective.metrics.items()}

    return sums


def outputs_of(program: Program, parameters: Arrays, statistics: Arrays, inputs: Any) -> np.ndarray[Any, Any]:
    """The network's outputs for new inputs, on the host.

    Args:
        inputs: by name, arrays [n, …] or what can be indexed like one.
    """
    count = len(next(iter(inputs.values())))
    batch = batch_for(program, count)
    main = program.objective.terms[0].aim.output
    mode = Mode(convolve=convolution(1.0))
    apply = jax.jit(lambda p, s, x: program.network.apply(p, s, x, mode=mode).outputs[main])
    found = []
    for start in range(0, count, batch):
        chosen = np.minimum(np.arange(start, start + batch), count - 1)
        rows = {name: array[chosen] for name, array in inputs.items()}
        found.append(np.asarray(apply(parameters, statistics, rows))[: count - start])
    return np.concatenate(found)
