"""Stochastic descent hovers around the minimum at a constant rate, and settles at one that decays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from examples import page
from examples.training import trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent

RATES = (0.2, 0.1, 0.05)


def study(quick: bool = False) -> dict[str, Any]:
    """By how much the training loss exceeds that of least squares, [seeds, passes], for each rate and the decay."""
    least, seeds = least_squares(), 6 if quick else 20
    runs = {f"constant {r}": trained(HERE / "constant.toml", [f"optimizer.learning_rate={r}"], seeds) for r in RATES}
    runs["decaying"] = trained(HERE / "decaying.toml", seeds=seeds)
    return {n: np.array([run.measured("train/loss")[1] - least for run in each]) for n, each in runs.items()}


def least_squares() -> float:
    """The least half mean squared error that a line has, by NumPy."""
    x, y = np.loadtxt(HERE / "line.csv", delimiter=",", skiprows=1).T
    (residual,) = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y)[1]
    return float(residual) / len(x) / 2


def line() -> str:
    """The data: y = 1 + 2 x, with noise of standard deviation 0.5."""
    draw = np.random.default_rng(2)
    x = draw.uniform(-1, 1, size=200)
    y = 1 + 2 * x + draw.normal(scale=0.5, size=200)
    return "x,y\n" + "".join(f"{a:.3f},{b:.3f}\n" for a, b in zip(x, y, strict=True))


def settled(excess: Any) -> Any:
    """The mean excess over the last ten passes, one a seed."""
    return excess[:, -10:].mean(axis=1)


def main() -> str:
    """Write the page, and give its result in a line."""
    (HERE / "line.csv").write_text(line())
    found = study()
    rows = [["rate", "after 1 pass", "over the last 10 passes"]]
    for name, excess in found.items():
        label = name if name != "decaying" else "0.1, decaying"
        rows.append([label, page.spread(excess[:, 0], ".4f"), page.spread(settled(excess), ".5f")])
    page.write(HERE, rows, lambda figure: draw(figure, found), (6.4, 3.8), "Excess loss by pass for each rate")
    constant, decaying = settled(found["constant 0.1"]).mean(), settled(found["decaying"]).mean()
    return f"rate 0.1 hovers {constant:.4f} above the least loss; decaying it comes to {decaying:.5f}"


def draw(figure: Figure, found: dict[str, Any]) -> None:
    """The mean over the seeds after each pass."""
    axes = figure.add_subplot()
    for i, (name, excess) in enumerate(found.items()):
        style = "-" if name == "decaying" else ("--", ":", "-.")[i]
        passes = np.arange(1, excess.shape[1] + 1)
        axes.semilogy(passes, excess.mean(axis=0), style, color=page.COLOURS[i], label=name)
    axes.set(xlabel="passes over the points", ylabel="loss above the least one", title="mean over the seeds")
    page.legend_below(figure, axes)
