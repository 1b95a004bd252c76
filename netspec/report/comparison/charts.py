"""The curves of a comparison over each other, in braille or by markers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from netspec.report.comparison.compare import Comparison
from netspec.report.comparison.curves import LOSS
from netspec.report.drawing.curves import Series, draw
from netspec.report.drawing.frame import Look, beside
from netspec.report.drawing.styles import PALETTE
from netspec.report.drawing.wording import measured_name

__all__ = ["COLOURS", "charts"]

WIDE = 110
"""From this many columns on, curves stand side by side."""
CHART_LINES = 14
COLOURS = (*PALETTE, "color(111)", "color(137)")
MORE_MARKERS = ("~", "=")
"""Of the last two of ten curves; the others have those of every chart."""


def charts(comparison: Comparison, width: int, look: Look) -> Iterator[list[Text]]:
    """The curves overlaid: side by side where there is room for both and their legends."""
    curves = comparison.curves.means
    names = [comparison.runs[i].name for i in comparison.drawn]
    numbers = [str(i + 1) for i in comparison.drawn]
    titles = {name: name if name == LOSS else measured_name(name) for name in curves}
    labels = names if _fits(titles.values(), names, width) else numbers
    half = (width - 4) // 2
    side_by_side = len(titles) > 1 and width >= WIDE
    if side_by_side and not _fits(titles.values(), labels, half):
        labels = numbers
    factor, unit = _unit(comparison)
    charts = [
        draw(
            _series(labels, [[(x / factor, y) for x, y in points[i]] for i in comparison.drawn]),
            half if side_by_side else width,
            CHART_LINES,
            ascii=look.ascii,
            colour=look.colour,
            title=titles[name],
            x_label=unit,
            log=_log([y for i in comparison.drawn for _, y in points[i]]),
        )
        for name, points in curves.items()
    ]
    if side_by_side:
        yield [beside(left, right, half + 4) for left, right in zip(*charts, strict=True)]
    else:
        yield from charts


def _log(values: Sequence[float]) -> bool | None:
    """A logarithmic scale where a few losses are 0, or one ran away; else what the chart itself thinks."""
    positive = [value for value in values if 0 < value < math.inf]
    zeros = sum(value == 0 for value in values)
    if not positive or not zeros or min(values) < 0:
        return None
    spanned = max(positive) / min(positive)
    return True if spanned > (100 if zeros < len(positive) else 1e6) else None


def _unit(comparison: Comparison) -> tuple[float, str]:
    """What the places on the axis are divided by, and are then called."""
    if comparison.curves.by != "time":
        return 1.0, comparison.curves.by
    ends = [points[-1][0] for curves in comparison.curves.means.values() for points in curves if points]
    longest = max(ends, default=0.0)
    return (3600.0, "hours") if longest > 7200 else (60.0, "minutes") if longest > 120 else (1.0, "seconds")


def _fits(titles: Iterable[str], labels: Sequence[str], width: int) -> bool:
    return max(map(len, titles), default=0) + sum(len(label) + 6 for label in labels) <= width


def _series(labels: Sequence[str], curves: Sequence[Sequence[tuple[float, float]]]) -> list[Series]:
    markers = [""] * len(PALETTE) + list(MORE_MARKERS)
    return [Series(*one) for one in zip(labels, curves, COLOURS, markers, strict=False)]
