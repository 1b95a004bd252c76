"""Several trainings on one screen, as their records tell of them: a pure function of what is known, time and size.

A dashboard each beside the other where there is room, else a line each, and below them the curves of the metric that
decides, laid over each other; or the dashboard of one of them alone. Knows nothing of files or terminals.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence

from rich.text import Text

from netspec.report.dashboard.chosen import ALL, Chosen, Watched, over, shown
from netspec.report.dashboard.keys import Key
from netspec.report.dashboard.view import view as view_of_one
from netspec.report.drawing.curves import MARKERS, Series, draw
from netspec.report.drawing.frame import Frame, Look, beside, fitted, warning
from netspec.report.drawing.sparks import spark
from netspec.report.drawing.styles import BOLD, DIM, PALETTE, STATES
from netspec.report.drawing.tables import Cell, Column, table
from netspec.report.drawing.wording import count, duration, measure, measured_name
from netspec.report.progress import Curve, Progress

__all__ = ["view"]

LEAST_COLUMN, GAP = 60, 3
LEAST_DASHBOARD, LEAST_OVERLAY, MOST_OVERLAY = 20, 8, 20
SPARK_WIDTH, MOST_SPARK_WIDTH, WITHOUT_SPARK = 16, 60, 90


def view(
    runs: Sequence[Watched],
    now: float,
    width: int,
    height: int,
    *,
    ascii: bool = False,  # noqa: A002
    colour: bool = True,
    chosen: Chosen = ALL,
    keys: Sequence[Key] = (),
    notes: Sequence[str] = (),
) -> Frame:
    """The runs as at most `height` lines of at most `width` columns.

    Args:
        runs: at least one.
        now: seconds since 1970.
        width: columns of the terminal.
        height: lines that may be used.
        ascii: use nothing but ASCII.
        colour: use colour; without it, curves are told apart by marker and label.
        chosen: what the keys have changed.
        keys: the keys that can be pressed; none where none can be.
        notes: what else a person should know, a sentence each.
    """
    look = Look(ascii, colour)
    runs = chosen.paused or runs
    of_runs = [f"{run.name}: {run.problem}" for run in runs if run.problem]
    below = [line for note in (*of_runs, *notes) for line in warning(note, width, look)][: max(0, height - 1)]
    room = height - len(below)
    if len(runs) == 1 or chosen.alone:
        lines: Sequence[Text] = _dashboard(runs[chosen.selected], now, width, room, look, chosen, keys)
    elif chosen.looks.explained and keys:
        lines = [fitted(look.text(f"{key.key:<5}{key.meaning}"), width, look) for key in keys][:room]
    elif fits(len(runs), width, room):
        lines = _beside(runs, now, width, room, look, chosen, keys)
    else:
        lines = _below(runs, now, width, room, look, chosen, keys)
    return Frame(tuple(fitted(line, width, look) for line in (*lines, *below)))


def fits(runs: int, width: int, height: int) -> bool:
    """Whether each run has room for its dashboard beside the others'."""
    return runs * (LEAST_COLUMN + GAP) - GAP <= width and height >= LEAST_DASHBOARD


def _dashboard(
    run: Watched, now: float, width: int, height: int, look: Look, chosen: Chosen, keys: Sequence[Key] = ()
) -> Sequence[Text]:
    progress = shown(run)
    if progress.started is None:
        state = "starting" if run.state == "running" else f"{run.state} before its first step"
        return [fitted(look.text(f"{run.name}  {state}", BOLD), width, look)]
    looks = dataclasses.replace(chosen.looks, paused=progress if chosen.paused else None)
    time = progress.time if over(run) else now
    frame = view_of_one(progress, time, width, height, ascii=look.ascii, colour=look.colour, looks=looks, keys=keys)
    return frame.lines


def _beside(
    runs: Sequence[Watched], now: float, width: int, height: int, look: Look, chosen: Chosen, keys: Sequence[Key]
) -> list[Text]:
    """The dashboards beside each other, and the curves below them where there is room."""
    room = height - 2  # the titles, and the keys
    overlay = min(MOST_OVERLAY, room - LEAST_DASHBOARD - 5)
    curves = _overlay(runs, width, overlay, look, chosen) if overlay >= LEAST_OVERLAY else []
    each = (width + GAP) // len(runs) - GAP
    columns = [
        [
            _title(i, run, each, look, chosen),
            *_dashboard(run, now, each, room - len(curves), look, chosen),
        ]
        for i, run in enumerate(runs)
    ]
    lines = [_joined(row, each) for row in itertools.zip_longest(*columns, fillvalue=Text())]
    return [*lines, *curves, *_named(keys, width, look)]


def _joined(row: Sequence[Text], each: int) -> Text:
    line = Text(no_wrap=True)
    for i, part in enumerate(row):
        line = beside(line, part, i * (each + GAP)) if i else part.copy()
    return line


def _below(
    runs: Sequence[Watched], now: float, width: int, height: int, look: Look, chosen: Chosen, keys: Sequence[Key]
) -> list[Text]:
    """A line a run, and the curves below them where there is room."""
    named = _named(keys, width, look) if height > 3 else []
    room = height - len(named)
    metric = _metric(runs, chosen)
    spark_width = min(MOST_SPARK_WIDTH, max(SPARK_WIDTH, width - WITHOUT_SPARK))
    rows = [_cells(i, run, now, metric, spark_width, look, chosen) for i, run in enumerate(runs)]
    titles = 1 if room > 2 else 0
    first = max(0, min(chosen.selected - (room - titles) // 2, len(rows) - (room - titles)))
    lines = table(_columns(metric), rows, width, look)
    lines = [*lines[:titles], *lines[1:][first : first + room - titles]]
    overlay = min(MOST_OVERLAY, room - len(lines) - 1)
    curves = _overlay(runs, width, overlay, look, chosen) if overlay >= LEAST_OVERLAY and width >= LEAST_COLUMN else []
    return [*lines, *curves, *named]


def _columns(metric: str) -> tuple[Column, ...]:
    return (
        Column(""),
        Column("run"),
        Column("state", rank=1),
        Column("step", right=True, rank=5),
        Column("loss", right=True, rank=2),
        Column("", rank=6),
        Column(metric.rpartition("/")[2].replace("_", " "), right=True),
        Column("best", right=True, rank=4),
        Column("time", right=True, rank=3),
    )


def _cells(i: int, run: Watched, now: float, metric: str, spark_width: int, look: Look, chosen: Chosen) -> list[Cell]:
    progress, started = run.progress, run.progress.started
    step = f"{count(progress.step)} of {count(started.steps)}" if started and not over(run) else count(progress.step)
    curve = _curve(run, metric)
    best = progress.best.value if progress.best and started and started.metric == metric else None
    now = progress.time if chosen.paused else now
    left = progress.left(now)
    time = f"{duration(left)} left" if not over(run) and left is not None else duration(_elapsed(run, now))
    return [
        Cell(_mark(i, chosen, look), _colour(i)),
        Cell(run.name, BOLD if i == chosen.selected else ""),
        Cell(_state(run), STATES[run.state]),
        Cell(step),
        Cell(measure(progress.smoothed)),
        Cell(spark(progress.smoothed_loss.points(), spark_width, ascii=look.ascii), _colour(i)),
        Cell(measure(curve.last[1] if curve.last else None)),
        Cell(measure(best)),
        Cell(time),
    ]


def _elapsed(run: Watched, now: float) -> float | None:
    progress = shown(run)
    return progress.elapsed(now) if progress.started else None


def _state(run: Watched) -> str:
    if not over(run) and run.progress.started is None:
        return "starting"
    return "compiling" if not over(run) and run.progress.is_compiling else run.state


def _mark(i: int, chosen: Chosen, look: Look) -> str:
    """The number of a run, which is its key, and what stands for it among the curves where colour does not."""
    marker = "" if look.colour and not look.ascii else f" {MARKERS[i % len(MARKERS)]}"
    return f"{'>' if i == chosen.selected else ' '} {i + 1}{marker}"


def _colour(i: int) -> str:
    return PALETTE[i % len(PALETTE)]


def _title(i: int, run: Watched, width: int, look: Look, chosen: Chosen) -> Text:
    """What stands over a dashboard: its key, its run, and what has become of it."""
    title = look.text(_mark(i, chosen, look), _colour(i))
    title.append_text(look.text(f"  {run.name}", BOLD if i == chosen.selected else ""))
    title.append_text(look.text(f"  {_state(run)}", STATES[run.state]))
    return fitted(title, width, look)


def _metric(runs: Sequence[Watched], chosen: Chosen) -> str:
    """What the runs are held against each other by: what is asked for, or decides in the selected one."""
    begun = [run.progress.started for run in (runs[chosen.selected], *runs) if run.progress.started]
    metric, asked = begun[0].metric if begun else "", chosen.looks.metric
    return metric if not asked else asked if asked in _ALWAYS else f"{metric.partition('/')[0]}/{asked}"


_ALWAYS: Mapping[str, Callable[[Progress], Curve]] = {
    "gradient norm": lambda progress: progress.gradient_norms,
    "learning rate": lambda progress: progress.learning_rates,
}
"""Curves that are no metrics."""


def _curve(run: Watched, metric: str) -> Curve:
    always = _ALWAYS.get(metric)
    return always(run.progress) if always else run.progress.measured.get(metric, Curve())


def _overlay(runs: Sequence[Watched], width: int, height: int, look: Look, chosen: Chosen) -> list[Text]:
    """One curve a run: of the metric where it was measured, of the training loss before that."""
    metric = _metric(runs, chosen)
    curves = [_curve(run, metric) for run in runs]
    title = measured_name(metric)
    if not any(curve.last for curve in curves):
        curves, title = [run.progress.smoothed_loss for run in runs], "training loss, smoothed"
    series = [
        Series(f"{i + 1} {run.name}", curve.points(), _colour(i), MARKERS[i % len(MARKERS)])
        for i, (run, curve) in enumerate(zip(runs, curves, strict=True))
        if curve.last
    ]
    if not series:
        return []
    log = {"auto": None, "log": True, "linear": False}[chosen.looks.scale]
    return [Text(), *draw(series, width, height - 1, ascii=look.ascii, colour=look.colour, title=title, log=log)]


def _named(keys: Sequence[Key], width: int, look: Look) -> list[Text]:
    """The keys in one line, as many as fit."""
    line = Text(no_wrap=True)
    for key in keys:
        word = look.text(f"{key.key} ").append_text(look.text(key.state or key.word, DIM))
        if line.cell_len + GAP + word.cell_len <= width:
            line.append(" " * GAP if line.plain else "").append_text(word)
    return [line] if line.plain else []
