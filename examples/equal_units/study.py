"""Hidden units that begin alike stay alike: a layer of sixteen does what one unit does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from examples import page
from examples.training import trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent

NETWORKS = {
    "random": "16 units, random initial weights",
    "constant": "16 units, all initial weights 0.1",
    "one_unit": "1 unit, random initial weights",
}


def study(quick: bool = False) -> dict[str, Any]:
    """Test accuracy of each network, one a seed, and by how much the weights of its hidden units differ."""
    found: dict[str, Any] = {}
    for name in ("random", "constant") if quick else NETWORKS:
        runs = trained(HERE / f"{name}.toml", ["train.epochs=5"] if quick else [], seeds=3 if quick else 10)
        kernels = np.array([run.weights()["dense1/kernel"] for run in runs])
        found[name] = np.array([run.metrics["test/accuracy"] for run in runs])
        found[f"{name} kernel"] = kernels[0]
        found[f"{name} range"] = np.ptp(kernels, axis=2).max(axis=1)
    return found


def main() -> str:
    """Write the page, and give its result in a line."""
    found = study()
    rows = [["hidden layer", "test accuracy", "largest difference of a weight between units"]]
    rows += [[NETWORKS[n], page.percent(found[n]), _most(n, found)] for n in NETWORKS]
    page.write(
        HERE, rows, lambda figure: draw(figure, found), (6.8, 2.2), "The weights of eight hidden units as images"
    )
    random, constant, one = (page.share(found[name]) for name in NETWORKS)
    return f"16 equal units {constant} test accuracy, 16 random ones {random}, a single one {one}"


def _most(name: str, found: dict[str, Any]) -> str:
    return "" if name == "one_unit" else f"{found[f'{name} range'].max():.2g}"


def draw(figure: Figure, found: dict[str, Any]) -> None:
    """What eight of the units of the first seed look for, as images of 8 × 8 pixels."""
    for row, name in enumerate(("random", "constant")):
        kernel = found[f"{name} kernel"]
        for unit in range(8):
            axes = figure.add_subplot(2, 8, 8 * row + unit + 1)
            axes.imshow(kernel[:, unit].reshape(8, 8), cmap="PuOr", vmin=-0.8, vmax=0.8)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if unit == 0:
                axes.set_ylabel("random" if row == 0 else "all 0.1")
            if row == 0:
                axes.set_title(f"unit {unit + 1}", fontsize=9)
