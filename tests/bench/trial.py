"""A process that trains one problem in one form, whenever it is told to.

`python -m tests.bench.trial PROBLEM FORM SECONDS` prints one JSON object once the first losses are there; and then, for
each line of its input, trains for so many seconds and prints one more. In between it rests, so that several such
processes can take turns.
"""

from __future__ import annotations

import json
import os
import pty
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

from netspec.build import Program
from netspec.report.live.training import display_for
from netspec.runs.events import Event, Stepped
from netspec.runs.records import Recorder
from netspec.train.device import described
from netspec.train.loop import train
from netspec.train.stage import window_length
from netspec.train.state import Keys, begin, enter

from .handwritten import FORMS
from .problems import PROBLEMS, Parts, Problem

STEPS = 20_000
"""The length that the training claims, which decides how often netspec tells of it; the measurement ends before."""


def main() -> None:
    problem, form, seconds = PROBLEMS[sys.argv[1]], sys.argv[2], float(sys.argv[3])
    parts = problem.parts()
    began = time.perf_counter()
    losses = _netspec(problem, parts, form) if form.startswith("netspec") else _handwritten(problem, parts, form)
    steps, loss = next(losses)
    _say({"device": described(), "start": time.perf_counter() - began, "first_steps": steps, "loss": loss})
    for _ in sys.stdin:
        _say(_turn(losses, seconds))
    os._exit(0)  # what is still under way on the device is not waited for


def _say(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True)


def _turn(losses: Iterator[tuple[int, float]], seconds: float) -> dict[str, float]:
    """Train for some seconds or a little more, from the next losses on: those are of steps made before."""
    since = next(losses)[0]
    began, processor_began = time.perf_counter(), time.process_time()
    for step, _ in losses:
        taken = time.perf_counter() - began
        if taken > seconds:
            processor = time.process_time() - processor_began
            return {"steps_per_second": (step - since) / taken, "processor_ms": 1e3 * processor / (step - since)}
    raise SystemExit("the training was over before it could be measured")


def _handwritten(problem: Problem, parts: Parts, form: str) -> Iterator[tuple[int, float]]:
    program = problem.program(STEPS)
    start = enter(program.last, begin(program, Keys.of(program.spec.seed), parts.train))
    inputs, targets = jax.device_put((parts.train.inputs["input"], parts.train.targets["target"]))
    return FORMS[form](problem, start, inputs, targets, window_length(program.last))


def _netspec(problem: Problem, parts: Parts, form: str) -> Iterator[tuple[int, float]]:
    program = problem.program(STEPS)
    events = train(program, parts) if form == "netspec-bare" else _watched(program, parts)
    return ((event.step, event.loss) for event in events if isinstance(event, Stepped))


def _watched(program: Program, parts: Parts) -> Iterator[Event]:
    """The events of a training that is recorded and shown as the command does it."""
    run = Path(tempfile.mkdtemp())
    with (
        open(_terminal(), "w", encoding="utf-8") as stream,
        Recorder(run) as recorder,
        display_for(stream, {"TERM": "xterm-256color"}) as display,
    ):
        for event in train(program, parts, run=run):
            recorder.record(event)
            display.show(event)
            yield event


def _terminal() -> int:
    """A terminal of 120 × 40 whose other end reads all that is written."""
    theirs, ours = pty.openpty()
    termios.tcsetwinsize(ours, (40, 120))

    def read() -> None:
        while os.read(theirs, 65536):
            pass

    threading.Thread(target=read, daemon=True).start()
    return ours


if __name__ == "__main__":
    main()
