"""Momentum on an ill-conditioned quadratic: the steps grow with the root of the condition number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from examples import page
from netspec import commands

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent

SPECS = ("plain", "momentum")
CONDITIONS = (10, 30, 100, 300, 1000)
NEAR = 1e-3
"""Of the distance at the start: what counts as having arrived."""


def study(quick: bool = False) -> dict[str, Any]:
    """The distances from the minimum after each step, by spec and condition number, and the steps until it is near."""
    found: dict[str, Any] = {}
    for condition in (100,) if quick else CONDITIONS:
        settings = [f"let.condition={condition}", f"train.steps={8 * condition}"]
        for name, path in zip(SPECS, commands.paths([HERE / f"{s}.toml" for s in SPECS], settings).taken, strict=True):
            distances = np.linalg.norm(path.points, axis=1)
            found[f"{name} {condition}"] = distances
            # Momentum may come near and go on: from when on it stays.
            found[f"{name} {condition} steps"] = int(np.flatnonzero(distances > NEAR * distances[0])[-1]) + 1
            found[f"{name} {condition} points"] = path.points
    return found


def main() -> str:
    """Write the page, and give its result in a line."""
    found = study()
    rows = [["condition number", "descent, steps", "with momentum, steps", "ratio", "√condition"]]
    for condition in CONDITIONS:
        plain, momentum = (found[f"{name} {condition} steps"] for name in SPECS)
        both = f"{plain / momentum:.1f}", f"{condition**0.5:.1f}"
        rows.append([str(condition), f"{plain:,}", f"{momentum:,}", *both])
    page.write(
        HERE, rows, lambda figure: draw(figure, found), (8.0, 3.4), "Distance by step, and steps by condition number"
    )
    plain, momentum = (found[f"{name} 1000 steps"] for name in SPECS)
    return f"at condition number 1,000 descent takes {plain:,} steps, with momentum {momentum:,}"


def draw(figure: Figure, found: dict[str, Any]) -> None:
    """Distances from the minimum at condition number 100, and steps for each condition number."""
    left, right = figure.subplots(1, 2)
    for i, (name, label) in enumerate(zip(SPECS, ("descent", "with momentum"), strict=True)):
        distances = found[f"{name} 100"]
        left.semilogy(distances[:401] / distances[0], color=page.COLOURS[i], label=label)
        steps = [found[f"{name} {condition} steps"] for condition in CONDITIONS]
        right.loglog(CONDITIONS, steps, "o^"[i] + "-", color=page.COLOURS[i])
    left.axhline(NEAR, color="black", linewidth=0.8, linestyle=":")
    left.set(xlabel="step", ylabel="distance from the minimum", ylim=(1e-5, 10), title="condition number 100")
    right.set(xlabel="condition number", ylabel="steps to a thousandth", title="steps it takes")
    page.legend_below(figure, left)
