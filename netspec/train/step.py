"""The compiled functions of a training: some steps in one call.

Two forms do the same steps. In the one, a loop on the device makes all of a call's steps; in the other each is a call
of its own. Which is faster depends on backend and network (see `loops`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from netspec.build.program import Phase
from netspec.graph.calls import Arrays, Mode
from netspec.nn.convolution import convolution
from netspec.train.state import ABREAST, State

__all__ = ["Steps", "loops", "make_steps", "make_update"]

Steps = Callable[..., tuple[State, Any, Any]]
"""(state, inputs, targets, order, first, count, noise) to (state, sum of the losses, norm of the last gradient)."""


def loops(phase: Phase) -> bool:
    """Whether a loop on the device is the faster form.

    On CPU, XLA runs the weight gradient of a convolution inside a loop some 60 times slower than outside.
    """
    return not (jax.default_backend() == "cpu" and phase.network.convolves)


def make_steps(phase: Phase, batch: int, abreast: int | None = None) -> Steps:
    """The function that makes some steps; its state is given away to it.

    Args:
        batch: examples a step.
        abreast: how many networks are trained side by side; orders, noise, losses and norms have an axis for them.
    """
    return _looped(phase, batch, abreast) if loops(phase) else _single(phase, batch, abreast)


# One step -------------------------------------------------------------------------------------------------------------


def _make_step(phase: Phase) -> Callable[..., tuple[State, Any, Any]]:
    update = make_update(phase)
    random, ema = phase.network.random, phase.train.ema
    gradient_of = _gradient(phase)

    def step(state: State, x: Any, y: Any, noise: Any, observe: Any) -> tuple[State, Any, Any]:
        key: Any = jax.random.fold_in(noise, state.step) if random or phase.augment is not None else None
        targets: Any = ((1.0, y),)
        if phase.augment is not None:
            key, own = jax.random.split(key)
            x, targets = phase.augment(own, x, y)

        def loss_and_gradient(parameters: Arrays) -> Any:
            return gradient_of(parameters, state, x, targets, key)

        (loss, statistics), gradient = loss_and_gradient(state.parameters)
        updates, optimizer = update(loss_and_gradient, loss, gradient, state.optimizer, state.parameters)
        parameters = optax.apply_updates(state.parameters, updates)
        norm = jax.lax.cond(observe, optax.tree.norm, lambda _: jnp.zeros(()), gradient)
        average = state.average
        if ema is not None:
            average = jax.tree.map(lambda a, now: ema * a + (1.0 - ema) * now, average, (parameters, statistics))
        return State(parameters, state.frozen, statistics, optimizer, state.step + 1, average), loss, norm

    return step


def make_update(phase: Phase) -> Callable[..., tuple[Any, Any]]:
    """The function that gives what a step adds to the parameters, and the optimizer's state after it.

    It takes the function of ((loss, anything), gradient) of parameters, the loss and the gradient at these parameters,
    the optimizer's state, and the parameters. An optimizer that wants more than a gradient takes it from there.
    """
    update = optax.with_extra_args_support(phase.updater.transformation).update

    def updated(loss_and_gradient: Any, loss: Any, gradient: Any, optimizer: Any, parameters: Arrays) -> Any:
        return update(
            gradient,
            optimizer,
            parameters,
            value=loss,
            loss=loss,
            grad=gradient,
            value_fn=lambda parameters: loss_and_gradient(parameters)[0][0],
            obj_fn=lambda parameters: loss_and_gradient(parameters)[0][0],
            grad_fn=lambda parameters, *_: loss_and_gradient(parameters)[1],
        )

    return updated


def _gradient(phase: Phase) -> Callable[..., Any]:
    """The function that gives ((loss, statistics after), gradient) of a batch."""
    network, objective = phase.network, phase.objective

    def loss_of(
        parameters: Arrays, state: State, statistics: Arrays, x: Any, targets: Any, key: Any, totals: Any = None
    ) -> Any:
        convolve = convolution(jnp.where(state.step >= 0, 1.0, jnp.nan))
        mode = Mode(True, convolve, step=state.step, clock=phase.clock)
        result = network.apply(parameters | state.frozen, statistics, x, key=key, mode=mode, also=objective.also)
        each = zip(targets, totals or (None,) * len(targets), strict=True)
        losses = (share * objective.value(parameters, result, x, y, state.step, total) for (share, y), total in each)
        return sum(losses), result.statistics

    whole = jax.value_and_grad(loss_of, has_aux=True)
    if phase.updater.per_example:
        return _each(whole)
    parts = phase.train.accumulate
    if parts == 1:
        return lambda parameters, state, x, y, key: whole(parameters, state, state.statistics, x, y, key)
    return _accumulated(phase, whole, parts)


def _each(whole: Callable[..., Any]) -> Callable[..., Any]:
    """A gradient for each example, [batch, …]; what the network remembers of a batch stays as it is."""

    def gradient(parameters: Arrays, state: State, x: Any, targets: Any, key: Any) -> Any:
        alone = jax.tree.map(lambda array: array[:, None], (x, [y for _, y in targets]))
        shares = [share for share, _ in targets]

        def of(x: Any, ys: Any) -> Any:
            pairs = tuple(zip(shares, ys, strict=True))
            (loss, _), gradient = whole(parameters, state, state.statistics, x, pairs, key)
            return loss, gradient

        losses, gradients = jax.vmap(of)(*alone)
        return (jnp.mean(losses), state.statistics), gradients

    return gradient


def _accumulated(phase: Phase, whole: Callable[..., Any], parts: int) -> Callable[..., Any]:
    """The mean of the gradients of a batch's parts, one after the other."""

    def gradient(parameters: Arrays, state: State, x: Any, targets: Any, key: Any) -> Any:
        shares = [share for share, _ in targets]
        # Where not all count the same, the mean is of the whole batch, not of each part's own.
        counted = [[term.counted(x, y) for term in phase.objective.terms] for _, y in targets]
        totals = jax.tree.map(lambda total: total / parts, counted)
        cut = jax.tree.map(lambda a: a.reshape(parts, a.shape[0] // parts, *a.shape[1:]), (x, [y for _, y in targets]))

        def add(carry: Any, part: Any) -> Any:
            total, statistics, sums = carry
            i, (x, ys) = part
            own = None if key is None else jax.random.fold_in(key, i)
            pairs = tuple(zip(shares, ys, strict=True))
            (loss, statistics), gradient = whole(parameters, state, statistics, x, pairs, own, totals)
            return (total + loss, statistics, jax.tree.map(jnp.add, sums, gradient)), None

        carry = (jnp.zeros(()), state.statistics, jax.tree.map(jnp.zeros_like, parameters))
        if loops(phase):
            carry, _ = jax.lax.scan(add, carry, (jnp.arange(parts), cut))
        else:
            for i in range(parts):
                carry, _ = add(carry, (i, jax.tree.map(lambda a, i=i: a[i], cut)))
        total, statistics, sums = carry
        return (total / parts, statistics), jax.tree.map(lambda s: s / parts, sums)

    return gradient


# Some steps -----------------------------------------------------------------------------------------------------------


def _batch(inputs: Any, targets: Any, order: Any, position: Any, batch: int) -> tuple[Any, Any]:
    chosen = jax.lax.dynamic_slice(order, (position * batch,), (batch,))
    return jax.tree.map(lambda held: held.at[chosen].get(mode="promise_in_bounds"), (inputs, targets))  # type: ignore[no-any-return]


def _looped(phase: Phase, batch: int, abreast: int | None = None) -> Steps:
    step = _make_step(phase)

    def one(state: State, inputs: Any, targets: Any, order: Any, position: Any, noise: Any, observe: Any) -> Any:
        x, y = _batch(inputs, targets, order, position, batch)
        return step(state, x, y, noise, observe)

    if abreast is not None:
        one = jax.vmap(one, in_axes=(ABREAST, None, None, 0, None, 0, None), out_axes=(ABREAST, 0, 0))
    front = () if abreast is None else (abreast,)

    def run(state: State, inputs: Any, targets: Any, order: Any, first: Any, count: Any, noise: Any) -> Any:
        def body(i: Any, carry: tuple[State, Any, Any]) -> tuple[State, Any, Any]:
            state, total, _ = carry
            state, loss, norm = one(state, inputs, targets, order, first + i, noise, i == count - 1)
            return state, total + loss, norm

        return jax.lax.fori_loop(0, count, body, (state, jnp.zeros(front), jnp.zeros(front)))

    # `count` is a number on the device: one program for windows of any length, and the same bits whatever their length.
    return jax.jit(run, donate_argnums=0)


def _single(phase: Phase, batch: int, abreast: int | None = None) -> Steps:
    step = _make_step(phase)

    def run(
        state: State, total: Any, inputs: Any, targets: Any, order: Any, position: Any, noise: Any, observe: Any
    ) -> Any:
        x, y = _batch(inputs, targets, order, position, batch)
        state, loss, norm = step(state, x, y, noise, observe)
        return state, total + loss, norm

    if abreast is not None:
        return _in_turn(run, abreast)
    compiled = jax.jit(run, donate_argnums=(0, 1))

    def each(state: State, inputs: Any, targets: Any, order: Any, first: int, count: int, noise: Any) -> Any:
        total, norm = jnp.zeros(()), None
        for i in range(count):
            state, total, norm = compiled(state, total, inputs, targets, order, first + i, noise, i == count - 1)
        return state, total, norm

    return each


def _in_turn(run: Callable[..., Any], abreast: int) -> Steps:
    """Steps of networks abreast, one network after the other: where a convolution of all at once is the slower one."""

    def put(all_: Any, one: Any, i: Any) -> Any:
        return jax.tree.map(lambda a, b: a.at[i].set(b), all_, one)

    def one(state: State, total: Any, norms: Any, *rest: Any) -> Any:
        *shared, order, position, noise, observe, i = rest
        own = jax.tree.map(lambda leaf: leaf[i], state._replace(step=()))._replace(step=state.step)
        after, sum_, norm = run(own, total[i], *shared, order[i], position, noise[i], observe)
        last = i == abreast - 1
        put_back = put(state._replace(step=()), after._replace(step=()), i)
        step = jnp.where(last, after.step, state.step)
        return put_back._replace(step=step), put(total, sum_, i), put(norms, norm, i)

    compiled = jax.jit(one, donate_argnums=(0, 1, 2))

    def each(state: State, inputs: Any, targets: Any, order: Any, first: int, count: int, noise: Any) -> Any:
        total, norms = jnp.zeros(abreast), jnp.zeros(abreast)
        for position in range(count):
            for i in range(abreast):
                state, total, norms = compiled(
                    state, total, norms, inputs, targets, order, first + position, noise, position == count - 1, i
                )
        return state, total, norms

    return each
