"""Runs as a comparison has them: each read once, and those of one spec with different seeds taken together.

Knows nothing of statistics: what a group's runs reached is kept run by run.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import tomli
from numpy.typing import NDArray

from netspec import document
from netspec.diagnostics import Diagnostic, NetspecError, RunError
from netspec.runs.directory import ENDS, ENVIRONMENT, RESOLVED, SPEC, State, is_locked, load
from netspec.runs.events import Started
from netspec.runs.histories import History, Peak, read_history

__all__ = ["LOST", "SURROUNDINGS", "VALUES", "Contender", "Value", "grouped", "read_runs", "together"]

Value: TypeAlias = Literal["result", "last", "best", "min", "max", "mean"]

VALUES: tuple[Value, ...] = ("result", "last", "best", "min", "max", "mean")
"""What of a metric is compared: of the parameters that a run ended with; or, of its measurements, the last, that at the
best step of the metric that decides, the lowest, the highest, the mean."""

SURROUNDINGS = ("data", "device", "precision", "versions")
"""What of a run's surroundings decides whether another one is like it."""

LOST: frozenset[State] = frozenset({"diverged", "failed"})
"""States of runs that reached nothing."""

DEFAULT_SEED = 0
"""Of a spec that says none."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One run among those that are compared, or several of one spec with different seeds as one.

    Args:
        path: its directory; of several, the first one's.
        name: what tells it from the others: its directory's name, or its whole path where two have the same name.
        state: of several, what all of them are; "stopped" where they are not the same.
        spec: the values of its spec, with the seed that it was trained with.
        surroundings: what it ran on.
        started: how its training began, with what the newest of its phases says.
        step, epoch: how far it came.
        metrics: by "part/metric": what is compared of it; of several, the means over those that count.
        again: the metrics that were measured more than once while it was trained.
        best: the best value of the metric that decides; of several, the mean of those that count, and the median step.
        seconds: of its training so far, as in each of these: of several, the mean over those that count.
        pace: examples a second, the median over its training; None before the first step.
        examples: seen in training, each as often as it was seen.
        multiply_adds: of one example's forward pass; None where nothing says it.
        abreast: how many runs were trained at once with it, itself counted: `seconds` is of all of these.
        seeds: the runs that it stands for, where it is several.
        left_out: runs of it with the same seed as another one of it.
    """

    path: Path
    name: str
    state: State
    spec: Mapping[str, Any]
    surroundings: Mapping[str, Any]
    started: Started | None
    step: int
    epoch: float
    metrics: Mapping[str, float]
    best: Peak | None
    seconds: float | None
    pace: float | None
    examples: float | None
    multiply_adds: int | None
    abreast: int = 1
    again: frozenset[str] = frozenset()
    seeds: tuple[Contender, ...] = ()
    left_out: tuple[Contender, ...] = ()

    @property
    def runs(self) -> tuple[Contender, ...]:
        """Each run of it."""
        return self.seeds or (self,)

    @property
    def seed(self) -> int:
        """Of everything random in it; of several, the first one's."""
        return int(self.runs[0].spec["seed"])

    @property
    def lost(self) -> int:
        """How many of its runs reached nothing."""
        return sum(run.state in LOST for run in self.runs)

    @property
    def counting(self) -> tuple[Contender, ...]:
        """The runs that its means are of: those that are done; where none is, those that may still get there."""
        done = tuple(run for run in self.runs if run.state == "done")
        return done or tuple(run for run in self.runs if run.state not in LOST) or self.runs

    @property
    def is_done(self) -> bool:
        """Whether its means are of runs that ended as they should."""
        return self.counting[0].state == "done"

    def values(self, metric: str) -> dict[int, float]:
        """By seed, what its runs that count reached of a "part/metric"."""
        return {run.seed: run.metrics[metric] for run in self.counting if metric in run.metrics}


# -- reading -----------------------------------------------------------------------------------------------------------


def read_runs(paths: Sequence[Path], value: Value = "result") -> tuple[tuple[Contender, ...], tuple[Diagnostic, ...]]:
    """Each run, and a mistake for each that cannot be read."""
    names = [path.name for path in paths]
    alone = {name for name in names if names.count(name) == 1} if len(set(names)) < len(names) else set(names)
    found: list[Contender] = []
    damages: list[Diagnostic] = []
    for path in paths:
        try:
            found.append(_read(path, path.name if path.name in alone else str(path), value))
        except RunError as error:
            damages += error.diagnostics
    return tuple(found), tuple(damages)


def _read(path: Path, name: str, value: Value) -> Contender:
    # The lock comes first: a training records its end before it lets go.
    running = is_locked(path)
    spec, environment, multiply_adds = _files(path)
    history = read_history(path)
    started = _newest(history)
    written = {**spec, "seed": started.seed} if started else {"seed": DEFAULT_SEED, **spec}
    return Contender(
        path=path,
        name=name,
        state="running" if running else _end(history),
        spec=written,
        surroundings={key: environment[key] for key in SURROUNDINGS if key in environment},
        started=started,
        abreast=_abreast(environment),
        step=history.step,
        epoch=history.epoch,
        metrics=_selected(history, value),
        again=frozenset(name for name, measured in history.measured.items() if len(measured.steps) > 1),
        best=history.best,
        seconds=history.duration,
        pace=history.pace,
        examples=history.epoch * started.examples.get("train", 0) if started else None,
        multiply_adds=multiply_adds,
    )


def _end(history: History) -> State:
    return ENDS.get(history.finished.reason, "failed") if history.finished else "stopped"


def _newest(history: History) -> Started | None:
    if history.started is None or not history.entered:
        return history.started
    names = ("steps", "steps_per_epoch", "batch", "parameters", "metric", "higher_is_better", "keep")
    return replace(history.started, **{name: getattr(history.entered[-1], name) for name in names})


def _files(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any], int | None]:
    """The values of a run's spec, its environment, and its multiply-adds.

    Raises:
        RunError: there is no such run, or one of the files is missing or damaged.
    """
    try:
        environment = json.loads((path / ENVIRONMENT).read_bytes())
        text = (path / SPEC).read_bytes().decode()
        if not isinstance(environment, dict):
            raise ValueError
    except (OSError, ValueError, RecursionError):
        run = load(path)  # which says what is wrong
        text, environment = run.spec, run.environment
    return _values(text, path), environment, _multiply_adds(path)


def _abreast(environment: Mapping[str, Any]) -> int:
    names = environment.get("together")
    return max(1, len(names)) if isinstance(names, list) else 1


def _values(text: str, path: Path) -> Mapping[str, Any]:
    try:
        return tomli.loads(text)
    except (ValueError, RecursionError):
        try:
            return document.parse(text, str(path / SPEC)).values
        except NetspecError as error:
            raise RunError(*error.diagnostics) from error


_FLOPS = re.compile(rb'\n  "network": \{\n.*?\n    "flops": \{\n +"forward": ([0-9]{1,30})', re.DOTALL)
"""Where resolved.json says what the network costs; some are megabytes long, and nothing else of them is needed."""


def _multiply_adds(path: Path) -> int | None:
    try:
        found = _FLOPS.search((path / RESOLVED).read_bytes())
    except OSError:
        return None
    return int(found[1]) // 2 if found else None


# -- what is compared of a metric --------------------------------------------------------------------------------------


def _selected(history: History, value: Value) -> Mapping[str, float]:
    ended = history.finished.metrics if history.finished else {}
    if value == "result":
        return ended or history.last_measured
    if value == "best":
        return _at_best(history, ended)
    return {**ended, **{name: float(_PICKS[value](m.values)) for name, m in history.measured.items()}}


_PICKS: Mapping[Value, Callable[[NDArray[np.float64]], float]] = {
    "last": lambda values: values[-1],
    "min": np.fmin.reduce,
    "max": np.fmax.reduce,
    "mean": np.mean,
}


def _at_best(history: History, ended: Mapping[str, float]) -> Mapping[str, float]:
    """What was measured at the best step; of the parameters that it ended with only where they are that step's."""
    if history.best is None:
        return {}
    kept = history.finished is not None and history.finished.best_step == history.best.step
    found = dict(ended) if kept else {}
    for name, measured in history.measured.items():
        at = np.flatnonzero(measured.steps == history.best.step)
        if len(at):
            found[name] = float(measured.values[at[-1]])
    return found


# -- seeds of one spec -------------------------------------------------------------------------------------------------


def grouped(runs: Sequence[Contender]) -> list[list[Contender]]:
    """The runs by their specs, without regard to the seed, and by what they ran on."""
    groups: dict[str, list[Contender]] = {}
    for run in runs:
        rest = {key: value for key, value in run.spec.items() if key != "seed"}
        groups.setdefault(json.dumps([rest, run.surroundings], sort_keys=True, default=str), []).append(run)
    return list(groups.values())


def together(runs: Sequence[Contender]) -> Contender:
    """One run, or several of one spec with different seeds as one; of a seed only one is taken, and that is done."""
    by_seed: dict[int, Contender] = {}
    for run in runs:
        if run.seed not in by_seed or run.state == "done" or by_seed[run.seed].state != "done":
            by_seed[run.seed] = run
    taken = tuple(by_seed.values())
    left_out = tuple(run for run in runs if by_seed[run.seed] is not run)
    return replace(taken[0] if len(taken) == 1 else _as_one(taken), left_out=left_out)


def _as_one(runs: tuple[Contender, ...]) -> Contender:
    first = runs[0]
    states = {run.state for run in runs}
    bare = replace(first, name=_named([run.name for run in runs]), seeds=runs, metrics={}, best=None)
    counting = bare.counting
    bests = [run.best for run in counting if run.best is not None]
    return replace(
        bare,
        state=first.state if len(states) == 1 else "stopped",
        step=round(statistics.median(run.step for run in counting)),
        epoch=statistics.median(run.epoch for run in counting),
        metrics=_means([run.metrics for run in counting]),
        best=Peak(
            _mean_of([b.value for b in bests]),
            round(statistics.median(b.step for b in bests)),
            statistics.median(b.epoch for b in bests),
        )
        if len(bests) == len(counting)
        else None,
        seconds=_mean([run.seconds for run in counting]),
        pace=_mean([run.pace for run in counting]),
        examples=_mean([run.examples for run in counting]),
    )


def _means(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for table in tables for name in table)
    return {name: _mean_of([table[name] for table in tables if name in table]) for name in names}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _mean_of(known) if known else None


def _mean_of(values: Sequence[float]) -> float:
    return sum(values) / len(values)  # which takes infinities, as `statistics` does not


def _named(names: Sequence[str]) -> str:
    """Several runs in a word.

    >>> _named(["mlp-1", "mlp-2", "mlp-3"]), _named(["mlp-1", "mlp-3", "mlp-4"]), _named(["mlp-1", "cnn-1"])
    ('mlp-1…3', 'mlp-1,3,4', 'mlp-1 +1')
    """
    stems, numbers = zip(*((name.rpartition("-")[0], name.rpartition("-")[2]) for name in names), strict=True)
    if len(set(stems)) > 1 or not all(number.isascii() and number.isdigit() for number in numbers):
        return f"{names[0]} +{len(names) - 1}"
    found = sorted(map(int, numbers))
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:
        return f"{stems[0]}-{found[0]}…{found[-1]}"
    shown = list(map(str, found)) if len(found) <= 3 else [str(found[0]), "…", str(found[-1])]
    return f"{stems[0]}-{','.join(shown)}"
