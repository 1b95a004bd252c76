"""A training as lines of `key=value`, wherever there is no terminal to draw in: in logs, pipes and CI."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TextIO

from netspec.diagnostics import printable
from netspec.report.live.display import Follower
from netspec.report.progress import Progress
from netspec.runs.events import Alerted, Entered, Evaluated, Event, Finished, Started, Stepped

__all__ = ["Lines"]

LINE_SECONDS = 10.0
"""Between two lines about steps, where nothing was evaluated in the meantime."""

SPARE_LINES = 100.0
"""Lines about evaluations that may come as fast as they do; beyond, one in `LINE_SECONDS`: an epoch may be a step."""


class Lines:
    """One line of `key=value` for each evaluation, unless they crowd; for steps every few seconds.

    Args:
        stream: where to write them.
        progress: the state so far.
        run: what each line begins with where there are several trainings to be told of.
    """

    def __init__(self, stream: TextIO, progress: Progress, run: str = "") -> None:
        self._follower = Follower(progress)
        self._stream = stream
        self._run = {"run": run} if run else {}
        self._said = 0.0
        self._spare = SPARE_LINES
        self._counted = 0.0
        self._lock = threading.Lock()

    @property
    def progress(self) -> Progress:
        return self._follower.progress()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event) -> None:
        self._follower.add(event)
        if isinstance(event, Stepped) and event.time - self._said < LINE_SECONDS:
            return
        if isinstance(event, Evaluated) and not self._spares(event.time):
            return
        pairs = _pairs(event, self.progress)
        if pairs:
            self._said = event.time
            self._write(pairs)

    def _spares(self, now: float) -> bool:
        """Whether one more line about an evaluation is not too many."""
        self._spare = min(SPARE_LINES, self._spare + max(0.0, now - (self._counted or now)) / LINE_SECONDS)
        self._counted = now
        if self._spare < 1.0:
            return False
        self._spare -= 1.0
        return True

    def stopping(self) -> None:
        with suppress(OSError):  # in a thread that has more to hear; `show` meets the same
            self._write({"stopping": "finishing the step and saving"})

    def release(self) -> None:
        return None

    def hold(self) -> None:
        return None

    def _write(self, pairs: Mapping[str, Any]) -> None:
        with self._lock:
            pairs = {**self._run, **pairs, **self._run}
            self._stream.write(" ".join(f"{key}={_value(value)}" for key, value in pairs.items()) + "\n")
            self._stream.flush()


def _pairs(event: Event, progress: Progress) -> Mapping[str, Any]:
    """What a line says of an event; nothing where the event deserves no line."""
    match event:
        case Started():
            keys = ("run", "name", "device", "seed", "parameters", "batch", "step", "steps")
            return {key: getattr(event, key) for key in keys if getattr(event, key) != ""}
        case Entered():
            return {key: getattr(event, key) for key in ("phase", "number", "step", "steps", "parameters", "batch")}
        case Stepped():
            return _position(event, progress) | _measured(progress)
        case Evaluated():
            return _position(event, progress) | _measured(progress) | dict(event.metrics) | {"best": event.best}
        case Alerted():
            return {"alert": event.code, "step": event.step, "message": event.message, "help": event.help}
        case Finished():
            ending = {"finished": event.reason, "step": event.step, "seconds": round(event.seconds, 1)}
            return ending | dict(event.metrics) | ({"run": event.run} if event.run else {})
        case _:
            return {}


def _position(event: Stepped | Evaluated, progress: Progress) -> dict[str, Any]:
    left = progress.left(event.time)
    steps = {"steps": progress.started.steps} if progress.started else {}
    clocks = {"elapsed": round(progress.elapsed(event.time))} | ({} if left is None else {"left": round(left)})
    return {"step": event.step, **steps, "epoch": round(event.epoch, 2), **clocks}


def _measured(progress: Progress) -> dict[str, Any]:
    stepped = progress.stepped
    if stepped is None:
        return {}
    rate = {} if stepped.learning_rate is None else {"learning_rate": stepped.learning_rate}
    return {
        "loss": stepped.loss,
        "smoothed_loss": progress.smoothed,
        **rate,
        "gradient_norm": stepped.gradient_norm,
        "examples_per_second": round(stepped.examples_per_second, 1),
    }


def _value(value: Any) -> str:
    """A value without blanks, or in quotes: ASCII in either case."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.5g}"
    text = str(value)
    return text if re.fullmatch(r"[\w./:+-]+", text, re.ASCII) else json.dumps(printable(text))
