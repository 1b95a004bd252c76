"""The paths of optimizers over the contours of the function that they go down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.report.drawing.wording import setting
from netspec.report.pictures.canvas import COLOURS, legend_below, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Line", "draw", "view_of"]

Array = np.ndarray[Any, Any]

SIZE = (6.4, 6.4)

GRID = 160
"""Heights that are worked out along each axis."""

LEVELS = 18

LOWER = 1.7
"""How much more of the contours lie low: with 1 there would be one for each equal share of the view."""

MARGIN = 0.15
"""Of the view around what is shown, as a share of it."""

FAR = 2.0
"""How far outside of starts and minima a path is followed, in their own extent: what diverges would shrink the rest."""

STYLES = ("-", "--", "-.", ":")

FEW = 60
"""Steps up to which each is marked by a dot."""


@dataclass(frozen=True, slots=True)
class Line:
    """One path.

    Args:
        label: what the legend calls it.
        points: [steps + 1, 2], the start first; finite.
    """

    label: str
    points: Array


def view_of(lines: Sequence[Line], minima: Sequence[tuple[float, ...]]) -> tuple[float, float, float, float]:
    """The part of the plane that is shown: left, right, bottom, top."""
    inner = np.concatenate([[line.points[0] for line in lines], np.reshape(minima, (-1, 2))])
    every = np.concatenate([line.points for line in lines])
    low, high = inner.min(axis=0), inner.max(axis=0)
    reach = max(float((high - low).max()), 1.0) if len(inner) > 1 else max(1.0, float(np.abs(inner).max()))
    near = every[((every >= low - FAR * reach) & (every <= high + FAR * reach)).all(axis=1)]
    shown = np.concatenate([inner, near])
    low, high = shown.min(axis=0), shown.max(axis=0)
    # Neither side much longer than the other: a path along one axis has a ground, too.
    least = 0.5 * max(float((high - low).max()), 1e-6)
    middle, half = (low + high) / 2, np.maximum(high - low, least) * (0.5 + MARGIN)
    (left, bottom), (right, top) = middle - half, middle + half
    return float(left), float(right), float(bottom), float(top)


def draw(
    function: Callable[[Array], Array],
    title: str,
    lines: Sequence[Line],
    minima: Sequence[tuple[float, ...]],
    form: str,
) -> bytes:
    """The picture.

    Args:
        function: of points [n, 2], their heights [n].
        lines: at least one.
        minima: of the function.
        form: "png" or "svg".
    """
    left, right, bottom, top = view_of(lines, minima)
    x, y = np.meshgrid(np.linspace(left, right, GRID), np.linspace(bottom, top, GRID))
    heights = np.asarray(function(np.stack([x.ravel(), y.ravel()], axis=1)), np.float64).reshape(x.shape)

    def onto(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set(title=title, xlabel="x", ylabel="y", xlim=(left, right), ylim=(bottom, top))
        _ground(axes, x, y, heights)
        handles = [_path(axes, line, i, len(lines)) for i, line in enumerate(lines)]
        handles += _marks(axes, lines, minima)
        legend_below(figure, axes, handles)

    return picture(onto, SIZE, form)


def levels_of(heights: Array) -> Array:
    """Heights of contours that share the view out between them, more of them low down: plains and cliffs alike show."""
    finite = heights[np.isfinite(heights)]
    return np.unique(np.quantile(finite, np.linspace(0.0, 1.0, LEVELS + 1) ** LOWER)) if len(finite) else np.zeros(0)


def _ground(axes: Axes, x: Array, y: Array, heights: Array) -> None:
    levels = levels_of(heights)
    if len(levels) < 3:
        return  # level ground
    shades = [str(shade) for shade in np.linspace(0.80, 0.98, len(levels) - 1)]
    axes.contourf(x, y, heights, levels=levels, colors=shades)
    lines = axes.contour(x, y, heights, levels=levels[1:-1], colors="#8a8a8a", linewidths=0.5)
    axes.clabel(lines, levels[1:-1:4], fmt=lambda height: setting(float(height)), fontsize=7, colors="#555555")


def _path(axes: Axes, line: Line, i: int, count: int) -> Any:
    colour, style = COLOURS[i % len(COLOURS)], STYLES[i // len(COLOURS) % len(STYLES)]
    # Paths run into one valley: those below look out on both sides of those above.
    width = 1.4 + min(1.1 * (count - 1 - i), 6.0)
    points = _thinned(line.points)
    dots = "." if len(points) <= FEW else ""
    drawn = axes.plot(*points.T, style, color=colour, marker=dots, markersize=4, linewidth=width, label=line.label)[0]
    axes.plot(*points[-1], "s", color=colour, markersize=6, markeredgecolor="white", zorder=4)
    return drawn


def _thinned(points: Array, most: int = 5000) -> Array:
    """No more points than can be told apart; the last is kept."""
    every = -(-len(points) // most)
    return np.concatenate([points[:-1:every], points[-1:]])


def _marks(axes: Axes, lines: Sequence[Line], minima: Sequence[tuple[float, ...]]) -> list[Any]:
    """Starts, ends and minima; for the legend, one of each."""
    starts = np.unique([line.points[0] for line in lines], axis=0)
    start = axes.plot(*starts.T, "o", color="white", markeredgecolor="black", markersize=8, zorder=5, label="start")
    end = axes.plot([], [], "s", color="#777777", markersize=6, label="end")
    if not minima:
        return [*start, *end]
    stars = np.reshape(minima, (-1, 2))
    least = axes.plot(*stars.T, "*", color="#F0E442", markeredgecolor="black", markersize=17, zorder=3, label="minimum")
    return [*start, *end, *least]
