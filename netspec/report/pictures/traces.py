"""What the curves of trainings are: columns of records, smoothed, thinned, and the mean of several where seeds differ.

Knows nothing of how they are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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

SMOOTHING = 0.02
"""The time constant of smoothed losses, as a share of the run, as in the dashboard."""

FEW = 3
"""Single runs beside each other of which the unsmoothed losses are drawn, too."""

MOST_POINTS = 1500
"""Of a line, at the most: more cannot be told apart."""

DECADES = 2.0
"""Values that span more than these powers of ten are shown on a logarithmic scale."""

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
    return bool(len(every) and every.min() > 0 and np.log10(every.max() / every.min()) > DECADES)


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
    change: Callable[[Array], Array] = smoothed if smooth else lambda values: values
    lines = [(x, change(y)) for x, y in finite]
    if len(lines) == 1:
        (x, y), (_, given) = lines[0], finite[0]
        lost = None if np.isfinite(each[0][1][-1]) else (float(x[-1]), float(y[-1]))
        shown = thinned(x, given) if raw and len(x) > 1 else None
        return Trace(label, number, *_sparse(x, y), raw=shown, lost=lost, dots=dots)
    end = min(x[-1] for x, _ in lines)
    grid = lines[0][0][lines[0][0] <= end]
    grid = grid if len(grid) else lines[0][0][:1]
    rows = np.stack([np.interp(grid, x, y) for x, y in lines])
    keep = _sparse(grid, np.arange(len(grid)))[1]
    band = (rows.min(axis=0)[keep], rows.max(axis=0)[keep])
    return Trace(label, number, grid[keep], rows.mean(axis=0)[keep], band=band, dots=dots)


def smoothed(values: Array) -> Array:
    """Averages that weigh the past less and less, and are not drawn to 0 at the beginning.

    y(n) = Σ aⁱ x(n − i) / Σ aⁱ over i from 0 to n, with a = 1 − 1 / τ and τ a share of the number of values.
    """
    keep = 1.0 - 1.0 / max(1.0, SMOOTHING * len(values))
    total = weight = 0.0
    found = np.empty(len(values))
    for i, value in enumerate(values.tolist()):
        total, weight = keep * total + value, keep * weight + 1.0
        found[i] = total / weight
    return found


def thinned(x: Array, values: Array) -> tuple[Array, Array]:
    """The lowest and the highest value of each of so many stretches, in their order: no peak is lost."""
    if len(x) <= MOST_POINTS:
        return x, values
    edges = np.linspace(0, len(x), MOST_POINTS // 2 + 1).astype(int)
    pieces = [values[a:b] for a, b in pairwise(edges)]
    kept = sorted({a + int(f(p)) for a, p in zip(edges, pieces, strict=False) for f in (np.argmin, np.argmax)})
    return x[kept], values[kept]


def _sparse(x: Array, values: Array) -> tuple[Array, Array]:
    """Every so many points; the last is kept."""
    every = -(-len(x) // MOST_POINTS)
    kept = np.unique(np.append(np.arange(0, len(x), every), len(x) - 1))
    return x[kept], values[kept]
