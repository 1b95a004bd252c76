"""The table of the runs there are: what each reached, how far it is, how long it took and when it began.

`list_runs` reads and picks them, `to_json` and `view` show them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.text import Text

from netspec.diagnostics import Diagnostic, RunError, nearest
from netspec.report.drawing.frame import Frame, Look, paragraph, stacked, warning
from netspec.report.drawing.styles import BOLD, DIM, STATES
from netspec.report.drawing.tables import Cell, Column, table
from netspec.report.drawing.values import plain
from netspec.report.drawing.wording import age, count, duration, epochs, measure, measured_name
from netspec.runs import criteria
from netspec.runs.criteria import Criterion
from netspec.runs.directory import PARENT
from netspec.runs.glance import Glance, glances
from netspec.runs.selection import in_order

__all__ = ["SORTS", "RunList", "Wanted", "list_runs", "to_json", "view"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are asked for, and in which order.

    Args:
        name: a pattern that the name fits.
        states: one of which the run is in.
        tags: all of which it has.
        metrics: conditions on what it reached, all of which it meets: "accuracy>0.9".
        values: conditions on its spec, all of which it meets: "optimizer.kind=adam".
        sort: one of `SORTS`, or a metric.
        reverse: the other way round.
        limit: how many there are at the most.
    """

    name: str | None = None
    states: Sequence[str] = ()
    tags: Sequence[str] = ()
    metrics: Sequence[str] = ()
    values: Sequence[str] = ()
    sort: str = "age"
    reverse: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class RunList:
    """Runs of a folder.

    Args:
        parent: the folder.
        runs: those that are asked for, in order.
        damages: a warning for each thing in them that is missing or cannot be read.
        total: how many runs there are.
        fitting: how many fit what was asked for, before a limit.
        sieved: what was asked for in turn, as what runs do that fit ("are done"), and how many were left.
    """

    parent: Path
    runs: tuple[Glance, ...]
    damages: tuple[Diagnostic, ...]
    total: int
    fitting: int
    sieved: tuple[tuple[str, int], ...]


def list_runs(parent: Path = PARENT, wanted: Wanted = Wanted(), now: float = 0.0) -> RunList:
    """Read the runs under a folder; none where there is no such folder.

    Args:
        now: seconds since 1970, up to when a run that goes on is timed.

    Raises:
        RunError: what is asked for is written wrongly, or is nothing that any run has.
    """
    runs, damages = glances(parent)
    wants, unread = _criteria(runs, wanted)
    left, sieved = list(runs), list[tuple[str, int]]()
    for criterion in wants:
        left = [run for run in left if criterion.fits(run)]
        sieved.append((criterion.said, len(left)))
    ordered = _sorted(left, wanted, now)[: wanted.limit]
    found = (*damages, *unread, *(damage for run in ordered for damage in run.damages))
    return RunList(parent, tuple(ordered), tuple(dict.fromkeys(found)), len(runs), len(left), tuple(sieved))


def _criteria(runs: Sequence[Glance], wanted: Wanted) -> tuple[list[Criterion], list[Diagnostic]]:
    found = [] if wanted.name is None else [criteria.by_name(wanted.name)]
    found += [criteria.by_states(wanted.states)] if wanted.states else []
    found += map(criteria.by_tag, wanted.tags)
    found += [criteria.by_metric(text, runs) for text in wanted.metrics]
    if not wanted.values:
        return found, []
    specs, damages = criteria.specs_of(runs)
    return found + [criteria.by_value(text, specs) for text in wanted.values], damages


# -- order -------------------------------------------------------------------------------------------------------------


SORTS = ("name", "state", "best", "time", "age")


def _sorted(runs: Sequence[Glance], wanted: Wanted, now: float) -> list[Glance]:
    """The runs in order; those that cannot be put into it come last, whichever way it goes."""
    if wanted.sort == "name":
        places = {path: i for i, path in enumerate(in_order(run.path for run in runs))}
        return sorted(runs, key=lambda run: places[run.path], reverse=wanted.reverse)
    key = _key(runs, wanted.sort, now)
    keyed = [(place, run) for run in runs if (place := key(run)) is not None]
    rest = [run for run in runs if key(run) is None]
    keyed.sort(key=lambda one: one[0], reverse=wanted.reverse)
    return [run for _, run in keyed] + rest


def _key(runs: Sequence[Glance], sort: str, now: float) -> Callable[[Glance], Any]:
    """What runs are sorted by, of which the least comes first.

    Raises:
        RunError: no run can be sorted by that.
    """
    keys: dict[str, Callable[[Glance], Any]] = {
        "state": lambda run: criteria.STATES.index(run.state),
        "best": lambda run: None if run.best is None else (run.metric, _worse(run.best, run.higher_is_better)),
        "time": lambda run: run.elapsed(now),
        "age": lambda run: None if run.began is None else -run.began,
    }
    if sort in keys:
        return keys[sort]
    if all(criteria.metric_of(run, sort) is None for run in runs):
        meant = nearest(sort, {*SORTS, *(name for run in runs for name in run.metrics)})
        note = f"runs are sorted by {', '.join(SORTS)}, or a metric such as test/accuracy"
        help_ = f"did you mean {meant!r}?" if meant else ""
        raise RunError(Diagnostic("sort", f"no run here can be sorted by {sort!r}", note=note, help=help_))

    higher = _is_higher_better(runs, sort)

    def of_metric(run: Glance) -> float | None:
        value = criteria.metric_of(run, sort)
        return None if value is None else _worse(value, higher)

    return of_metric


def _is_higher_better(runs: Sequence[Glance], metric: str) -> bool:
    """As a run says that is judged by the metric, on whichever part; else by the metric's name."""
    from netspec.report.comparison.measured import HIGHER

    name = metric.rpartition("/")[2]
    told = (run.higher_is_better for run in runs if run.metric and run.metric.rpartition("/")[2] == name)
    return next(told, name in HIGHER)


def _worse(value: float, higher_is_better: bool) -> float:
    """A number that is the greater the worse a value is; what is no number is the worst."""
    return float("inf") if value != value else -value if higher_is_better else value


# -- shown -------------------------------------------------------------------------------------------------------------


def to_json(runs: RunList, now: float) -> list[dict[str, Any]]:
    """The runs as plain data, in order; the shape is public (see `netspec runs --json`).

    Args:
        runs: as read.
        now: seconds since 1970.
    """
    return [plain(_run_json(run, now)) for run in runs.runs]


def _run_json(run: Glance, now: float) -> dict[str, Any]:
    return {
        "run": str(run.path),
        "name": run.name,
        "state": run.state,
        "tags": list(run.tags),
        "metric": run.metric,
        "higher_is_better": run.higher_is_better if run.metric else None,
        "best": run.best,
        "best_step": run.best_step,
        "metrics": dict(run.metrics),
        "step": run.step,
        "steps": run.steps,
        "epoch": run.epoch,
        "seconds": run.elapsed(now),
        "device": run.device,
        "seed": run.seed,
        "started": None if run.began is None else datetime.fromtimestamp(run.began, UTC).isoformat(),
    }


_COLUMNS = (
    Column("run"),
    Column("state"),
    Column("best", right=True),
    Column("metric", rank=3),
    Column("tags", rank=1),
    Column("step", right=True, rank=5),
    Column("epoch", right=True, rank=6),
    Column("time", right=True),
    Column("device", rank=4),
    Column("begun", right=True, rank=2),
)


def view(
    runs: RunList,
    now: float,
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """The runs as a table of at most `width` columns.

    Args:
        runs: what is shown.
        now: seconds since 1970.
        width: columns of the terminal; at least 40.
        colour: use colour.
        ascii: use nothing but ASCII.
    """
    look = Look(ascii, colour)
    if runs.runs:
        shown = [i for i, column in enumerate(_COLUMNS) if column.title != "tags" or any(r.tags for r in runs.runs)]
        rows = [_cells(run, now) for run in runs.runs]
        lines = table([_COLUMNS[i] for i in shown], [[row[i] for i in shown] for row in rows], width, look)
        if len(runs.runs) < runs.fitting:
            more = f"and {count(runs.fitting - len(runs.runs))} more"
            lines = [*lines, *paragraph("", [more], 0, width, look)]
    else:
        lines = paragraph("", _why_none(runs), 0, width, look)
    warnings = [line for damage in runs.damages for line in _warning(damage, width, look)]
    return Frame(stacked([lines, warnings]))


def _cells(run: Glance, now: float) -> Sequence[Cell]:
    return (
        Cell(run.name, BOLD),
        Cell(run.state, STATES[run.state]),
        Cell(measure(run.best), DIM if run.best is None else ""),
        Cell(measured_name(run.metric or ""), DIM),
        Cell(" ".join(run.tags)),
        _of(count(run.step), "" if run.steps is None else count(run.steps)),
        _of(epochs(run.epoch), "" if run.epochs is None else epochs(run.epochs)),
        Cell(duration(run.elapsed(now))),
        Cell(run.device or "", DIM),
        Cell("–" if run.began is None else age(now - run.began), DIM),
    )


def _of(reached: str, whole: str) -> Cell:
    """How far, and of how much where it is not all of it."""
    return Cell(reached if reached == whole or not whole else f"{reached} of {whole}")


def _why_none(runs: RunList) -> list[str]:
    """Why there is nothing to show, one thing that was asked for a line."""
    if not runs.total:
        return [f"{runs.parent} holds no runs yet: netspec train SPEC makes one"]
    if all(left for _, left in runs.sieved):
        return [f"{runs.parent} holds {_runs(runs.total)}, and none was asked for"]
    lines = [f"{runs.parent} holds {_runs(runs.total)}"]
    for said, left in runs.sieved:
        lines.append(f"{count(left) if left else 'none'} of {'these' if len(lines) > 1 else 'them'} {said}")
        if not left:
            break
    return lines


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{count(number)} runs"


def _warning(damage: Diagnostic, width: int, look: Look) -> list[Text]:
    where = f" ({damage.file})" if damage.file else ""
    return warning(f"{damage.message}{where}", width, look)
