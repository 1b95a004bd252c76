"""A training made one step at a time, with nothing kept of it: where a point goes, and what each learning rate does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from netspec.build.program import Program
from netspec.train.device import capacity
from netspec.train.feed import Window, feed_for, windows
from netspec.train.halt import Halt
from netspec.train.stage import Parts, Stage
from netspec.train.state import Keys, State, Weights, begin

__all__ = ["Walked", "path_of", "walk"]


@dataclass(frozen=True, slots=True)
class Walked:
    """One step.

    Args:
        loss: of its batch, before it.
        gradient_norm: likewise.
        weights: after it; those that would be evaluated, on the device until the next step.
    """

    loss: float
    gradient_norm: float
    weights: Weights


def walk(program: Program, parts: Parts, *, phases: int | None = None) -> Iterator[Walked]:
    """The steps that a training makes: the same function, examples and random numbers as of `netspec.train.loop`.

    What only a metric decides, such as a plateau, is decided as there; a phase ends early as there, too. Of an
    ensemble, the first network.

    Args:
        phases: how many of them are gone through; all unless said otherwise.
    """
    keys, behind, passes = Keys.of(program.spec.seed), 0, 0.0
    weights = begin(program, keys, parts.train)
    for i in range(len(program.phases) if phases is None else phases):
        stage = Stage(program, i, parts, [keys], abreast=False, ensemble=False, behind=behind, passes=passes)
        steps = 0
        for walked in _steps(stage, stage.enter(weights)):
            yield walked
            weights, steps = walked.weights, steps + 1
        weights = jax.tree.map(jax.numpy.copy, weights)
        behind, passes = behind + steps, stage.epoch(steps)


def _steps(stage: Stage, state: State) -> Iterator[Walked]:
    phase, began = stage.phase, time.monotonic()
    halt = Halt(phase.train.stop, phase.patience)
    feed = feed_for(stage.parts.train, capacity(), 1)
    for window, (inputs, targets, order, first) in feed(windows(0, phase.clock, 1, ()), stage.order):
        advance = stage.steps(window.batch)
        state, total, norm = advance(state, inputs, targets, order, first, 1, stage.noise)
        walked = Walked(float(total), float(norm), stage.weights(state))
        yield walked
        why = halt.stepped(walked.loss, 1, walked.gradient_norm, time.monotonic() - began)
        state, late = _evaluated(stage, state, walked.weights, window, halt)
        if why or late:
            return


def _evaluated(stage: Stage, state: State, weights: Weights, window: Window, halt: Halt) -> tuple[State, str]:
    """The state after an evaluation, where something depends on one; and why the phase ends with it."""
    followed = stage.phase.updater.observe is not None or stage.phase.train.stop is not None
    if not followed or not stage.evaluates(window):
        return state, ""
    metrics: dict[str, Any] = {}
    for name, measure in stage.measures.items():
        metrics |= {f"{name}/{metric}": value for metric, value in measure(weights)[0].items()}
    return stage.observed(state, [metrics]), halt.evaluated(metrics)


def path_of(program: Program, parts: Parts) -> tuple[np.ndarray[Any, Any], bool]:
    """Where a point goes, [steps + 1, axes], the start first; and whether it went on to what is no number."""
    (name,) = program.network.graph.parameters
    start = begin(program, Keys.of(program.spec.seed), parts.train).parameters[name]
    points = [np.asarray(start, np.float64)]
    for walked in walk(program, parts):
        point = np.asarray(walked.weights.parameters[name], np.float64)
        if not np.isfinite(point).all():
            return np.stack(points), True
        points.append(point)
    return np.stack(points), False
