"""Networks that were trained apart make different mistakes: together they make fewer than each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from examples import page
from examples.training import trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent

SPECS = {"ensemble": "", "bagging": "bagging, "}
SIZES = (2, 5, 10, 20)


def study(quick: bool = False) -> dict[str, Any]:
    """Test errors of the ensembles and the mean of their members', one a seed, by spec and size."""
    found: dict[str, Any] = {}
    for name in SPECS:
        for size in (10,) if quick else SIZES:
            spec, settings = HERE / f"{name}.toml", [f"train.members={size}"]
            runs = [trained(spec, settings, [seed])[0] for seed in range(1 if quick else 5)]
            for metric in ("error", "member/error"):
                found[f"{name} {size} {metric}"] = np.array([run.metrics[f"test/{metric}"] for run in runs])
    return found


def main() -> str:
    """Write the page, and give its result in a line."""
    found = study()
    rows = [["members", "their mean error", "error together", "bagging: their mean error", "error together"]]
    for size in SIZES:
        cells = [f"{name} {size} {metric}" for name in SPECS for metric in ("member/error", "error")]
        rows.append([str(size), *(page.percent(found[cell]) for cell in cells)])
    page.write(HERE, rows, lambda figure: draw(figure, found), (6.4, 3.4), "Test error by the number of members")
    each = [page.share(found[f"{name} 20 {metric}"]) for name in SPECS for metric in ("member/error", "error")]
    return "test error of one network {}, of twenty together {}; with bagging {} and {}".format(*each)


def draw(figure: Figure, found: dict[str, Any]) -> None:
    """Test errors of members and ensembles, with the spread over the seeds."""
    axes = figure.add_subplot()
    for i, (name, label) in enumerate(SPECS.items()):
        for metric, style in (("member/error", ":"), ("error", "-")):
            errors = 100 * np.array([found[f"{name} {size} {metric}"] for size in SIZES])
            spread = errors.std(axis=1, ddof=1)
            who = "together" if metric == "error" else "each alone"
            axes.errorbar(
                SIZES,
                errors.mean(axis=1),
                spread,
                linestyle=style,
                color=page.COLOURS[i],
                capsize=3,
                label=label + who,
            )
    axes.set(xlabel="members", ylabel="test error, %", xticks=SIZES, ylim=(0, None))
    page.legend_below(figure, axes)
