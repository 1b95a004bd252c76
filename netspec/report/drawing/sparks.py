"""A curve as one line of blocks, where there is no room for a chart. Knows nothing of trainings."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["spark"]

BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.-~=+*#"

ENOUGH = 4
"""Points a block, at the least, where there are more."""

LOG_DECADES = 2.0
"""Positive values that span more decades than this are shown on a logarithmic scale, as in a chart."""


def spark(points: Sequence[tuple[float, float]], width: int, *, ascii: bool = False) -> str:  # noqa: A002
    """The curve in `width` characters, each as high as the mean of its stretch; empty without points.

    >>> spark([(0, 8.0), (1, 4.0), (2, 2.0), (3, 1.0)], 4)
    '█▄▂▁'

    Args:
        points: (x, y) in ascending x, all finite.
        width: in columns; at least 1.
        ascii: use nothing but ASCII.
    """
    if not points:
        return ""
    # Enough for a line of blocks; by an odd number, as points of a thinned curve are low and high in turn.
    points = points[:: len(points) // (ENOUGH * width) | 1]
    heights = _heights([y for _, y in points])
    first, last = points[0][0], points[-1][0]
    stretches: list[list[float]] = [[] for _ in range(width)]
    for (x, _), height in zip(points, heights, strict=True):
        stretches[min(width - 1, int((x - first) / ((last - first) or 1.0) * width))].append(height)
    steps = ASCII if ascii else BLOCKS
    drawn, height = "", heights[0]
    for stretch in stretches:
        height = sum(stretch) / len(stretch) if stretch else height
        drawn += steps[round(height * (len(steps) - 1))]
    return drawn


def _heights(values: Sequence[float]) -> list[float]:
    """From 0 for the least value to 1 for the greatest; all of them 0 where they are the same."""
    low, high = min(values), max(values)
    if low > 0 and math.log10(high) - math.log10(low) > LOG_DECADES:
        return _heights([math.log10(value) for value in values])
    span = high - low
    return [(value - low) / span if 0 < span < math.inf else 0.0 for value in values]
