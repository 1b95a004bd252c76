"""Perceptron and hinge loss on twenty points above and below x1 = x2: how much the line depends on chance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from examples import page
from examples.training import trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent

LOSSES = ("perceptron", "hinge")


def study(quick: bool = False) -> dict[str, Any]:
    """For each loss, errors on a thousand other points and the line's angle in degrees, [draws of points, seeds]."""
    draws, seeds = (3, 8) if quick else (20, 16)
    found: dict[str, Any] = {}
    for loss in LOSSES:
        runs = [trained(HERE / f"{loss}.toml", [f"data.split.seed={draw}"], seeds) for draw in range(draws)]
        found[loss] = np.array([[run.metrics["test/error"] for run in each] for each in runs])
        found[f"{loss} angle"] = np.array([[_angle(run.weights()["dense1/kernel"]) for run in each] for each in runs])
    return found


def _angle(kernel: Any) -> float:
    """Of the line w · x = 0 to the first axis; 45° is the true one."""
    (a,), (b,) = kernel
    return float(np.degrees(np.arctan2(-a, b))) % 180


def square() -> str:
    """The data: points of the unit square, called after the side of x1 = x2 on which they are."""
    points = np.random.default_rng(3).uniform(size=(1020, 2))
    return "x1,x2,side\n" + "".join(f"{a:.4f},{b:.4f},{'below' if a > b else 'above'}\n" for a, b in points)


def main() -> str:
    """Write the page, and give its result in a line."""
    (HERE / "square.csv").write_text(square())
    found = study()
    rows = [["loss", "test error, mean", "sd between draws of points", "sd between seeds of one draw", "worst"]]
    rows += [[loss, *(f"{100 * number:.2f} %" for number in summary(found[loss]))] for loss in LOSSES]
    page.write(HERE, rows, lambda figure: draw(figure, found), (6.8, 3.6), "The lines' angles for each draw of points")
    perceptron, hinge = (summary(found[loss]) for loss in LOSSES)
    return (
        f"test error {100 * perceptron[0]:.1f} % against {100 * hinge[0]:.1f} %; "
        f"between seeds it varies by {100 * perceptron[2]:.2f} against {100 * hinge[2]:.2f} points"
    )


def summary(errors: Any) -> tuple[float, float, float, float]:
    """Of errors [draws, seeds]: the mean, the sd of the draws' means, the mean sd within a draw, the largest."""
    within = errors.std(axis=1, ddof=1).mean()
    return float(errors.mean()), float(errors.mean(axis=1).std(ddof=1)), float(within), float(errors.max())


def draw(figure: Figure, found: dict[str, Any]) -> None:
    """A column for each draw of points, a mark for each seed."""
    axes = figure.add_subplot()
    for i, (loss, marker) in enumerate(zip(LOSSES, "o_", strict=True)):
        angles = found[f"{loss} angle"]
        places = np.repeat(np.arange(1, len(angles) + 1), angles.shape[1])
        size, edge = (14, 0) if marker == "o" else (110, 2)
        axes.scatter(
            places,
            angles.ravel(),
            size,
            page.COLOURS[1 - i],
            marker,
            linewidths=edge,
            alpha=0.7 if i == 0 else 1,
            label=loss,
        )
    axes.axhline(45, color="black", linewidth=0.8, linestyle=":", label="x1 = x2")
    axes.set(xlabel="draw of twenty points", ylabel="angle of the line, degrees", xticks=range(1, len(angles) + 1))
    page.legend_below(figure, axes)
