"""Where a training went wrong: the steps are made again, one by one, and every layer is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Program
from netspec.diagnostics import Diagnostic
from netspec.graph.calls import Mode
from netspec.train.feed import Examples, Window, feed_for, windows
from netspec.train.state import Keys, State
from netspec.train.step import make_order, make_steps

__all__ = ["all_finite", "where_it_diverged"]


def all_finite() -> Callable[[Any], Any]:
    """The function that says whether every number of some arrays is finite."""

    @jax.jit
    def finite(arrays: Any) -> Any:
        return jnp.stack([jnp.isfinite(a).all() for a in jax.tree.leaves(arrays)]).all()

    return finite


def where_it_diverged(
    program: Program, examples: Examples, state: State, start: int, window: Window, length: int, ends: tuple[int, ...]
) -> Diagnostic:
    """The step, the batch and the layer at which numbers ceased to be finite.

    The same steps give the same bits, so the state before the window is had again by making the steps up to it.

    Args:
        state: after `start` steps.
        window: the one in which the loss was not finite, or which left parameters that are not.
        length, ends: of windows, as the training made them.
    """
    keys, order, steps = Keys.of(program.spec.seed), make_order(len(examples)), make_steps(program)
    feed = feed_for(examples, 2**62, program.batch, length)
    for again, arguments in feed(windows(start, program.clock, length, ends), lambda e: order(keys.order, e)):
        if again.start >= window.start:
            break
        state, _, _ = steps(state, *arguments, again.count, keys.noise)
    *shared, first = arguments
    indices = np.asarray(order(keys.order, window.epoch))
    look, finite, broken = _look(program), all_finite(), None
    for i in range(window.count):
        step, batch = window.start + i + 1, indices[(window.first + i) * program.batch :][: program.batch]
        layers, loss_finite = look(state, *examples.take(batch), keys.noise)
        if not loss_finite:
            return _of_loss(program, step, [p for p, fine in layers.items() if not fine], batch, state)
        state, _, _ = steps(state, *shared, first + i, 1, keys.noise)
        if broken is None and not finite((state.parameters, state.statistics)):
            broken = _of_update(program, step, batch, state)
    return broken or _diagnostic(f"the loss was not a finite number by step {window.end}", "", indices[:0])


def _look(program: Program) -> Any:
    @jax.jit
    def look(state: State, x: Any, y: Any, noise: Any) -> tuple[dict[str, Any], Any]:
        finite: dict[str, Any] = {}
        key = jax.random.fold_in(noise, state.step)
        result = program.network.apply(
            state.parameters | state.frozen,
            state.statistics,
            x,
            key=key,
            mode=Mode(training=True),
            watch=lambda node, value: finite.__setitem__(node.path, jnp.isfinite(value).all()),
            also=program.objective.also,
        )
        loss = program.objective.value(state.parameters, result, x, y)
        return finite, jnp.isfinite(loss)

    return look


def _of_loss(program: Program, step: int, layers: list[str], batch: Any, state: State) -> Diagnostic:
    first = min(layers, key=_order(program).index) if layers else None
    if first is None:
        label = "the network's outputs are finite; the loss of them is not"
    elif first in _broken(program, state):
        label = f"{first} is the first layer that is not finite: the step before made its parameters so"
    else:
        label = f"{first} is the first layer whose result is not finite"
    return _diagnostic(f"the loss was not a finite number at step {step}", label, batch)


def _of_update(program: Program, step: int, batch: Any, state: State) -> Diagnostic:
    label = f"{_broken(program, state)[0]} is the first layer that is not finite: this step made its parameters so"
    return _diagnostic(f"the parameters were not finite numbers after step {step}", label, batch)


def _order(program: Program) -> list[str]:
    return [leaf.path for leaf in program.network.graph.leaves()]


def _broken(program: Program, state: State) -> list[str]:
    """The layers with parameters or statistics that are not finite, in order."""
    held = {**state.parameters, **state.statistics}
    arrays = [path for path, value in held.items() if not bool(jnp.isfinite(value).all())]
    return [layer for layer in _order(program) if any(path.startswith(f"{layer}/") for path in arrays)]


_SHOWN = 64


def _diagnostic(message: str, label: str, batch: Any) -> Diagnostic:
    shown = ", ".join(map(str, batch[:_SHOWN])) + (f", … ({len(batch)} in all)" if len(batch) > _SHOWN else "")
    return Diagnostic(
        "diverged",
        message,
        label=label,
        note=f"training examples of that step: {shown}" if len(batch) else "",
        help="a smaller learning rate, a warmup, or clip = { global_norm = 1.0 }",
    )
