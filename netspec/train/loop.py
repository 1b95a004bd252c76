"""The training itself: reads top to bottom, yields events, prints nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Program
from netspec.diagnostics import Diagnostic, NetspecError, TrainingError
from netspec.graph.calls import Arrays
from netspec.runs.events import Alerted, Evaluated, Event, Finished, Saved, Started, Stepped
from netspec.train import checkpoint as checkpoints
from netspec.train.checkpoint import Checkpoint
from netspec.train.device import capacity, described
from netspec.train.diagnose import all_finite, where_it_diverged
from netspec.train.feed import Examples, Window, feed_for, windows
from netspec.train.measure import Measure
from netspec.train.state import Keys, State, begin, from_arrays, shapes, to_arrays
from netspec.train.step import make_order, make_steps

__all__ = ["Parts", "result_of", "result_step", "train", "window_length"]

SAVE_EVERY = 30.0
"""Seconds between checkpoints, unless the spec says otherwise."""


class Parts(Protocol):
    """The data of a training, parted."""

    @property
    def train(self) -> Examples:
        """To learn from."""

    @property
    def validation(self) -> Examples:
        """To choose by."""

    @property
    def test(self) -> Examples:
        """To be judged by, in the end."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best step so far.

    Args:
        kept: its parameters and statistics by path, where they are kept.
    """

    value: float | None = None
    step: int | None = None
    kept: tuple[Arrays, Arrays] | None = None


@dataclass(slots=True)
class _Clock:
    """Seconds of this session and of those before, and since when the device has been at work on steps."""

    before: float
    began: float = field(default_factory=time.monotonic)
    ready: float = field(default_factory=time.monotonic)
    saved: float = field(default_factory=time.monotonic)
    compiling: float = 0.0

    def seconds(self) -> float:
        return self.before + time.monotonic() - self.began

    def took(self) -> float:
        """Seconds since the device was ready, from which on it is ready again."""
        now = time.monotonic()
        seconds, self.ready = now - self.ready, now
        return seconds


def window_length(program: Program) -> int:
    """Steps between two records of a run, the same on every machine: some 500 records, none of much over a second.

    >>> window_length(program)  # doctest: +SKIP
    2
    """
    operations = 6 * program.network.graph.multiply_adds * program.batch
    shortest = math.ceil(program.clock.steps / 500)
    return max(1, min(shortest, 100, program.clock.per_epoch, int(2e10 / max(1, operations))))


def train(
    program: Program,
    parts: Parts,
    *,
    run: Path | None = None,
    resumed: Checkpoint | None = None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Train a program on data, from the beginning or from a checkpoint.

    Args:
        run: the directory that checkpoints go to; nothing is saved without one.
        resumed: where to go on.
        interrupted: is asked after every window of steps; where it says so, the training saves and stops.

    Yields:
        `Started` first, `Finished` last.

    Raises:
        TrainingError: the loss was no number, the device failed, the disk is full, or a file of the data is gone.
        RunError: the checkpoint is of another program.
    """
    with _device_failures():
        training = _Training(program, parts, run, resumed, interrupted)
    try:
        with _device_failures():
            yield from training.events()
    except NetspecError as error:
        yield from training.failed(error.diagnostics[0])
        raise TrainingError(*error.diagnostics) from error


class _Training:
    def __init__(
        self,
        program: Program,
        parts: Parts,
        run: Path | None,
        resumed: Checkpoint | None,
        interrupted: Callable[[], bool],
    ) -> None:
        self.program, self.parts, self.run, self.interrupted = program, parts, run, interrupted
        self.keys = Keys.of(program.spec.seed)
        self.resumed = resumed
        self.state = _first_state(program, self.keys, parts.train, resumed)
        self.best = _first_best(self.state, resumed)
        self.clock = _Clock(0.0 if resumed is None else float(resumed.meta["seconds"]))
        self.step = 0 if resumed is None else resumed.step
        self.length = window_length(program)
        self.steps = make_steps(program)
        # Compiled, since a record of each window reads it: as single operations it would cost a small network's step.
        self.rate = None if program.updater.rate is None else jax.jit(program.updater.rate)
        self.copy = jax.jit(lambda tree: jax.tree.map(jnp.copy, tree))
        self.finite = all_finite()
        self.measures = self._measures()
        train = program.spec.train
        assert train is not None
        self.evaluate_every = program.clock.steps_of(train.evaluate) if train.evaluate else program.clock.per_epoch
        self.save_every = program.clock.steps_of(train.save) if train.save else None
        self.metrics: Mapping[str, float] = {}

    def _measures(self) -> dict[str, Measure]:
        room = capacity()
        parts = {"train": self.parts.train, "validation": self.parts.validation, "test": self.parts.test}
        return {name: Measure(self.program, part, room) for name, part in parts.items() if len(part)}

    def events(self) -> Iterator[Event]:
        yield self._started()
        order = make_order(len(self.parts.train))
        feed = feed_for(self.parts.train, capacity(), self.program.batch, self.length)
        plan = windows(self.step, self.program.clock, self.length, self._ends())
        waiting: list[tuple[Window, Any, Any]] = []
        self.clock.took()
        for window, arguments in feed(plan, lambda epoch: order(self.keys.order, epoch)):
            self.state, total, norm = self._advance(window, arguments)
            waiting.append((window, total, norm))
            # Asked once for each window: a save that comes due in between would overtake the windows still waiting.
            evaluates, saves, stops = self._evaluates(window), self._saves(window), self._stops_at(window)
            settle = evaluates or saves or stops
            # One window stays on the device while the one before it is told of, so that the device never waits.
            while waiting and (settle or len(waiting) > 1):
                yield self._stepped(*waiting.pop(0))
            self.step = window.end
            if settle and not self.finite((self.state.parameters, self.state.statistics)):
                raise self._diverged(window)
            if evaluates:
                yield self._evaluated()
            if stops:
                yield from self._stopped()
                return
            if saves:
                yield self._saved()
        while waiting:
            yield self._stepped(*waiting.pop(0))
        yield from self._finished()

    def _ends(self) -> tuple[int, ...]:
        return (self.evaluate_every,) if self.save_every is None else (self.evaluate_every, self.save_every)

    # -- steps -------------------------------------------------------------------------------------------------------

    def _advance(self, window: Window, arguments: tuple[Any, Any, Any, int]) -> tuple[State, Any, Any]:
        inputs, targets, order, first = arguments
        began = time.monotonic()
        result = self.steps(self.state, inputs, targets, order, first, window.count, self.keys.noise)
        if self.clock.compiling == 0.0:
            self.clock.compiling = time.monotonic() - began
            self.clock.ready = time.monotonic()
        return result

    def _stepped(self, window: Window, total: Any, norm: Any) -> Stepped:
        loss, gradient_norm = float(total) / window.count, float(norm)
        seconds = self.clock.took()
        if not math.isfinite(loss):
            raise self._diverged(window)
        compiling, self.clock.compiling = self.clock.compiling, -1.0
        return Stepped(
            time.time(),
            window.end,
            self._epoch(window.end),
            loss,
            None if self.rate is None else float(self.rate(window.end - 1)),
            gradient_norm,
            window.count * self.program.batch / max(seconds, 1e-9),
            max(0.0, compiling),
        )

    def _epoch(self, step: int) -> float:
        return step / self.program.clock.per_epoch

    def _evaluates(self, window: Window) -> bool:
        return window.end % self.evaluate_every == 0 or window.end == self.program.clock.steps

    def _saves(self, window: Window) -> bool:
        if self.run is None or window.end == self.program.clock.steps:
            return False
        if self.save_every is not None:
            return window.end % self.save_every == 0
        return time.monotonic() - self.clock.saved > SAVE_EVERY

    def _stops_at(self, window: Window) -> bool:
        return window.end < self.program.clock.steps and self.interrupted()

    def _diverged(self, window: Window) -> TrainingError:
        """What to say of numbers that are not finite: the steps since the last checkpoint are made again to see."""
        saved = None if self.run is None else checkpoints.newest(self.run)[0]
        start = 0 if saved is None else saved.step
        state = _first_state(self.program, self.keys, self.parts.train, saved)
        return TrainingError(
            where_it_diverged(self.program, self.parts.train, state, start, window, self.length, self._ends())
        )

    # -- what happens between steps ------------------------------------------------------------------------------------

    def _started(self) -> Started:
        program = self.program
        return Started(
            time=time.time(),
            run="" if self.run is None else str(self.run),
            name=program.spec.name,
            seed=program.spec.seed,
            device=described(),
            step=self.step,
            steps=program.clock.steps,
            steps_per_epoch=program.clock.per_epoch,
            batch=program.batch,
            examples=dict(program.facts.examples),
            parameters=sum(math.prod(p.shape) for p in self.state.parameters.values()),
            metric=program.judge.metric,
            higher_is_better=program.judge.higher_is_better,
            keep=program.judge.keep,
        )

    def _evaluated(self) -> Evaluated:
        began = time.monotonic()
        judged = self.program.judge.metric.partition("/")[0]
        names = [n for n in self.measures if n in ("validation", judged)]
        self.metrics = self._measured(names, self.state.parameters, self.state.statistics)
        value = self.metrics[self.program.judge.metric]
        best = self.program.judge.better(value, self.best.value)
        if best:
            kept = (self.state.parameters, self.state.statistics)
            self.best = Best(value, self.step, self.copy(kept) if self.program.judge.keep else None)
        self.clock.ready = time.monotonic()
        seconds = time.monotonic() - began
        return Evaluated(time.time(), self.step, self._epoch(self.step), self.metrics, seconds, best)

    def _measured(self, names: list[str], parameters: Arrays, statistics: Arrays) -> dict[str, float]:
        whole = parameters | self.state.frozen
        return {f"{n}/{m}": v for n in names for m, v in self.measures[n](whole, statistics).items()}

    def _saved(self) -> Saved:
        assert self.run is not None
        began = time.monotonic()
        arrays = {f"state/{k}": v for k, v in to_arrays(self.state).items()}
        if self.best.kept is not None:
            parameters, statistics = jax.device_get(self.best.kept)
            arrays |= {f"best/parameters/{k}": v for k, v in parameters.items()}
            arrays |= {f"best/statistics/{k}": v for k, v in statistics.items()}
        meta = {"seconds": self.clock.seconds(), "best_value": self.best.value, "best_step": self.best.step}
        path = checkpoints.save(self.run, self.step, arrays, meta)
        self.clock.saved = self.clock.ready = time.monotonic()
        return Saved(time.time(), self.step, str(path), time.monotonic() - began)

    def _stopped(self) -> Iterator[Event]:
        if self.run is not None:
            yield self._saved()
        yield self._end("interrupted", self.metrics)

    def failed(self, why: Diagnostic) -> Iterator[Event]:
        """The end of a training that could not go on; what was saved before is left as it is."""
        yield Alerted(
            time.time(), self.step, why.code, f"{why.message}: {why.label}" if why.label else why.message, why.help
        )
        yield self._end("diverged" if why.code == "diverged" else "failed", self.metrics)

    def _finished(self) -> Iterator[Event]:
        parameters, statistics = self.best.kept or (self.state.parameters, self.state.statistics)
        metrics = self._measured(list(self.measures), parameters, statistics)
        if self.run is not None:
            yield self._saved()
        yield self._end("done", metrics)

    def _end(self, reason: str, metrics: Mapping[str, float]) -> Finished:
        return Finished(
            time.time(),
            "" if self.run is None else str(self.run),
            self.step,
            self._epoch(self.step),
            reason,
            metrics,
            self.best.step if self.program.judge.keep else self.step,
            self.clock.seconds(),
        )


@contextmanager
def _device_failures() -> Iterator[None]:
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        raise TrainingError(_of_device(error)) from error


def _of_device(error: Exception) -> Diagnostic:
    """What a device's failure means to a person."""
    said = str(error).splitlines()[0]
    if "RESOURCE_EXHAUSTED" in said or "out of memory" in said.lower():
        return Diagnostic(
            "out-of-memory",
            "the device has not enough memory",
            note=said,
            help="a smaller batch in [train], or a smaller network",
        )
    return Diagnostic("device", f"the device failed: {said}")


def _first_state(program: Program, keys: Keys, examples: Examples, resumed: Checkpoint | None) -> State:
    return begin(program, keys, examples) if resumed is None else _restored(program, resumed)


def _restored(program: Program, resumed: Checkpoint) -> State:
    return from_arrays(shapes(program), _under("state/", resumed.arrays))


def _first_best(state: State, resumed: Checkpoint | None) -> Best:
    if resumed is None:
        return Best()
    parameters = {k: jnp.array(v) for k, v in _under("best/parameters/", resumed.arrays).items()}
    statistics = {k: jnp.array(v) for k, v in _under("best/statistics/", resumed.arrays).items()}
    kept = (parameters, statistics) if parameters else None
    return Best(resumed.meta["best_value"], resumed.meta["best_step"], kept)


def _under(prefix: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def result_of(program: Program, checkpoint: Checkpoint) -> tuple[Arrays, Arrays]:
    """The parameters, frozen ones included, and statistics that a checkpoint's training has as its result.

    Raises:
        RunError: the checkpoint is of another program.
    """
    state = _restored(program, checkpoint)
    kept = _first_best(state, checkpoint).kept
    parameters, statistics = kept or (state.parameters, state.statistics)
    return parameters | state.frozen, statistics


def result_step(program: Program, checkpoint: Checkpoint) -> int:
    """The step at which `result_of` had these parameters."""
    best = checkpoint.meta["best_step"]
    return best if program.judge.keep and best is not None else checkpoint.step
