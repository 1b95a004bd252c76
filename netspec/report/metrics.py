"""A network's metrics as a table: a row a metric, a column a part of the data."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from rich.text import Text

from netspec.report.drawing.frame import Frame, Look, fitted, stacked
from netspec.report.drawing.styles import BOLD
from netspec.report.drawing.tables import Cell, Column, bands
from netspec.report.drawing.wording import count, measure, measured_name

__all__ = ["view"]


def view(
    run: str,
    step: int,
    metrics: Mapping[str, float],
    examples: Mapping[str, int],
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """The table in lines of at most `width` columns; parts that do not fit beside the others stand below them.

    Args:
        run: its directory.
        step: at which its parameters were what was measured.
        metrics: by "part/metric", each for every part.
        examples: how many, by part.
        width: columns of the terminal; at least 40.
        colour: use colour.
        ascii: use nothing but ASCII.
    """
    look = Look(ascii, colour)
    columns = [Column(""), *[Column("", right=True)] * len(examples)]
    head = [Cell(), *(Cell(f"{part} ({count(number)})", BOLD) for part, number in examples.items())]
    rows = [
        [Cell(measured_name(name)), *(Cell(measure(metrics[f"{part}/{name}"])) for part in examples)]
        for name in dict.fromkeys(key.partition("/")[2] for key in metrics)
    ]
    first, *others = bands(columns, [head, *rows], width, look)
    return Frame(stacked([[*_title(f"{run}, step {count(step)}", width, look), *first], *others]))


def _title(sentence: str, width: int, look: Look) -> list[Text]:
    """All of it, however long a path is: no end of it may be missing."""
    pieces = textwrap.wrap(look.text(sentence).plain, width, break_on_hyphens=False)
    return [fitted(look.text(piece), width, look) for piece in pieces]
