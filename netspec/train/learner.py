"""One run of a training: what it has reached, and what it tells of itself."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netspec.build.program import Program
from netspec.runs.events import Entered, Finished, Started
from netspec.train.checkpoint import Checkpoint
from netspec.train.device import described
from netspec.train.diagnoses.physician import Physician
from netspec.train.halt import Halt
from netspec.train.stage import Stage

__all__ = ["Learner", "entered", "finished", "started"]


@dataclass(slots=True)
class Learner:
    """One run of those that are trained side by side; as a rule the only one.

    Args:
        run: the directory that checkpoints go to; nothing is saved without one.
        seed: of everything random.
        resumed: where to go on.
        best, best_step: the best value of the metric so far, and when.
        metrics: as they were last measured.
        ended: whether it is over, and has said so, while others go on.
        halt: whether it has learned enough in this phase.
        physician: what ails it in this phase.
    """

    run: Path | None
    seed: int
    resumed: Checkpoint | None = None
    best: float | None = None
    best_step: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    ended: bool = False
    halt: Halt = field(init=False)
    physician: Physician = field(init=False)

    def enter(self, stage: Stage, seconds: float) -> None:
        """Begin a phase.

        Args:
            seconds: that the training has taken so far.
        """
        self.best = self.best_step = None
        self.halt = Halt(stage.phase.train.stop, stage.phase.patience, began=seconds)
        self.physician = stage.physician()

    def remember(self, stage: Stage, saved: Checkpoint) -> None:
        """Know again what was known when a checkpoint was saved."""
        self.best, self.best_step = saved.meta["best_value"], saved.meta["best_step"]
        self.metrics = saved.meta["metrics"]
        self.halt.remember(saved.meta["halt"])
        self.physician = stage.physician(saved.meta["physician"])

    def meta(self, stage: Stage, seconds: float) -> dict[str, Any]:
        """What a checkpoint says besides arrays.

        Args:
            seconds: that the training has taken so far.
        """
        return {
            "seconds": seconds,
            "best_value": self.best,
            "best_step": self.best_step,
            "ended": self.ended,
            "metrics": dict(self.metrics),
            "halt": self.halt.to_json(),
            "physician": self.physician.to_json(),
            "phase": stage.index,
            "behind": stage.behind,
            "passes": stage.passes,
        }


def started(learner: Learner, program: Program, stage: Stage, local: int) -> Started:
    """The beginning of a training.

    Args:
        local: steps made in this phase.
    """
    phase = stage.phase
    return Started(
        time=time.time(),
        run="" if learner.run is None else str(learner.run),
        name=program.spec.name,
        seed=learner.seed,
        device=described(),
        step=stage.behind + local,
        steps=_planned(program, stage),
        steps_per_epoch=phase.clock.per_epoch,
        batch=phase.clock.stretches[0].batch,
        examples=dict(program.facts.examples),
        parameters=_learned(stage),
        metric=phase.judge.metric,
        higher_is_better=phase.judge.higher_is_better,
        keep=phase.judge.keep,
        phases=len(program.phases),
        members=program.members or 1,
    )


def entered(program: Program, stage: Stage, local: int) -> Entered:
    """The beginning of a phase, or where a training goes on in it."""
    phase = stage.phase
    return Entered(
        time=time.time(),
        step=stage.behind + local,
        phase=phase.name,
        number=stage.index + 1,
        steps=_planned(program, stage),
        steps_per_epoch=phase.clock.per_epoch,
        batch=phase.clock.stretches[0].batch,
        parameters=_learned(stage),
        metric=phase.judge.metric,
        higher_is_better=phase.judge.higher_is_better,
        keep=phase.judge.keep,
    )


def finished(
    learner: Learner, stage: Stage, local: int, reason: str, metrics: Mapping[str, float], seconds: float
) -> Finished:
    """The end of a training.

    Args:
        seconds: that all its sessions have taken.
    """
    step = stage.behind + local
    return Finished(
        time.time(),
        "" if learner.run is None else str(learner.run),
        step,
        stage.epoch(local),
        reason,
        metrics,
        learner.best_step if stage.phase.judge.keep else step,
        seconds,
        learner.best,
    )


def _planned(program: Program, stage: Stage) -> int:
    """Steps at the end, if no phase from this one on ends early."""
    return stage.behind + sum(phase.clock.steps for phase in program.phases[stage.index :])


def _learned(stage: Stage) -> int:
    graph = stage.phase.network.graph
    return sum(math.prod(p.shape) for path, p in graph.parameters.items() if path not in graph.frozen)
