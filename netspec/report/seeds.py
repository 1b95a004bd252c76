"""Runs of one spec with different seeds, taken as one: means, and how sure they are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from statistics import mean, median, stdev

import numpy as np

from netspec.report.progress import Best, Curve, Progress

__all__ = ["as_one", "half_width", "mean_of"]


def half_width(values: Sequence[float]) -> float | None:
    """Half of the 95 % interval of a mean by Student's t; None of fewer than two numbers, or where one is not finite.

    >>> round(half_width([0.9, 0.92, 0.94]), 4)
    0.0497
    """
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return None
    from scipy.stats import t

    return float(t.ppf(0.975, len(values) - 1) * stdev(values) / math.sqrt(len(values)))


def mean_of(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The means of what all of some tables have."""
    names = [name for name in tables[0] if all(name in table for table in tables)]
    return {name: mean(table[name] for table in tables) for name in names}


def as_one(each: Sequence[Progress]) -> Progress:
    """The training that lies in the middle of several: means of losses and metrics, medians of times."""
    first = each[0]
    finished = [p.finished for p in each if p.finished is not None]
    bests = [p.best for p in each if p.best is not None]
    best = Best(mean(b.value for b in bests), round(median(b.step for b in bests)), median(b.epoch for b in bests))
    return dataclasses.replace(
        first,
        smoothed_loss=_mean_curve([p.smoothed_loss for p in each]),
        measured={name: _mean_curve([p.measured.get(name, Curve()) for p in each]) for name in first.measured},
        best=best if len(bests) == len(each) else None,
        finished=dataclasses.replace(finished[0], metrics=mean_of([f.metrics for f in finished]))
        if len(finished) == len(each)
        else None,
    )


def _mean_curve(curves: Sequence[Curve]) -> Curve:
    """The mean of some curves, where all of them have values."""
    points = [np.array(curve.points(), np.float64).reshape(-1, 2) for curve in curves]
    if any(len(p) == 0 for p in points):
        return Curve()
    end = min(p[-1, 0] for p in points)
    steps = [step for step in points[0][:, 0].tolist() if step <= end]
    values = np.mean([np.interp(steps, p[:, 0], p[:, 1]) for p in points], axis=0)
    found = Curve()
    for step, value in zip(steps, values.tolist(), strict=True):
        found = found.append(step, value)
    return found
