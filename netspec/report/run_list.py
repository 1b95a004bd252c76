"""The table of the runs there are: what each reached, how far it is, how long it took and when it began.

`list_runs` reads them, `to_json` and `view` show them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.text import Text

from netspec.diagnostics import Diagnostic
from netspec.report.frame import Frame, Look, paragraph, stacked, warning
from netspec.report.progress import Progress, advance
from netspec.report.styles import BOLD, DIM, STATES
from netspec.report.tables import Cell, Column, table
from netspec.report.values import plain
from netspec.report.wording import age, count, duration, epochs, measure, measured_name
from netspec.runs.directory import PARENT, Run, all_runs
from netspec.runs.records import read_events

__all__ = ["Listed", "RunList", "list_runs", "to_json", "view"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A run and its training, as its events tell it."""

    run: Run
    progress: Progress

    @property
    def began(self) -> float | None:
        """Seconds since 1970 when its first session began; None where its record does not say."""
        try:
            return datetime.fromisoformat(str(self.run.environment.get("started"))).timestamp()
        except ValueError:
            return None

    def seconds(self, now: float) -> float | None:
        """The time of its training: until now where it is still going on."""
        if self.progress.started is None:
            return None
        return self.progress.elapsed(now if self.run.state == "running" else self.progress.time)


@dataclass(frozen=True, slots=True)
class RunList:
    """The runs of a folder, newest first.

    Args:
        parent: the folder.
        damages: a warning for each run that cannot be read.
    """

    parent: Path
    runs: tuple[Listed, ...]
    damages: tuple[Diagnostic, ...]


def list_runs(parent: Path = PARENT) -> RunList:
    """Read the runs under a folder; none where there is no such folder."""
    runs, damages = all_runs(parent)
    listed = (Listed(run, functools.reduce(advance, read_events(run.path), Progress())) for run in runs)
    return RunList(parent, tuple(listed), damages)


def to_json(runs: RunList, now: float) -> list[dict[str, Any]]:
    """The runs as plain data, newest first; the shape is public (see `netspec runs --json`).

    Args:
        runs: as read.
        now: seconds since 1970.
    """
    return [plain(_run_json(one, now)) for one in runs.runs]


def _run_json(one: Listed, now: float) -> dict[str, Any]:
    started, best = one.progress.started, one.progress.best
    return {
        "run": str(one.run.path),
        "state": one.run.state,
        "metric": started.metric if started else None,
        "best": best.value if best else None,
        "best_step": best.step if best else None,
        "step": one.progress.step,
        "steps": started.steps if started else None,
        "epoch": one.progress.epoch,
        "seconds": one.seconds(now),
        "device": started.device if started else None,
        "started": one.run.environment.get("started"),
    }


_COLUMNS = (
    Column("run"),
    Column("state"),
    Column("best", right=True),
    Column("metric", rank=2),
    Column("step", right=True, rank=1),
    Column("epoch", right=True, rank=4),
    Column("time", right=True),
    Column("device", rank=5),
    Column("begun", right=True, rank=3),
)


def view(
    runs: RunList,
    now: float,
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """The runs as a table of at most `width` columns, newest first.

    Args:
        runs: what is shown.
        now: seconds since 1970.
        width: columns of the terminal; at least 40.
        colour: use colour.
        ascii: use nothing but ASCII.
    """
    look = Look(ascii, colour)
    if runs.runs:
        lines = table(_COLUMNS, [_cells(one, now) for one in runs.runs], width, look)
    else:
        lines = paragraph("", [f"{runs.parent} holds no runs yet: netspec train SPEC makes one"], 0, width, look)
    warnings = [line for damage in runs.damages for line in _warning(damage, width, look)]
    return Frame(stacked([lines, warnings]))


def _cells(one: Listed, now: float) -> Sequence[Cell]:
    progress, state = one.progress, one.run.state
    started, best, began = progress.started, progress.best, one.began
    return (
        Cell(one.run.path.name, BOLD),
        Cell(state, STATES[state]),
        Cell(measure(best.value if best else None), "" if best else DIM),
        Cell(measured_name(started.metric) if started else "", DIM),
        _of(count(progress.step), count(started.steps) if started else ""),
        _of(epochs(progress.epoch), epochs(started.steps / started.steps_per_epoch) if started else ""),
        Cell(duration(one.seconds(now))),
        Cell(started.device if started else "", DIM),
        Cell(age(now - began) if began is not None else "–", DIM),
    )


def _of(reached: str, whole: str) -> Cell:
    """How far, and of how much where it is not all of it."""
    return Cell(reached if reached == whole or not whole else f"{reached} of {whole}")


def _warning(damage: Diagnostic, width: int, look: Look) -> list[Text]:
    where = f" ({damage.file})" if damage.file else ""
    return warning(f"{damage.message}{where}", width, look)
