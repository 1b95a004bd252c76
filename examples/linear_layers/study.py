"""Linear layers in a row do no better than one; a nonlinearity between them makes the difference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize

from examples import page
from examples.training import trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent

NETWORKS = {"one": "one linear layer", "three": "three linear layers", "tanh": "the same three with tanh"}

SIDES = np.linspace(-2.2, 2.2, 101)
PLANE = np.stack(np.meshgrid(SIDES, SIDES), axis=-1).reshape(-1, 2)


def study(quick: bool = False) -> dict[str, Any]:
    """Training loss and accuracy of each network, one a seed, and the least loss that any linear function has."""
    found: dict[str, Any] = {"least": least_linear_loss()}
    for name in NETWORKS:
        runs = trained(HERE / f"{name}.toml", seeds=4 if quick else 20)
        found[name] = np.array([run.metrics["train/loss"] for run in runs])
        if not quick:
            found[f"{name} plane"] = runs[0].predicted(PLANE, ("x1", "x2"))[:, 1]
        found[f"{name} accuracy"] = np.array([run.metrics["train/accuracy"] for run in runs])
    return found


def points() -> tuple[Any, Any]:
    """The half moons: points [n, 2], and which moon each is of."""
    rows = np.loadtxt(HERE / "moons.csv", delimiter=",", skiprows=1)
    return rows[:, :2], rows[:, 2]


def least_linear_loss() -> float:
    """The minimum of the mean log loss over all linear functions: logistic regression, by SciPy."""
    x, y = points()
    x, sign = np.column_stack([x, np.ones(len(x))]), 2 * y - 1
    return float(minimize(lambda w: np.logaddexp(0, -sign * (x @ w)).mean(), np.zeros(3)).fun)


def moons() -> str:
    """The data: two half moons of a hundred points each, with noise."""
    draw = np.random.default_rng(0)
    angle, moon = np.pi * draw.uniform(size=200), np.repeat([0, 1], 100)
    x1 = np.where(moon, 1 - np.cos(angle), np.cos(angle)) - 0.5
    x2 = np.where(moon, 0.5 - np.sin(angle), np.sin(angle)) - 0.25
    both = np.stack([x1, x2], axis=1) + draw.normal(scale=0.15, size=(200, 2))
    return "x1,x2,moon\n" + "".join(f"{a:.3f},{b:.3f},{m}\n" for (a, b), m in zip(both, moon, strict=True))


def main() -> str:
    """Write the page, and give its result in a line."""
    (HERE / "moons.csv").write_text(moons())
    found = study()
    rows = [["network", "training loss", "accuracy"]]
    rows += [[NETWORKS[n], page.spread(found[n], ".4f"), page.percent(found[f"{n} accuracy"])] for n in NETWORKS]
    rows.append(["the best linear function (SciPy)", f"{found['least']:.4f}", ""])
    page.write(HERE, rows, lambda figure: draw(figure, found), (8.4, 3.2), "What each network takes for which moon")
    one, three, tanh = (page.share(found[f"{n} accuracy"]) for n in NETWORKS)
    return f"one linear layer {one} accuracy, three {three}; with tanh between them {tanh}"


def draw(figure: Figure, found: dict[str, Any]) -> None:
    """The plane as the first seed's networks part it."""
    x, moon = points()
    for i, (name, title) in enumerate(NETWORKS.items()):
        axes = figure.add_subplot(1, 3, i + 1)
        sure = found[f"{name} plane"].reshape(len(SIDES), len(SIDES))
        axes.contourf(SIDES, SIDES, sure, levels=[0, 0.5, 1], colors=["#dcecf7", "#fbe3d3"])
        for side, marker in ((0, "o"), (1, "^")):
            axes.plot(*x[moon == side].T, marker, color=page.COLOURS[side], markersize=3)
        axes.set(title=title, xlim=(-2.2, 2.2), ylim=(-1.6, 1.6), xticks=[], yticks=[], aspect="equal")
