"""On a small problem without noise, a method that learns the curvature leaves descent far behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from examples import page
from examples.training import trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent

RATES = {"sgd": (0.1, 0.3, 0.5), "adam": (0.01, 0.03, 0.1)}
TITLES = {"sgd": "descent", "adam": "Adam", "lbfgs": "L-BFGS"}


def study(quick: bool = False) -> dict[str, Any]:
    """The training loss at each step, [seeds, steps]; of descent and Adam at the rate that ends lowest."""
    seeds = 3 if quick else 10
    found: dict[str, Any] = {}
    for name, every in RATES.items():
        rates = every[1:2] if quick else every
        runs = {r: trained(HERE / f"{name}.toml", [f"optimizer.learning_rate={r}"], seeds) for r in rates}
        losses = {rate: np.array([run.losses[1] for run in each]) for rate, each in runs.items()}
        found[f"{name} rate"] = min(rates, key=lambda rate: losses[rate][:, -1].mean())
        found[name] = losses[found[f"{name} rate"]]
    runs = trained(HERE / "lbfgs.toml", seeds=seeds)
    found["lbfgs"] = np.array([run.losses[1] for run in runs])
    found["steps"] = runs[0].losses[0]
    return found


def curve() -> str:
    """The data: sin(2 π x) + x / 2 at forty places, without noise."""
    x = np.linspace(-1, 1, 40)
    return "x,y\n" + "".join(f"{a:.4f},{np.sin(2 * np.pi * a) + a / 2:.4f}\n" for a in x)


def main() -> str:
    """Write the page, and give its result in a line."""
    (HERE / "curve.csv").write_text(curve())
    found = study()
    rows = [["method", "rate", "loss at step 100", "loss at step 1,000, median", "least", "most"]]
    early = np.searchsorted(found["steps"], 100)
    for name, title in TITLES.items():
        last = found[name][:, -1]
        ends = [f"{number:.2g}" for number in (np.median(last), last.min(), last.max())]
        rows.append([title, str(found.get(f"{name} rate", "")), f"{np.median(found[name][:, early]):.2g}", *ends])
    page.write(HERE, rows, lambda figure: draw(figure, found), (6.4, 3.6), "Training loss by step for each method")
    ends = [f"{np.median(found[name][:, -1]):.2g}" for name in TITLES]
    return "training loss after 1,000 steps: descent {}, Adam {}, L-BFGS {}".format(*ends)


def draw(figure: Figure, found: dict[str, Any]) -> None:
    """The training loss of each seed."""
    axes = figure.add_subplot()
    for i, (name, title) in enumerate(TITLES.items()):
        for j, losses in enumerate(found[name]):
            label, style = (title if j == 0 else None), ("-", "--", "-")[i]
            axes.loglog(found["steps"], losses, style, color=page.COLOURS[i], linewidth=0.8, label=label)
    axes.set(xlabel="step", ylabel="training loss, each seed")
    page.legend_below(figure, axes)
