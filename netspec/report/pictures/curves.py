"""Losses and metrics of trainings over their steps, the examples that they saw, or their time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from netspec.report.drawing.wording import measure, setting
from netspec.report.pictures.canvas import colour_of, legend_below, named, picture, style_of
from netspec.report.pictures.groups import Group
from netspec.report.pictures.traces import AXES, By, Panel, Trace, panels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["brief", "draw", "number"]

WIDTH, HEIGHT = 4.9, 3.9
"""Of a panel, in inches."""

ROW = 0.22
"""Height of a line of the legend, in inches."""

LETTERS = 110
"""In a line of the legend, for two panels."""

LONGEST = 60
"""Letters of a curve's name, at the most."""

FEW = 40
"""Measurements up to which each is marked by a dot."""

MOST_TICKS = 6
"""Stretches between the numbers along the x axis, at the most: seven of six letters stand beside each other."""

THOUSANDS, MILLIONS = 2e4, 2e6
"""Ends of an x axis from which on its numbers are so many thousands, or millions."""

UNITS = ((7200.0, 3600.0, "hours"), (180.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


def draw(groups: Sequence[Group], by: By, form: str) -> bytes:
    """The picture.

    Args:
        groups: the runs; their seeds are shown by mean and band.
        by: what is along the x axis.
        form: "png" or "svg".
    """
    panels = panels_of(groups, by)
    traces = max((panel.traces for panel in panels), key=len)
    rows = -(-(len(traces) + 2) // _columns(traces, len(panels)))

    def onto(figure: Figure) -> None:
        figure.suptitle(_title(groups), fontsize=12)
        first: Any = None
        for i, panel in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), 1 + i, sharex=first)
            _panel(axes, panel, by)
            first = axes
        first.set_xlim(left=0)
        legend_below(figure, figure.axes[0], _handles(figure), _columns(traces, len(panels)))

    width = WIDTH * len(panels) + (1.2 if len(panels) == 1 else 0.0)
    return picture(onto, (width, HEIGHT + ROW * rows), form)


def _title(groups: Sequence[Group]) -> str:
    if len(groups) == 1:
        return f"{named(groups[0].label, LONGEST)}{': mean and range' if len(groups[0].runs) > 1 else ''}"
    banded = any(len(group.runs) > 1 for group in groups)
    return f"{sum(len(g.runs) for g in groups)} runs{': mean and range of the seeds' if banded else ''}"


def _columns(traces: Sequence[Trace], panels: int) -> int:
    longest = max(len(named(trace.label, LONGEST)) for trace in traces)
    return max(1, min(5, panels * LETTERS // 2 // (longest + 8)))


def _panel(axes: Axes, panel: Panel, by: By) -> None:
    unit, per = _unit(panel) if by == "time" else ("", 1.0)
    axes.set(ylabel=panel.name, xlabel=f"{AXES[by]}{f' in {unit}' if unit else ''}")
    if panel.log:
        from matplotlib.ticker import NullFormatter

        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(lambda value, _: setting(value))
    number(axes, whole=by != "time")
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    for trace in panel.traces:
        _line(axes, trace, per)
    _limit(axes, panel)
    if panel.best is not None:
        x, value = panel.best
        label = f"best: {measure(value)}"
        axes.plot(x / per, value, "*", color="#F0E442", markeredgecolor="black", markersize=13, zorder=6, label=label)


def number(axes: Axes, *, whole: bool) -> None:
    """Few numbers along the x axis, and whole ones where between two there is nothing."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(MOST_TICKS, steps=[1, 2, 2.5, 5, 10], integer=whole))
    axes.xaxis.set_major_formatter(lambda value, _: brief(value, axes.get_xlim()[1]))


def brief(value: float, end: float) -> str:
    """A number on an axis that ends at another, in few letters.

    >>> brief(1500, 2000), brief(0, 7e5), brief(2e5, 7e5), brief(2.5e6, 4e6)
    ('1,500', '0', '200k', '2.5M')
    """
    if end < THOUSANDS or value == 0:
        return setting(value)
    return f"{setting(value / 1e3)}k" if end < MILLIONS else f"{setting(value / 1e6)}M"


def _line(axes: Axes, trace: Trace, per: float) -> None:
    colour, style = colour_of(trace.number), style_of(trace.number)
    if trace.raw is not None:
        axes.plot(trace.raw[0] / per, trace.raw[1], color=colour, linewidth=0.6, alpha=0.35, zorder=1)
    if trace.band is not None:
        axes.fill_between(trace.x / per, *trace.band, color=colour, alpha=0.18, linewidth=0, zorder=1)
    dot = "o" if trace.dots and len(trace.x) <= FEW else ""
    axes.plot(
        trace.x / per, trace.values, style, color=colour, linewidth=1.9, marker=dot or None, markersize=3, zorder=3,
        label=named(trace.label, LONGEST),
    )  # fmt: skip
    if trace.lost is not None:
        x, value = trace.lost
        axes.plot(x / per, value, "X", color=colour, markersize=9, zorder=5, label="not finite from here on")


def _limit(axes: Axes, panel: Panel) -> None:
    """Leave out of view what single unsmoothed losses reach above all the others, as in the first steps."""
    if not any(trace.raw is not None for trace in panel.traces):
        return
    highest = max(float(max(t.values.max(), *(b.max() for b in t.band or ()), t.values.max())) for t in panel.traces)
    low, high = axes.get_ylim()
    if high > 2.0 * highest > 0:
        axes.set_ylim(low, highest * (2.0 if panel.log else 1.25))


def _unit(panel: Panel) -> tuple[str, float]:
    longest = max(float(trace.x.max()) for trace in panel.traces)
    return next((name, seconds) for least, seconds, name in UNITS if longest >= least)


def _handles(figure: Figure) -> list[Any]:
    """What the legend names, each once, of all panels."""
    found: dict[tuple[str, ...], Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        for line, label in zip(cast(Any, handles), labels, strict=True):
            found.setdefault((label, line.get_color(), line.get_linestyle()), line)
    return list(found.values())
