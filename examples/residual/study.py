"""More layers train worse than fewer, unless there are ways around them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from examples import page
from examples.training import trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent

NETWORKS = ("plain", "residual")
PAIRS = {20: 9, 56: 27}


def study(quick: bool = False) -> dict[str, Any]:
    """Error and loss on the training examples by network and layers, one a seed."""
    found: dict[str, Any] = {}
    for name in NETWORKS:
        for layers, pairs in PAIRS.items():
            if quick and (name, layers) == ("residual", 20):
                continue
            settings = [f"let.pairs={pairs}", *(["train.epochs=8", 'train.evaluate="8 epochs"'] if quick else [])]
            runs = trained(HERE / f"{name}.toml", settings, seeds=1 if quick else 5)
            found[f"{name} {layers}"] = np.array([run.metrics["train/error"] for run in runs])
            found[f"{name} {layers} losses"] = np.array([run.losses[1] for run in runs])
    return found


def main() -> str:
    """Write the page, and give its result in a line."""
    found = study()
    rows = [["layers", "plain: training error", "loss, last steps", "residual: training error", "loss, last steps"]]
    for layers in PAIRS:
        row = [str(layers)]
        for name in NETWORKS:
            losses = found[f"{name} {layers} losses"][:, -5:].mean(axis=1)
            row += [page.percent(found[f"{name} {layers}"]), page.spread(losses, ".3f")]
        rows.append(row)
    page.write(HERE, rows, lambda figure: draw(figure, found), (8.0, 3.4), "Training loss of each network and seed")
    errors = [page.share(found[f"{name} {layers}"]) for name in NETWORKS for layers in PAIRS]
    return "training error with 20 and 56 layers: plain {} and {}, residual {} and {}".format(*errors)


def draw(figure: Figure, found: dict[str, Any]) -> None:
    """The training loss of each seed, plain networks beside residual ones."""
    both = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(both, NETWORKS, strict=True):
        for i, layers in enumerate(PAIRS):
            for j, one in enumerate(_by_epoch(found[f"{name} {layers} losses"])):
                style, label = ("-", "--")[i], f"{layers} layers" if j == 0 else None
                epochs = np.arange(1, len(one) + 1)
                axes.semilogy(epochs, one, style, color=page.COLOURS[i], linewidth=1, label=label)
        axes.set(xlabel="epoch", title=name)
    both[0].set_ylabel("training loss, each seed")
    page.legend_below(figure, both[0])


def _by_epoch(losses: Any) -> Any:
    """Losses [seeds, steps] as their means over each of thirty epochs, [seeds, epochs]."""
    return losses.reshape(len(losses), 30, -1).mean(axis=2)
