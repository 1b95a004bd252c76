"""What a network reaches or says, and a run's columns, in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netspec.report.columns import Columns
from netspec.report.drawing.curves import Series
from netspec.report.drawing.wording import count, measure, measured_name
from netspec.report.notebook.charts import chart
from netspec.report.notebook.pieces import dim, framed, table
from netspec.report.page.markup import tag

__all__ = ["columns_html", "evaluation_html", "prediction_html"]

MOST_ROWS = 50


def evaluation_html(run: str, step: int, metrics: Mapping[str, float], examples: Mapping[str, int]) -> str:
    """What a network reaches: a row a part of the data, a column a metric."""
    names = list(dict.fromkeys(name.partition("/")[2] for name in metrics))
    rows = [
        [part, count(n), *(measure(metrics.get(f"{part}/{name}")) for name in names)] for part, n in examples.items()
    ]
    head = tag("div", tag("b", run), " ", dim(f"step {count(step)}"))
    columns = ["part", "examples", *(measured_name(name) for name in names)]
    return framed(head, table(columns, rows, numbers=range(1, len(columns))))


def prediction_html(rows: Sequence[Mapping[str, Any]]) -> str:
    """What a network says of new inputs: a row an input."""
    columns = list(dict.fromkeys(name for row in rows[:MOST_ROWS] for name in row))
    shown = [[_cell(row.get(name)) for name in columns] for row in rows[:MOST_ROWS]]
    numbers = [i for i, name in enumerate(columns) if rows and isinstance(rows[0].get(name), float)]
    more = dim(f"and {count(len(rows) - MOST_ROWS)} more") if len(rows) > MOST_ROWS else None
    return framed(table(columns, shown, numbers), more)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return measure(value) if isinstance(value, float) else "" if value is None else str(value)


def columns_html(columns: Columns) -> str:
    """A run's record: which columns there are, and the first of them drawn."""
    drawn = []
    for name in [name for name in columns if "/" in name and not name.endswith(("rate", "second"))][:6]:
        steps, values = columns.series(name)
        apart = max(1, len(steps) // 400)
        points = list(zip(steps[::apart].tolist(), values[::apart].tolist(), strict=True))
        drawn.append(chart([Series(measured_name(name), points)]))
    charts = tag("div", *(one for one in drawn if one is not None), class_="charts")
    said = f"{count(len(columns['step']))} rows of {', '.join(columns)}"
    return framed(charts, dim(said))
