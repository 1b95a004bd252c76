"""What runs reached in the end: the mean of each spec with its 95 % interval over seeds, and each seed as a point."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from netspec.diagnostics import Diagnostic, RunError
from netspec.report.drawing.wording import measure, measured_name
from netspec.report.pictures.canvas import colour_of, named, picture
from netspec.report.pictures.groups import Group, One
from netspec.report.statistics import half_width
from netspec.runs.histories import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Final", "draw", "finals"]

MOST = 100
"""Bars, at the most."""

NEAR = 0.5
"""Values above this share of the greatest are too much alike for bars from 0, and are shown as points."""

PARTS = ("test", "validation", "train")
"""In the order in which they are looked for."""


@dataclass(frozen=True, slots=True)
class Final:
    """What the runs of one spec reached.

    Args:
        values: of each run; finite.
        half: half of the 95 % interval of their mean; NaN where there is none.
    """

    label: str
    values: tuple[float, ...]
    half: float

    @property
    def mean(self) -> float:
        """Of the values."""
        return math.fsum(self.values) / len(self.values)

    def written(self) -> str:
        """The mean with its interval, or the one value."""
        return f"{measure(self.mean)} ± {measure(self.half)}" if math.isfinite(self.half) else measure(self.mean)


def finals(groups: Sequence[Group], part: str | None = None) -> tuple[str, bool, list[Final]]:
    """The metric that decides, on a part of the data where all runs have it; whether more is better; and its values.

    Args:
        part: the first of test, validation and train where all have it, unless given.

    Raises:
        RunError: a run has it nowhere, or there are too many specs.
    """
    if len(groups) > MOST:
        message = f"there are {len(groups):,} specs, and {MOST} bars are the most that can be told apart"
        raise RunError(Diagnostic("plot", message, help="name fewer runs"))
    judged = next((h.judged for g in groups for h in g.histories if h.judged is not None), None)
    if judged is None:
        raise RunError(Diagnostic("plot", "none of the runs has begun to train"))
    measured = judged.metric.partition("/")[2]
    wanted = [f"{p}/{measured}" for p in (PARTS if part is None else (part,))]
    counted = [_counting(group) for group in groups]
    runs = [one for group in counted for one in group]
    name = next((n for n in wanted if all(_has(one.history, n) for one in runs)), None)
    if name is None:
        raise RunError(_lacking(runs, wanted))
    found = [_final(group, counting, name) for group, counting in zip(groups, counted, strict=True)]
    return name, judged.higher_is_better, found


def _counting(group: Group) -> tuple[One, ...]:
    """The runs that are done, or all where none is."""
    done = tuple(one for one in group.runs if one.history.finished and one.history.finished.reason == "done")
    return done or group.runs


def _reached(history: History) -> Mapping[str, float]:
    """Of the parameters that it ended with, or as last measured."""
    return (history.finished.metrics if history.finished else {}) or history.last_measured


def _has(history: History, name: str) -> bool:
    return math.isfinite(_reached(history).get(name, math.nan))


def _lacking(runs: Sequence[One], wanted: Sequence[str]) -> Diagnostic:
    fewest = min(([one for one in runs if not _has(one.history, name)] for name in wanted), key=len)
    metrics = " or ".join(measured_name(name) for name in wanted)
    which = ", ".join(one.path.name for one in fewest[:3]) + (", …" if len(fewest) > 3 else "")
    known = sorted({name.partition("/")[0] for name in _reached(fewest[0].history)})
    note = f"{fewest[0].path.name} was measured on: {', '.join(known)}" if known else "it was never measured"
    return Diagnostic("plot", f"{which}: no {metrics} to compare", file=str(fewest[0].path), note=note)


def _final(group: Group, counting: Sequence[One], name: str) -> Final:
    values = tuple(_reached(one.history)[name] for one in counting)
    done = all(one.history.finished and one.history.finished.reason == "done" for one in counting)
    left = f", {len(counting)} done" if len(counting) < len(group.runs) else "" if done else ", not done"
    return Final(f"{group.label}{left}", values, float(half_width(values)))


def draw(name: str, higher_is_better: bool, found: Sequence[Final], form: str) -> bytes:
    """The picture.

    Args:
        name: of the metric, "part/metric".
        found: of each spec, the first one at the top.
        form: "png" or "svg".
    """
    ends = [end for one in found for end in (*one.values, *_whiskers(one))]
    from_zero = min(ends) <= NEAR * max(ends) or min(ends) == max(ends)

    def onto(figure: Figure) -> None:
        axes = figure.add_subplot()
        title = measured_name(name)
        if any(math.isfinite(one.half) for one in found):
            title += ": means of seeds with their 95 % intervals"
        better = "higher is better" if higher_is_better else "lower is better"
        axes.set(title=title, xlabel=f"{measured_name(name)} ({better})", ylim=(len(found) - 0.4, -0.6))
        axes.set_yticks(range(len(found)), [named(one.label, 48) for one in found])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="#e4e4e4", linewidth=0.6)
        axes.set_axisbelow(True)
        for i, one in enumerate(found):
            _row(axes, one, i, bar=from_zero)
        if not from_zero:
            axes.margins(x=0.08)

    return picture(onto, (8.2, 1.5 + 0.42 * len(found)), form)


def _whiskers(one: Final) -> tuple[float, ...]:
    return (one.mean - one.half, one.mean + one.half) if math.isfinite(one.half) else ()


def _row(axes: Axes, one: Final, i: int, *, bar: bool) -> None:
    colour = colour_of(0)
    if bar:
        axes.barh(i, one.mean, height=0.62, color=colour, alpha=0.35, linewidth=0, zorder=1)
    if len(one.values) > 1:
        spread = np.linspace(-0.2, 0.2, len(one.values))
        axes.plot(
            one.values, i + spread, "o", color="white", markeredgecolor="#555555", markersize=4, zorder=3, alpha=0.9
        )
    if math.isfinite(one.half):
        axes.errorbar(one.mean, i, xerr=one.half, color="black", capsize=4, linewidth=1.6, zorder=4)
    axes.plot(one.mean, i, "D", color=colour, markeredgecolor="black", markersize=6, zorder=5)
    axes.annotate(
        one.written(), (1.02, i), xycoords=("axes fraction", "data"), va="center", fontsize=9, annotation_clip=False
    )
