"""The curves of runs, over steps, examples or training time: of several seeds their mean, the lowest and the highest.

Knows nothing of how they are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.report.comparison.reading import Contender
from netspec.runs.histories import History, Measured, read_history

__all__ = ["AXES", "LOSS", "Axis", "Curves", "curves_of"]

Numbers: TypeAlias = NDArray[np.float64]
Axis: TypeAlias = Literal["step", "examples", "time"]

LOSS = "training loss"
"""What the curve of the loss on the batches is called, beside those that are named by "part/metric"."""

POINTS = 128
"""Points of a curve at the most: a terminal has hardly more columns of dots."""

AXES: Mapping[Axis, Callable[[History | Measured, float], Numbers]] = {
    "step": lambda record, examples: record.steps,
    "examples": lambda record, examples: record.epochs * examples,
    "time": lambda record, examples: record.seconds,
}
"""What stands along the axis, of a record with so many training examples; time is in seconds of training."""


@dataclass(frozen=True, slots=True)
class Curves:
    """By name, a curve for each row of a comparison; empty for rows that are not drawn, or have none.

    Args:
        by: what stands along the axis.
        means: (x, y) points: of single runs their values, of several the mean of those that count.
        bands: (x, lowest, highest) of several; empty for single runs.
    """

    by: Axis = "step"
    means: Mapping[str, tuple[Sequence[tuple[float, float]], ...]] = field(default_factory=dict)
    bands: Mapping[str, tuple[Sequence[tuple[float, float, float]], ...]] = field(default_factory=dict)


def curves_of(rows: Sequence[Contender], drawn: Sequence[int], metrics: Sequence[str], by: Axis) -> Curves:
    """The curves of some rows: the training loss, and the first of some metrics that any of these was measured by.

    Raises:
        RunError: a record cannot be read.
    """
    found = [_Row.read(row, metrics, by) if i in drawn else _Row() for i, row in enumerate(rows)]
    metric = next((name for name in metrics if any(name in row.curves for row in found)), "")
    names = [name for name in (LOSS, metric) if any(name in row.curves for row in found)]
    each = {name: [row.curves.get(name, _NOTHING) for row in found] for name in names}
    means = {n: tuple([(x, mean) for x, mean, _, _ in rows] for rows in curves) for n, curves in each.items()}
    bands = {
        name: tuple(
            [(x, low, high) for x, _, low, high in points] if row.several else []
            for points, row in zip(curves, found, strict=True)
        )
        for name, curves in each.items()
    }
    return Curves(by, means, bands)


_Points: TypeAlias = list[tuple[float, float, float, float]]
"""(x, mean, lowest, highest)"""

_NOTHING: _Points = []


@dataclass(frozen=True, slots=True)
class _Row:
    curves: Mapping[str, _Points] = field(default_factory=dict)
    several: bool = False

    @classmethod
    def read(cls, row: Contender, metrics: Sequence[str], by: Axis) -> _Row:
        """The curves of a row: of each of its runs that count, thinned, and then together."""
        records = [(read_history(run.path), _examples(run)) for run in row.counting]
        losses = [(AXES[by](history, examples), history.losses) for history, examples in records]
        curves = {LOSS: _averaged([pair for pair in losses if len(pair[0])])}
        for name in metrics:
            measured = [(m, e) for history, e in records if (m := history.measured.get(name)) is not None]
            curves[name] = _interpolated([(AXES[by](m, examples), m.values) for m, examples in measured])
        return cls({name: points for name, points in curves.items() if points}, len(records) > 1)


def _examples(run: Contender) -> float:
    return float(run.started.examples.get("train", 0)) if run.started else 0.0


def _averaged(curves: Sequence[tuple[Numbers, Numbers]]) -> _Points:
    """Noisy curves that are made of many points: the mean over each stretch of the axis, and over the curves."""
    if not curves:
        return []
    end = max(float(x.max()) for x, _ in curves)
    stretches = min(POINTS, min(len(x) for x, _ in curves))
    if end <= 0:
        return []
    sums = np.array([_summed(x, y, end, stretches) for x, y in curves])
    with np.errstate(invalid="ignore"):
        each = sums[:, 2] / sums[:, 0]
        places = sums[:, 1].sum(axis=0) / sums[:, 0].sum(axis=0)
    return _over(places, np.where(sums[:, 0] > 0, each, np.nan))


def _summed(x: Numbers, y: Numbers, end: float, stretches: int) -> list[Numbers]:
    """Of each stretch, how many points are in it, and the sums of their places and values."""
    # A record tells of the steps before it, so one at the end of a stretch belongs to that.
    at = np.clip(np.ceil(x / end * stretches - 1e-3).astype(np.int64) - 1, 0, stretches - 1)
    with np.errstate(invalid="ignore"):
        return [np.bincount(at, weights, stretches).astype(np.float64) for weights in (np.ones_like(x), x, y)]


def _interpolated(curves: Sequence[tuple[Numbers, Numbers]]) -> _Points:
    """Curves of single measurements: where they were measured, as far as all of them go."""
    if not curves:
        return []
    start, end = max(float(x[0]) for x, _ in curves), min(float(x[-1]) for x, _ in curves)
    longest = max((x for x, _ in curves), key=len)
    places = longest[(longest >= start) & (longest <= end)]
    places = places[np.unique(np.linspace(0, len(places) - 1, min(len(places), POINTS)).astype(np.int64))]
    if not len(places):
        return []
    return _over(places, np.array([np.interp(places, x, y) for x, y in curves]))


def _over(places: Numbers, each: Numbers) -> _Points:
    """The points of several curves at the same places: their mean, lowest and highest where all of them are known."""
    columns = (places, each.mean(axis=0), each.min(axis=0), each.max(axis=0))
    known = ~np.isnan(places)
    return list(zip(*(column[known].tolist() for column in columns), strict=True))
