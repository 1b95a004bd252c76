"""A comparison as people read it: what differs, what was reached and what it took, and the curves over each other.

Reads no files and decides nothing: `comparison` has.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.text import Text

from netspec.report.comparison import CONSEQUENCES, Comparison, Contender
from netspec.report.curves import Series, draw
from netspec.report.differences import Difference
from netspec.report.frame import Frame, Look, beside, stacked, warning
from netspec.report.progress import Best, Progress
from netspec.report.styles import BAD, BOLD, DIM, GOOD, PALETTE, STATES
from netspec.report.tables import Cell, Column, bands, table
from netspec.report.values import plain, written
from netspec.report.wording import count, duration, epochs, measure, measured_name

__all__ = ["view"]

WIDEST = 160
WIDE = 110
"""From this many columns on, curves stand side by side."""
CHART_LINES = 14
LONGEST_VALUE, SHORTEST_VALUE, LONGEST_PATH = 32, 14, 40
COLOURS = (*PALETTE, "color(111)", "color(137)")
MORE_MARKERS = ("~", "=")
"""Of the last two of ten curves; the others have those of every chart."""

_Line = tuple[str, Sequence[Cell]]
"""A label, and one cell a run."""


def view(
    comparison: Comparison,
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """The comparison as lines of at most `width` columns.

    A column a run where there is room for all of them, else a row a run and numbers for the runs.

    Args:
        comparison: what is shown.
        width: columns of the terminal; at least 40.
        colour: use colour.
        ascii: use nothing but ASCII.
    """
    look, width = Look(ascii, colour), min(width, WIDEST)
    names = [run.name for run in comparison.runs]
    columns = _columns(comparison, names, width, look)
    titles = labels = names
    if columns is None or not _legend_fits(comparison.curves, names, width):
        labels = [str(i) for i in range(1, len(names) + 1)]
        titles = [f"{label:>{len(labels[-1])}} {name}" for label, name in zip(labels, names, strict=True)]
        columns = columns and _columns(comparison, titles, width, look)
    tables = _rows(comparison, titles, width, look) if columns is None else [columns]
    charts = _charts(comparison, labels, titles != names, width, look)
    return Frame(stacked([*tables, _intervals(comparison, look), _warnings(comparison, width, look), *charts]))


def _title_style(run: int, look: Look) -> str:
    """Of a run's name: the colour of its curves."""
    return f"bold {COLOURS[run]}" if look.colour else BOLD


def _columns(comparison: Comparison, titles: Sequence[str], width: int, look: Look) -> list[Text] | None:
    """Everything in one table with a column a run; None where that does not fit."""
    results, cost = _result_lines(comparison), _cost_lines(comparison)
    differing = [*comparison.spec, *_named(comparison.surroundings)]
    labels = [*(_clipped(d.path, LONGEST_PATH) for d in differing), *(label for label, _ in (*results, *cost))]
    label_width = max(map(len, labels))
    least = [
        max(SHORTEST_VALUE if differing else 0, len(title), *(len(cells[i].text) for _, cells in (*results, *cost)))
        for i, title in enumerate(titles)
    ]
    if label_width + sum(size + 2 for size in least) > width:
        return None
    longest = min(LONGEST_VALUE, max(SHORTEST_VALUE, (width - label_width) // len(titles) - 2))
    said, ran_on = (
        [(_clipped(d.path, LONGEST_PATH), [_value_cell(v, longest) for v in d.values]) for d in part]
        for part in (comparison.spec, _named(comparison.surroundings))
    )
    head = [Cell(), *(Cell(title, _title_style(i, look)) for i, title in enumerate(titles))]
    blocks = [
        [[Cell(label, DIM), *cells] for label, cells in lines] for lines in (said, ran_on, results, cost) if lines
    ]
    blank: list[list[Cell]] = [[]]
    rows = [row for i, block in enumerate(blocks) for row in (blank if i else []) + block]
    return table([Column("")] * len(head), [head, *rows], width, look)


def _rows(comparison: Comparison, titles: Sequence[str], width: int, look: Look) -> list[list[Text]]:
    """What was reached with a row a run, and then every difference with the runs of each value."""
    lines = [*_result_lines(comparison), *_cost_lines(comparison)]
    columns = [Column("run"), *(Column(label.strip()) for label, _ in lines)]
    rows = [[Cell(title, _title_style(i, look)), *(cells[i] for _, cells in lines)] for i, title in enumerate(titles)]
    differing = [*comparison.spec, *_named(comparison.surroundings)]
    values = [row for difference in differing for row in _by_value(difference)]
    shown = table([Column("differs"), Column("value"), Column("runs")], values, width, look) if values else []
    return [*bands(columns, rows, width, look), shown]


def _named(surroundings: Sequence[Difference]) -> list[Difference]:
    """The differences under names that cannot be taken for a spec's keys; the device stands elsewhere in any case."""
    names = {"data": "data fingerprint", "precision": "precision"}
    return [
        Difference(names.get(d.path, f"{d.path.rpartition('.')[2]} version"), d.values)
        for d in surroundings
        if d.path != "device"
    ]


def _by_value(difference: Difference) -> list[list[Cell]]:
    """The values of a difference, each once, with the numbers of the runs that have it."""
    distinct = [v for i, v in enumerate(difference.values) if v not in difference.values[:i]]
    groups = [[i for i, v in enumerate(difference.values, 1) if v == value] for value in distinct]
    path = _clipped(difference.path, LONGEST_PATH)
    return [
        [Cell("" if i else path, DIM), _value_cell(value, LONGEST_VALUE), Cell(_ranges(runs))]
        for i, (value, runs) in enumerate(zip(distinct, groups, strict=True))
    ]


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers in short.

    >>> _ranges([1, 3, 4, 5, 9, 10])
    '1, 3–5, 9, 10'
    """
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(f"{s[0]}–{s[-1]}" if len(s) > 2 else ", ".join(map(str, s)) for s in spans)


def _value_cell(value: Any, longest: int) -> Cell:
    return Cell("–", DIM) if value is None else Cell(_clipped(written(value), longest))


def _clipped(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _result_lines(comparison: Comparison) -> list[_Line]:
    runs = comparison.runs
    lines: list[_Line] = [("state", [Cell(run.state, STATES[run.state]) for run in runs])]
    lines.append(("step", [Cell(_reached(run.progress)) for run in runs]))
    for m in comparison.measurements:
        each = enumerate(zip(m.values, m.intervals, strict=True))
        lines.append((measured_name(m.metric), [_metric_cell(v, half, i in m.best) for i, (v, half) in each]))
    bests = [_best_of(run, comparison.metric) for run in runs]
    if any(bests):
        label = f"best {measured_name(comparison.metric)}"
        lines.append((label, [Cell(measure(b.value) if b else "–", "" if b else DIM) for b in bests]))
        lines.append(("  at step", [Cell(count(b.step) if b else "–", "" if b else DIM) for b in bests]))
    return lines


def _reached(progress: Progress) -> str:
    if progress.started is None:
        return "–"
    passes = epochs(progress.epoch) if progress.epoch else "0"
    steps = count(progress.started.steps)
    whole = progress.step == progress.started.steps
    return f"{count(progress.step)}{'' if whole else f' of {steps}'}, epoch {passes}"


def _metric_cell(value: float | None, half: float | None, best: bool) -> Cell:
    if value is None:
        return Cell("–", DIM)
    style = f"bold {GOOD}" if best else BAD if not math.isfinite(value) else ""
    interval = "" if half is None else f" ± {measure(half)}"
    return Cell(measure(value) + interval + (" ★" if best else ""), style)


def _best_of(run: Contender, metric: str) -> Best | None:
    """The best step of a run, if it was judged by the same metric."""
    return run.progress.best if run.started and run.started.metric == metric else None


def _cost_lines(comparison: Comparison) -> list[_Line]:
    runs = comparison.runs
    rows = {
        "time": [duration(run.seconds) for run in runs],
        "examples/s": [count(run.pace) if run.pace is not None else "–" for run in runs],
        "parameters": [count(run.started.parameters) if run.started else "–" for run in runs],
        "device": [run.started.device if run.started else "–" for run in runs],
    }
    return [
        (label, [Cell(_clipped(v, LONGEST_VALUE), DIM if v == "–" else "") for v in values])
        for label, values in rows.items()
    ]


def _intervals(comparison: Comparison, look: Look) -> list[Text]:
    """What stands behind a mean."""
    shown = any(half is not None for m in comparison.measurements for half in m.intervals)
    return [look.text("± half of the mean's 95 % interval, by Student's t", DIM)] if shown else []


def _warnings(comparison: Comparison, width: int, look: Look) -> list[Text]:
    # What a run does not say is unknown, not different.
    known = [(d.path, {json.dumps(plain(v)) for v in d.values if v is not None}) for d in comparison.surroundings]
    differing = dict.fromkeys(path.partition(".")[0] for path, values in known if len(values) > 1)
    return [line for what in differing for line in warning(CONSEQUENCES[what], width, look)]


def _charts(
    comparison: Comparison, labels: Sequence[str], by_number: bool, width: int, look: Look
) -> Iterator[list[Text]]:
    """The curves overlaid: side by side where there is room for both and their legends."""
    titles = {name: measured_name(name.rpartition("/")[2] if by_number else name) for name in comparison.curves}
    half = (width - 4) // 2
    side_by_side = len(titles) > 1 and width >= WIDE and _legend_fits(titles.values(), labels, half)
    charts = [
        draw(
            _series(curves, labels),
            half if side_by_side else width,
            CHART_LINES,
            ascii=look.ascii,
            colour=look.colour,
            title=titles[name],
        )
        for name, curves in comparison.curves.items()
    ]
    if side_by_side:
        yield [beside(left, right, half + 4) for left, right in zip(*charts, strict=True)]
    else:
        yield from charts


def _legend_fits(titles: Iterable[str], labels: Sequence[str], width: int) -> bool:
    return max(map(len, titles), default=0) + sum(len(label) + 6 for label in labels) <= width


def _series(curves: Sequence[Sequence[tuple[float, float]]], labels: Sequence[str]) -> list[Series]:
    markers = [""] * len(PALETTE) + list(MORE_MARKERS)
    return [Series(*one) for one in zip(labels, curves, COLOURS, markers, strict=False)]
