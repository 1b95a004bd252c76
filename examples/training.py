"""Trainings as the studies need them: a spec trained with several seeds at once, and what was recorded of each."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netspec import commands
from netspec.build import Program
from netspec.diagnostics import TrainingError
from netspec.runs.events import Evaluated, Event, Finished, Stepped
from netspec.runs.records import read_events
from netspec.train.checkpoint import newest
from netspec.train.saved import result_of

__all__ = ["Trained", "trained"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Trained:
    """One seed's run.

    Args:
        run: its directory.
        events: what happened, in order.
        program: what the spec became.
    """

    run: Path
    events: tuple[Event, ...]
    program: Program

    @property
    def end(self) -> Finished:
        """How it ended."""
        return next(e for e in reversed(self.events) if isinstance(e, Finished))

    @property
    def metrics(self) -> Mapping[str, float]:
        """Of the parameters that were kept, by "part/metric"."""
        return self.end.metrics

    @property
    def losses(self) -> tuple[Array, Array]:
        """Steps, and the mean training loss up to each from the one before."""
        stepped = [e for e in self.events if isinstance(e, Stepped)]
        return np.array([e.step for e in stepped]), np.array([e.loss for e in stepped])

    def measured(self, metric: str) -> tuple[Array, Array]:
        """Steps, and what a metric ("validation/accuracy") was at each."""
        evaluated = [e for e in self.events if isinstance(e, Evaluated) and metric in e.metrics]
        return np.array([e.step for e in evaluated]), np.array([e.metrics[metric] for e in evaluated])

    def weights(self) -> dict[str, Array]:
        """The parameters that were kept, by path."""
        checkpoint, _ = newest(self.run)
        assert checkpoint is not None, "a run that has ended has a checkpoint"
        parameters, _ = result_of(self.program, checkpoint)
        return {path: np.asarray(values) for path, values in parameters.items()}

    def predicted(self, points: Array, columns: Sequence[str]) -> Array:
        """What the network says of other points [n, columns]: a probability for each class, or numbers."""
        table = self.run / "points.csv"
        np.savetxt(table, points, delimiter=",", header=",".join(columns), comments="")
        return commands.predict(self.run, table).values


def trained(spec: Path, settings: Sequence[str] = (), seeds: int | Sequence[int] = 1) -> list[Trained]:
    """Train a spec with several seeds at once, in one compiled program: `netspec train SPEC --seeds N`.

    Args:
        settings: as of `--set`.
        seeds: which, or how many from 0 on.
    """
    each = range(seeds) if isinstance(seeds, int) else seeds
    session = commands.start([commands.load(spec, settings, seed) for seed in each], _runs())
    try:
        for _ in session.events():
            pass
    except TrainingError:
        pass  # a run that diverged is a result, too: its record says so
    return [Trained(run, read_events(run), session.program) for run in session.runs]


@functools.cache
def _runs() -> Path:
    """A folder of runs that goes when the process does."""
    folder = Path(tempfile.mkdtemp(prefix="netspec-examples-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
