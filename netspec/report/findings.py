"""What was found out about a loss, in lines: how it curves, what is around it, which learning rate suits, which path.

Each view is of the plain data that `--json` prints.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from netspec.report.drawing.curves import Series, draw
from netspec.report.drawing.frame import Frame, Look, paragraph, stacked
from netspec.report.drawing.styles import BOLD, DIM
from netspec.report.drawing.tables import Cell, Column, table
from netspec.report.drawing.wording import count, measure, setting

__all__ = ["curvature_view", "landscape_view", "paths_view", "rate_view"]

VERDICTS: Mapping[str, str] = {
    "minimum": "a minimum: the loss curves up in every direction",
    "maximum": "a maximum: the loss curves down in every direction",
    "saddle": "a saddle: the loss curves up in some directions and down in others",
    "flat": "flat in some direction, as far as second derivatives tell, and curved one way in the others",
    "slope": "no minimum yet: the gradient is not zero, and the loss goes on falling along it",
}
"""What a point is called, and means."""

CHART_HEIGHT = 16

Row = tuple[str, str, str]
"""What it is, the number, and what there is to say of it."""


def curvature_view(
    found: Mapping[str, Any],
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """How a loss curves where a run ended."""
    rows: list[Row] = [
        ("loss", measure(found["loss"]), "penalties included"),
        ("gradient norm", measure(found["gradient_norm"]), ""),
        ("largest eigenvalue", measure(found["largest"]), _within(found["largest_residual"])),
        ("smallest eigenvalue", measure(found["smallest"]), _within(found["smallest_residual"])),
        ("condition number", measure(found["condition"]), ""),
    ]
    number = f"{count(found['products'])} of {count(found['parameters'])} directions"
    said = [VERDICTS[found["verdict"]], *_condition(found)]
    return _findings(_title(found, number), rows, said, width, Look(ascii, colour))


def _within(residual: float) -> str:
    return f"within {measure(residual)}" if residual else ""


def _condition(found: Mapping[str, Any]) -> list[str]:
    """Why there is no condition number."""
    if found["condition"] is not None:
        return []
    if found["products"] == found["parameters"] or abs(found["smallest"]) <= found["tolerance"]:
        return [f"no condition number: an eigenvalue cannot be told from 0 (within {measure(found['tolerance'])})"]
    return ["no condition number: which eigenvalue is nearest to 0 was not looked for"]


def landscape_view(
    found: Mapping[str, Any],
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """What the loss is around a run's network."""
    finite = [loss for row in found["losses"] for loss in row if isinstance(loss, float) and math.isfinite(loss)]
    rows: list[Row] = [
        ("the network", measure(found["loss"]), "penalties included"),
        ("least", measure(min(finite, default=None)), ""),
        ("largest", measure(max(finite, default=None)), f"within {setting(found['radius'])} of the network"),
    ]
    size = len(found["steps"])
    return _findings(_title(found, f"{size} by {size} losses"), rows, [], width, Look(ascii, colour))


def rate_view(
    found: Mapping[str, Any],
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """Which learning rate suits, with the curve of the loss over the rates."""
    look = Look(ascii, colour)
    rates, smoothed = found["rates"], found["smoothed"]
    steps = f"{count(len(rates))} steps, from {setting(rates[0])} to {setting(rates[-1])}"
    title = f"{found['spec']}, {found['optimizer']}: {steps}"
    highest = max(smoothed[: smoothed.index(min(smoothed)) + 1], default=0.0)
    room = highest + 0.3 * (highest - min(smoothed))
    shown = [(math.log10(r), loss) for r, loss in zip(rates, smoothed, strict=True) if loss <= room]
    curve = draw(
        [Series("loss", shown)], width, CHART_HEIGHT, ascii=ascii, colour=colour, x_label="log10 of the learning rate"
    )
    rows: list[Row] = [
        ("suggested", setting(found["suggested"]), "a tenth of the rate where the loss was least"),
        ("steepest", setting(found["steepest"]), "where the loss fell fastest"),
        ("least", setting(found["least"]), _where_least(found)),
        ("diverged", setting(found["diverged"]), "where it was far above its beginning" if found["diverged"] else ""),
    ]
    fell = found["suggested"] is not None
    key = "scale_by_learning_rate" if found["optimizer"] == "chain" else "learning_rate"
    said = f"[optimizer] {key} = {found['suggested']:g}" if fell else "the loss fell at none of these rates"
    lines = _findings(title, rows, [said], width, look).lines
    return Frame((*lines[:1], *curve, *lines[1:]))


def _where_least(found: Mapping[str, Any]) -> str:
    """What is to be said of the rate with the least loss: where it is the last one, the range was too short."""
    last = found["least"] is not None and found["least"] >= found["rates"][-1]
    return (
        "the last one tried, and the loss still fell: a larger --to may find a better one"
        if last
        else "where the loss was least"
    )


def paths_view(
    found: Mapping[str, Any],
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """Where each optimizer came to on a function."""
    look = Look(ascii, colour)
    columns = [
        Column("spec"),
        Column("optimizer"),
        Column("steps", right=True),
        Column("loss", right=True),
        Column("to the minimum", right=True),
        Column("end", rank=1),
    ]
    rows = [
        [
            Cell(path["spec"], BOLD),
            Cell(path["optimizer"]),
            Cell(count(path["steps"]) + (" diverged" if path["diverged"] else "")),
            Cell(measure(path["loss"])),
            Cell(measure(path["distance"])),
            Cell(f"[{', '.join(map(measure, path['end']))}]"),
        ]
        for path in found["paths"]
    ]
    return Frame(tuple(table(columns, rows, width, look)))


def _title(found: Mapping[str, Any], more: str) -> str:
    examples = found["examples"]
    of = f"{count(examples)} example{'s' * (examples != 1)}"
    return f"{found['run']}, step {count(found['step'])}: {more}, {of}"


def _findings(title: str, rows: Sequence[Row], said: Sequence[str], width: int, look: Look) -> Frame:
    columns = [Column(""), Column("", right=True), Column("", rank=1)]
    cells = [[Cell(name, DIM), Cell(number, BOLD), Cell(note, DIM)] for name, number, note in rows]
    head: list[Text] = paragraph("", [title], 0, width, look)
    tail = paragraph("", said, 0, width, look) if said else []
    return Frame(stacked([[*head, *table(columns, cells, width, look)], tail]))
