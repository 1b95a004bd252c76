"""A network's metrics as a table: a row a metric, a column a part of the data."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from netspec.diagnostics import printable
from netspec.report.wording import count, measure

__all__ = ["view"]


def view(run: str, step: int, metrics: Mapping[str, float], examples: Mapping[str, int]) -> Table:
    """The table.

    Args:
        metrics: by "part/metric".
        examples: how many, by part.
    """
    table = Table(title=Text(printable(f"{run}, step {count(step)}")), title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for part, number in examples.items():
        table.add_column(Text(printable(f"{part} ({count(number)})")), justify="right")
    for name in dict.fromkeys(key.partition("/")[2] for key in metrics):
        table.add_row(
            Text(printable(name.replace("_", " "))), *(measure(metrics[f"{part}/{name}"]) for part in examples)
        )
    return table
