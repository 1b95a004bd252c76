"""A table whose rows are moments in time: windows of rows, and the numbers that follow them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netspec.data.cells import Mistakes, as_numbers
from netspec.data.columns import Look
from netspec.data.files import Where
from netspec.data.format import Array, Column, Examples, Format, InputFormat, Survey, TargetFormat, sole
from netspec.data.rows import Table, opened
from netspec.data.tables import column_named
from netspec.data.windows import Windows, everywhere, places_of, regions
from netspec.diagnostics import DataError, Diagnostic
from netspec.spec.data import Split

__all__ = ["Series", "read_examples", "read_inputs"]


@dataclass(frozen=True, slots=True)
class Series:
    """Windows of a table's rows.

    Args:
        path: as it was written.
        window: rows that a forecast looks at.
        target: the column to be forecast; None for the last.
        horizon: numbers that are forecast.
        stride: rows from one window to the next.
    """

    path: str
    window: int
    target: str | None = None
    horizon: int = 1
    stride: int = 1

    def survey(self, where: Where, split: Split) -> Survey:
        return self.read(where, split)[0]

    def read(self, where: Where, split: Split) -> tuple[Survey, Examples]:
        table = opened(where.file("csv", self.path))
        known = self._format(table, where)
        values, _ = _values(table, known)
        parts = regions(split, len(values), "rows", where)
        places = places_of(split, parts, self.window + self.horizon, self.stride, "rows", where)
        return Survey(known, len(places.starts), parts=places.sizes), _examples(values, places.starts, known)

    def _format(self, table: Table, where: Where) -> Format:
        target = table.header[-1] if self.target is None else column_named(self.target, table, "target", where)
        looks = {name: Look() for name in table.header}
        rows = 0
        for chunk in table.chunks(range(len(table.header))):
            rows += len(chunk.rows)
            for look, cells in zip(looks.values(), chunk.columns, strict=True):
                look.see(cells)
        if not rows:
            raise table.file.error("no-examples", "there are no rows below the header")
        columns = tuple(Column(name) for name, look in looks.items() if look.numbers >= look.others)
        if target not in (c.name for c in columns):
            message = f"{table.file.name}: column '{target}' holds words, and what is forecast are numbers"
            place = where.key("csv" if self.target is None else "target")
            raise DataError(Diagnostic("wrong-task", message, place, str(table.file.path), help='add target = "…"'))
        known = InputFormat((self.window, len(columns)), "float32", columns)
        return sole(known, TargetFormat("number", (), (self.horizon,), source=target), "series", self.stride)


def read_inputs(table: Table, format: Format) -> tuple[list[int], dict[str, Windows]]:  # noqa: A002
    """Every window of a table, and the row after which each forecast begins.

    Raises:
        DataError: columns are lacking; cells that are missing or no numbers; fewer rows than a window.
    """
    values, rows = _values(table, format)
    (window, _) = format.input.shape
    starts = everywhere(len(values), window, 1)
    _check_any(starts, table, len(values), window)
    return [rows[start + window - 1] for start in starts.tolist()], {"input": Windows(values, starts, 0, window)}


def read_examples(table: Table, format: Format) -> Examples:  # noqa: A002
    """Every window of a table with what follows it, as far apart as those of the training.

    Raises:
        DataError: columns are lacking; cells that are missing or no numbers; fewer rows than a window takes.
    """
    values, _ = _values(table, format)
    span = format.input.shape[0] + format.target.shape[0]
    starts = everywhere(len(values), span, format.stride)
    _check_any(starts, table, len(values), span)
    return _examples(values, starts, format)


def _check_any(starts: Array, table: Table, rows: int, span: int) -> None:
    if not len(starts):
        raise table.file.error("window", f"has {rows:,} rows, and a window of them takes {span:,}")


def _examples(values: Array, starts: Array, format_: Format) -> Examples:
    window, horizon = format_.input.shape[0], format_.target.shape[0]
    column = values[:, [c.name for c in format_.input.columns].index(format_.target.source)]
    inputs, targets = Windows(values, starts, 0, window), Windows(column, starts, window, horizon)
    return Examples({"input": inputs}, {"target": targets})


def _values(table: Table, format_: Format) -> tuple[Array, list[int]]:
    """The numbers of all rows, float32 [rows, columns], and which row of the file each is."""
    names = [c.name for c in format_.input.columns]
    if missing := [name for name in names if name not in table.header]:
        lacking = ", ".join(f"'{name}'" for name in missing)
        raise table.file.error("wrong-columns", f"lacks column {lacking}", note=f"the columns are: {', '.join(names)}")
    mistakes = Mistakes(table.file)
    rows: list[int] = []
    found = [np.zeros((0, len(names)), np.float32)]
    for chunk in table.chunks([table.header.index(name) for name in names]):
        rows += chunk.rows
        pairs = zip(chunk.columns, names, strict=True)
        found.append(np.stack([as_numbers(cells, chunk.rows, name, mistakes) for cells, name in pairs], axis=1))
    mistakes.check()
    return np.concatenate(found), rows
