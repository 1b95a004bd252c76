"""Which classes a network takes for which: counts, and the shares of each true class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.report.drawing.wording import percent
from netspec.report.pictures.canvas import named, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "shares_of"]

Array = np.ndarray[Any, Any]

BOTH = 12
"""Classes up to which a cell holds its count and its share."""

COUNTS = 32
"""Classes up to which a cell holds its count."""

NAMES = 110
"""Classes up to which each is named on the axes."""

SMALLEST, LARGEST = 4.2, 13.0
"""Of the side of the matrix, in inches."""

DARK = 0.55
"""Shares above which a cell is so dark that what stands in it is white."""


def shares_of(confusion: Array) -> Array:
    """Of each true class (row), how often it was said to be which; 0 where there was none of it."""
    totals = confusion.sum(axis=1, keepdims=True)
    return np.asarray(confusion / np.maximum(totals, 1))


def draw(confusion: Array, labels: Sequence[str], title: str, form: str) -> bytes:
    """The picture.

    Args:
        confusion: [classes, classes], rows what is true.
        labels: the classes' names.
        form: "png" or "svg".
    """
    count = len(confusion)
    side = min(LARGEST, max(SMALLEST, 0.62 * count if count <= BOTH else 2.0 + 0.3 * count))

    def onto(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set(title=title, xlabel="what the network says", ylabel="what is true")
        shares = shares_of(confusion)
        # The root of a share, so that rare mistakes are seen beside what is mostly right.
        shown = axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0.0, vmax=1.0, aspect="equal", interpolation="nearest")
        _name(axes, labels)
        _write(axes, confusion, shares, 72.0 * side / count)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(shown, ax=axes, shrink=0.7, label="share of the true class")
        ticks = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
        bar.set_ticks([tick**0.5 for tick in ticks], labels=[percent(tick) for tick in ticks])

    longest = max(len(named(label, _letters(count))) for label in labels) if count <= NAMES else 4
    return picture(onto, (side + 1.7 + 0.06 * longest, side + 0.9 + 0.06 * longest), form)


def _name(axes: Axes, labels: Sequence[str]) -> None:
    count = len(labels)
    every = -(-count // NAMES)
    at = range(0, count, every)
    names = [named(labels[i], _letters(count)) for i in at]
    size = 10 if count <= 20 else 8 if count <= 50 else 6
    upright = max(map(len, names)) > max(1, round(36 / len(names)))
    axes.set_xticks(at, names, fontsize=size, rotation=90 if upright else 0)
    axes.set_yticks(at, names, fontsize=size)
    axes.tick_params(length=0)


def _letters(count: int) -> int:
    """Of a class's name, at the most."""
    return 24 if count <= BOTH else 16


def _write(axes: Axes, confusion: Array, shares: Array, width: float) -> None:
    """What stands in the cells of so many points; in those that hold nothing, nothing."""
    count = len(confusion)
    if count > COUNTS:
        return
    both = count <= BOTH
    # A digit is some 0.6 of its size wide, and a little room belongs to either side.
    size = max(4.5, min(9.5, 0.85 * width / (0.62 * len(f"{int(confusion.max()):,}"))))
    for i, j in np.argwhere(confusion > 0).tolist():
        text = f"{confusion[i, j]:,}\n{_share(shares[i, j])}" if both else f"{confusion[i, j]:,}"
        colour = "white" if shares[i, j] ** 0.5 > DARK else "black"
        axes.text(j, i, text, ha="center", va="center", fontsize=size, color=colour, linespacing=1.15)


def _share(share: float) -> str:
    """A share in percent; one that is nearly none, or nearly all, is not said to be that."""
    if share < 0.1:
        return f"{100 * share:.1f} %" if share >= 0.0005 else "< 0.1 %"
    return percent(share) if share == 1.0 or share < 0.995 else "> 99 %"
