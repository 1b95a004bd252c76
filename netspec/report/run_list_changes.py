"""What is said of runs before they are removed, and after they were given other names. Changes nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from netspec.diagnostics import Diagnostic, printable
from netspec.report.drawing.frame import Frame, Look, paragraph, stacked, warning
from netspec.report.drawing.styles import BOLD, DIM, STATES
from netspec.report.drawing.tables import Cell, Column, table
from netspec.report.drawing.wording import count, measure, storage
from netspec.runs.directory import SPEC
from netspec.runs.references import Reference
from netspec.runs.removal import Doomed, Removal

__all__ = ["references_json", "removal_json", "removed_line", "stale", "view"]

SHOWN = 20
"""Runs that are listed before they are removed, and warnings."""

_COLUMNS = (
    Column("run"),
    Column("state"),
    Column("best", right=True, rank=1),
    Column("checkpoint", right=True, rank=2),
    Column("size", right=True),
)


def view(
    removal: Removal,
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """What would be lost, in lines of at most `width` columns.

    Args:
        removal: what is asked for.
        width: columns of the terminal; at least 40.
        colour: use colour.
        ascii: use nothing but ASCII.
    """
    look = Look(ascii, colour)
    runs = removal.runs
    apart = len({one.run.path.parent for one in runs}) > 1
    lines = table(_COLUMNS, [_cells(one, apart) for one in runs[:SHOWN]], width, look)
    if len(runs) > 1:
        total = f"{count(len(runs))} runs, {storage(sum(one.size for one in runs))}"
        lines += paragraph("", [f"{'… ' if len(runs) > SHOWN else ''}{total}"], 0, width, look)
    strange = [_strangers(one) for one in runs if one.strangers]
    return Frame(stacked([lines, _warnings(strange, width, look), _warnings(_missed(removal), width, look)]))


def _cells(one: Doomed, apart: bool) -> Sequence[Cell]:
    """A run; with its folder, where that is not the same for all."""
    step = "none" if one.checkpoint is None else f"step {count(one.checkpoint)}"
    return (
        Cell(str(one.run.path) if apart else one.run.name, BOLD),
        Cell(one.run.state, STATES[one.run.state]),
        Cell(measure(one.run.best), DIM if one.run.best is None else ""),
        Cell(step, DIM if one.checkpoint is None else ""),
        Cell(storage(one.size)),
    )


def _strangers(one: Doomed) -> str:
    shown = ", ".join(one.strangers[:5])
    more = f" and {len(one.strangers) - 5} more" if len(one.strangers) > 5 else ""
    return f"{one.run.name} also holds what is not the run's: {shown}{more}"


def _missed(removal: Removal) -> list[str]:
    return [f"{_said(one)}{_LOST[one.how]}" for one in removal.references]


def _said(reference: Reference) -> str:
    return f"{reference.by.name} {_SAID[reference.how]} {reference.to.name}"


_SAID = {
    "start": "begins with the weights of",
    "load": "loads layers of",
    "together": "was trained at once with",
}
_LOST = {
    "start": ": it could not be begun anew",
    "load": ": it could not be begun anew",
    "together": ": it could not go on as it was",
}


def _warnings(sentences: Sequence[str], width: int, look: Look) -> list[Text]:
    more = [f"and {count(len(sentences) - SHOWN)} more"] if len(sentences) > SHOWN else []
    return [line for sentence in (*sentences[:SHOWN], *more) for line in warning(sentence, width, look)]


def removed_line(removal: Removal) -> str:
    """What was removed, in a line."""
    runs = removal.runs
    what = runs[0].run.name if len(runs) == 1 else f"{count(len(runs))} runs"
    return printable(f"removed {what}, {storage(sum(one.size for one in runs))}")


def stale(references: Sequence[Reference]) -> tuple[Diagnostic, ...]:
    """A warning for each run that goes on calling another one by the name that it had."""
    return tuple(
        Diagnostic("old-name", f"{_said(one)} by its old name", file=str(one.by / SPEC), severity="warning")
        for one in references
    )


def removal_json(removal: Removal) -> dict[str, Any]:
    """What was removed, as plain data; the shape is public (see `netspec runs remove --json`)."""
    return {
        "removed": [{"run": str(one.run.path), "bytes": one.size} for one in removal.runs],
        "references": references_json(removal.references),
    }


def references_json(references: Sequence[Reference]) -> list[dict[str, str]]:
    """Who speaks of which run, as plain data."""
    return [{"run": str(one.by), "how": one.how, "of": str(one.to)} for one in references]
