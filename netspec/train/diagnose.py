"""Where a training went wrong: the steps are made again, one by one, and every layer is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Phase
from netspec.diagnostics import Diagnostic
from netspec.graph.calls import Mode
from netspec.train.checkpoint import Checkpoint
from netspec.train.feed import Window, feed_for
from netspec.train.saved import restored
from netspec.train.stage import Stage
from netspec.train.state import State

__all__ = ["why_it_diverged"]


def why_it_diverged(
    stage: Stage, saved: Checkpoint | None, beginning: Callable[[], State], window: Window
) -> Diagnostic:
    """Why a window's loss, or what it left, was not finite, as far as the steps before it can be made again.

    Args:
        saved: the newest checkpoint of the run.
        beginning: gives the state before the first step of all.
    """
    if saved is not None and saved.meta["phase"] == stage.index:
        state = restored(stage.phase, [saved], None, together=False)
        return where_it_diverged(stage, state, saved.step - stage.behind, window)
    if stage.index == 0:
        return where_it_diverged(stage, beginning(), 0, window)
    return _diagnostic(f"the loss was not a finite number by step {stage.behind + window.end}", "", np.arange(0))


def where_it_diverged(stage: Stage, state: State, start: int, window: Window) -> Diagnostic:
    """The step, the batch and the layer at which numbers ceased to be finite.

    The same steps give the same bits, so the state before the window is had again by making the steps up to it.

    Args:
        stage: of one network.
        state: after `start` steps of the phase.
        window: the one in which the loss was not finite, or which left parameters that are not.
    """
    phase, examples = stage.phase, stage.parts.train
    feed = feed_for(examples, 2**62, stage.length)
    for again, arguments in feed(stage.plan(start), stage.order):
        if again.start >= window.start:
            break
        state, _, _ = stage.steps(again.batch)(state, *arguments, again.count, stage.noise)
    *shared, first = arguments
    indices = np.asarray(stage.order(window.epoch))
    look, broken, size = _look(phase), None, window.batch
    for i in range(window.count):
        step, batch = stage.behind + window.start + i + 1, indices[(window.first + i) * size :][:size]
        layers, loss_finite = look(state, *examples.take(batch), stage.noise)
        if not loss_finite:
            return _of_loss(phase, step, [p for p, fine in layers.items() if not fine], batch, state)
        state, _, _ = stage.steps(size)(state, *shared, first + i, 1, stage.noise)
        if broken is None and not stage.finite(state):
            broken = _of_update(phase, step, batch, state)
    end = stage.behind + window.end
    return broken or _diagnostic(f"the loss was not a finite number by step {end}", "", indices[:0])


def _look(phase: Phase) -> Any:
    @jax.jit
    def look(state: State, x: Any, y: Any, noise: Any) -> tuple[dict[str, Any], Any]:
        finite: dict[str, Any] = {}
        key = jax.random.fold_in(noise, state.step)
        result = phase.network.apply(
            state.parameters | state.frozen,
            state.statistics,
            x,
            key=key,
            mode=Mode(training=True, step=state.step, clock=phase.clock),
            watch=lambda node, value: finite.__setitem__(node.path, jnp.isfinite(value).all()),
            also=phase.objective.also,
        )
        loss = phase.objective.value(state.parameters, result, x, y, state.step)
        return finite, jnp.isfinite(loss)

    return look


def _of_loss(phase: Phase, step: int, layers: list[str], batch: Any, state: State) -> Diagnostic:
    first = min(layers, key=_order(phase).index) if layers else None
    if first is None:
        label = "the network's outputs are finite; the loss of them is not"
    elif first in _broken(phase, state):
        label = f"{first} is the first layer that is not finite: the step before made its parameters so"
    else:
        label = f"{first} is the first layer whose result is not finite"
    return _diagnostic(f"the loss was not a finite number at step {step}", label, batch)


def _of_update(phase: Phase, step: int, batch: Any, state: State) -> Diagnostic:
    label = f"{_broken(phase, state)[0]} is the first layer that is not finite: this step made its parameters so"
    return _diagnostic(f"the parameters were not finite numbers after step {step}", label, batch)


def _order(phase: Phase) -> list[str]:
    return [leaf.path for leaf in phase.network.graph.leaves()]


def _broken(phase: Phase, state: State) -> list[str]:
    """The layers with parameters or statistics that are not finite, in order."""
    held = {**state.parameters, **state.statistics}
    arrays = [path for path, value in held.items() if not bool(jnp.isfinite(value).all())]
    return [layer for layer in _order(phase) if any(path.startswith(f"{layer}/") for path in arrays)]


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
