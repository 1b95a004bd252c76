"""The events of a training that never was: they follow from formulas alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from netspec.runs.events import Alerted, Evaluated, Event, Finished, Saved, Started, Stepped

START = 1_700_000_000.0
STEPS, STEPS_PER_EPOCH = 1200, 40


def events(upto: int = 492, reason: str = "") -> Iterator[Event]:
    """A training to some step: an event every 4 steps of 20 ms, evaluation of 0.2 s and checkpoint every epoch."""
    examples = {"training": 1257, "validation": 180, "test": 360}
    metric = "validation/accuracy"
    yield Started(START, "runs/lenet5-3", "lenet5", 0, "cpu, 2 cores", 0, STEPS, 40, 32, examples, 61706, metric, True)
    time, best = START, 0.0
    for step in range(4, upto + 1, 4):
        epoch = step / STEPS_PER_EPOCH
        compiling = 2.5 if step == 4 else 0.0
        time += 4 * 0.02 + compiling
        loss = 2.3 * math.exp(-epoch / 3) * (1 + 0.4 * math.sin(2.1 * step)) + 0.02
        yield Stepped(time, step, epoch, loss, 1e-3, 3 * math.exp(-epoch / 4), 2000.0, compiling)
        if step % STEPS_PER_EPOCH == 0:
            time += 0.2
            accuracy = 0.97 - 0.8 * math.exp(-epoch / 2) + 0.004 * math.sin(epoch)
            loss = 2.3 * math.exp(-epoch / 3.5) + 0.06
            measured = {"validation/loss": loss, "validation/accuracy": accuracy}
            yield Evaluated(time, step, epoch, measured, 0.2, accuracy > best)
            best = max(best, accuracy)
            yield Saved(time + 0.01, step, f"runs/lenet5-3/checkpoints/step-{step:09}", 0.01)
            time += 0.01
    if reason == "diverged":
        yield Alerted(
            time, upto, "not-finite", "the loss is not a number; conv2 was the first", "a lower learning rate"
        )
    if reason:
        metrics = {"validation/accuracy": best, "test/accuracy": 0.9778, "test/loss": 0.0712}
        done = metrics if reason == "done" else {}
        yield Finished(time, "runs/lenet5-3", upto, upto / STEPS_PER_EPOCH, reason, done, 480, time - START)
