"""A deep network of sigmoids fails to learn; with batch normalisation it learns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from examples import page
from examples.training import trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent

NETWORKS = ("plain", "normalised")
DEPTHS = (2, 4, 6, 10)


def study(quick: bool = False) -> dict[str, Any]:
    """Test accuracy by network and depth, one a seed."""
    found: dict[str, Any] = {}
    for name in NETWORKS:
        for depth in (10,) if quick else DEPTHS:
            settings = [f"let.depth={depth}", *(["train.epochs=5"] if quick else [])]
            runs = trained(HERE / f"{name}.toml", settings, seeds=2 if quick else 5)
            found[f"{name} {depth}"] = np.array([run.metrics["test/accuracy"] for run in runs])
            found[f"{name} {depth} losses"] = np.array([run.losses[1] for run in runs])
            found["steps"] = runs[0].losses[0]
    return found


def main() -> str:
    """Write the page, and give its result in a line."""
    found = study()
    rows = [["hidden layers", "sigmoids", "with batch normalisation"]]
    rows += [[str(depth), *(page.percent(found[f"{name} {depth}"]) for name in NETWORKS)] for depth in DEPTHS]
    page.write(HERE, rows, lambda figure: draw(figure, found), (8.0, 3.4), "Test accuracy by depth, and training loss")
    plain, normalised = (page.share(found[f"{name} 10"]) for name in NETWORKS)
    return f"ten layers of sigmoids {plain} test accuracy, with batch normalisation {normalised}"


def draw(figure: Figure, found: dict[str, Any]) -> None:
    """Test accuracy by depth, a mark for each seed; and the training loss of the deepest."""
    left, right = figure.subplots(1, 2)
    for i, (name, label) in enumerate(zip(NETWORKS, ("sigmoids", "with batch normalisation"), strict=True)):
        reached = np.array([found[f"{name} {depth}"] for depth in DEPTHS])
        left.plot(DEPTHS, 100 * reached.mean(axis=1), "o^"[i] + "-", color=page.COLOURS[i], label=label)
        left.plot(DEPTHS, 100 * reached, "_", color=page.COLOURS[i])
        right.plot(found["steps"], found[f"{name} 10 losses"].T, color=page.COLOURS[i], linewidth=0.7)
    left.axhline(10, color="black", linewidth=0.8, linestyle=":")
    left.set(xlabel="hidden layers", ylabel="test accuracy, %", ylim=(0, 100), xticks=DEPTHS)
    right.set(xlabel="step", ylabel="training loss, each seed", title="ten hidden layers")
    page.legend_below(figure, left)
