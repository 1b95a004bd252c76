"""What a run's record says, as the contents of a page: the result, the curves, the layers' health.

Works out what is drawn; draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from netspec.report.drawing.wording import measured_name
from netspec.report.page.contents import (
    Alert,
    Axis,
    Chart,
    Curves,
    Evaluations,
    Health,
    Line,
    Missing,
    Phase,
    Result,
)
from netspec.report.page.thinning import MOST, evenly, means, rounded, thinned
from netspec.runs.histories import History, Measured

__all__ = ["OF_MEMBERS", "axis_of", "curves_of", "evaluations_of", "health_of", "logarithmic", "result_of"]

ANCHORS = 200
"""Points that tell where a step lies in time, at the most."""

MOST_EVALUATIONS = 40
"""Rows of the table of evaluations, at the most."""

MOST_EXAMINED = 120
"""Columns of the picture of the layers' health, at the most."""

DECADES = 30.0
"""A curve whose values are further apart than by this factor is drawn on a logarithmic scale."""

MOSTLY = 0.5
"""More than this share of them has to be positive; the others are 0."""

COLOURS: Mapping[str, int] = {"train": 7, "validation": 2, "test": 3}
"""Of what is measured on a part, in all charts."""

DIFFERENT = 8
"""Colours that lines have."""

OF_MEMBERS = ("member/", "spread/")
"""What the metrics of an ensemble's members begin with: their means, and their standard deviations."""

MEASURES = ("update", "gradient", "weights", "dead", "saturated")

FEWEST = 2
"""Examples, at the least, of which passes can be counted: a point has one."""

NOT_BEGUN = "the training has not begun"


def result_of(history: History, state: str, environment: Mapping[str, Any]) -> Result:
    """What a run reached, as far as its record goes."""
    started, finished, best = history.started, history.finished, history.best
    metrics = (finished.metrics if finished else None) or history.last_measured
    judged = history.judged
    return Result(
        state=state,
        metric=history.metric,
        higher_is_better=judged.higher_is_better if judged else False,
        best=best.value if best else None,
        best_step=best.step if best else None,
        metrics=dict(metrics),
        step=history.step,
        steps=judged.steps if judged else 0,
        epoch=history.epoch,
        seconds=history.duration,
        device=started.device if started else str(environment.get("device", "")),
        parameters=started.parameters if started else 0,
        seed=started.seed if started else None,
        batch=started.batch if started and started.examples else 0,
        examples=dict(started.examples) if started else {},
        members=started.members if started else 1,
        started=str(environment.get("started", "")),
    )


# -- curves ------------------------------------------------------------------------------------------------------------


def curves_of(history: History) -> Curves | Missing:
    """All that was recorded over the steps: losses, metrics, the learning rate, the gradient."""
    if history.started is None:
        return Missing(NOT_BEGUN)
    if not len(history.steps) and not history.measured:
        return Missing("nothing was recorded before the training ended")
    drawn = _Drawn(history)
    charts = tuple(chart for chart in drawn.charts() if chart.lines)
    if not charts:
        return Missing("no number that was recorded is finite")
    phases = tuple(Phase(entered.phase, entered.step) for entered in history.entered)
    return Curves((axis_of(history),), charts, phases, alerts_of(history), drawn.dropped)


def alerts_of(history: History) -> tuple[Alert, ...]:
    """What ailed the training, in turn."""
    return tuple(Alert(alert.step, alert.code, alert.message, alert.help) for alert in history.alerts)


def axis_of(history: History) -> Axis:
    """What the run's steps are in epochs, examples and seconds."""
    steps, epochs, seconds = history.steps, history.epochs, history.seconds
    if not len(steps):
        some = max(history.measured.values(), key=lambda measured: len(measured.steps))
        steps, epochs, seconds = some.steps, some.epochs, some.seconds
    kept = evenly(len(steps), ANCHORS)
    steps, epochs, seconds = (np.concatenate([[0.0], column[kept]]) for column in (steps, epochs, seconds))
    train = (history.started.examples if history.started else {}).get("train", 0)
    if train < FEWEST:
        return Axis(rounded(steps, 9), (), (), rounded(seconds))
    return Axis(rounded(steps, 9), rounded(epochs), rounded(epochs * train, 9), rounded(seconds))


class _Drawn:
    """A record as charts, and how many of its values could not be drawn."""

    def __init__(self, history: History) -> None:
        self.history, self.dropped = history, 0

    def charts(self) -> Iterator[Chart]:
        history = self.history
        of_loss = [name for name in self.drawn() if name.endswith("/loss")]
        losses = [self.line("training loss", history.steps, history.losses, 1, smooth=True)]
        losses += [self.measured(name) for name in of_loss]
        yield _chart("loss", "Loss", losses, wide=True)
        for name, metrics in self.groups().items():
            lines = [self.measured(one) for one in metrics]
            if any(line is not None and len(line.values) > 1 for line in lines):
                yield _chart("metric", measured_name(name).capitalize(), lines)
        rates = history.learning_rates
        if len(np.unique(rates[np.isfinite(rates)])) > 1:
            line = self.line("learning rate", history.steps[np.isfinite(rates)], rates[np.isfinite(rates)], 4)
            yield replace(_chart("rate", "Learning rate", [line]), logarithmic=False)
        norms = [self.line("gradient norm", history.steps, history.gradient_norms, 5, smooth=True)]
        yield _chart("gradient", "Gradient norm", norms)

    def drawn(self) -> list[str]:
        """What was measured of the network as a whole: what each member of an ensemble reaches is in a table."""
        return [name for name in self.history.measured if not name.partition("/")[2].startswith(OF_MEMBERS)]

    def groups(self) -> dict[str, list[str]]:
        """The metrics that are no losses, of all parts together; that which decides first."""
        deciding = self.history.metric.partition("/")[2]
        names = [name for name in self.drawn() if not name.endswith("/loss")]
        found: dict[str, list[str]] = {}
        for name in sorted(names, key=lambda name: name.partition("/")[2] != deciding):
            found.setdefault(name.partition("/")[2], []).append(name)
        if "accuracy" in found:
            found.pop("error", None)  # which is what lacks to the other
        return found

    def measured(self, name: str) -> Line | None:
        measured: Measured = self.history.measured[name]
        colour = COLOURS.get(name.partition("/")[0], 6)
        return self.line(measured_name(name), measured.steps, measured.values, colour, points=True)

    def line(
        self, name: str, steps: Any, values: Any, colour: int, *, smooth: bool = False, points: bool = False
    ) -> Line | None:
        """A curve without what is not finite; None where nothing is."""
        finite = np.isfinite(values)
        self.dropped += int(len(values) - finite.sum())
        steps, values = steps[finite], values[finite]
        if not len(values):
            return None
        mean = means(steps, values) if smooth else None
        few = points and len(values) <= MOST // 8
        steps, values = thinned(steps, values)
        return Line(
            name, 0, colour, rounded(steps, 9), rounded(values), smooth,
            None if mean is None else (rounded(mean[0], 9), rounded(mean[1])), points=few,
        )  # fmt: skip


def _chart(name: str, title: str, lines: list[Line | None], *, wide: bool = False) -> Chart:
    there = _apart([line for line in lines if line is not None])
    values = np.array([value for line in there for value in line.values])
    # An accuracy starts near nothing and ends near 1: it is read on the scale that it is stated on.
    spans = name != "metric" and logarithmic(values)
    return Chart(name, title, there, spans, bool((values > 0).any()), wide)


def _apart(lines: list[Line]) -> tuple[Line, ...]:
    """Lines of which no two have one colour, as far as there are colours: the first that has one keeps it."""
    taken: set[int] = set()
    free = [colour for colour in range(1, DIFFERENT + 1) if colour not in {line.colour for line in lines}]
    found = []
    for line in lines:
        colour = free.pop(0) if line.colour in taken and free else line.colour
        taken.add(colour)
        found.append(replace(line, colour=colour))
    return tuple(found)


def logarithmic(values: Any) -> bool:
    """Whether values span decades, a few outliers and zeros left out, and none is negative."""
    positive = values[values > 0]
    if len(positive) <= MOSTLY * len(values) or (values < 0).any():
        return False
    low, high = np.quantile(positive, [0.02, 0.98])
    return bool(high > DECADES * low)


# -- tables ------------------------------------------------------------------------------------------------------------


def evaluations_of(history: History) -> Evaluations | Missing:
    """What was measured, at a few dozen of the evaluations."""
    if history.started is None:
        return Missing(NOT_BEGUN)
    if not history.measured:
        return Missing("the network was not evaluated before the training ended")
    rows: dict[int, tuple[float, dict[str, float]]] = {}
    for name, measured in history.measured.items():
        for step, epoch, value in zip(
            measured.steps.tolist(), measured.epochs.tolist(), measured.values.tolist(), strict=True
        ):
            rows.setdefault(int(step), (epoch, {}))[1][name] = value
    names = tuple(history.measured)
    steps = sorted(rows)
    best = history.best.step if history.best and history.best.step in rows else None
    kept = sorted(
        {*(steps[i] for i in evenly(len(steps), MOST_EVALUATIONS).tolist()), *([] if best is None else [best])}
    )
    found = tuple((step, rows[step][0], tuple(rows[step][1].get(name) for name in names)) for step in kept)
    return Evaluations(names, found, best, len(steps))


def health_of(history: History) -> Health | Missing:
    """How the layers were, at a hundred of the times when they were looked at."""
    if history.started is None:
        return Missing(NOT_BEGUN)
    examined = history.examined
    if not examined:
        return Missing("the layers were not looked at: the training was too short, or has no layers that learn")
    kept = [examined[i] for i in evenly(len(examined), MOST_EXAMINED).tolist()]
    layers = tuple(dict.fromkeys(layer for event in kept for layer in event.layers))
    measures = {}
    for name in MEASURES:
        rows = tuple(tuple(_finite(event.layers.get(layer, {}).get(name)) for event in kept) for layer in layers)
        if any(value is not None for row in rows for value in row):
            measures[name] = rows
    last = examined[-1]
    return Health(layers, tuple(event.step for event in kept), measures, last.memory, last.peak, last.skipped)


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.4g}")
