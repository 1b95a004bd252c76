"""The loops that an expert would write by hand in Flax NNX and Optax: three forms of the same training.

Each yields after every window of steps the mean of its losses, and keeps one window in flight, as netspec does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from netspec.train.order import make_order
from netspec.train.state import Keys, State

from .problems import EXAMPLES, Problem

__all__ = ["FORMS"]

Losses = Iterator[tuple[int, float]]
"""Steps made and the mean of the losses since the last time."""


def _module(problem: Problem, start: State) -> nnx.Module:
    """The hand-written network with the numbers that netspec begins with."""
    module = problem.module(nnx.Rngs(0))
    given = start.parameters | start.statistics
    flat = nnx.to_flat_state(nnx.state(module))
    nnx.update(module, nnx.from_flat_state([(path, given[problem.spec_path(path)]) for path, _ in flat]))
    return module


def _loss(outputs: Any, targets: Any) -> Any:
    return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()


def _orders() -> Iterator[Any]:
    order, key = make_order(EXAMPLES), Keys.of(0).order
    epoch = 0
    while True:
        yield order(key, epoch)
        epoch += 1


def _told(calls: Iterator[tuple[int, Any]]) -> Losses:
    """Fetch each window's loss when the next one is under way."""
    step, waiting = 0, None
    for count, total in calls:
        if waiting is not None:
            count_before, total_before = waiting
            step += count_before
            yield step, float(total_before) / count_before
        waiting = count, total


def _pure_step(problem: Problem, start: State) -> tuple[Any, Callable[..., Any]]:
    """The state as plain arrays, and the step as a function of it: no module crosses the compiled function's edge."""
    optimizer = problem.optimizer()
    definition, parameters, statistics = nnx.split(_module(problem, start), nnx.Param, ...)
    state = parameters, statistics, optimizer.init(parameters)

    def step(state: Any, inputs: Any, targets: Any, order: Any, position: Any) -> tuple[Any, Any]:
        parameters, statistics, moments = state
        rows = jax.lax.dynamic_slice(order, (position * problem.batch,), (problem.batch,))
        x, y = inputs[rows], targets[rows]

        def loss_of(parameters: Any) -> tuple[Any, Any]:
            module = nnx.merge(definition, parameters, statistics, copy=True)
            loss = _loss(module(x), y)
            return loss, nnx.state(module, nnx.Not(nnx.Param))

        (loss, statistics), gradient = jax.value_and_grad(loss_of, has_aux=True)(parameters)
        updates, moments = optimizer.update(gradient, moments, parameters)
        return (optax.apply_updates(parameters, updates), statistics, moments), loss

    return state, step


def single(problem: Problem, start: State, inputs: Any, targets: Any, window: int) -> Losses:
    """A compiled step of plain arrays, its buffers donated."""
    state, step = _pure_step(problem, start)

    @partial(jax.jit, donate_argnums=(0, 1))
    def run(state: Any, total: Any, *arguments: Any) -> tuple[Any, Any]:
        state, loss = step(state, *arguments)
        return state, total + loss

    def calls() -> Iterator[tuple[int, Any]]:
        nonlocal state
        for order in _orders():
            for first in range(0, EXAMPLES // problem.batch, window):
                count = min(window, EXAMPLES // problem.batch - first)
                total = jnp.zeros(())
                for position in range(first, first + count):
                    state, total = run(state, total, inputs, targets, order, position)
                yield count, total

    return _told(calls())


def idiomatic(problem: Problem, start: State, inputs: Any, targets: Any, window: int) -> Losses:
    """Flax's own way: `nnx.jit` over a module and an `nnx.Optimizer`."""
    module = _module(problem, start)
    optimizer = nnx.Optimizer(module, problem.optimizer(), wrt=nnx.Param)

    @nnx.jit
    def run(module: Any, optimizer: Any, inputs: Any, targets: Any, order: Any, position: Any) -> Any:
        rows = jax.lax.dynamic_slice(order, (position * problem.batch,), (problem.batch,))
        x, y = inputs[rows], targets[rows]
        loss, gradient = nnx.value_and_grad(lambda module: _loss(module(x), y))(module)
        optimizer.update(module, gradient)
        return loss

    def calls() -> Iterator[tuple[int, Any]]:
        for order in _orders():
            for first in range(0, EXAMPLES // problem.batch, window):
                count = min(window, EXAMPLES // problem.batch - first)
                total = jnp.zeros(())
                for position in range(first, first + count):
                    total = total + run(module, optimizer, inputs, targets, order, position)
                yield count, total

    return _told(calls())


def scanned(problem: Problem, start: State, inputs: Any, targets: Any, window: int) -> Losses:
    """A whole epoch in one compiled scan over plain arrays."""
    state, step = _pure_step(problem, start)
    positions = jnp.arange(EXAMPLES // problem.batch)

    @partial(jax.jit, donate_argnums=0)
    def run(state: Any, inputs: Any, targets: Any, order: Any) -> tuple[Any, Any]:
        state, losses = jax.lax.scan(lambda s, p: step(s, inputs, targets, order, p), state, positions)
        return state, losses.sum()

    def calls() -> Iterator[tuple[int, Any]]:
        nonlocal state
        for order in _orders():
            state, total = run(state, inputs, targets, order)
            yield len(positions), total

    return _told(calls())


FORMS: Mapping[str, Callable[..., Losses]] = {"single": single, "idiomatic": idiomatic, "scanned": scanned}
