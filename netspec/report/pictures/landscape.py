"""The loss around a trained network as contours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.report.drawing.wording import measure, setting
from netspec.report.pictures.canvas import picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

Array = np.ndarray[Any, Any]

SIZE = (6.6, 5.4)

LEVELS = 16

DECADES = 1.3
"""Losses that span more than these powers of ten are shown by their logarithms."""


def draw(steps: Array, losses: Array, title: str, form: str) -> bytes:
    """The picture.

    Args:
        steps: along both directions, rising; 0 in the middle.
        losses: [len(steps), len(steps)], the second direction first; what is not finite is left white.
        form: "png" or "svg".
    """
    shown = np.where(np.isfinite(losses), losses, np.nan)

    def onto(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set(title=title, xlabel="along the first direction", ylabel="along the second direction")
        axes.set_box_aspect(1)
        levels = levels_of(shown)
        if len(levels) > 2:
            from matplotlib.colors import BoundaryNorm

            norm = BoundaryNorm([float(level) for level in levels], 256)
            filled = axes.contourf(steps, steps, shown, levels=levels, cmap="viridis", norm=norm)
            axes.contour(steps, steps, shown, levels=levels[1:-1], colors="white", linewidths=0.4)
            bar = figure.colorbar(filled, ax=axes, ticks=[float(level) for level in levels[::3]], label="loss")
            bar.ax.set_yticklabels([setting(float(level)) for level in levels[::3]])
        middle = float(losses[len(steps) // 2, len(steps) // 2])
        axes.plot(0, 0, "o", color="white", markeredgecolor="black", markersize=7)
        axes.annotate(
            measure(middle), (0, 0), (8, 6), textcoords="offset points", fontsize=9,
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        )  # fmt: skip

    return picture(onto, SIZE, form)


def levels_of(losses: Array) -> Array:
    """Heights of contours: at even distances, or at even factors where losses span powers of ten."""
    finite = losses[np.isfinite(losses)]
    if not len(finite) or not finite.max() > finite.min():
        return np.zeros(0)
    low, high = float(finite.min()), float(finite.max())
    if low > 0 and np.log10(high / low) > DECADES:
        return np.geomspace(low, high, LEVELS + 1)
    return np.linspace(low, high, LEVELS + 1)
