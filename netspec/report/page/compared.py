"""Several runs on one page: which is better and how sure that is, what each cost, what differs, their curves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from netspec.report.comparison.compare import Comparison, Contender
from netspec.report.comparison.curves import LOSS, curves_of
from netspec.report.comparison.measured import Contrast, CostKind, Measurement
from netspec.report.comparison.words import change, probability, summary, with_half
from netspec.report.differences import Difference
from netspec.report.drawing.values import written
from netspec.report.drawing.wording import count, duration, epochs, measured_name
from netspec.report.page.contents import Axis, Chart, Curves, Line
from netspec.report.page.markup import Html, clipped, joined, tag
from netspec.report.page.plots import Frame, circle, line, picture, whisker
from netspec.report.page.recorded import axis_of, logarithmic
from netspec.report.page.sections import Part, Place, fold, table
from netspec.report.page.thinning import rounded
from netspec.runs.histories import read_history

__all__ = ["comparison_parts", "curves_compared"]

MANY = 10
"""Rows from which on the best stand first."""

SETTINGS = 4
"""Settings that differ and have a column in the first table, at the most."""

LONGEST = 24
"""Characters of a value that stands in a column."""

COLOURS = 8

SPAN = 20.0
"""Costs that are further apart than by this factor are drawn on a logarithmic scale."""

Columns = list[tuple[tuple[str, bool], list[str | Html]]]
"""Names of columns, whether they hold numbers, and a cell for each row."""


def comparison_parts(
    comparison: Comparison, curves: Curves | None, place: Place, runs: Mapping[str, str]
) -> Iterator[Part]:
    """The sections of a comparison.

    Args:
        curves: as `curves_compared` gives them.
        runs: the place on the page of each run that has one, by its directory.
    """
    order = comparison.ranking if len(comparison.runs) > MANY else list(range(len(comparison.runs)))
    names = [_name(comparison, i, runs) for i in range(len(comparison.runs))]
    yield place.section("Comparison", *_answer(comparison, order, names))
    if curves is not None and curves.charts:
        charts = (
            tag("figure", tag("figcaption", chart.title), class_="chart wide", data_chart=i)
            for i, chart in enumerate(curves.charts)
        )
        yield place.section("Curves", tag("div", *charts, class_="charts", data_group="comparison"), _drawn(comparison))
    yield place.section("Cost and quality", *_cost(comparison, order, names))
    yield place.section("Differences", *_differences(comparison))


def _name(comparison: Comparison, i: int, runs: Mapping[str, str]) -> Html:
    """A row's number and name in the colour of its curve; a link where the run is on the page."""
    row = comparison.runs[i]
    swatch = None
    if i in comparison.drawn:
        swatch = tag("span", class_=f"swatch line-{comparison.drawn.index(i) % COLOURS + 1}", aria_hidden="true")
    target = runs.get(str(row.path)) if not row.seeds else None
    name = clipped(row.name, 60)
    return joined(
        [tag("span", f"{i + 1} ", class_="when"), swatch, tag("a", name, href=f"#{target}") if target else name]
    )


# -- the answer --------------------------------------------------------------------------------------------------------


def _answer(comparison: Comparison, order: Sequence[int], names: Sequence[Html]) -> Iterator[Html]:
    for said in summary(comparison):
        yield tag("p", clipped(said, 400), class_="said")
    columns: Columns = [(("run" if not any(r.seeds for r in comparison.runs) else "spec", False), list(names))]
    columns += _states(comparison)
    if comparison.quality is not None:
        columns += [_measured(comparison, comparison.quality)]
    columns += [*_against(comparison), *_settings(comparison)]
    yield _laid(columns, order, "The runs side by side", _best_rows(comparison))
    yield tag("p", " ".join(_notes(comparison)), class_="note")
    if comparison.warnings:
        yield tag("ul", *(tag("li", clipped(warning, 400)) for warning in comparison.warnings), class_="warnings")
    others = [m for m in comparison.measurements if m.metric != comparison.judged]
    if others:
        more = [columns[0], *(_measured(comparison, measurement) for measurement in others)]
        yield fold("The other metrics", _laid(more, order, "The other metrics"))


def _laid(columns: Columns, order: Sequence[int], caption: str, marked: frozenset[int] = frozenset()) -> Html:
    rows = [[cells[i] for _, cells in columns] for i in order]
    at = frozenset(place for place, i in enumerate(order) if i in marked)
    return table([head for head, _ in columns], rows, caption, class_="compact", marked=at)


def _best_rows(comparison: Comparison) -> frozenset[int]:
    return comparison.quality.best if comparison.quality else frozenset()


def _settings(comparison: Comparison) -> Columns:
    """The first few settings that differ."""
    told = [d for d in comparison.spec if d.path != "name"]  # which the rows are called by
    brief = [d for d in told if all(len(_value(v)) <= LONGEST for v in d.values)]
    return [((clipped(d.path, 40), False), [_code(value) for value in d.values]) for d in brief[:SETTINGS]]


def _states(comparison: Comparison) -> Columns:
    """What has become of the runs, unless all are done."""
    counts = [Counter(run.state for run in row.runs) for row in comparison.runs]
    if all(set(found) == {"done"} for found in counts):
        return []
    return [(("state", False), [", ".join(f"{n} {state}" for state, n in found.items()) for found in counts])]


def _measured(comparison: Comparison, measurement: Measurement) -> tuple[tuple[str, bool], list[str | Html]]:
    cells: list[str | Html] = []
    for i, row in enumerate(comparison.runs):
        value, number = measurement.values[i], measurement.counts[i]
        if value is None:
            cells.append("–")
            continue
        of = f" ({number} of {len(row.runs)})" if number != len(row.runs) else f" ({number})" if row.seeds else ""
        text = with_half(value, measurement.intervals[i]) + of
        cells.append(tag("b", f"{text} ★") if i in measurement.best else text)
    return (measured_name(measurement.metric), True), cells


def _against(comparison: Comparison) -> Columns:
    """The differences from the baseline, and what can be said of them."""
    contrasts = comparison.contrasts
    if comparison.baseline is None or not any(c is not None and c.difference is not None for c in contrasts):
        return []
    found: Columns = [((f"against {comparison.baseline + 1}", True), [_change(c) for c in contrasts])]
    if any(c is not None and c.corrected is not None for c in contrasts):
        ps = ["" if c is None or c.corrected is None else probability(c.corrected) for c in contrasts]
        found.append((("p, Holm", True), list(ps)))
    verdicts = ["" if c is None else c.verdict for c in contrasts]
    return [*found, (("", False), list(verdicts))] if any(verdicts) else found


def _change(contrast: Contrast | None) -> str:
    if contrast is None:
        return "baseline"
    return "–" if contrast.difference is None else change(contrast.difference, contrast.half)


def _notes(comparison: Comparison) -> Iterator[str]:
    """How the numbers are to be read."""
    if any(row.seeds for row in comparison.runs):
        yield "Means over seeds ± half of a 95 % interval by Student’s t (number of seeds)."
    if comparison.quality is not None and any(half == 0 for half in comparison.quality.intervals):
        yield "Where that is 0, all seeds gave the same."
    methods = {c.method for c in comparison.contrasts if c is not None and c.method}
    if "paired" in methods:
        yield "Differences are paired by seed."
    if "welch" in methods:
        yield "Where too few seeds are in both, they are tested by Welch’s method."
    if any(c is not None and c.corrected is not None for c in comparison.contrasts):
        yield "p is corrected by Holm’s method over all rows."
    yield "★ is the best." if _best_rows(comparison) else "No row can be called the best."


def _drawn(comparison: Comparison) -> Html | None:
    bands = any(comparison.runs[i].seeds for i in comparison.drawn)
    said = "Bands reach from the lowest to the highest seed. " if bands else ""
    if len(comparison.drawn) < len(comparison.runs):
        said += f"The curves of {len(comparison.drawn)} of {len(comparison.runs)} rows are drawn, the best."
    return tag("p", said.strip(), class_="note") if said else None


# -- cost --------------------------------------------------------------------------------------------------------------

_COSTS: Mapping[CostKind, str] = {
    "time": "training time, in seconds",
    "parameters": "parameters",
    "multiply-adds": "multiply-adds of one example",
    "examples": "examples seen",
}


def _cost(comparison: Comparison, order: Sequence[int], names: Sequence[Html]) -> Iterator[Html]:
    scatter = _scatter(comparison)
    rows = comparison.runs
    front: list[str | Html] = ["none beats it" if i in comparison.cost.front else "" for i in range(len(rows))]
    columns: Columns = [
        (("", False), list(names)),
        (("training time", True), [duration(row.seconds) for row in rows]),
        (("examples/s", True), ["–" if row.pace is None else count(row.pace) for row in rows]),
        (("steps", True), [count(row.step) for row in rows]),
        (("epochs", True), [epochs(row.epoch) for row in rows]),
        (("parameters", True), [count(row.started.parameters) if row.started else "–" for row in rows]),
        (("multiply-adds", True), ["–" if r.multiply_adds is None else count(r.multiply_adds) for r in rows]),
    ]
    if any(front):
        columns.append((("on the front", False), front))
    yield tag("div", scatter, class_="plots") if scatter else tag("p", _why_none(comparison), class_="absent")
    yield _laid(columns, order, "What the runs cost")
    if comparison.cost.front:
        yield tag("p", "On the front are the rows that no other beats in both cost and quality.", class_="note")


def _why_none(comparison: Comparison) -> str:
    return f"No picture of cost and quality: {comparison.cost.why_none or 'it takes two rows with both'}."


def _scatter(comparison: Comparison) -> Html | None:
    """Each row at its cost and its quality, with the front of those that none beats."""
    quality, cost = comparison.quality, comparison.cost
    if quality is None:
        return None
    points = {
        i: (x, y)
        for i, (x, y) in enumerate(zip(cost.values, quality.values, strict=True))
        if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)
    }
    if len(points) < 2:
        return None
    halves = {i: quality.intervals[i] or 0.0 for i in points}
    costs = [x for x, _ in points.values()]
    spans = min(costs) > 0 and max(costs) > SPAN * min(costs)
    across = (min(costs) / 1.5, max(costs) * 1.5) if spans else _roomy(costs)
    up = _roomy([y + side * halves[i] for i, (_, y) in points.items() for side in (-1, 1)])
    frame = Frame(across, up, 480, 320, spans)
    front = sorted(points[i] for i in cost.front if i in points)
    marks = [line(frame, front, "front")] if len(front) > 1 else []
    for i, (x, y) in points.items():
        name = f"{i + 1} {comparison.runs[i].name}"
        marks += [whisker(frame, x, y, halves[i])] if halves[i] else []
        marks.append(circle(frame, (x, y), name, str(i + 1), held=i in cost.front))
    name = measured_name(quality.metric)
    return picture(frame, f"{name} over {_COSTS[cost.kind]}, a point a row", _COSTS[cost.kind], name, *marks)


def _roomy(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


# -- differences -------------------------------------------------------------------------------------------------------


def _differences(comparison: Comparison) -> Iterator[Html]:
    heads = [("key", False), *((f"{i + 1}", False) for i in range(len(comparison.runs)))]
    if comparison.spec:
        yield table(heads, map(_row, comparison.spec), "What differs between the specs", class_="compact settings")
    else:
        yield tag("p", "The specs do not differ.", class_="quiet")
    if comparison.same:
        rows = [[tag("code", clipped(path, 80)), _code(value)] for path, value in comparison.same]
        columns = [("key", False), ("in all of them", False)]
        same = table(columns, rows, "What is the same in all specs", class_="compact settings")
        yield fold(f"{len(rows)} keys that are the same in all of them", same)
    if comparison.surroundings:
        yield tag("p", "What they ran on differs, too:")
        yield table(heads, map(_row, comparison.surroundings), "What differs around them", class_="compact settings")


def _row(difference: Difference) -> list[str | Html]:
    return [tag("code", clipped(difference.path, 80)), *map(_code, difference.values)]


def _value(value: Any) -> str:
    return "–" if value is None else written(value)


def _code(value: Any) -> Html:
    return tag("code", clipped(_value(value), 80))


# -- curves ------------------------------------------------------------------------------------------------------------


def curves_compared(comparison: Comparison) -> Curves:
    """The curves of the rows that are drawn, over steps, with the axes that bring these to epochs and time.

    Raises:
        RunError: a record cannot be read.
    """
    drawn, found = comparison.drawn, comparison.curves
    metrics = [name for name in found.means if name != LOSS]
    if found.by != "step":
        found = curves_of(comparison.runs, drawn, metrics, "step")
    axes = tuple(_axis(comparison.runs[i]) for i in drawn)
    charts = []
    for name in found.means:
        lines = [_line(comparison, found.means[name][i], found.bands[name][i], i) for i in drawn]
        there = tuple(replace(line, smooth=name == LOSS) for line in lines if line is not None)
        values = np.array([value for line in there for value in line.values])
        spans = name.endswith("loss") and logarithmic(values)
        kind, title = "loss" if name == LOSS else "metric", measured_name(name).capitalize()
        charts.append(Chart(kind, title, there, spans, bool((values > 0).any()), True))
    return Curves(axes, tuple(chart for chart in charts if chart.lines))


def _line(comparison: Comparison, means: Sequence[Any], bands: Sequence[Any], row: int) -> Line | None:
    """A row's curve, with the band of its seeds."""
    points = np.array(means, np.float64).reshape(-1, 2)
    band = np.array(bands, np.float64).reshape(-1, 3)
    kept = np.isfinite(points).all(axis=1)
    if not kept.any():
        return None
    number = comparison.drawn.index(row)
    name = f"{row + 1} {comparison.runs[row].name}"
    steps, values = points[kept].T
    line = Line(name, number, number % COLOURS + 1, rounded(steps, 9), rounded(values))
    if len(band) != len(points) or not np.isfinite(band[kept]).all():
        return line
    return replace(line, low=rounded(band[kept, 1]), high=rounded(band[kept, 2]))


def _axis(row: Contender) -> Axis:
    """The axis of a row; of several runs the mean of theirs."""
    each = [axis_of(read_history(run.path)) for run in row.counting]
    first, *others = each
    if not others:
        return first

    def mean(column: str) -> tuple[float, ...]:
        if not all(getattr(axis, column) for axis in each):
            return ()
        columns = [np.interp(first.steps, axis.steps, getattr(axis, column)) for axis in each]
        return rounded(np.mean(columns, axis=0), 9)

    return Axis(first.steps, mean("epochs"), mean("examples"), mean("seconds"))
