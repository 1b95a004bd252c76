"""A run, while it trains and after that, and a list of runs, in a notebook."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from netspec.diagnostics import printable
from netspec.report.drawing.curves import Series
from netspec.report.drawing.wording import age, count, duration, epochs, measure, measured_name
from netspec.report.finish import summary
from netspec.report.notebook.charts import chart
from netspec.report.notebook.pieces import Cell, dim, facts, framed, state, table
from netspec.report.page.markup import Html, tag
from netspec.report.progress import Progress
from netspec.runs.directory import State
from netspec.runs.glance import Glance

__all__ = ["run_html", "run_text", "runs_html"]

MOST_CURVES = 3
"""Charts of metrics beside that of the loss, at the most."""


def run_html(path: Path, progress: Progress, said: State, now: float, note: str = "") -> str:
    """A run: what has become of it, its curves, what it reached, and how to go on.

    Args:
        progress: its training, as its events tell it.
        said: what has become of it.
        now: seconds since 1970.
        note: a line more.
    """
    head = tag("div", tag("b", path.name), " ", state(said), " ", dim(_where(progress)))
    charts = [made for made in _charts(progress) if made is not None]
    return framed(
        head,
        _bar(progress) if said == "running" else None,
        tag("div", *charts, class_="charts") if charts else None,
        facts(_facts(path, progress, said, now)),
        dim(note) if note else None,
    )


def run_text(path: Path, progress: Progress, said: State) -> str:
    """A run in a few lines of text."""
    if progress.finished is not None:
        return summary(progress).plain
    reached = [f"{measured_name(n)} {measure(c.last[1])}" for n, c in progress.measured.items() if c.last]
    return printable(", ".join([f"{path}: {said}", _where(progress), *reached]))


def _where(progress: Progress) -> str:
    started = progress.started
    if started is None:
        return "not begun yet"
    step = f"step {count(progress.step)} of {count(started.steps)}"
    return f"{step} · epoch {epochs(progress.epoch)} · {started.device} · seed {started.seed}"


def _bar(progress: Progress) -> Html | None:
    if progress.started is None:
        return None
    share = min(1.0, progress.step / max(1, progress.started.steps))
    return tag("div", tag("div", style=f"width:{100 * share:.1f}%"), class_="bar")


def _charts(progress: Progress) -> Iterator[Html | None]:
    """The losses together, then the other metrics of the validation part, the one that decides first."""
    started = progress.started
    last = float(started.steps) if started else None
    losses = [Series("training loss", progress.smoothed_loss.points())]
    if (validation := progress.measured.get("validation/loss")) is not None:
        losses.append(Series("validation loss", validation.points()))
    yield chart(losses, last)
    deciding = started.metric if started else ""
    # The share of errors says what the accuracy does.
    others = [name for name in progress.measured if name not in ("validation/loss", "validation/error")]
    for name in sorted(others, key=lambda name: name != deciding)[:MOST_CURVES]:
        yield chart([Series(measured_name(name), progress.measured[name].points())], last)


def _facts(path: Path, progress: Progress, said: State, now: float) -> Iterator[tuple[str, Cell]]:
    started, best, finished = progress.started, progress.best, progress.finished
    if finished is not None and finished.metrics and said == "done":
        yield "reached", ", ".join(f"{measured_name(n)} {measure(v)}" for n, v in _results(finished.metrics.items()))
    elif progress.smoothed is not None:
        latest = [("training loss", progress.smoothed)]
        latest += [(measured_name(n), c.last[1]) for n, c in progress.measured.items() if c.last]
        yield "now", ", ".join(f"{name} {measure(value)}" for name, value in latest)
    if best and started:
        yield "best", f"{measured_name(started.metric)} {measure(best.value)} at step {count(best.step)}"
    if started is not None:
        until = now if said == "running" else progress.time
        left = progress.left(now) if said == "running" else None
        yield "time", duration(progress.elapsed(until)) + (f", {duration(left)} left" if left is not None else "")
    for alert in progress.alerts[-3:]:
        yield "noticed", tag("span", f"step {count(alert.step)}: {alert.message}", class_="warn")
        if alert.help:
            yield "", dim(alert.help)
    if how := _go_on(path, said):
        yield "go on", tag("code", how)


def _results(metrics: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """The test part's, or else the validation part's, or all."""
    found = list(metrics)
    for part in ("test/", "validation/"):
        of = [(name, value) for name, value in found if name.startswith(part)]
        if of:
            return of
    return found


def _go_on(path: Path, said: State) -> str:
    """What most people want next, in Python as a notebook has it."""
    name = f"netspec.run({str(path)!r})"
    if said in ("interrupted", "stopped", "failed"):
        return f"{name}.resume()   # or: netspec resume {shlex.quote(str(path))}"
    return f"{name}.evaluate()" if said == "done" else ""


def runs_html(runs: Sequence[Glance], now: float) -> str:
    """Runs as a table, in the order in which they are given."""
    if not runs:
        return framed(dim("no runs yet: netspec.load(SPEC).train() makes one"))
    columns = ("run", "state", "best", "metric", "step", "time", "begun", "tags")
    return framed(table(columns, [_row(run, now) for run in runs], numbers=(2, 4, 5, 6)))


def _row(run: Glance, now: float) -> tuple[Cell, ...]:
    steps = f"{count(run.step)} of {count(run.steps)}" if run.steps and run.step != run.steps else count(run.step)
    return (
        tag("b", run.name),
        state(run.state),
        measure(run.best),
        dim(measured_name(run.metric or "")),
        steps,
        duration(run.elapsed(now)),
        dim(age(now - run.began) if run.began is not None else "–"),
        dim(" ".join(run.tags)),
    )
