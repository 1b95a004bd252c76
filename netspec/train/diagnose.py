"""Where a training went wrong: the steps are made again, one by one, and every layer is looked at."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Program
from netspec.diagnostics import Diagnostic
from netspec.train.feed import Examples, Window, feed_for, windows
from netspec.train.state import Keys, State
from netspec.train.step import make_order, make_steps

__all__ = ["where_it_diverged"]


def where_it_diverged(
    program: Program, examples: Examples, state: State, start: int, window: Window, length: int, stops: tuple[int, ...]
) -> Diagnostic:
    """The step, the batch and the layer at which numbers ceased to be finite.

    The same steps give the same bits, so the state before the window is had again by making the steps up to it.

    Args:
        state: after `start` steps.
        window: the one in which the loss was not finite.
        length, stops: of windows, as the training made them.
    """
    keys, order, steps = Keys.of(program.spec.seed), make_order(len(examples)), make_steps(program)
    feed = feed_for(examples, 2**62, program.batch, length)
    for again, arguments in feed(windows(start, program.clock, length, stops), lambda e: order(keys.order, e)):
        if again.start >= window.start:
            break
        state, _, _ = steps(state, *arguments, again.count, keys.noise)
    indices = np.asarray(order(keys.order, window.epoch))
    look = _look(program)
    for i in range(window.count):
        batch = indices[(window.first + i) * program.batch :][: program.batch]
        x, y = examples.take(batch)
        finite, loss_finite = look(state, x, y, keys.noise)
        if not loss_finite:
            return _described(
                program, window.start + i + 1, [p for p, fine in finite.items() if not fine], batch, state
            )
        inputs, targets, chosen, _ = next(feed(iter([window]), lambda e: order(keys.order, e)))[1]
        first = window.first if chosen.shape[0] == len(examples) else 0
        state, _, _ = steps(state, inputs, targets, chosen, first + i, 1, keys.noise)
    return _described(program, window.end, [], indices[:0], state)


def _look(program: Program) -> Any:
    @jax.jit
    def look(state: State, x: Any, y: Any, noise: Any) -> tuple[dict[str, Any], Any]:
        finite: dict[str, Any] = {}
        key = jax.random.fold_in(noise, state.step)
        outputs, _ = program.network.apply(
            state.parameters | state.frozen,
            state.statistics,
            x,
            key=key,
            training=True,
            watch=lambda node, value: finite.__setitem__(node.path, jnp.isfinite(value).all()),
        )
        loss = program.objective.value(state.parameters, outputs["output"], program.objective.encode(y))
        return finite, jnp.isfinite(loss)

    return look


def _described(program: Program, step: int, layers: list[str], batch: Any, state: State) -> Diagnostic:
    order = [leaf.path for leaf in program.network.graph.leaves()]
    first = min(layers, key=order.index) if layers else None
    broken = [p for p, v in state.parameters.items() if not bool(jnp.isfinite(v).all())]
    if first is None:
        label = "the network's outputs are finite; the loss of them is not"
    elif any(p.startswith(f"{first}/") for p in broken):
        label = f"{first} is the first layer that is not finite: the step before made its parameters so"
    else:
        label = f"{first} is the first layer whose result is not finite"
    shown = ", ".join(map(str, batch[:10])) + (f", … ({len(batch)} in all)" if len(batch) > 10 else "")
    return Diagnostic(
        "diverged",
        f"the loss was not a finite number at step {step}",
        label=label,
        note=f"training examples of that step: {shown}" if len(batch) else "",
        help="a smaller learning rate, a warmup, or clip = { global_norm = 1.0 }",
    )
