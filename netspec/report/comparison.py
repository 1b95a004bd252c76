"""Runs side by side: what differs in their specs and their surroundings, what they reached, what it took, their curves.

`compare` reads the runs' directories; `comparison_view` shows what it found.
"""

from __future__ import annotations

import functools
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from netspec import document
from netspec.diagnostics import Diagnostic, NetspecError, RunError
from netspec.report.differences import Difference, differences
from netspec.report.progress import Curve, Progress, advance
from netspec.report.seeds import as_one, half_width
from netspec.report.values import plain
from netspec.runs.directory import Run, State, load
from netspec.runs.events import Event, Started, Stepped
from netspec.runs.records import read_events

__all__ = [
    "Comparison",
    "Contender",
    "Measurement",
    "compare",
    "higher_is_better",
    "to_json",
]

MOST = 10
"""Columns at the most: more curves than this can't be told apart."""

MOST_RUNS = 1000
"""Runs that are read, at the most."""

HIGHER = frozenset({"accuracy"})
"""The metrics of which more is better; of all others, less is."""

DEFAULT_SEED = 0
"""Of a spec that says none."""

CONSEQUENCES: Mapping[str, str] = {
    "data": "they learned from different data: the metrics do not compare",
    "device": "they ran on different devices: the times do not compare, and the same seed gives other bits",
    "precision": "they computed in different precision: neither times nor bits compare",
    "versions": "they ran on different versions: the same seed may give other bits",
}
"""Of what differs in the surroundings: what can no longer be read off the runs."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One run among those that are compared.

    Args:
        name: what tells it from the others: its directory's name, or its whole path where two have the same name.
        progress: its training, as its events tell it.
        pace: examples a second, the median over its training; None before the first step.
        seeds: the runs that it stands for, where it is several of one spec with different seeds.
    """

    path: Path
    name: str
    state: State
    progress: Progress
    pace: float | None
    seeds: tuple[Contender, ...] = ()

    @property
    def started(self) -> Started | None:
        """How its training began."""
        return self.progress.started

    @property
    def metrics(self) -> Mapping[str, float]:
        """By "part/metric": of the parameters that it ended with, or as last measured."""
        finished, evaluated = self.progress.finished, self.progress.evaluated
        if finished and finished.metrics:
            return finished.metrics
        return evaluated.metrics if evaluated else {}

    @property
    def seconds(self) -> float | None:
        """The time of its training so far."""
        return self.progress.elapsed(self.progress.time) if self.started else None


@dataclass(frozen=True, slots=True)
class Measurement:
    """A metric of all runs.

    Args:
        metric: "part/metric".
        values: one a run, or the mean of several with different seeds; None where it was not measured.
        best: the indices of the runs that are best; empty where there is nothing to choose from.
        intervals: of means, half of the 95 % interval (Student's t); None for single runs.
    """

    metric: str
    higher_is_better: bool
    values: tuple[float | None, ...]
    best: frozenset[int]
    intervals: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs or more, side by side.

    Args:
        runs: in the order in which they were given; runs of one spec with different seeds are one.
        spec: what differs between their specs.
        surroundings: what differs in what they ran on: versions, data, device, precision.
        measurements: the metric that decides first.
        metric: the "part/metric" that decides; "" where no run has begun.
    """

    runs: tuple[Contender, ...]
    spec: tuple[Difference, ...]
    surroundings: tuple[Difference, ...]
    measurements: tuple[Measurement, ...]
    metric: str

    @property
    def curves(self) -> dict[str, tuple[Sequence[tuple[float, float]], ...]]:
        """By name, the curves of all runs: the smoothed training loss, and the metric that decides."""
        measured = [run.progress.measured.get(self.metric, Curve()) for run in self.runs]
        losses = [run.progress.smoothed_loss for run in self.runs]
        named = {"training loss": losses, self.metric: measured}
        return {
            name: tuple(curve.points() for curve in curves)
            for name, curves in named.items()
            if any(curve.last for curve in curves)
        }


def compare(runs: Sequence[Path]) -> Comparison:
    """Read runs and lay them side by side; where there is something else to compare, seeds of one spec are one.

    Raises:
        RunError: there are fewer than two or more than ten, one is given twice, is missing or damaged.
    """
    _check_number(runs)
    found: list[Run] = []
    damages: list[Diagnostic] = []
    for path in runs:
        try:
            found.append(load(path))
        except RunError as error:
            damages += error.diagnostics
    if damages:
        raise RunError(*damages)
    names = _names(runs)
    each = [_contender(run, name) for run, name in zip(found, names, strict=True)]
    written = [_spec(run, one.started) for run, one in zip(found, each, strict=True)]
    groups = _groups(found, each, written)
    if len(groups) > MOST:
        message = f"compare takes from 2 to {MOST} different specs or runs, and got {len(groups)}"
        raise RunError(Diagnostic("compare", message, help="netspec runs lists those there are"))
    contenders = tuple(_together([each[i] for i in group]) for group in groups)
    if _are_seeds(found, each, written) and len(each) < MOST:
        contenders = (*contenders, _together(each))
        groups = [*groups, list(range(len(each)))]
    metric = next((run.started.metric for run in contenders if run.started), "")
    seeded: list[Mapping[str, Any]] = [written[group[0]] for group in groups]
    if any(len(group) > 1 for group in groups):
        mixed = len(groups) > len(each)  # seeds beside their mean: a mean has none
        seeded = [
            _without_seed(spec) if len(g) > 1 or not mixed else spec for spec, g in zip(seeded, groups, strict=True)
        ]
    specs = tuple(differences(seeded)) if len(seeded) > 1 else ()
    surroundings = tuple(differences([_surroundings(run) for run in found]))
    return Comparison(
        runs=contenders,
        spec=specs,
        surroundings=surroundings,
        measurements=_measurements(contenders, metric, _unlike(specs, surroundings)),
        metric=metric,
    )


def higher_is_better(metric: str, runs: Sequence[Contender]) -> bool:
    """Whether more of a "part/metric" is better: as a run that is judged by it says, else by its name."""
    for run in runs:
        if run.started and run.started.metric == metric:
            return run.started.higher_is_better
    return metric.rpartition("/")[2] in HIGHER


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data; the shape is public (see `netspec compare --json`)."""
    data: dict[str, Any] = plain(
        {
            "runs": list(map(_run_json, comparison.runs)),
            "spec": [asdict(difference) for difference in comparison.spec],
            "environment": [asdict(difference) for difference in comparison.surroundings],
            "metrics": [{**asdict(m), "best": sorted(m.best)} for m in comparison.measurements],
            "curves": comparison.curves,
        }
    )
    return data


def _run_json(run: Contender) -> dict[str, Any]:
    started, best = run.started, run.progress.best
    return {
        "run": str(run.path),
        "name": run.name,
        "state": run.state,
        "step": run.progress.step,
        "steps": started.steps if started else None,
        "epoch": run.progress.epoch,
        "seconds": run.seconds,
        "examples_per_second": run.pace,
        "parameters": started.parameters if started else None,
        "device": started.device if started else None,
        "seed": started.seed if started and not run.seeds else None,
        "seeds": [{"run": str(one.path), "seed": one.started and one.started.seed} for one in run.seeds],
        "best": best
        and {
            "metric": started.metric if started else None,
            "value": best.value,
            "step": best.step,
            "epoch": best.epoch,
        },
    }


# -- reading -----------------------------------------------------------------------------------------------------------


def _check_number(runs: Sequence[Path]) -> None:
    if not 2 <= len(runs) <= MOST_RUNS:
        message = f"compare takes from 2 to {MOST_RUNS:,} runs, and got {len(runs)}"
        raise RunError(Diagnostic("compare", message, help="netspec runs lists those there are"))
    resolved = [path.resolve() for path in runs]
    twice = next((path for i, path in enumerate(runs) if resolved[i] in resolved[:i]), None)
    if twice is not None:
        raise RunError(Diagnostic("compare", f"{twice} is given twice", file=str(twice)))


def _without_seed(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in spec.items() if key != "seed"}


def _are_seeds(runs: Sequence[Run], each: Sequence[Contender], written: Sequence[Mapping[str, Any]]) -> bool:
    """Whether runs are of one spec with different seeds, and nothing else: their mean stands beside them."""
    specs = list(map(_without_seed, written))
    seeds = [spec["seed"] for spec in written]
    alike = all(spec == specs[0] for spec in specs) and all(_surroundings(r) == _surroundings(runs[0]) for r in runs)
    return alike and len(set(seeds)) == len(seeds) > 2 and all(one.progress.finished for one in each)


def _groups(runs: Sequence[Run], each: Sequence[Contender], written: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """The indices of runs that are one spec with different seeds on the same data, device and versions.

    Each run by itself where nothing else differs between them, and they are few.
    """
    groups: dict[str, list[int]] = {}
    for i, (run, spec) in enumerate(zip(runs, written, strict=True)):
        rest = _without_seed(spec)
        groups.setdefault(json.dumps([rest, _surroundings(run)], sort_keys=True, default=str), []).append(i)
    found = []
    for group in groups.values():
        seeds = [written[i]["seed"] for i in group]
        alike = len(set(seeds)) == len(seeds) and all(each[i].started for i in group)
        found += [group] if alike else [[i] for i in group]
    return found if len(found) > 1 or len(runs) > MOST else [[i] for i in range(len(runs))]


def _together(runs: Sequence[Contender]) -> Contender:
    """One run, or several that differ in their seeds as one."""
    first = runs[0]
    if len(runs) == 1:
        return first
    states = {run.state for run in runs}
    last = runs[-1].name.rpartition("-")[2]
    return Contender(
        path=first.path,
        name=f"{first.name}…{last}",
        state=first.state if len(states) == 1 else "stopped",
        progress=as_one([run.progress for run in runs]),
        pace=statistics.median(run.pace for run in runs if run.pace is not None),
        seeds=tuple(runs),
    )


def _names(runs: Sequence[Path]) -> list[str]:
    names = [path.name for path in runs]
    return [name if names.count(name) == 1 else str(path) for name, path in zip(names, runs, strict=True)]


def _contender(run: Run, name: str) -> Contender:
    events = read_events(run.path)
    return Contender(run.path, name, run.state, functools.reduce(advance, events, Progress()), _pace(events))


def _pace(events: Sequence[Event]) -> float | None:
    """The median of the paces between records: a pause or a compilation does not move it."""
    paces = [e.examples_per_second for e in events if isinstance(e, Stepped)]
    return statistics.median(paces) if paces else None


def _spec(run: Run, started: Started | None) -> Mapping[str, Any]:
    """The values of a run's spec, with the seed that it was trained with.

    Raises:
        RunError: its text is no TOML.
    """
    try:
        values = document.parse(run.spec, str(run.path / "spec.toml")).values
    except NetspecError as error:
        raise RunError(*error.diagnostics) from error
    return {**values, "seed": started.seed} if started else {"seed": DEFAULT_SEED, **values}


def _surroundings(run: Run) -> Mapping[str, Any]:
    return {key: run.environment[key] for key in CONSEQUENCES if key in run.environment}


def _unlike(specs: Sequence[Difference], surroundings: Sequence[Difference]) -> Callable[[str], bool]:
    """Whether the values of a metric are of different things, so that none of them can be called the best."""
    data = any(d.path == "data" for d in surroundings)
    loss = any(d.path.startswith("loss") and not d.path.startswith("loss.penalties") for d in specs)
    return lambda metric: data or (loss and metric.endswith("/loss"))


def _measurements(runs: Sequence[Contender], metric: str, unlike: Callable[[str], bool]) -> tuple[Measurement, ...]:
    names = sorted({name for run in runs for name in run.metrics}, key=lambda name: _rank(name, metric))
    return tuple(_measurement(name, runs, not unlike(name)) for name in names)


def _rank(name: str, metric: str) -> tuple[bool, bool, int, str]:
    """The metric that decides before the others and losses last; within one, the test part first."""
    part, _, measured = name.partition("/")
    order = ("test", "validation", "train")
    place = order.index(part) if part in order else len(order)
    return measured != metric.rpartition("/")[2], measured == "loss", place, measured


def _measurement(name: str, runs: Sequence[Contender], fair: bool) -> Measurement:
    values = tuple(run.metrics.get(name) for run in runs)
    higher = higher_is_better(name, runs)
    finite = [v for v in values if v is not None and math.isfinite(v)]
    best = frozenset[int]()
    if fair and len(finite) > 1 and min(finite) < max(finite):
        target = max(finite) if higher else min(finite)
        best = frozenset(i for i, v in enumerate(values) if v == target)
    return Measurement(name, higher, values, best, tuple(_interval(run, name) for run in runs))


def _interval(run: Contender, metric: str) -> float | None:
    values = [seed.metrics.get(metric) for seed in run.seeds]
    return half_width([v for v in values if v is not None]) if None not in values else None
