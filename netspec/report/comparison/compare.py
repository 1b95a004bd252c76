"""Runs side by side: what differs in specs and surroundings, what they reached and how sure that is, what it took.

`comparison_reading` reads the runs, `comparison_metrics` holds what they reached against each other,
`comparison_curves` has their curves, `comparison_warnings` says what stands in the way; here they come together.
`comparison_view` shows it, `comparison_table` writes it as a table.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from netspec.diagnostics import Diagnostic, RunError, nearest
from netspec.report.comparison.curves import AXES, Axis, Curves, curves_of
from netspec.report.comparison.measured import (
    COSTS,
    Contrast,
    Cost,
    CostKind,
    Measurement,
    contrasts_of,
    cost_of,
    measurements_of,
)
from netspec.report.comparison.reading import VALUES, Contender, Value, grouped, read_runs, together
from netspec.report.comparison.warnings import differing, warnings_of
from netspec.report.comparison.words import summary
from netspec.report.differences import Difference, agreements, differences
from netspec.report.drawing.values import plain

__all__ = [
    "AXES",
    "COSTS",
    "VALUES",
    "Axis",
    "Comparison",
    "Contender",
    "Contrast",
    "Cost",
    "CostKind",
    "Measurement",
    "Value",
    "compare",
    "to_json",
]

MOST_DRAWN = 10
"""Rows whose curves are drawn, at the most: more can't be told apart."""

MOST_RUNS = 1000
"""Runs that are read, at the most."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs or more, side by side.

    Args:
        runs: the rows, in the order in which they were given; runs of one spec with different seeds are one. Where all
            are of one spec, each has a row, and their mean comes last.
        spec: what differs between the specs of the rows.
        same: what is the same in all of them, by path.
        surroundings: what differs in what they ran on: versions, data, device, precision.
        value: what of a metric is compared.
        metric: the "part/metric" that decides in training; "" where no run has begun.
        judged: the "part/metric" that the rows are held against each other by; "" where nothing was measured.
        measurements: the metric that decides first.
        baseline: the row that the others are held against; None where there is nothing to hold against it.
        contrasts: one a row, None for the baseline; empty without a baseline.
        cost: what the rows cost, and which none beats.
        drawn: the rows that curves are of.
        curves: the training loss, and the metric that they are judged by, on the part where it was measured.
        warnings: what stands in the way of comparing; a sentence each.
    """

    runs: tuple[Contender, ...]
    spec: tuple[Difference, ...]
    same: tuple[tuple[str, Any], ...]
    surroundings: tuple[Difference, ...]
    value: Value
    metric: str
    judged: str
    measurements: tuple[Measurement, ...]
    baseline: int | None
    contrasts: tuple[Contrast | None, ...]
    cost: Cost
    drawn: tuple[int, ...] = ()
    curves: Curves = field(default_factory=Curves)
    warnings: tuple[str, ...] = ()

    @property
    def quality(self) -> Measurement | None:
        """The metric that the rows are held against each other by."""
        return next((m for m in self.measurements if m.metric == self.judged), None)

    @property
    def ranking(self) -> list[int]:
        """The rows, the best first; those that cannot be the best last."""
        quality = self.quality
        if quality is None:
            return list(range(len(self.runs)))
        sign = -1.0 if quality.higher_is_better else 1.0

        def place(row: int) -> tuple[bool, float]:
            value = quality.values[row]
            unfit = value is None or value != value or bool(self.runs[row].lost)
            return unfit, 0.0 if value is None or value != value else sign * value

        return sorted(range(len(self.runs)), key=place)

    def __repr__(self) -> str:
        from netspec.report.comparison.view import view

        return view(self, 120, colour=False).text

    def _repr_html_(self) -> str:
        from netspec.report.notebook.comparisons import comparison_html

        return comparison_html(self)


@np.errstate(all="ignore")  # what diverged holds infinities, and their means are what they are
def compare(
    runs: Sequence[Path],
    *,
    baseline: str | None = None,
    metric: str | None = None,
    value: Value = "result",
    by: Axis = "step",
    cost: CostKind = "time",
) -> Comparison:
    """Read runs and lay them side by side, seeds of one spec as one.

    Args:
        runs: their directories.
        baseline: what the others are held against: a run, a row's name or a spec's; the first row unless given.
        metric: what they are judged by, as "part/metric" or without the part; what decided in training unless given.
        value: what of a metric is compared.
        by: what curves are drawn over.
        cost: what the front of cost and quality is of.

    Raises:
        RunError: there are fewer than two or more than a thousand that can be read, or one is given twice; nothing is
            called as the baseline or the metric is.
    """
    _check_number(runs)
    found, damages = read_runs(runs, value)
    if len(found) < 2:
        raise RunError(*damages)
    groups = [together(group) for group in grouped(found)]
    rows, competing = _rows(found, groups)
    specs = _specs(rows, len(groups) > 1)
    spec, surroundings = tuple(differences(specs)), tuple(differences([row.surroundings for row in rows]))
    deciding = next((row.started.metric for row in rows if row.started), "")
    unlike = _unlike(spec, surroundings)
    measurements = measurements_of(rows, deciding, unlike, competing)
    judged = _judged(measurements, deciding, metric, value)
    quality = next((m for m in measurements if m.metric == judged), None)
    held = _baseline(groups, baseline)
    laid = Comparison(
        runs=rows,
        spec=spec,
        same=tuple(agreements(specs)),
        surroundings=surroundings,
        value=value,
        metric=deciding,
        judged=judged,
        measurements=measurements,
        baseline=held,
        contrasts=()
        if held is None or quality is None
        else contrasts_of(rows, judged, held, quality.higher_is_better, unlike(judged)),
        cost=cost_of(rows, cost, quality, competing, _incomparable(cost, unlike(judged), surroundings)),
        warnings=tuple(warnings_of(groups, surroundings, damages, value, judged, judged == deciding)),
    )
    drawn = _drawn(laid)
    return replace(laid, drawn=tuple(drawn), curves=curves_of(rows, drawn, _measured_like(judged, deciding), by))


def to_json(comparison: Comparison, *, whole: bool = False) -> dict[str, Any]:
    """The comparison as plain data; the shape is public (see `netspec compare --json`).

    Args:
        whole: with what is the same in all specs.
    """
    cost = comparison.cost
    found = {
        "runs": list(map(_run_json, comparison.runs)),
        "summary": summary(comparison),
        "spec": [asdict(difference) for difference in comparison.spec],
        "environment": [asdict(difference) for difference in comparison.surroundings],
        "value": comparison.value,
        "judged": comparison.judged or None,
        "metrics": [{**asdict(m), "best": sorted(m.best)} for m in comparison.measurements],
        "baseline": comparison.baseline,
        "contrasts": [contrast and asdict(contrast) for contrast in comparison.contrasts],
        "cost": {**asdict(cost), "front": sorted(cost.front)},
        "by": comparison.curves.by,
        "drawn": list(comparison.drawn),
        "curves": comparison.curves.means,
        "bands": comparison.curves.bands,
        "warnings": list(comparison.warnings),
    }
    if whole:
        found["same"] = [{"path": path, "value": value} for path, value in comparison.same]
    data: dict[str, Any] = plain(found)
    return data


def _run_json(row: Contender) -> dict[str, Any]:
    started, best = row.started, row.best
    return {
        "run": str(row.path),
        "name": row.name,
        "state": row.state,
        "states": dict(Counter(run.state for run in row.runs)),
        "step": row.step,
        "steps": started.steps if started else None,
        "epoch": row.epoch,
        "seconds": row.seconds,
        "examples_per_second": row.pace,
        "examples": row.examples,
        "parameters": started.parameters if started else None,
        "multiply_adds": row.multiply_adds,
        "device": started.device if started else None,
        "seed": row.seed if started and not row.seeds else None,
        "seeds": [{"run": str(run.path), "seed": run.seed, "state": run.state} for run in row.seeds],
        "left_out": [str(run.path) for run in row.left_out],
        "best": best
        and {
            "metric": started.metric if started else None,
            "value": best.value,
            "step": best.step,
            "epoch": best.epoch,
        },
    }


# -- rows --------------------------------------------------------------------------------------------------------------


def _check_number(runs: Sequence[Path]) -> None:
    if not 2 <= len(runs) <= MOST_RUNS:
        message = f"compare takes from 2 to {MOST_RUNS:,} runs, and got {len(runs)}"
        raise RunError(Diagnostic("compare", message, help="netspec runs lists those there are"))
    seen: set[str] = set()
    for path in runs:
        if (real := os.path.realpath(path)) in seen:
            raise RunError(Diagnostic("compare", f"{path} is given twice", file=str(path)))
        seen.add(real)


def _rows(runs: Sequence[Contender], groups: Sequence[Contender]) -> tuple[tuple[Contender, ...], int]:
    """The rows, and how many of them compete: of seeds of one spec none is better than the others."""
    if len(groups) > 1:
        return tuple(groups), len(groups)
    [one] = groups
    if len(runs) > MOST_DRAWN:
        return (one,), 1
    if one.seeds and not one.left_out:
        return (*runs, one), 0
    return tuple(runs), len(runs)


def _specs(rows: Sequence[Contender], several: bool) -> list[Mapping[str, Any]]:
    """What is compared of the rows' specs: a mean over seeds has none, and beside one seeds tell nothing."""
    seeded = any(row.seeds for row in rows)
    return [
        {key: value for key, value in row.spec.items() if key != "seed"}
        if row.seeds or (seeded and several)
        else row.spec
        for row in rows
    ]


def _baseline(groups: Sequence[Contender], text: str | None) -> int | None:
    """The row that a person means by a run's name or path, a row's name, or a spec's; the first one by nothing."""
    if text is None:
        return 0 if len(groups) > 1 else None
    if len(groups) < 2:
        message = "--baseline is for several specs, and all of these runs are of one"
        raise RunError(Diagnostic("baseline", message))
    by_run = [i for i, row in enumerate(groups) if text == row.name or any(_is(run, text) for run in _all(row))]
    found = by_run or [i for i, row in enumerate(groups) if row.spec.get("name") == text]
    if len(found) == 1:
        return found[0]
    names = [row.name for row in groups]
    meant = nearest(text, [*names, *(run.name for row in groups for run in row.runs)])
    raise RunError(
        Diagnostic(
            "baseline",
            f"{text!r} is the name of {len(found)} of the specs" if found else f"none of the runs is called {text!r}",
            note=f"the rows are {', '.join(names[:8])}{' …' if len(names) > 8 else ''}",
            help="name one of its runs" if found else f"did you mean {meant!r}?" if meant else "",
        )
    )


def _all(row: Contender) -> tuple[Contender, ...]:
    return (*row.runs, *row.left_out)


def _is(run: Contender, text: str) -> bool:
    return text in (run.name, run.path.name, str(run.path)) or os.path.realpath(text) == os.path.realpath(run.path)


# -- what is compared --------------------------------------------------------------------------------------------------


def _unlike(specs: Sequence[Difference], surroundings: Sequence[Difference]) -> Callable[[str], bool]:
    """Whether the values of a metric are of different things, so that none of them can be called the best."""
    data = "data" in differing(surroundings)
    loss = any(d.path.startswith("loss") and not d.path.startswith("loss.penalties") for d in specs)
    return lambda metric: data or (loss and metric.endswith("/loss"))


def _incomparable(cost: CostKind, unlike: bool, surroundings: Sequence[Difference]) -> str:
    if unlike:
        return "what they reached does not compare"
    slower = {"device", "precision"} & set(differing(surroundings)) if cost == "time" else None
    return "times on different devices or in different precision do not compare" if slower else ""


def _judged(measurements: Sequence[Measurement], deciding: str, metric: str | None, value: Value) -> str:
    """The "part/metric" that rows are held against each other by."""
    names = [m.metric for m in measurements]
    if metric is None:
        # What was measured at the end alone has neither a highest nor a mean.
        return deciding if value not in ("result", "best") and deciding in names else next(iter(names), "")
    found = next((name for name in names if metric in (name, name.partition("/")[2])), None)
    if found is not None:
        return found
    meant = nearest(metric, {part for name in names for part in (name, name.partition("/")[2])})
    listed = f"they have {', '.join(names)}" if names else "they have none yet"
    help_ = f"did you mean {meant!r}?" if meant else ""
    raise RunError(Diagnostic("metric", f"none of the runs has a metric {metric!r}", note=listed, help=help_))


def _measured_like(judged: str, deciding: str) -> tuple[str, ...]:
    """What may be drawn for a metric, first what fits best: a test part is measured only at the end."""
    name = judged.partition("/")[2]
    return tuple(dict.fromkeys((judged, f"validation/{name}", f"train/{name}", deciding)))


def _drawn(laid: Comparison) -> list[int]:
    if len(laid.runs) <= MOST_DRAWN:
        return list(range(len(laid.runs)))
    best = [row for row in laid.ranking if row != laid.baseline]
    held = [] if laid.baseline is None else [laid.baseline]
    return sorted(best[: MOST_DRAWN - len(held)] + held)
