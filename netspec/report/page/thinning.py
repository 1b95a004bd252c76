"""Long curves with no more points than can be seen: what was lowest and highest stays."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["MOST", "evenly", "means", "rounded", "thinned"]

MOST = 1_000
"""Points of a curve, at the most."""

Array = np.ndarray[Any, Any]


def thinned(steps: Array, values: Array, most: int = MOST) -> tuple[Array, Array]:
    """A curve by the lowest and the highest value of each of `most` / 2 stretches, in their order, and its ends.

    Args:
        steps, values: [n], finite.
    """
    count = len(values)
    if count <= most:
        return steps, values
    starts = _starts(count, (most - 2) // 2)
    ends = np.append(starts[1:], count)
    kept = {0, count - 1}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        stretch = values[start:end]
        kept |= {start + int(stretch.argmin()), start + int(stretch.argmax())}
    chosen = np.array(sorted(kept))
    return steps[chosen], values[chosen]


def means(steps: Array, values: Array, most: int = MOST // 2) -> tuple[Array, Array] | None:
    """The means of `most` stretches of a curve; None where it has no more points than that."""
    count = len(values)
    if count <= 2 * most:
        return None
    starts = _starts(count, most)
    lengths = np.diff(np.append(starts, count))
    return np.add.reduceat(steps, starts) / lengths, np.add.reduceat(values, starts) / lengths


def evenly(count: int, most: int) -> Array:
    """The indices of at most `most` of `count` things: the first, the last, and those that lie evenly between."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)) if count else np.zeros(0, int)


def rounded(values: Array, digits: int = 6) -> tuple[float, ...]:
    """Numbers with no more digits than a picture shows."""
    return tuple(float(f"{value:.{digits}g}") for value in values.tolist())


def _starts(count: int, stretches: int) -> Array:
    return np.linspace(0, count, stretches, endpoint=False).astype(int)
