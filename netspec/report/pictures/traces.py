"""What the curves of trainings are: columns of records, smoothed, thinned, and the mean of several where seeds differ.

Knows nothing of how they are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from netspec.report.drawing.wording import measured_name
from netspec.report.pictures.groups import Group
from netspec.runs.histories import History, Measured

__all__ = ["AXES", "By", "Panel", "Trace", "panels_of", "smoothed", "thinned"]

Array = np.ndarray[Any, Any]
By = Literal["step", "examples", "time"]

AXES: Mapping[By, str] = {"step": "step", "examples": "examples seen", "time": "training time"}

SMOOTHING = 0.05
"""Of all losses, how many stand around each smoothed one. It lets through as much noise as the dashboard, which sees
only what is behind it: a time constant of 0.02 of the run."""

FEWEST = 4
"""Losses around each, at the least, that are smoothed at all."""

FEW = 3
"""Single runs beside each other of which the unsmoothed losses are drawn, too."""

MOST_POINTS = 1500
"""Of a line, at the most: more cannot be told apart."""

DECADES = 2.0
"""Values that span more than these powers of ten are shown on a logarithmic scale."""

MOSTLY = 0.5
"""More than this share of the values there is positive; the others are 0."""

LOSS = "training loss, smoothed"

SMOOTHED = "training, smoothed"


@dataclass(frozen=True, slots=True)
class Trace:
    """One curve.

    Args:
        label: what the legend calls it.
        number: which of the colours it has.
        x, values: finite.
        raw: (x, values) before they were smoothed; None where they were not, or are not shown.
        band: (lowest, highest) of several runs at each x.
        lost: the last point before the values were not finite any more.
        dots: whether each value is one that was measured by itself.
    """

    label: str
    number: int
    x: Array
    values: Array
    raw: tuple[Array, Array] | None = None
    band: tuple[Array, Array] | None = None
    lost: tuple[float, float] | None = None
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves of one measure.

    Args:
        name: of the measure.
        log: whether its scale is logarithmic.
        best: (x, value) of the best step, where there is one run.
    """

    name: str
    traces: tuple[Trace, ...]
    log: bool = False
    best: tuple[float, float] | None = None


def panels_of(groups: Sequence[Group], by: By) -> list[Panel]:
    """The loss, and the metric that decides: of one group all parts of the data, of several the part that decides."""
    panels = _of_one(groups[0], by) if len(groups) == 1 else _of_several(groups, by)
    return [panel for panel in panels if panel.traces]


def _of_one(group: Group, by: By) -> Iterator[Panel]:
    part, _, metric = group.histories[0].metric.partition("/")
    losses = [_loss(group, by, SMOOTHED, 0, raw=len(group.runs) == 1)]
    losses.append(_measured(group, by, "validation/loss", *_PARTS["validation"]))
    best = _best(group, by) if metric != "loss" else None
    yield _panel("loss", losses, best=_best(group, by) if metric == "loss" and part != "train" else None)
    if metric and metric != "loss":
        own = [name for name in _names(group) if name.partition("/")[2] == metric]
        traces = [_measured(group, by, name, *_PARTS.get(name.partition("/")[0], ("test", 2))) for name in own]
        yield _panel(measured_name(metric), traces, higher=_higher(group), best=best)


_PARTS = {"train": ("training", 0), "validation": ("validation", 1)}
"""What the curve of a part is called, and its colour."""


def _of_several(groups: Sequence[Group], by: By) -> Iterator[Panel]:
    raw = len(groups) <= FEW
    yield _panel(LOSS, [_loss(g, by, g.label, i, raw=raw and len(g.runs) == 1) for i, g in enumerate(groups)])
    metric = next((g.histories[0].metric for g in groups if g.histories[0].metric), "")
    if metric:
        traces = [_measured(g, by, metric, g.label, i) for i, g in enumerate(groups)]
        yield _panel(measured_name(metric), traces, higher=_higher(groups[0]))


def _panel(
    name: str, traces: Sequence[Trace | None], *, higher: bool = False, best: tuple[float, float] | None = None
) -> Panel:
    there = tuple(trace for trace in traces if trace is not None)
    return Panel(name, there, not higher and _spans_decades(there), best)


def _spans_decades(traces: Sequence[Trace]) -> bool:
    every = np.concatenate([np.concatenate(trace.band or (trace.values,)) for trace in traces] or [np.zeros(0)])
    positive = every[every > 0]
    # A loss that is 0 now and then is below any scale there.
    if len(positive) <= MOSTLY * len(every) or every.min() < 0:
        return False
    return bool(np.log10(positive.max()) - np.log10(positive.min()) > DECADES)


def _names(group: Group) -> list[str]:
    return list(dict.fromkeys(name for history in group.histories for name in history.measured))


def _higher(group: Group) -> bool:
    judged = group.histories[0].judged
    return judged is not None and judged.higher_is_better


def _best(group: Group, by: By) -> tuple[float, float] | None:
    history = group.histories[0]
    if len(group.runs) > 1 or history.best is None or history.metric not in history.measured:
        return None
    measured = history.measured[history.metric]
    at = np.flatnonzero(measured.steps == history.best.step)
    return (float(_along(measured, history, by)[at[0]]), history.best.value) if len(at) else None


# -- one curve ---------------------------------------------------------------------------------------------------------


def _loss(group: Group, by: By, label: str, number: int, *, raw: bool) -> Trace | None:
    each = [(_along(h, h, by), h.losses) for h in group.histories]
    return _trace(each, label, number, smooth=True, raw=raw)


def _measured(group: Group, by: By, metric: str, label: str, number: int) -> Trace | None:
    found = [(h, h.measured.get(metric)) for h in group.histories]
    return _trace([(_along(m, h, by), m.values) for h, m in found if m is not None], label, number, dots=True)


def _along(columns: History | Measured, history: History, by: By) -> Array:
    """What each value stands above on the x axis."""
    if by == "examples":
        train = history.started.examples.get("train", 0) if history.started else 0
        return np.asarray(columns.epochs * train) if train else np.asarray(columns.steps)
    return np.asarray(columns.seconds if by == "time" else columns.steps)


def _trace(
    each: Sequence[tuple[Array, Array]],
    label: str,
    number: int,
    *,
    smooth: bool = False,
    raw: bool = False,
    dots: bool = False,
) -> Trace | None:
    """One curve of a run's, or the mean of several runs', as far as the shortest of them goes."""
    finite = [(x[np.isfinite(y)], y[np.isfinite(y)]) for x, y in each]
    if not finite or any(len(x) == 0 for x, _ in finite):
        return None
    lines = [_shown(x, y, smooth) for x, y in finite]
    if len(lines) == 1:
        (given,) = finite
        lost = None if np.isfinite(each[0][1][-1]) else (float(given[0][-1]), float(lines[0][1][-1]))
        shown = thinned(*given) if raw and len(given[0]) > 1 else None
        return Trace(label, number, *lines[0], raw=shown, lost=lost, dots=dots)
    end = min(x[-1] for x, _ in lines)
    grid = lines[0][0][lines[0][0] <= end]
    grid = grid if len(grid) else lines[0][0][:1]
    rows = np.stack([np.interp(grid, x, y) for x, y in lines])
    band = (rows.min(axis=0), rows.max(axis=0))
    return Trace(label, number, grid, rows.mean(axis=0), band=band, dots=dots)


def _shown(x: Array, values: Array, smooth: bool) -> tuple[Array, Array]:
    """No more points than are seen, each smoothed by all that there are."""
    at = _sparse(len(x))
    return x[at], smoothed(values, at) if smooth else values[at]


def smoothed(values: Array, at: Array) -> Array:
    """Values at some places, by lines through those around each, the nearest of which weigh most.

    minimise over a, b: Σ w(j) (y(j) - a - b (j - i))² with w(j) = (1 - (|j - i| / h)³)³; the smoothed y(i) is a,
    within what y is around i.

    A mean of what is behind each would lie above a loss that falls; these are before and behind it alike. At the end
    the slope makes up for what is missing; at the beginning, where losses fall fast, fewer are taken.

    Args:
        values: [n].
        at: [m], indices.

    Paper: Cleveland, 1979, "Robust locally weighted regression and smoothing scatterplots", section 2.
    """
    count = round(SMOOTHING * len(values))
    if count < FEWEST:
        return values[at]
    half = np.minimum(at // 3, count // 2)
    starts = np.clip(at - half, 0, len(values) - count)
    places = zip(at.tolist(), starts.tolist(), (at + half + 1).tolist(), strict=True)
    return np.array([_on_line(values[start:stop], i - start) for i, start, stop in places])


def _on_line(values: Array, i: int) -> float:
    """Where the line through values is at one of them."""
    if len(values) == 1:
        return float(values[0])
    away = np.arange(len(values)) - i
    weights = (1.0 - np.abs(away / (max(i, len(values) - 1 - i) + 1.0)) ** 3) ** 3
    total, first, second = weights.sum(), weights @ away, weights @ away**2
    of_each = weights * (second - first * away) / (total * second - first**2)
    return float(np.clip(of_each @ values, values.min(), values.max()))


def thinned(x: Array, values: Array) -> tuple[Array, Array]:
    """The lowest and the highest value of each of so many stretches, in their order: no peak is lost."""
    if len(x) <= MOST_POINTS:
        return x, values
    edges = np.linspace(0, len(x), MOST_POINTS // 2 + 1).astype(int)
    pieces = [values[a:b] for a, b in pairwise(edges)]
    kept = sorted({a + int(f(p)) for a, p in zip(edges, pieces, strict=False) for f in (np.argmin, np.argmax)})
    return x[kept], values[kept]


def _sparse(count: int) -> Array:
    """The indices of every so many of some points; the last is kept."""
    every = -(-count // MOST_POINTS)
    return np.unique(np.append(np.arange(0, count, every), count - 1))
