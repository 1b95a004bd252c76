"""One phase of a training, compiled: what makes its steps, what measures them, and when."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

import jax
import numpy as np
import optax

from netspec.build.program import Phase, Program
from netspec.nn.plateau import factor_of
from netspec.train.device import capacity
from netspec.train.diagnoses.condition import Health
from netspec.train.diagnoses.physician import Physician
from netspec.train.feed import Examples, Window, windows
from netspec.train.health import Examination, examples_for, make_examination, patient_of
from netspec.train.measure import Measure
from netspec.train.order import make_order
from netspec.train.state import Keys, State, Weights, enter, evaluated, one_of
from netspec.train.step import Steps, make_steps

__all__ = ["Parts", "Stage", "window_length"]


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


def window_length(phase: Phase) -> int:
    """Steps between two records of a run, the same on every machine: some 500 records, none of much over a second.

    >>> window_length(phase)  # doctest: +SKIP
    2
    """
    batch = max(stretch.batch for stretch in phase.clock.stretches)
    operations = 6 * phase.network.graph.multiply_adds * batch
    shortest = math.ceil(phase.clock.steps / 500)
    return max(1, min(shortest, 100, phase.clock.per_epoch, int(2e10 / max(1, operations))))


class Stage:
    """A phase, ready to be trained.

    Args:
        index: which one it is, from 0.
        keys: of each network that is trained.
        abreast: whether the networks have an axis of their own in every array.
        ensemble: whether they speak as one.
        behind, passes: steps and epochs of the phases before it.
    """

    def __init__(
        self,
        program: Program,
        index: int,
        parts: Parts,
        keys: Sequence[Keys],
        *,
        abreast: bool,
        ensemble: bool,
        behind: int = 0,
        passes: float = 0.0,
    ) -> None:
        self.phase, self.index, self.parts = program.phases[index], index, parts
        self.abreast = len(keys) if abreast else None
        self.ensemble, self.behind, self.passes = ensemble, behind, passes
        self.length = window_length(self.phase)
        own = [k.of_phase(index) for k in keys]
        self._order_key = jax.numpy.stack([k.order for k in own]) if abreast else own[0].order
        self.noise = jax.numpy.stack([k.noise for k in own]) if abreast else own[0].noise
        self._optimizer_key = jax.numpy.stack([k.optimizer for k in own]) if abreast else own[0].optimizer
        self.bootstrap = program.spec.train is not None and program.spec.train.bootstrap
        self._made: dict[int, Steps] = {}
        self.weights = evaluated(self.phase, self.abreast)
        # Compiled, since a record of each window reads it: as single operations it would cost a small network's step.
        self.rate = None if self.phase.updater.rate is None else jax.jit(self.phase.updater.rate)
        train, clock = self.phase.train, self.phase.clock
        self._evaluate_every = None if train.evaluate is None else clock.steps_of(train.evaluate)
        self._save_every = None if train.save is None else clock.steps_of(train.save)

    def enter(self, weights: Weights) -> State:
        """The state before the first step of the phase."""
        return enter(self.phase, weights, self.abreast, self._optimizer_key)

    @cached_property
    def measures(self) -> Mapping[str, Measure]:
        """What measures each part that has examples."""
        room = capacity()
        parts = {"train": self.parts.train, "validation": self.parts.validation, "test": self.parts.test}
        return {
            name: Measure(self.phase, part, room, self.abreast, ensemble=self.ensemble)
            for name, part in parts.items()
            if len(part)
        }

    @cached_property
    def order(self) -> Callable[[int], Any]:
        """Of an epoch, from 0 in this phase, the order of the examples."""
        draw, abreast = self.phase.train.draw, self.abreast is not None
        classes = self._classes() if draw == "balanced" else None
        made = make_order(len(self.parts.train), draw, classes, bootstrap=self.bootstrap, abreast=abreast)
        return lambda epoch: made(self._order_key, epoch)

    def _classes(self) -> np.ndarray[Any, Any]:
        """Of each training example."""
        name = self.phase.objective.terms[0].aim.target
        return np.asarray(self.parts.train.targets[name])

    def is_compiled(self, batch: int) -> bool:
        """Whether steps with batches of that size were made before."""
        return batch in self._made

    def steps(self, batch: int) -> Steps:
        """The function that makes steps with batches of that size."""
        if batch not in self._made:
            self._made[batch] = make_steps(self.phase, batch, self.abreast)
        return self._made[batch]

    def plan(self, start: int) -> Any:
        """The windows from a step of the phase on."""
        return windows(start, self.phase.clock, self.length, self.ends)

    @property
    def ends(self) -> tuple[int, ...]:
        """Every so many steps a window ends."""
        return tuple(every for every in (self._evaluate_every, self._save_every) if every is not None)

    def evaluates(self, window: Window) -> bool:
        """Whether the network is measured after a window."""
        every = self._evaluate_every
        return self.is_end(window) or (window.last if every is None else window.end % every == 0)

    def saves(self, window: Window, due: bool) -> bool:
        """Whether the state is saved after a window.

        Args:
            due: whether it is, where the spec does not say when.
        """
        return due if self._save_every is None else window.end % self._save_every == 0

    def is_end(self, window: Window) -> bool:
        """Whether the phase ends with a window."""
        return window.end == self.phase.clock.steps

    def physician(self, memory: Mapping[str, Any] | None = None) -> Physician:
        """What looks after one of the networks, with what it remembers of it."""
        patient = patient_of(self.phase, len(self.parts.train), self.behind)
        return Physician(patient) if memory is None else Physician.from_json(memory, patient)

    def examined(self, state: State, i: int) -> Health:
        """How one of the networks is, layer by layer, on the same few examples each time."""
        own, noise = self._one(state, i), self.noise if self.abreast is None else self.noise[i]
        # What wants a gradient for each example gets none here.
        optimizer = None if self.phase.updater.per_example else own.optimizer
        arrays = (own.parameters, own.frozen, own.statistics)
        return self._examination(*arrays, *self._looked_at, noise, own.step, optimizer)

    def skipped(self, state: State, i: int) -> int:
        """Steps that one network's optimizer did not take, as their gradient was not finite."""
        counts = optax.tree.get_all_with_path(self._one(state, i).optimizer, "total_notfinite")
        return sum(int(count) for _, count in counts)

    def _one(self, state: State, i: int) -> State:
        if self.abreast is None:
            return state
        own: State = one_of(state._replace(step=()), i)
        return own._replace(step=state.step)

    @cached_property
    def _examination(self) -> Examination:
        return make_examination(self.phase)

    @cached_property
    def _looked_at(self) -> tuple[Any, Any]:
        largest = max(stretch.batch for stretch in self.phase.clock.stretches)
        rows = np.arange(examples_for(self.phase.network.graph, largest, len(self.parts.train)))
        return jax.device_put(self.parts.train.take(rows))  # type: ignore[no-any-return]

    def observed(self, state: State, values: Sequence[Mapping[str, float]]) -> State:
        """The state, the optimizer told of the metric that it follows."""
        updater = self.phase.updater
        if updater.observe is None or updater.metric is None:
            return state
        higher = self.phase.objective.metrics[updater.metric.partition("/")[2]].higher_is_better
        told = np.array([metrics[updater.metric] for metrics in values], np.float32) * (-1 if higher else 1)
        if self.abreast is None:
            return state._replace(optimizer=jax.jit(updater.observe)(state.optimizer, told[0]))
        each = np.broadcast_to(told, (self.abreast,))  # an ensemble is told one value
        return state._replace(optimizer=jax.jit(jax.vmap(updater.observe))(state.optimizer, each))

    def factors(self, state: State) -> np.ndarray[Any, Any]:
        """By how much the optimizer has lessened the learning rate beside what the step says, for each network."""
        if self.phase.updater.metric is None:
            return np.ones(self.abreast or 1)
        return np.atleast_1d(np.asarray(factor_of(state.optimizer), np.float64))

    def epoch(self, step: int) -> float:
        """Passes over the training examples after so many steps of the phase, those of the phases before counted."""
        return self.passes + self.phase.clock.epoch_at(step)

    def finite(self, state: State) -> Any:
        """Whether every number of the state is finite; of networks abreast, of each."""
        return self._finite((state.parameters, state.statistics))

    @cached_property
    def _finite(self) -> Callable[[Any], Any]:
        def finite(arrays: Any) -> Any:
            return jax.numpy.stack([jax.numpy.isfinite(a).all() for a in jax.tree.leaves(arrays)]).all()

        return jax.jit(finite if self.abreast is None else jax.vmap(finite))

    @cached_property
    def chosen(self) -> Callable[[Weights, Weights, Any], Weights]:
        """Of two sets of weights, for each network those of the one or the other."""

        def choose(new: Weights, old: Weights, better: Any) -> Weights:
            def one(a: Any, b: Any) -> Any:
                return jax.numpy.where(better.reshape(-1, *(1,) * (a.ndim - 1)), a, b)

            return jax.tree.map(one, new, old)  # type: ignore[no-any-return]

        return jax.jit(choose)
