"""Newton's method goes to the next point without a slope, be it a saddle; descent goes down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from examples import page
from netspec import commands

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent

METHODS = ("descent", "newton", "saddle_free")


def study(quick: bool = False) -> dict[str, Any]:
    """What each method arrives at from each start of a grid: "minimum", "saddle" or "maximum"; and its paths."""
    grid = [
        (x, y) for x in np.linspace(-4.2, 4.2, 3 if quick else 7) for y in np.linspace(-4.2, 4.2, 3 if quick else 7)
    ]
    found: dict[str, Any] = {}
    for method in METHODS:
        walks = [walk(method, start) for start in grid]
        found[f"{method} paths"] = walks
        found[method] = [arrived_at(points[-1]) for points in walks]
    return found


def walk(method: str, start: tuple[float, float]) -> Any:
    """The points of one path, [steps + 1, 2]."""
    return commands.paths([HERE / f"{method}.toml"], [f"model.point=[{start[0]}, {start[1]}]"]).taken[0].points


def arrived_at(point: Any) -> str:
    """What kind of a point this is, by the gradient and the Hessian worked out by hand."""
    x, y = point
    gradient = [4 * x * (x**2 + y - 11) + 2 * (x + y**2 - 7), 2 * (x**2 + y - 11) + 4 * y * (x + y**2 - 7)]
    if not np.linalg.norm(gradient) < 1e-2:
        return "nowhere"
    both = 4 * x + 4 * y
    low, high = np.linalg.eigvalsh([[12 * x**2 + 4 * y - 42, both], [both, 12 * y**2 + 4 * x - 26]])
    return "minimum" if low > 0 else "maximum" if high < 0 else "saddle"


KINDS = {"minimum": "o", "saddle": "X", "maximum": "s", "nowhere": "."}


def main() -> str:
    """Write the page, and give its result in a line."""
    found = study()
    titles = dict(zip(METHODS, ("gradient descent", "Newton", "saddle-free Newton"), strict=True))
    rows = [["method", *KINDS]]
    rows += [[titles[m], *(str(found[m].count(kind)) for kind in KINDS)] for m in METHODS]
    page.write(HERE, rows, lambda figure: draw(figure, found, titles), (8.6, 3.4), "Where each start ends up")
    total, saddles = len(found["newton"]), found["newton"].count("saddle")
    return (
        f"of {total} starts Newton takes {saddles} to a saddle; descent {found['descent'].count('saddle')}, "
        f"saddle-free Newton {found['saddle_free'].count('saddle')}"
    )


def draw(figure: Figure, found: dict[str, Any], titles: dict[str, str]) -> None:
    """The starts, each marked by the kind of point that it leads to, over the contours."""
    sides = np.linspace(-5, 5, 60)
    x, y = np.meshgrid(sides, sides)
    heights = (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
    for i, method in enumerate(METHODS):
        axes = figure.add_subplot(1, 3, i + 1)
        axes.contour(x, y, heights, levels=np.geomspace(2, 600, 9), colors="#aaaaaa", linewidths=0.5)
        for j, (kind, marker) in enumerate(KINDS.items()):
            starts = [
                points[0] for points, end in zip(found[f"{method} paths"], found[method], strict=True) if end == kind
            ]
            marked = np.reshape(starts, (-1, 2)).T
            axes.plot(
                *marked, marker, color=page.COLOURS[(0, 1, 3, 6)[j]], markersize=6, linestyle="", label=f"to a {kind}"
            )
        axes.set(title=titles[method], xticks=[], yticks=[], aspect="equal")
    handles = axes.get_legend_handles_labels()[0][:3]
    page.legend_below(figure, axes, handles)
