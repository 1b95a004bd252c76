"""Exclusive or: out of reach of one layer, within reach of one hidden layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from examples import page
from examples.training import trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent

UNITS = (1, 2, 3, 4, 8)


def study(quick: bool = False) -> dict[str, Any]:
    """The best share of the four examples that each seed's network ever had right, by its hidden units; 0 is none."""
    seeds = 8 if quick else 30
    runs = {0: trained(HERE / "perceptron.toml", seeds=seeds)}
    for units in (4,) if quick else UNITS:
        runs[units] = trained(HERE / "hidden.toml", [f"let.units={units}"], seeds)
    return {str(units): np.array([run.metrics["train/accuracy"] for run in each]) for units, each in runs.items()}


def main() -> str:
    """Write the page, and give its result in a line."""
    found = study()
    rows = [["hidden units", "seeds with 2 of 4 right", "3 of 4", "all 4"]]
    for units, best in found.items():
        counts = [str(int((best == right).sum())) for right in (0.5, 0.75, 1.0)]
        rows.append([units if units != "0" else "none (perceptron)", *counts])
    page.write(
        HERE, rows, lambda figure: draw(figure, found), (6.4, 3.2), "Share of seeds that learn all four examples"
    )
    best, solved = max(found["0"]), (found["4"] == 1).mean()
    return (
        f"the best of {len(found['0'])} perceptrons has {page.share(best)} right; "
        f"4 hidden units learn all in {page.share(solved)} of seeds"
    )


def draw(figure: Figure, found: dict[str, Any]) -> None:
    """A bar for each number of hidden units: seeds by how many examples they had right at best."""
    axes = figure.add_subplot()
    places, below = np.arange(len(found)), np.zeros(len(found))
    shades = {1.0: page.COLOURS[0], 0.75: page.COLOURS[4], 0.5: "#bbbbbb"}
    for right, colour in shades.items():
        shares = np.array([(best == right).mean() for best in found.values()])
        axes.bar(places, shares, 0.7, below, color=colour, label=f"{4 * right:.0f} of 4 right")
        below += shares
    axes.set_xticks(places, ["none\n(perceptron)", *list(found)[1:]])
    axes.set(xlabel="hidden units", ylabel="share of seeds", ylim=(0, 1))
    page.legend_below(figure, axes)
