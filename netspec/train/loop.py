"""The training itself: reads top to bottom, yields events, prints nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Program
from netspec.diagnostics import Diagnostic, NetspecError, TrainingError
from netspec.runs.events import Alerted, Evaluated, Event, Examined, Finished, Saved, Stepped
from netspec.train import checkpoint as checkpoints
from netspec.train.checkpoint import Checkpoint
from netspec.train.device import capacity, memory
from netspec.train.diagnose import why_it_diverged
from netspec.train.diagnoses.condition import Health
from netspec.train.failures import device_failures
from netspec.train.feed import Window, feed_for
from netspec.train.learner import Learner, entered, finished, started
from netspec.train.requests import Requests
from netspec.train.saved import arrays_of, restored, restored_best
from netspec.train.stage import Parts, Stage
from netspec.train.state import Keys, State, Weights, begin, stacked, to_arrays
from netspec.train.stopwatch import Stopwatch, compiled

__all__ = ["Learner", "train", "train_abreast"]

SAVE_EVERY = 30.0
"""Seconds between checkpoints, unless the spec says otherwise."""


def train(
    program: Program,
    parts: Parts,
    *,
    run: Path | None = None,
    resumed: Checkpoint | None = None,
    start: Mapping[str, Any] | None = None,
    requests: Requests | None = None,
) -> Iterator[Event]:
    """Train a program on data, from the beginning or from a checkpoint.

    Args:
        run: the directory that checkpoints go to; nothing is saved without one.
        resumed: where to go on.
        start: weights to begin with, by path, in the place of initial ones.
        requests: what a person asks of it while it goes on; looked at after every window of steps.

    Yields:
        `Started` first, `Finished` last.

    Raises:
        TrainingError: the loss was no number, the device failed, the disk is full, or a file of the data is gone.
        RunError: the checkpoint is of another program.
    """
    learner = Learner(run, program.spec.seed, resumed)
    for _, event in train_abreast(program, parts, [learner], start=start, requests=requests):
        yield event


def train_abreast(
    program: Program,
    parts: Parts,
    learners: Sequence[Learner],
    *,
    start: Mapping[str, Any] | None = None,
    requests: Requests | None = None,
) -> Iterator[tuple[int, Event]]:
    """Train a program several times at once, with a seed each, in one compiled program.

    Args:
        learners: what differs between them; all begin anew, or all go on from the same step.
        start, requests: as `train` takes them.

    Yields:
        Which learner, and what happens to it.

    Raises:
        TrainingError, RunError: as `train` says.
    """
    with device_failures():
        training = _Training(program, parts, learners, start, requests or Requests())
    try:
        with device_failures():
            yield from training.events()
    except NetspecError as error:
        yield from training.failed(error.diagnostics[0])
        raise TrainingError(*error.diagnostics) from error


_Verdict = Generator[tuple[int, Event], None, bool]
"""Events, and in the end whether something is over."""


class _Training:
    def __init__(
        self,
        program: Program,
        parts: Parts,
        learners: Sequence[Learner],
        start: Mapping[str, Any] | None,
        requests: Requests,
    ) -> None:
        assert len(learners) == 1 or program.members is None
        self.program, self.parts, self.learners, self.requests = program, parts, learners, requests
        self.start = start
        members = program.members
        self.ensemble, self.abreast = members is not None, members is not None or len(learners) > 1
        self.keys = [Keys.of(learner.seed) for learner in learners]
        if members is not None:
            self.keys = [Keys.of(learners[0].seed, member) for member in range(members)]
        self.kept: Weights | None = None
        self.copy = jax.jit(lambda tree: jax.tree.map(jnp.copy, tree))
        resumed = [learner.resumed for learner in learners if learner.resumed is not None]
        self.clock = Stopwatch(float(resumed[0].meta["seconds"]) if resumed else 0.0)
        if resumed:
            self._go_on(resumed)
        else:
            self.stage = self._stage(0)
            self.state = self._beginning()
            self.local = 0
        for learner in learners:
            learner.enter(self.stage, 0.0)
            if learner.resumed is not None:
                learner.remember(self.stage, learner.resumed)

    def _stage(self, index: int, behind: int = 0, passes: float = 0.0) -> Stage:
        keys, abreast, ensemble = self.keys, self.abreast, self.ensemble
        return Stage(
            self.program, index, self.parts, keys, abreast=abreast, ensemble=ensemble, behind=behind, passes=passes
        )

    def _beginning(self) -> State:
        """The state before the first step of all."""
        return self.stage.enter(self._first())

    def _first(self) -> Weights:
        each = [begin(self.program, keys, self.parts.train, self.start) for keys in self.keys]
        return stacked(each) if self.abreast else each[0]

    def _go_on(self, resumed: Sequence[Checkpoint]) -> None:
        # What is over, perhaps at an earlier step, has a place among the arrays, and nobody looks at what is there.
        first = next((c for c in resumed if not c.meta["ended"]), resumed[0])
        each = [first if c.meta["ended"] else c for c in resumed]
        self.stage = self._stage(first.meta["phase"], first.meta["behind"], first.meta["passes"])
        together = len(resumed) > 1
        self.state = restored(self.stage.phase, each, self.stage.abreast, together=together)
        self.kept = restored_best(each, together=together)
        self.local = first.step - self.stage.behind

    @property
    def step(self) -> int:
        """Steps made, those of the phases before counted."""
        return self.stage.behind + self.local

    @property
    def going(self) -> list[int]:
        """The learners that are not over."""
        return [i for i, learner in enumerate(self.learners) if not learner.ended]

    def events(self) -> Iterator[tuple[int, Event]]:
        yield from self._each(lambda i: started(self.learners[i], self.program, self.stage, self.local))
        if len(self.program.phases) > 1:
            yield from self._each(lambda i: entered(self.program, self.stage, self.local))
        yield from self._untold()
        if not self.going:
            return
        while True:
            if (yield from self._of_phase()):
                return
            if self.stage.index + 1 == len(self.program.phases):
                break
            yield from self._next_phase()
        yield from self._finished(self.going)

    def _untold(self) -> Iterator[tuple[int, Event]]:
        """The end of those that were saved as they ended, and stopped before they said so."""
        for i in self.going:
            learner = self.learners[i]
            if learner.resumed is not None and learner.resumed.meta["ended"]:
                learner.ended, step = True, learner.resumed.step
                end = self._end(i, "done", learner.metrics)
                best = end.best_step if self.stage.phase.judge.keep else step
                yield i, replace(end, step=step, epoch=self.stage.epoch(step - self.stage.behind), best_step=best)

    def _each(self, event: Callable[[int], Event]) -> Iterator[tuple[int, Event]]:
        for i in self.going:
            yield i, event(i)

    # -- a phase -----------------------------------------------------------------------------------------------------

    def _of_phase(self) -> _Verdict:
        """The events of a phase from where it stands; returns whether the training was interrupted, or is over."""
        stage = self.stage
        self.factors = stage.factors(self.state)
        feed = feed_for(self.parts.train, capacity(), stage.length)
        waiting: list[tuple[Window, Any, Any]] = []
        self.clock.took()
        for window, arguments in feed(stage.plan(self.local), stage.order):
            self.state, total, norm = self._advance(window, arguments)
            waiting.append((window, total, norm))
            # Asked once for each window: a save that comes due in between would overtake the windows still waiting.
            evaluates, saves, stops = stage.evaluates(window), self._saves(window), self._stops_at(window)
            settle = evaluates or saves or stops or self._watches
            over = False
            # One window stays on the device while the one before it is told of, so that the device never waits.
            while waiting and (settle or len(waiting) > 1):
                over = (yield from self._stepped(*waiting.pop(0))) or over
            self.local = window.end
            if settle:
                yield from self._all_finite(window)
            if evaluates and self.going:
                over = (yield from self._evaluated()) or over
            if over:
                break
            if stops:
                yield from self._stopped()
                return True
            if saves:
                yield from self._saved(self.going)
        while waiting:
            yield from self._stepped(*waiting.pop(0))
        return not self.going

    def _next_phase(self) -> Iterator[tuple[int, Event]]:
        """Go on to the next phase with the result of this one."""
        before, weights = self.stage, self._result()
        passes = before.epoch(self.local)
        self.stage = self._stage(before.index + 1, before.behind + self.local, passes)
        self.state, self.kept, self.local = self.stage.enter(weights), None, 0
        for learner in self.learners:
            learner.enter(self.stage, self.clock.seconds())
        yield from self._each(lambda i: entered(self.program, self.stage, self.local))
        # So that a divergence can be looked into from here on, and a resumed run need not go through what was before.
        yield from self._saved(self.going)

    def _result(self) -> Weights:
        """What the phase has come to: the best that was kept, else what is evaluated."""
        return self.kept if self.kept is not None else self.copy(self.stage.weights(self.state))

    # -- steps -------------------------------------------------------------------------------------------------------

    def _advance(self, window: Window, arguments: tuple[Any, Any, Any, int]) -> tuple[State, Any, Any]:
        inputs, targets, order, first = arguments
        began, compiled = time.monotonic(), self.stage.is_compiled(window.batch)
        steps = self.stage.steps(window.batch)
        result = steps(self.state, inputs, targets, order, first, window.count, self.stage.noise)
        if not compiled:
            self.clock.compiling += time.monotonic() - began
            self.clock.ready = time.monotonic()
        return result

    def _stepped(self, window: Window, total: Any, norm: Any) -> _Verdict:
        """The records of a window; returns whether the phase is over."""
        losses = np.atleast_1d(np.asarray(total, np.float64)) / window.count
        norms = np.atleast_1d(np.asarray(norm, np.float64))
        if self.ensemble:
            losses, norms = losses.mean(keepdims=True), norms.mean(keepdims=True)
        seconds = self.clock.took()
        compiling, self.clock.compiling = self.clock.compiling, 0.0
        rate = None if self.stage.rate is None else float(self.stage.rate(window.end - 1))
        over = False
        for i in self.going:
            loss, gradient_norm = float(losses[i]), float(norms[i])
            if not math.isfinite(loss):
                yield from self._diverged(i, window)
                continue
            event = Stepped(
                time.time(),
                self.stage.behind + window.end,
                self.stage.epoch(window.end),
                loss,
                None if rate is None else rate * float(self.factors[i]),
                gradient_norm,
                window.count * window.batch / max(seconds, 1e-9),
                compiling,
            )
            yield i, event
            for alert in self.learners[i].physician.stepped(event):
                yield i, alert
            why = self.learners[i].halt.stepped(loss, window.count, gradient_norm, self.clock.seconds())
            if why:
                self.local = window.end
                yield from self._halted(i, why)
                over = over or self._alone or not self.going
        return over

    @property
    def _alone(self) -> bool:
        return len(self.learners) == 1

    @property
    def _watches(self) -> bool:
        """Whether each window may end the phase, so that none may run ahead of its record."""
        stop = self.stage.phase.train.stop
        return stop is not None and (stop.gradient is not None or stop.seconds is not None)

    def _saves(self, window: Window) -> bool:
        if all(learner.run is None for learner in self.learners):
            return False
        last = self.stage.index + 1 == len(self.program.phases)
        if self.stage.is_end(window) and last:
            return False
        asked = self.requests.take_save()
        return self.stage.saves(window, time.monotonic() - self.clock.saved > SAVE_EVERY) or asked

    def _stops_at(self, window: Window) -> bool:
        last = self.stage.index + 1 == len(self.program.phases)
        asked = self.requests.stops or (window.last and self.requests.stops_after_epoch)
        return asked and not (self.stage.is_end(window) and last)

    def _all_finite(self, window: Window) -> Iterator[tuple[int, Event]]:
        each = np.atleast_1d(np.asarray(self.stage.finite(self.state)))
        finite = [bool(each.all())] if self.ensemble else each.tolist()
        for i in self.going:
            if not finite[i]:
                yield from self._diverged(i, window)

    def _diverged(self, i: int, window: Window) -> Iterator[tuple[int, Event]]:
        """Say what is not finite; alone, the steps since the last checkpoint are made again to see why."""
        if self._alone and not self.ensemble:
            run = self.learners[i].run
            saved = None if run is None else checkpoints.newest(run)[0]
            raise TrainingError(why_it_diverged(self.stage, saved, self._beginning, window))
        end = self.stage.behind + window.end
        message = f"the loss was not a finite number by step {end}"
        help_ = "a smaller learning rate, a warmup, or clip = { global_norm = 1.0 }"
        why = Diagnostic("diverged", message, help=help_)
        if self._alone:
            raise TrainingError(why)
        self.learners[i].ended = True
        yield i, Alerted(time.time(), end, why.code, why.message, why.help)
        yield i, self._end(i, "diverged", self.learners[i].metrics)

    # -- what happens between steps ------------------------------------------------------------------------------------

    def _evaluated(self) -> _Verdict:
        """Measure, and tell; returns whether the phase is over."""
        began, before = time.monotonic(), compiled()
        stage, phase = self.stage, self.stage.phase
        judged = {judge.metric.partition("/")[0] for judge in (phase.judge, phase.patience)}
        if phase.updater.metric is not None:
            judged.add(phase.updater.metric.partition("/")[0])
        weights = stage.weights(self.state)
        each = self._measured([n for n in stage.measures if n == "validation" or n in judged], weights)
        better = [phase.judge.better(m[phase.judge.metric], b.best) for m, b in zip(each, self.learners, strict=True)]
        if phase.judge.keep:
            self._keep(weights, better)
        self.state = stage.observed(self.state, each)
        self.factors = stage.factors(self.state)
        seconds = time.monotonic() - began
        compiling = min(seconds, compiled() - before)
        over = False
        for i in self.going:
            learner = self.learners[i]
            learner.metrics = each[i]
            if better[i]:
                learner.best, learner.best_step = each[i][phase.judge.metric], self.step
            event = Evaluated(time.time(), self.step, stage.epoch(self.local), each[i], seconds, better[i], compiling)
            yield i, event
            physician = self.learners[i].physician
            health = None
            if physician.examines(self.step):
                health, examined = self._examined(i)
                yield i, examined
            for alert in physician.evaluated(event, health):
                yield i, alert
            why = self.learners[i].halt.evaluated(each[i])
            if why and self.local < phase.clock.steps:
                yield from self._halted(i, why)
                over = over or self._alone or not self.going
        self.clock.ready = time.monotonic()
        return over

    def _examined(self, i: int) -> tuple[Health, Examined]:
        """How each layer of a network is, and what is told of it."""
        began, before = time.monotonic(), compiled()
        health, skipped = self.stage.examined(self.state, i), self.stage.skipped(self.state, i)
        seconds = time.monotonic() - began
        told = Examined(
            time.time(),
            self.step,
            health.by_layer(),
            *memory(),
            skipped=skipped,
            seconds=seconds,
            compiling=min(seconds, compiled() - before),
        )
        return health, told

    def _keep(self, weights: Weights, better: Sequence[bool]) -> None:
        if self._alone and better[0]:
            self.kept = self.copy(weights)
        elif not self._alone:
            self.kept = (
                self.copy(weights) if self.kept is None else self.stage.chosen(weights, self.kept, np.array(better))
            )

    def _halted(self, i: int, why: str) -> Iterator[tuple[int, Event]]:
        """A phase that ends before its time: alone, the next one begins; one of several runs is over."""
        yield i, Alerted(time.time(), self.step, "stopped", f"stopped early: {why}")
        if not self._alone:
            yield from self._finished([i])

    def _measured(self, names: Sequence[str], weights: Weights) -> list[dict[str, float]]:
        """The metrics of each learner, by "part/metric"."""
        found: list[dict[str, float]] = [{} for _ in self.learners]
        for name in names:
            for mine, metrics in zip(found, self.stage.measures[name](weights), strict=True):
                mine |= {f"{name}/{metric}": value for metric, value in metrics.items()}
        return found

    def _saved(self, which: Sequence[int]) -> Iterator[tuple[int, Event]]:
        began = time.monotonic()
        runs = {i: run for i in which if (run := self.learners[i].run) is not None}
        if not runs:
            return
        state, kept = to_arrays(self.state), None if self.kept is None else jax.device_get(self.kept)
        for i, run in runs.items():
            arrays = arrays_of(state, kept, None if self._alone else i)
            path = checkpoints.save(run, self.step, arrays, self.learners[i].meta(self.stage, self.clock.seconds()))
            yield i, Saved(time.time(), self.step, str(path), time.monotonic() - began)
        self.clock.saved = self.clock.ready = time.monotonic()

    def _stopped(self) -> Iterator[tuple[int, Event]]:
        yield from self._saved(self.going)
        for i in self.going:
            yield i, self._end(i, "interrupted", self.learners[i].metrics)

    def failed(self, why: Diagnostic) -> Iterator[tuple[int, Event]]:
        """The end of a training that could not go on; what was saved before is left as it is."""
        message = f"{why.message}: {why.label}" if why.label else why.message
        for i in self.going:
            yield i, Alerted(time.time(), self.step, why.code, message, why.help)
            reason = "diverged" if why.code == "diverged" else "failed"
            yield i, self._end(i, reason, self.learners[i].metrics)

    def _finished(self, which: Sequence[int]) -> Iterator[tuple[int, Event]]:
        metrics = self._measured(list(self.stage.measures), self._result())
        for i in which:
            self.learners[i].ended, self.learners[i].metrics = True, metrics[i]
        yield from self._saved(which)
        for i in which:
            yield i, self._end(i, "done", metrics[i])

    def _end(self, i: int, reason: str, metrics: Mapping[str, float]) -> Finished:
        return finished(self.learners[i], self.stage, self.local, reason, metrics, self.clock.seconds())
