"""Runs side by side: what differs in their specs and their surroundings, what they reached, what it took, their curves.

`compare` reads the runs' directories, `to_json` and `view` show what it found.
"""

from __future__ import annotations

import functools
import json
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from netspec import document
from netspec.diagnostics import Diagnostic, NetspecError, RunError
from netspec.report.curves import PALETTE, Series, draw
from netspec.report.dashboard import Frame, measured_name
from netspec.report.differences import Difference, differences
from netspec.report.progress import Best, Curve, Progress, advance
from netspec.report.tables import BAD, BOLD, DIM, GOOD, WARNING, Cell, Column, Look, bands, stacked, table, warning
from netspec.report.wording import count, duration, epochs, measure, setting
from netspec.runs.directory import Run, State, load
from netspec.runs.events import Event, Started, Stepped
from netspec.runs.records import read_events

__all__ = [
    "STATE_STYLES",
    "Comparison",
    "Contender",
    "Measurement",
    "compare",
    "higher_is_better",
    "plain",
    "to_json",
    "view",
]

MOST = 10
"""Runs at the most: more curves than this can't be told apart."""

HIGHER = frozenset({"accuracy"})
"""The metrics of which more is better; of all others, less is."""

DEFAULT_SEED = 0
"""Of a spec that says none."""

CONSEQUENCES: Mapping[str, str] = {
    "data": "they learned from different data: the metrics do not compare",
    "device": "they ran on different devices: the times do not compare, and the same seed gives other bits",
    "precision": "they computed in different precision: neither times nor bits compare",
    "versions": "they ran on different versions: the same seed may give other bits",
}
"""Of what differs in the surroundings: what can no longer be read off the runs."""

STATE_STYLES: Mapping[State, str] = {
    "running": "color(33)",
    "done": GOOD,
    "interrupted": WARNING,
    "stopped": WARNING,
    "diverged": BAD,
    "failed": BAD,
}


@dataclass(frozen=True, slots=True)
class Contender:
    """One run among those that are compared.

    Args:
        name: what tells it from the others: its directory's name, or its whole path where two have the same name.
        progress: its training, as its events tell it.
        pace: examples a second, the median over its training; None before the first step.
    """

    path: Path
    name: str
    state: State
    progress: Progress
    pace: float | None

    @property
    def started(self) -> Started | None:
        """How its training began."""
        return self.progress.started

    @property
    def metrics(self) -> Mapping[str, float]:
        """By "part/metric": of the parameters that it ended with, or as last measured."""
        finished, evaluated = self.progress.finished, self.progress.evaluated
        if finished and finished.metrics:
            return finished.metrics
        return evaluated.metrics if evaluated else {}

    @property
    def seconds(self) -> float | None:
        """The time of its training so far."""
        return self.progress.elapsed(self.progress.time) if self.started else None


@dataclass(frozen=True, slots=True)
class Measurement:
    """A metric of all runs.

    Args:
        metric: "part/metric".
        values: one a run; None where it was not measured.
        best: the indices of the runs that are best; empty where there is nothing to choose from.
    """

    metric: str
    higher_is_better: bool
    values: tuple[float | None, ...]
    best: frozenset[int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs or more, side by side.

    Args:
        runs: in the order in which they were given.
        spec: what differs between their specs.
        surroundings: what differs in what they ran on: versions, data, device, precision.
        measurements: the metric that decides first.
        metric: the "part/metric" that decides; "" where no run has begun.
    """

    runs: tuple[Contender, ...]
    spec: tuple[Difference, ...]
    surroundings: tuple[Difference, ...]
    measurements: tuple[Measurement, ...]
    metric: str

    @property
    def curves(self) -> dict[str, tuple[Sequence[tuple[float, float]], ...]]:
        """By name, the curves of all runs: the smoothed training loss, and the metric that decides."""
        measured = [run.progress.measured.get(self.metric, Curve()) for run in self.runs]
        losses = [run.progress.smoothed_loss for run in self.runs]
        named = {"training loss": losses, self.metric: measured}
        return {
            name: tuple(curve.points() for curve in curves)
            for name, curves in named.items()
            if any(curve.last for curve in curves)
        }


def compare(runs: Sequence[Path]) -> Comparison:
    """Read runs and lay them side by side.

    Raises:
        RunError: there are fewer than two or more than ten, one is given twice, is missing or damaged.
    """
    _check_number(runs)
    found: list[Run] = []
    damages: list[Diagnostic] = []
    for path in runs:
        try:
            found.append(load(path))
        except RunError as error:
            damages += error.diagnostics
    if damages:
        raise RunError(*damages)
    names = _names(runs)
    contenders = tuple(_contender(run, name) for run, name in zip(found, names, strict=True))
    metric = next((run.started.metric for run in contenders if run.started), "")
    return Comparison(
        runs=contenders,
        spec=tuple(differences([_spec(run, one.started) for run, one in zip(found, contenders, strict=True)])),
        surroundings=tuple(differences([_surroundings(run) for run in found])),
        measurements=_measurements(contenders, metric),
        metric=metric,
    )


def higher_is_better(metric: str, runs: Sequence[Contender]) -> bool:
    """Whether more of a "part/metric" is better: as a run that is judged by it says, else by its name."""
    for run in runs:
        if run.started and run.started.metric == metric:
            return run.started.higher_is_better
    return metric.rpartition("/")[2] in HIGHER


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data; the shape is public (see `netspec compare --json`)."""
    data: dict[str, Any] = plain(
        {
            "runs": list(map(_run_json, comparison.runs)),
            "spec": [asdict(difference) for difference in comparison.spec],
            "environment": [asdict(difference) for difference in comparison.surroundings],
            "metrics": [{**asdict(m), "best": sorted(m.best)} for m in comparison.measurements],
            "curves": comparison.curves,
        }
    )
    return data


def _run_json(run: Contender) -> dict[str, Any]:
    started, best = run.started, run.progress.best
    return {
        "run": str(run.path),
        "name": run.name,
        "state": run.state,
        "step": run.progress.step,
        "steps": started.steps if started else None,
        "epoch": run.progress.epoch,
        "seconds": run.seconds,
        "examples_per_second": run.pace,
        "parameters": started.parameters if started else None,
        "device": started.device if started else None,
        "seed": started.seed if started else None,
        "best": best
        and {
            "metric": started.metric if started else None,
            "value": best.value,
            "step": best.step,
            "epoch": best.epoch,
        },
    }


def plain(value: Any) -> Any:
    """A value as JSON has it: dates, and numbers that are not finite, by their names."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return list(map(plain, value))
    finite = not isinstance(value, float) or math.isfinite(value)
    return value if finite and isinstance(value, str | int | float | None) else str(value)


# -- reading -----------------------------------------------------------------------------------------------------------


def _check_number(runs: Sequence[Path]) -> None:
    if not 2 <= len(runs) <= MOST:
        message = f"compare takes from 2 to {MOST} runs, and got {len(runs)}"
        raise RunError(Diagnostic("compare", message, help="netspec runs lists those there are"))
    resolved = [path.resolve() for path in runs]
    twice = next((path for i, path in enumerate(runs) if resolved[i] in resolved[:i]), None)
    if twice is not None:
        raise RunError(Diagnostic("compare", f"{twice} is given twice", file=str(twice)))


def _names(runs: Sequence[Path]) -> list[str]:
    names = [path.name for path in runs]
    return [name if names.count(name) == 1 else str(path) for name, path in zip(names, runs, strict=True)]


def _contender(run: Run, name: str) -> Contender:
    events = read_events(run.path)
    return Contender(run.path, name, run.state, functools.reduce(advance, events, Progress()), _pace(events))


def _pace(events: Sequence[Event]) -> float | None:
    """The median of the paces between records: a pause or a compilation does not move it."""
    paces = [e.examples_per_second for e in events if isinstance(e, Stepped)]
    return statistics.median(paces) if paces else None


def _spec(run: Run, started: Started | None) -> Mapping[str, Any]:
    """The values of a run's spec, with the seed that it was trained with.

    Raises:
        RunError: its text is no TOML.
    """
    try:
        values = document.parse(run.spec, str(run.path / "spec.toml")).values
    except NetspecError as error:
        raise RunError(*error.diagnostics) from error
    return {**values, "seed": started.seed} if started else {"seed": DEFAULT_SEED, **values}


def _surroundings(run: Run) -> Mapping[str, Any]:
    return {key: run.environment[key] for key in CONSEQUENCES if key in run.environment}


def _measurements(runs: Sequence[Contender], metric: str) -> tuple[Measurement, ...]:
    names = sorted({name for run in runs for name in run.metrics}, key=lambda name: _rank(name, metric))
    return tuple(_measurement(name, runs) for name in names)


def _rank(name: str, metric: str) -> tuple[bool, bool, int, str]:
    """The metric that decides before the others and losses last; within one, the test part first."""
    part, _, measured = name.partition("/")
    order = ("test", "validation", "train")
    place = order.index(part) if part in order else len(order)
    return measured != metric.rpartition("/")[2], measured == "loss", place, measured


def _measurement(name: str, runs: Sequence[Contender]) -> Measurement:
    values = tuple(run.metrics.get(name) for run in runs)
    higher = higher_is_better(name, runs)
    finite = [v for v in values if v is not None and math.isfinite(v)]
    best = frozenset[int]()
    if len(finite) > 1 and min(finite) < max(finite):
        target = max(finite) if higher else min(finite)
        best = frozenset(i for i, v in enumerate(values) if v == target)
    return Measurement(name, higher, values, best)


# -- showing -----------------------------------------------------------------------------------------------------------

WIDEST = 160
WIDE = 110
"""From this many columns on, curves stand side by side."""
CHART_LINES = 14
LONGEST_VALUE, SHORTEST_VALUE, LONGEST_PATH = 32, 14, 40
COLOURS = (*PALETTE, "color(111)", "color(137)")
MORE_MARKERS = ("~", "=")
"""Of the last two of ten curves; the others have those of every chart."""

_Line = tuple[str, Sequence[Cell]]
"""A label, and one cell a run."""


def view(
    comparison: Comparison,
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """The comparison as lines of at most `width` columns.

    A column a run where there is room for all of them, else a row a run and numbers for the runs.

    Args:
        comparison: what is shown.
        width: columns of the terminal; at least 40.
        colour: use colour.
        ascii: use nothing but ASCII.
    """
    look, width = Look(ascii, colour), min(width, WIDEST)
    names = [run.name for run in comparison.runs]
    columns = _columns(comparison, names, width, look)
    titles = labels = names
    if columns is None or not _legend_fits(comparison.curves, names, width):
        labels = [str(i) for i in range(1, len(names) + 1)]
        titles = [f"{label:>{len(labels[-1])}} {name}" for label, name in zip(labels, names, strict=True)]
        columns = columns and _columns(comparison, titles, width, look)
    tables = _rows(comparison, titles, width, look) if columns is None else [columns]
    return stacked(
        [*tables, _warnings(comparison, width, look), *_charts(comparison, labels, titles != names, width, look)]
    )


def _title_style(run: int, look: Look) -> str:
    """Of a run's name: the colour of its curves."""
    return f"bold {COLOURS[run]}" if look.colour else BOLD


def _columns(comparison: Comparison, titles: Sequence[str], width: int, look: Look) -> list[Text] | None:
    """Everything in one table with a column a run; None where that does not fit."""
    results, cost = _result_lines(comparison), _cost_lines(comparison)
    differing = [*comparison.spec, *_named(comparison.surroundings)]
    labels = [*(_clipped(d.path, LONGEST_PATH) for d in differing), *(label for label, _ in (*results, *cost))]
    label_width = max(map(len, labels))
    least = [
        max(SHORTEST_VALUE if differing else 0, len(title), *(len(cells[i].text) for _, cells in (*results, *cost)))
        for i, title in enumerate(titles)
    ]
    if label_width + sum(size + 2 for size in least) > width:
        return None
    longest = min(LONGEST_VALUE, max(SHORTEST_VALUE, (width - label_width) // len(titles) - 2))
    said, ran_on = (
        [(_clipped(d.path, LONGEST_PATH), [_value_cell(v, longest) for v in d.values]) for d in part]
        for part in (comparison.spec, _named(comparison.surroundings))
    )
    head = [Cell(), *(Cell(title, _title_style(i, look)) for i, title in enumerate(titles))]
    blocks = [
        [[Cell(label, DIM), *cells] for label, cells in lines] for lines in (said, ran_on, results, cost) if lines
    ]
    blank: list[list[Cell]] = [[]]
    rows = [row for i, block in enumerate(blocks) for row in (blank if i else []) + block]
    return table([Column("")] * len(head), [head, *rows], width, look)[1:]


def _rows(comparison: Comparison, titles: Sequence[str], width: int, look: Look) -> list[list[Text]]:
    """What was reached with a row a run, and then every difference with the runs of each value."""
    lines = [*_result_lines(comparison), *_cost_lines(comparison)]
    columns = [Column("run"), *(Column(label.strip()) for label, _ in lines)]
    rows = [[Cell(title, _title_style(i, look)), *(cells[i] for _, cells in lines)] for i, title in enumerate(titles)]
    differing = [*comparison.spec, *_named(comparison.surroundings)]
    values = [row for difference in differing for row in _by_value(difference)]
    shown = table([Column("differs"), Column("value"), Column("runs")], values, width, look) if values else []
    return [*bands(columns, rows, width, look), shown]


def _named(surroundings: Sequence[Difference]) -> list[Difference]:
    """The differences under names that cannot be taken for a spec's keys; the device stands elsewhere in any case."""
    names = {"data": "data fingerprint", "precision": "precision"}
    return [
        Difference(names.get(d.path, f"{d.path.rpartition('.')[2]} version"), d.values)
        for d in surroundings
        if d.path != "device"
    ]


def _by_value(difference: Difference) -> list[list[Cell]]:
    """The values of a difference, each once, with the numbers of the runs that have it."""
    distinct = [v for i, v in enumerate(difference.values) if v not in difference.values[:i]]
    groups = [[i for i, v in enumerate(difference.values, 1) if v == value] for value in distinct]
    path = _clipped(difference.path, LONGEST_PATH)
    return [
        [Cell("" if i else path, DIM), _value_cell(value, LONGEST_VALUE), Cell(_ranges(runs))]
        for i, (value, runs) in enumerate(zip(distinct, groups, strict=True))
    ]


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers in short.

    >>> _ranges([1, 3, 4, 5, 9, 10])
    '1, 3–5, 9, 10'
    """
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(f"{s[0]}–{s[-1]}" if len(s) > 2 else ", ".join(map(str, s)) for s in spans)


def _value_cell(value: Any, longest: int) -> Cell:
    return Cell("–", DIM) if value is None else Cell(_clipped(_written(value), longest))


def _written(value: Any, *, inside: bool = False) -> str:
    """A value much as TOML has it; a string that stands alone goes without its quotes."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return setting(value)
        case str():
            return json.dumps(value, ensure_ascii=False) if inside else value
        case list():
            return f"[{', '.join(_written(v, inside=True) for v in value)}]"
        case dict():
            return f"{{ {', '.join(f'{k} = {_written(v, inside=True)}' for k, v in value.items())} }}"
    return str(value)


def _clipped(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _result_lines(comparison: Comparison) -> list[_Line]:
    runs = comparison.runs
    lines: list[_Line] = [("state", [Cell(run.state, STATE_STYLES[run.state]) for run in runs])]
    lines.append(("step", [Cell(_reached(run.progress)) for run in runs]))
    for m in comparison.measurements:
        lines.append((measured_name(m.metric), [_metric_cell(v, i in m.best) for i, v in enumerate(m.values)]))
    bests = [_best_of(run, comparison.metric) for run in runs]
    if any(bests):
        label = f"best {measured_name(comparison.metric)}"
        lines.append((label, [Cell(measure(b.value) if b else "–", "" if b else DIM) for b in bests]))
        lines.append(("  at step", [Cell(count(b.step) if b else "–", "" if b else DIM) for b in bests]))
    return lines


def _reached(progress: Progress) -> str:
    if progress.started is None:
        return "–"
    passes = epochs(progress.epoch) if progress.epoch else "0"
    steps = count(progress.started.steps)
    whole = progress.step == progress.started.steps
    return f"{count(progress.step)}{'' if whole else f' of {steps}'}, epoch {passes}"


def _metric_cell(value: float | None, best: bool) -> Cell:
    if value is None:
        return Cell("–", DIM)
    style = f"bold {GOOD}" if best else BAD if not math.isfinite(value) else ""
    return Cell(measure(value) + (" ★" if best else ""), style)


def _best_of(run: Contender, metric: str) -> Best | None:
    """The best step of a run, if it was judged by the same metric."""
    return run.progress.best if run.started and run.started.metric == metric else None


def _cost_lines(comparison: Comparison) -> list[_Line]:
    runs = comparison.runs
    rows = {
        "time": [duration(run.seconds) for run in runs],
        "examples/s": [count(run.pace) if run.pace is not None else "–" for run in runs],
        "parameters": [count(run.started.parameters) if run.started else "–" for run in runs],
        "device": [run.started.device if run.started else "–" for run in runs],
    }
    return [
        (label, [Cell(_clipped(v, LONGEST_VALUE), DIM if v == "–" else "") for v in values])
        for label, values in rows.items()
    ]


def _warnings(comparison: Comparison, width: int, look: Look) -> list[Text]:
    # What a run does not say is unknown, not different.
    known = [(d.path, {json.dumps(plain(v)) for v in d.values if v is not None}) for d in comparison.surroundings]
    differing = dict.fromkeys(path.partition(".")[0] for path, values in known if len(values) > 1)
    return [line for what in differing for line in warning(CONSEQUENCES[what], width, look)]


def _charts(
    comparison: Comparison, labels: Sequence[str], by_number: bool, width: int, look: Look
) -> Iterator[list[Text]]:
    """The curves overlaid: side by side where there is room for both and their legends."""
    titles = {name: measured_name(name.rpartition("/")[2] if by_number else name) for name in comparison.curves}
    half = (width - 4) // 2
    beside = len(titles) > 1 and width >= WIDE and _legend_fits(titles.values(), labels, half)
    charts = [
        draw(
            _series(curves, labels),
            half if beside else width,
            CHART_LINES,
            ascii=look.ascii,
            colour=look.colour,
            title=titles[name],
        )
        for name, curves in comparison.curves.items()
    ]
    if beside:
        yield [_beside(left, right, half + 4) for left, right in zip(*charts, strict=True)]
    else:
        yield from charts


def _legend_fits(titles: Iterable[str], labels: Sequence[str], width: int) -> bool:
    return max(map(len, titles), default=0) + sum(len(label) + 6 for label in labels) <= width


def _series(curves: Sequence[Sequence[tuple[float, float]]], labels: Sequence[str]) -> list[Series]:
    markers = [""] * len(PALETTE) + list(MORE_MARKERS)
    return [Series(*one) for one in zip(labels, curves, COLOURS, markers, strict=False)]


def _beside(left: Text, right: Text, column: int) -> Text:
    line = left.copy()
    line.append(" " * (column - line.cell_len))
    return line.append_text(right)
