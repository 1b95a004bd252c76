"""The perceptron converges on separable points; on others, the pocket holds better weights than the last ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from examples import page
from examples.training import trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent


def study(quick: bool = False) -> dict[str, Any]:
    """Errors on the training points, one a seed, and the passes that separable ones took."""
    seeds = 5 if quick else 20
    separable = trained(HERE / "separable.toml", seeds=seeds)
    inseparable = trained(HERE / "inseparable.toml", seeds=seeds)
    curves = [run.measured("train/error") for run in inseparable]
    return {
        "separable": np.array([run.metrics["train/error"] for run in separable]),
        "passes": np.array([run.end.epoch for run in separable]),
        "pocket": np.array([run.metrics["train/error"] for run in inseparable]),
        "last": np.array([errors[-1] for _, errors in curves]),
        "steps": curves[0][0],
        "errors": np.array([errors for _, errors in curves]),
    }


def points() -> tuple[str, str]:
    """The data: two hundred points beside a line, none within 0.02 of it; and the same with each tenth side wrong."""
    draw = np.random.default_rng(1)
    across = np.array([0.8, 0.6])
    drawn = draw.uniform(-1, 1, size=(800, 2))
    kept = drawn[np.abs(drawn @ across) > 0.02][:200]
    right = kept @ across > 0
    wrong = draw.permutation(200) < 20
    return _table(kept, right), _table(kept, right ^ wrong)


def _table(kept: Any, right: Any) -> str:
    rows = (f"{a:.3f},{b:.3f},{'right' if r else 'left'}\n" for (a, b), r in zip(kept, right, strict=True))
    return "x1,x2,side\n" + "".join(rows)


def main() -> str:
    """Write the page, and give its result in a line."""
    for name, text in zip(("separable", "inseparable"), points(), strict=True):
        (HERE / f"{name}.csv").write_text(text)
    found = study()
    rows = [
        ["", "mean ± sd", "least", "most"],
        ["separable: passes until no mistake", *_row(found["passes"], ".1f", ".0f")],
        ["separable: errors at the end", *_row(100 * found["separable"], ".1f", ".1f", " %")],
        ["inseparable: errors of the last weights", *_row(100 * found["last"], ".1f", ".1f", " %")],
        ["inseparable: errors of the pocket", *_row(100 * found["pocket"], ".1f", ".1f", " %")],
    ]
    page.write(HERE, rows, lambda figure: draw(figure, found), (6.8, 3.4), "Errors of the weights and of the pocket")
    last, pocket, passes = page.share(found["last"]), page.share(found["pocket"]), found["passes"].max()
    return (
        f"no mistake left after {passes:.0f} passes or fewer; inseparable: pocket {pocket} wrong, last weights {last}"
    )


def _row(values: Any, mean: str, ends: str, unit: str = "") -> list[str]:
    return [page.spread(values, mean) + unit, f"{values.min():{ends}}{unit}", f"{values.max():{ends}}{unit}"]


def draw(figure: Figure, found: dict[str, Any]) -> None:
    """How the errors on inseparable points go up and down, and what the pocket has kept."""
    axes, errors = figure.add_subplot(), 100 * found["errors"][0]
    axes.plot(found["steps"], errors, color=page.COLOURS[5], linewidth=0.9, label="weights of the moment")
    best = np.minimum.accumulate(errors)
    axes.plot(found["steps"], best, color=page.COLOURS[1], linewidth=2, drawstyle="steps-post", label="pocket")
    axes.axhline(10, color="black", linewidth=0.8, linestyle=":", label="share of points on the wrong side")
    axes.set(xlabel="step (one point each), first seed", ylabel="errors on the training points, %", ylim=(0, 60))
    page.legend_below(figure, axes)
