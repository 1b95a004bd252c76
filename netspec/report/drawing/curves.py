"""Curves as text: lines of braille dots, or of one character a series, with axes, in any width and height.

Knows nothing of trainings: the dashboard draws a run with it, the comparison lays several runs over each other.

A frame has to be cheap, for it is drawn beside a training that needs the same processor: three series of 120 points on
60 by 15 cells take 2 ms. What is not finite is dropped, and long series are thinned to twice the width by minimum and
maximum before anything is drawn.
"""

from __future__ import annotations

import bisect
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.text import Span, Text

from netspec.report.drawing.frame import Look
from netspec.report.drawing.styles import BOLD, DIM, PALETTE
from netspec.report.drawing.wording import count, setting

__all__ = ["Series", "draw"]

MARKERS = ("*", "o", "x", "+", "#", "@", "%", "&")
"""Marks of the series where colour does not tell them apart."""

LEAST_MARGIN = 5  # so that charts under each other stand in line

LOG_DECADES = 2.0
"""Positive values that span more decades than this are shown on a logarithmic scale."""


@dataclass(frozen=True, slots=True)
class Strokes:
    """What the axes are drawn with."""

    rule: str
    tick: str
    corner: str
    edge: str
    notch: str
    sample: str  # of a curve, in the legend


BOX = Strokes("─", "┬", "└", "│", "┤", "⠤")
ASCII = Strokes("-", "+", "+", "|", "+", "-")

SMALLEST, LARGEST = 1e-290, 1e300
"""Differences and values beyond these have no place on an axis of floats."""

Point = tuple[float, float]
_x: Callable[[Point], float] = operator.itemgetter(0)
_y: Callable[[Point], float] = operator.itemgetter(1)
Grid = dict[tuple[int, int], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Series:
    """One curve.

    Args:
        label: what the legend calls it.
        points: (x, y) in ascending x; y may hold anything that is a float.
        colour: a style of Rich; empty for the palette's next.
        marker: one character that stands for it where colour does not; empty for the next of the table.
    """

    label: str
    points: Sequence[Point]
    colour: str = ""
    marker: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values along a side, linear or logarithmic."""

    low: float
    high: float
    log: bool = False

    def places(self, values: Iterable[float], size: int) -> list[int]:
        """The index from 0 to size - 1 at which each value lies."""
        if self.log:
            low, high, values = math.log10(self.low), math.log10(self.high), map(math.log10, values)
        else:
            low, high = self.low, self.high
        factor = (size - 1) / (high - low)
        return [round((value - low) * factor) for value in values]

    def ticks(self, most: int) -> list[float]:
        """Round values inside the range, at least one and hardly more than that many."""
        if self.log:
            return _log_ticks(self.low, self.high, most)
        step = _round_step((self.high - self.low) / max(1, most))
        first, last = math.ceil(self.low / step - 1e-6), math.floor(self.high / step + 1e-6)
        return [i * step for i in range(first, last + 1)] or self.ticks(2 * max(1, most))

    def rounded(self, most: int) -> Axis:
        """The axis, when linear, out to the next ticks: it then stays as it is while values move a little."""
        if self.log:
            return self
        step = _round_step((self.high - self.low) / max(1, most))
        return Axis(math.floor(self.low / step + 1e-6) * step, math.ceil(self.high / step - 1e-6) * step)


def draw(
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    ascii: bool = False,  # noqa: A002
    colour: bool = True,
    title: str = "",
    x_label: str = "step",
    x_range: Point | None = None,
    log: bool | None = None,
) -> list[Text]:
    """The curves as `height` lines of at most `width` columns: title and legend, canvas, axis.

    Args:
        series: later ones lie over earlier ones.
        width: in columns; at least 20.
        height: in lines; at least 5.
        ascii: use nothing but ASCII.
        colour: tell the series apart by colour; else by marker. The legend names them in either case.
        title: stands over the canvas, before the legend.
        x_label: stands at the end of the axis.
        x_range: what the axis spans, where that is not what the points span.
        log: show values on a logarithmic scale, leaving out those that are not positive, or on a linear one; None
            takes the logarithmic one where all are positive and span decades.
    """
    assert width >= 20, "a chart needs 20 columns"
    assert height >= 5, "a chart needs 5 lines"
    strokes = ASCII if ascii else BOX
    shown = [_shown(s.points, width, x_range, positive=bool(log)) for s in series]
    pens = [_pen(s, i, not ascii, colour) for i, s in enumerate(series)]
    rows = height - 3
    x = _range([p[0] for points in shown for p in points], x_range)
    y = _scale([p[1] for points in shown for p in points], log).rounded(rows)
    labels = _labels(y, rows)
    margin = max(LEAST_MARGIN, *map(len, labels.values()))
    columns = width - margin - 2
    grid: Grid = {}
    for points, pen in zip(shown, pens, strict=True):
        _trace(grid, points, pen, x, y, columns, rows)
    dim = DIM if colour else ""
    return [
        _legend(series, pens, title, width, strokes, Look(ascii, colour)),
        *(_row(grid, row, columns, labels.get(row, ""), margin, strokes, dim) for row in range(rows)),
        *_foot(x, columns, margin, x_label, strokes, dim),
    ]


def _shown(points: Sequence[Point], width: int, x_range: Point | None, *, positive: bool) -> Sequence[Point]:
    """The points that can be drawn and are inside the range: at most twice as many as columns."""
    if x_range is not None:
        start = bisect.bisect_left(points, x_range[0], key=_x)
        points = points[start : bisect.bisect_right(points, x_range[1], key=_x)]
    values = list(map(_y, points))
    if not math.isfinite(sum(values)):  # one sum tells it for all in the usual case
        points = [p for p in points if math.isfinite(p[1])]
        values = list(map(_y, points))
    if positive and min(values, default=1.0) <= 0:
        points = [p for p in points if p[1] > 0]
        values = list(map(_y, points))
    return [p for p in _thinned(points, values, width) if abs(p[1]) < LARGEST]


def _thinned(points: Sequence[Point], values: Sequence[float], width: int) -> Sequence[Point]:
    """The lowest and the highest point of each of `width` stretches."""
    if len(points) <= 2 * width:
        return points
    kept = []
    for column in range(width):
        start, stop = column * len(points) // width, (column + 1) * len(points) // width
        stretch = values[start:stop]
        low, high = stretch.index(min(stretch)), stretch.index(max(stretch))
        kept += [points[start + i] for i in sorted({low, high})]
    return kept


def _range(values: Sequence[float], given: Point | None) -> Axis:
    low, high = given or (min(values, default=0.0), max(values, default=1.0))
    return Axis(low, high if high > low else low + 1.0)


def _scale(values: Sequence[float], log: bool | None) -> Axis:
    """The axis of the values, never of no height: unless told, logarithmic where they are positive and span decades."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if log and low > 0 and high < 2 * low:
        return Axis(low / 2, high * 2, log=True)
    if log is not False and low > 0 and (log or math.log10(high) - math.log10(low) > LOG_DECADES):
        return Axis(low, high, log=True)
    if math.isclose(low, high, rel_tol=1e-9, abs_tol=SMALLEST):
        margin = max(abs(low) / 10, SMALLEST) if low else 1.0
        return Axis(low - margin, high + margin)
    return Axis(low, high)


def _labels(axis: Axis, rows: int) -> dict[int, str]:
    """Row → the round value that stands beside it."""
    ticks = axis.ticks(2 * rows // 3 if axis.log else rows // 2)
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9)) if len(ticks) > 1 else 0
    plain = not axis.log and len(ticks) > 1 and decimals <= 5 and all(abs(t) < 1e6 for t in ticks)
    texts = [f"{t:,.{decimals}f}" if plain else setting(t) for t in ticks]
    return {rows - 1 - (up >> 2): text for up, text in zip(axis.places(ticks, 4 * rows), texts, strict=True)}


@dataclass(frozen=True, slots=True)
class _Pen:
    style: str
    marker: str  # empty: braille


def _pen(series: Series, index: int, braille: bool, colour: bool) -> _Pen:
    style = (series.colour or PALETTE[index % len(PALETTE)]) if colour else ""
    if braille and (colour or index == 0):
        return _Pen(style, "")
    return _Pen(style, series.marker or MARKERS[index % len(MARKERS)])


def _trace(grid: Grid, points: Sequence[Point], pen: _Pen, x: Axis, y: Axis, columns: int, rows: int) -> None:
    """Draw one series into the grid, over what is there."""
    dots = list(zip(x.places(map(_x, points), 2 * columns), y.places(map(_y, points), 4 * rows), strict=True))
    cells: dict[tuple[int, int], int] = {}
    for across, up in _line(dots):
        down = 4 * rows - 1 - up
        cell = (across >> 1, down >> 2)
        cells[cell] = cells.get(cell, 0) | _DOTS[down & 3][across & 1]
    grid.update({cell: (pen.marker or chr(0x2800 + bits), pen.style) for cell, bits in cells.items()})


_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a braille character, by row and column (The Unicode Standard, block U+2800)."""


def _line(dots: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The dots of the straight pieces between the given ones."""
    yield from dots[:1]
    for (x0, y0), (x1, y1) in itertools.pairwise(dots):
        n = max(abs(x1 - x0), abs(y1 - y0))
        for i in range(1, n + 1):
            yield x0 + (2 * i * (x1 - x0) + n) // (2 * n), y0 + (2 * i * (y1 - y0) + n) // (2 * n)


def _legend(
    series: Sequence[Series], pens: Sequence[_Pen], title: str, width: int, strokes: Strokes, look: Look
) -> Text:
    line = look.text(title, BOLD)
    labels = [look.text(f" {one.label}") for one in series]
    gap = "   " if line.cell_len + sum(5 + label.cell_len for label in labels) <= width else "  "
    for label, pen in zip(labels, pens, strict=True):
        line.append(gap if line.plain else "")
        line.append((pen.marker or strokes.sample) * 2, pen.style)
        line.append_text(label)
    line.truncate(width, overflow="crop")
    return line


def _row(grid: Grid, row: int, columns: int, label: str, margin: int, strokes: Strokes, dim: str) -> Text:
    head = f"{label:>{margin}} {strokes.notch if label else strokes.edge}"
    cells = [grid.get((column, row), _BLANK) for column in range(columns)]
    spans, at = [Span(0, len(head), dim)], len(head)
    for style, run in itertools.groupby(cells, key=operator.itemgetter(1)):
        end = at + len(list(run))
        spans += [Span(at, end, style)] if style else []
        at = end
    return Text(head + "".join(character for character, _ in cells).rstrip(), spans=spans, no_wrap=True)


_BLANK = (" ", "")


def _foot(x: Axis, columns: int, margin: int, label: str, strokes: Strokes, dim: str) -> list[Text]:
    """The axis and its values; the label follows the last of them that leaves room."""
    values = x.ticks(columns // 10)
    if len(values) > 1 and values[1] - values[0] < 1 <= abs(values[-1]):  # there are no parts of a step
        values = [round(v) for v in values if abs(v - round(v)) < 1e-6] or values
    texts = [count(v) if abs(v) >= 1 or not v else setting(v) for v in values]
    ticks = {place >> 1: text for place, text in zip(x.places(values, 2 * columns), texts, strict=True)}
    axis = [strokes.tick if i in ticks else strokes.rule for i in range(columns)]
    under = [" "] * columns
    end = columns - len(label) - 1
    under[end + 1 :] = label
    for place, text in ticks.items():
        start = min(max(0, place - len(text) // 2), columns - len(text))
        if start + len(text) < end:
            under[start : start + len(text)] = text
    lead = " " * (margin + 1)
    return [
        Text(no_wrap=True).append(lead + strokes.corner + "".join(axis), dim),
        Text(no_wrap=True).append(lead + " " + "".join(under), dim),
    ]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    """Powers of ten with some multiples where there is room, else alone, else not all of them."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [f * 10.0**e for e in range(first, last + 1) for f in factors if low <= f * 10.0**e <= high]
        if 0 < len(ticks) <= most:
            return ticks
    return ticks[:: -(-len(ticks) // max(1, most))]


def _round_step(least: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is no less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= least * (1 - 1e-9))
