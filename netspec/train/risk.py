"""The loss over many examples as a function of the parameters alone: what landscapes and curvatures are of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Phase
from netspec.graph.calls import Arrays, Mode
from netspec.nn.convolution import convolution
from netspec.train.feed import Examples
from netspec.train.measure import batch_for

__all__ = ["Risk", "risk_of_batch"]


LARGEST_BATCH = 128
"""Examples that are worked on together: LeNet-5 on two CPU cores takes a third of the time that 1,000 at once do."""


class Risk:
    """R(w), the mean over batches of what was minimised, penalties included, as the network is in evaluation.

    Nothing is drawn at random, and batch norm goes by its running statistics, so that R is a function. Everything is
    compiled once for all parameters; no more than one batch is worked on at a time.

    Args:
        fixed: parameters that are not varied, by path.
        examples: a part of the data.
        most: of its examples that are looked at.
        seed: of which they are, where there are more.
    """

    def __init__(
        self, phase: Phase, fixed: Arrays, statistics: Arrays, examples: Examples, most: int, seed: int = 0
    ) -> None:
        self._fixed, self._statistics = fixed, statistics
        count = min(most, len(examples))
        pieces = -(-count // min(LARGEST_BATCH, batch_for(phase, count)))
        self._batch = count // pieces
        self.examples = self._batch * pieces
        rows = np.random.default_rng(seed).permutation(len(examples))[: self.examples]
        self._inputs, self._targets = jax.device_put(examples.take(np.sort(rows)))
        value = risk_of_batch(phase)
        self._value = jax.jit(value)
        self._gradient = jax.jit(jax.grad(value))

        def product(w: Arrays, v: Arrays, *others: Any) -> Any:
            # Forward over reverse: it takes what has a hand-written gradient, too.
            return jax.jvp(lambda parameters: jax.grad(value)(parameters, *others), (w,), (v,))[1]

        self._product = jax.jit(product)

    def __call__(self, parameters: Arrays) -> float:
        """R at some parameters; those that are fixed left out."""
        return float(self._mean(self._value, parameters))

    def gradient(self, parameters: Arrays) -> Arrays:
        """∇R."""
        return self._mean(self._gradient, parameters)  # type: ignore[no-any-return]

    def hessian_times(self, parameters: Arrays, vector: Arrays) -> Arrays:
        """∇²R v, without the Hessian (Pearlmutter, 1994)."""
        return self._mean(self._product, parameters, vector)  # type: ignore[no-any-return]

    def _mean(self, function: Any, *arguments: Any) -> Any:
        total, count = None, 0
        for x, y in self._batches():
            one = function(*arguments, self._fixed, self._statistics, x, y)
            total = one if total is None else jax.tree.map(jnp.add, total, one)
            count += 1
        return jax.tree.map(lambda leaf: leaf / count, total) if count > 1 else total

    def _batches(self) -> Iterator[tuple[Any, Any]]:
        held = (self._inputs, self._targets)
        for start in range(0, self.examples, self._batch):
            yield jax.tree.map(lambda array, start=start: array[start : start + self._batch], held)


def risk_of_batch(phase: Phase) -> Any:
    """The loss of a batch, of parameters, those that are fixed, statistics, inputs and targets."""
    network, objective = phase.network, phase.objective

    def value(parameters: Arrays, fixed: Arrays, statistics: Arrays, x: Any, y: Any) -> Any:
        whole, mode = parameters | fixed, Mode(convolve=convolution(1.0))
        result = network.apply(whole, statistics, x, mode=mode, also=objective.also)
        return objective.value(whole, result, x, y)

    return value
