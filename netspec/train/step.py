"""The compiled functions of a training: some steps in one call, and the measuring of whole parts.

Two forms do the same steps. In the one, a loop on the device makes all of a call's steps; in the other each is a call
of its own. Which is faster depends on backend and network (see `loops`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from netspec.build.program import Program
from netspec.graph.calls import Arrays, Mode
from netspec.nn.convolution import convolution
from netspec.train.state import State

__all__ = ["Steps", "loops", "make_order", "make_steps"]

Steps = Callable[..., tuple[State, Any, Any]]
"""(state, inputs, targets, order, first, count, noise) to (state, sum of the losses, norm of the last gradient)."""


def loops(program: Program) -> bool:
    """Whether a loop on the device is the faster form.

    On CPU, XLA runs the weight gradient of a convolution inside a loop some 60 times slower than outside.
    """
    return not (jax.default_backend() == "cpu" and program.network.convolves)


def make_steps(program: Program) -> Steps:
    """The function that makes some steps; its state is given away to it."""
    return _looped(program) if loops(program) else _single(program)


def _make_step(program: Program) -> Callable[..., tuple[State, Any, Any]]:
    network, objective, update = program.network, program.objective, program.updater.transformation.update
    random = network.random

    def step(state: State, x: Any, y: Any, noise: Any, observe: Any) -> tuple[State, Any, Any]:
        convolve = convolution(jnp.where(state.step >= 0, 1.0, jnp.nan))

        def loss_of(parameters: Arrays) -> tuple[Any, Arrays]:
            key = jax.random.fold_in(noise, state.step) if random else None
            result = network.apply(
                parameters | state.frozen, state.statistics, x, key=key, mode=Mode(True, convolve), also=objective.also
            )
            return objective.value(parameters, result, x, y), result.statistics

        (loss, statistics), gradient = jax.value_and_grad(loss_of, has_aux=True)(state.parameters)
        updates, optimizer = update(gradient, state.optimizer, state.parameters)
        parameters = optax.apply_updates(state.parameters, updates)
        norm = jax.lax.cond(observe, optax.tree.norm, lambda _: jnp.zeros(()), gradient)
        return State(parameters, state.frozen, statistics, optimizer, state.step + 1), loss, norm

    return step


def _batch(program: Program, inputs: Any, targets: Any, order: Any, position: Any) -> tuple[Any, Any]:
    chosen = jax.lax.dynamic_slice(order, (position * program.batch,), (program.batch,))
    return jax.tree.map(lambda held: held.at[chosen].get(mode="promise_in_bounds"), (inputs, targets))  # type: ignore[no-any-return]


def _looped(program: Program) -> Steps:
    step = _make_step(program)

    def run(state: State, inputs: Any, targets: Any, order: Any, first: Any, count: Any, noise: Any) -> Any:
        def body(i: Any, carry: tuple[State, Any, Any]) -> tuple[State, Any, Any]:
            state, total, _ = carry
            x, y = _batch(program, inputs, targets, order, first + i)
            state, loss, norm = step(state, x, y, noise, i == count - 1)
            return state, total + loss, norm

        return jax.lax.fori_loop(0, count, body, (state, jnp.zeros(()), jnp.zeros(())))

    # `count` is a number on the device: one program for windows of any length, and the same bits whatever their length.
    return jax.jit(run, donate_argnums=0)


def _single(program: Program) -> Steps:
    step = _make_step(program)

    def run(
        state: State, total: Any, inputs: Any, targets: Any, order: Any, position: Any, noise: Any, observe: Any
    ) -> Any:
        x, y = _batch(program, inputs, targets, order, position)
        state, loss, norm = step(state, x, y, noise, observe)
        return state, total + loss, norm

    compiled = jax.jit(run, donate_argnums=(0, 1))

    def each(state: State, inputs: Any, targets: Any, order: Any, first: int, count: int, noise: Any) -> Any:
        total, norm = jnp.zeros(()), None
        for i in range(count):
            state, total, norm = compiled(state, total, inputs, targets, order, first + i, noise, i == count - 1)
        return state, total, norm

    return each


def make_order(examples: int) -> Callable[[Any, Any], Any]:
    """The function that gives the order of an epoch's examples, a permutation that the seed and the epoch decide."""

    @jax.jit
    def order(key: Any, epoch: Any) -> Any:
        return jax.random.permutation(jax.random.fold_in(key, epoch), examples).astype(jnp.int32)

    return order
