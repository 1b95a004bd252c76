"""A comparison in a notebook: the answer in words, the table with its intervals, the curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netspec.report.comparison.compare import Comparison
from netspec.report.comparison.measured import Measurement
from netspec.report.comparison.words import change, probability, summary, with_half
from netspec.report.drawing.curves import Series
from netspec.report.drawing.values import written
from netspec.report.drawing.wording import count, duration, measured_name
from netspec.report.notebook.charts import chart
from netspec.report.notebook.pieces import Cell, dim, framed, table
from netspec.report.page.markup import Html, clipped, tag

__all__ = ["comparison_html"]

MOST_ROWS = 50
MOST_METRICS = 4
MOST_SETTINGS = 4
LONGEST = 40

Column = tuple[str, Sequence[Cell]]
"""A title, and a cell for each row."""


def comparison_html(comparison: Comparison) -> str:
    """A comparison: which is best and how sure that is, then the numbers behind it."""
    columns = [*_names(comparison), *_settings(comparison), *_metrics(comparison), *_contrasts(comparison)]
    columns.append(("time", [duration(row.seconds) for row in comparison.runs]))
    order = comparison.ranking[:MOST_ROWS]
    order = sorted(order) if len(comparison.runs) <= MOST_ROWS else order
    rows = [[cells[i] for _, cells in columns] for i in order]
    texts = 1 + len(list(_settings(comparison)))
    more = dim(f"the best {MOST_ROWS} of {count(len(comparison.runs))}") if len(rows) < len(comparison.runs) else None
    charts = [made for made in _charts(comparison) if made is not None]
    return framed(
        *(tag("div", tag("b", said) if not i else said) for i, said in enumerate(summary(comparison))),
        table([title for title, _ in columns], rows, range(texts, len(columns))),
        more,
        *(tag("div", said, class_="warn") for said in comparison.warnings),
        tag("div", *charts, class_="charts") if charts else None,
    )


def _names(comparison: Comparison) -> Iterator[Column]:
    title = "spec" if any(row.seeds for row in comparison.runs) else "run"
    yield title, [tag("b", clipped(row.name, LONGEST)) for row in comparison.runs]


def _settings(comparison: Comparison) -> Iterator[Column]:
    """What differs between the specs, as far as there is room."""
    # A row is called after its spec, whose name it need not have twice.
    for difference in [one for one in comparison.spec if one.path != "name"][:MOST_SETTINGS]:
        shown = ["–" if value is None else clipped(written(value), LONGEST) for value in difference.values]
        yield clipped(difference.path, LONGEST), shown


def _metrics(comparison: Comparison) -> Iterator[Column]:
    if any(row.seeds for row in comparison.runs):
        yield "seeds", [count(len(row.runs)) for row in comparison.runs]
    for m in _measured(comparison):
        shown = [
            "–" if value is None else with_half(value, half) for value, half in zip(m.values, m.intervals, strict=True)
        ]
        cells: list[Cell] = [tag("span", t, class_="best good") if i in m.best else t for i, t in enumerate(shown)]
        yield measured_name(m.metric), cells


def _measured(comparison: Comparison) -> list[Measurement]:
    """The metric that decides first, then others of its part."""
    part = comparison.judged.partition("/")[0]
    found = [m for m in comparison.measurements if m.metric != comparison.judged]
    found = [m for m in comparison.measurements if m.metric == comparison.judged] + found
    return sorted(found, key=lambda m: not m.metric.startswith(f"{part}/"))[:MOST_METRICS]


def _contrasts(comparison: Comparison) -> Iterator[Column]:
    """How each differs from the baseline, where there is one."""
    if comparison.baseline is None:
        return
    found = comparison.contrasts
    yield (
        "difference",
        [
            dim("baseline") if c is None else "–" if c.difference is None else change(c.difference, c.half)
            for c in found
        ],
    )
    if any(c is not None and c.corrected is not None for c in found):
        yield "p (Holm)", ["" if c is None or c.corrected is None else probability(c.corrected) for c in found]
    yield "", ["" if c is None else dim(c.verdict) for c in found]


def _charts(comparison: Comparison) -> Iterator[Html | None]:
    for name, curves in comparison.curves.means.items():
        series = [
            Series(clipped(row.name, LONGEST), points)
            for row, points in zip(comparison.runs, curves, strict=True)
            if points
        ]
        made = chart(series)
        yield None if made is None else tag("div", dim(measured_name(name)), tag("div", made))
