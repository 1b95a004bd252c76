"""Runs on the disk that were never trained: their records follow from formulas."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from netspec.runs.directory import create, prepare
from netspec.runs.events import Evaluated, Event, Finished, Started, Stepped
from netspec.runs.records import Recorder

START = 1_700_000_000.0
STEPS, PER_EPOCH = 200, 40

SPEC = """\
name = "lenet5"
[data]
source = "digits"
[model]
layers = [{ conv = 6, kernel = 5 }, "flatten", { dense = "$classes" }]
[optimizer]
kind = "adam"
learning_rate = 1e-3
[train]
epochs = 5
"""

ENVIRONMENT = {
    "started": "2023-11-14T22:13:20.000000+00:00",
    "device": "cpu, 2 cores",
    "precision": "float32",
    "data": "sha256:1f",
    "versions": {"netspec": "0.1.0", "jax": "0.10.2"},
}


def make_run(
    parent: Path,
    spec: str = SPEC,
    *,
    name: str = "lenet5",
    accuracy: float = 0.97,
    upto: int = STEPS,
    reason: str = "done",
    seed: int = 0,
    **surroundings: Any,
) -> Path:
    """A run's directory, as a training to some step would have left it; no end is recorded without a reason."""
    run = create(parent, name)
    prepare(run, spec=spec, resolved={}, environment={**ENVIRONMENT, **surroundings})
    with Recorder(run) as recorder:
        for event in events(str(run), accuracy, upto, reason, seed):
            recorder.record(event)
    return run


def events(run: str, accuracy: float, upto: int, reason: str, seed: int) -> Iterator[Event]:
    """A step takes 10 ms, and every epoch's accuracy is nearer to the last one's."""
    examples = {"train": 1280, "validation": 180, "test": 359}
    metric = "validation/accuracy"
    yield Started(START, run, "lenet5", seed, "cpu, 2 cores", 0, STEPS, PER_EPOCH, 32, examples, 61706, metric, True)
    reached = {}
    for step in range(10, upto + 1, 10):
        time, epoch = START + step / 100, step / PER_EPOCH
        yield Stepped(time, step, epoch, 2.3 * math.exp(-epoch) + 0.05, 1e-3, 1.0, 3200.0)
        if step % PER_EPOCH == 0:
            share = accuracy * (1 - 0.5 * math.exp(-epoch))
            reached = {"validation/loss": 1 - share, "validation/accuracy": share}
            yield Evaluated(time, step, epoch, reached, 0.1, True)
    if reason:
        kept = {**reached, "test/accuracy": accuracy, "test/loss": 1 - accuracy} if reason == "done" else reached
        yield Finished(START + upto / 100, run, upto, upto / PER_EPOCH, reason, kept, upto, upto / 100)
