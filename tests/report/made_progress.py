"""States of trainings that never were, with all that a dashboard can show of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from netspec.report.progress import Progress, advance
from netspec.runs.events import Alerted, Entered, Evaluated, Examined, Started, Stepped

LAYERS: Mapping[str, Mapping[str, float]] = {
    "conv1": {"gradient": 0.0412, "weights": 2.1, "update": 0.0018, "dead": 0.0},
    "block1/conv1": {"gradient": 0.0333, "weights": 3.2, "update": 0.0011, "dead": 0.125},
    "block1/conv2": {"gradient": 0.0281, "weights": 3.3, "update": 0.0009, "dead": 0.25},
    "block1/gate": {"gradient": 0.0107, "weights": 1.2, "update": 0.0007, "saturated": 0.31},
    "block2/conv1": {"gradient": 0.0312, "weights": 3.2, "update": 0.0010, "dead": 0.0625},
    "block2/conv2": {"gradient": 0.0305, "weights": 3.3, "update": 0.0012, "dead": 0.71},
    "block2/gate": {"gradient": 0.0000031, "weights": 1.2, "update": 0.0000004, "saturated": 0.97},
    "dense1": {"gradient": 0.0581, "weights": 1.9, "update": 0.0023},
}


def examined(progress: Progress, layers: Mapping[str, Mapping[str, float]] = LAYERS, skipped: int = 0) -> Progress:
    """That state, with the network looked at layer by layer."""
    return advance(progress, Examined(progress.time, progress.step, layers, 812_000_000, 1_240_000_000, skipped))


def in_phases(number: int = 2) -> Progress:
    """A training of three phases, in one of them: 100 steps of 10 ms each."""
    metric = "validation/squared_error"
    names = ("first", "second", "all of it")
    progress = advance(
        Progress(), Started(0.0, "runs/deep-1", "deep", 0, "cpu", 0, 300, 10, 8, {}, 99, metric, False, phases=3)
    )
    for i in range(1, number + 1):
        begin = 100 * (i - 1)
        progress = advance(progress, Entered(begin / 100, begin, names[i - 1], i, 300, 10, 8, 33, metric, False))
        for step in range(begin + 5, begin + (100 if i < number else 40) + 1, 5):
            error = i * math.exp(-(step - begin) / 40)
            progress = advance(progress, Stepped(step / 100, step, step / 10, error, 0.1, error / 2, 800.0))
            if step % 20 == 0:
                measured = {"validation/loss": error, metric: error}
                progress = advance(progress, Evaluated(step / 100, step, step / 10, measured, 0.01, True))
    return progress


def of_members(training: Progress) -> Progress:
    """A training's state, were it of three networks: each alone a little worse than all as one."""
    assert training.started is not None
    progress = dataclasses.replace(training, started=dataclasses.replace(training.started, members=3))
    metrics = {
        "validation/loss": 0.1301,
        "validation/accuracy": 0.9712,
        "validation/member/loss": 0.1512,
        "validation/member/accuracy": 0.9645,
        "validation/spread/loss": 0.0123,
        "validation/spread/accuracy": 0.0041,
    }
    return advance(progress, Evaluated(progress.time, progress.step, 12.3, metrics, 0.1, False))


def warned(progress: Progress) -> Progress:
    """That state, with a diagnosis of each length."""
    alerts = (
        Alerted(progress.time, 480, "dead", "71 % of the units of block2/conv2 are dead", "try leaky_relu"),
        Alerted(progress.time, 492, "slow", "the loss has not fallen for 5 epochs", "lower the learning rate by ten"),
    )
    return advance(advance(progress, alerts[0]), alerts[1])
