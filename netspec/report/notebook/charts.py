"""Curves as small inline SVG: no script, no file beside it, in the colour of the page around."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from netspec.report.drawing.curves import Axis, Series
from netspec.report.drawing.wording import count, setting
from netspec.report.notebook.pieces import COLOURS
from netspec.report.page.markup import Html, joined, shown, tag

__all__ = ["chart"]

WIDTH, HEIGHT = 340, 140
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 22, 18
DECADES = 1.3
"""From how many of them on values stand on a logarithmic scale, if all are above 0."""


def chart(series: Sequence[Series], last: float | None = None) -> Html | None:
    """Curves over one axis; None where there is nothing to draw.

    Args:
        series: what is not finite in them is left out.
        last: up to where the axis goes, if that is further than the curves do.
    """
    drawn = [Series(s.label, [p for p in s.points if math.isfinite(p[1])]) for s in series]
    drawn = [s for s in drawn if s.points]
    if not drawn:
        return None
    points = [p for s in drawn for p in s.points]
    x = _axis([0.0, *(p[0] for p in points), *([] if last is None else [last])], log=False)
    values = [p[1] for p in points]
    y = _axis(values, log=min(values) > 0 and math.log10(max(values) / min(values)) >= DECADES)
    inside = joined([*_grid(x, y), *(_line(s, i, x, y) for i, s in enumerate(drawn)), *_legend(drawn)])
    names = ", ".join(s.label for s in drawn)
    box = f"0 0 {WIDTH} {HEIGHT}"
    return tag("svg", inside, viewBox=box, width=WIDTH, height=HEIGHT, role="img", aria_label=f"Curves of {names}")


def _axis(values: Sequence[float], *, log: bool) -> Axis:
    low, high = min(values), max(values)
    if low == high:
        room = abs(low) / 2 or 0.5
        return Axis(low - room, high + room)
    return Axis(low, high, log)


def _across(x: Axis, value: float) -> float:
    return LEFT + _share(x, value) * (WIDTH - LEFT - RIGHT)


def _up(y: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - _share(y, value) * (HEIGHT - TOP - BOTTOM)


def _share(axis: Axis, value: float) -> float:
    """How far along an axis a value lies, from 0 to 1."""
    if axis.log:
        return math.log(value / axis.low) / math.log(axis.high / axis.low)
    return (value - axis.low) / (axis.high - axis.low)


def _line(series: Series, i: int, x: Axis, y: Axis) -> Html:
    colour = series.colour or COLOURS[i % len(COLOURS)]
    places = [f"{_across(x, at):.1f},{_up(y, value):.1f}" for at, value in series.points]
    if len(places) == 1:
        cx, _, cy = places[0].partition(",")
        return tag("circle", cx=cx, cy=cy, r=2, fill=colour)
    return tag("polyline", points=" ".join(places), fill="none", stroke=colour, stroke_width="1.5")


def _grid(x: Axis, y: Axis) -> Iterator[Html]:
    faint: dict[str, Any] = {"stroke": "currentColor", "stroke_opacity": "0.15"}
    words: dict[str, Any] = {"fill": "currentColor", "fill_opacity": "0.7", "font_size": 10}
    for value in y.ticks(4):
        at = f"{_up(y, value):.1f}"
        yield tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at, **faint)
        yield tag("text", setting(value), x=LEFT - 5, y=f"{_up(y, value) + 3:.1f}", text_anchor="end", **words)
    for value in x.ticks(5):
        at = f"{_across(x, value):.1f}"
        yield tag("text", count(value), x=at, y=HEIGHT - 4, text_anchor="middle", **words)


def _legend(series: Sequence[Series]) -> Iterator[Html]:
    """The names, each in its colour, in one line."""
    pieces = [
        tag("tspan", shown(s.label), fill=s.colour or COLOURS[i % len(COLOURS)], dx=10 if i else None)
        for i, s in enumerate(series)
    ]
    yield tag("text", *pieces, x=LEFT, y=12, font_size=11)
