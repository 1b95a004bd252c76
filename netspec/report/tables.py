"""Tables as lines of text that fit a width: columns in line, optional ones left out where there is no room.

Knows nothing of networks or trainings: the views say what stands in the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from netspec.report.frame import Look, fitted
from netspec.report.styles import DIM

__all__ = ["Cell", "Column", "bands", "table"]

GAP = 2
LEAST_WIDTH = 8
"""No column is shortened to less than this."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a table."""

    text: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        title: stands above it.
        right: whether its cells end in line, as numbers do, rather than begin in line.
        rank: 0 for a column that always stays; of the others, the one of the highest rank is left out first.
    """

    title: str
    right: bool = False
    rank: int = 0


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int, look: Look) -> list[Text]:
    """The table as lines of at most `width` columns, titles first; no line ends in spaces.

    Args:
        columns: from left to right; where none has a title, there is no line for them.
        rows: of one cell a column each; an empty row is a blank line, and one of a single cell spans the table.
        width: in columns of the terminal.
        look: with which characters, and whether with colour.
    """
    titles = [[Cell(c.title, DIM) for c in columns]] if any(c.title for c in columns) else []
    grid = [[look.text(cell.text, cell.style) for cell in row] for row in (*titles, *rows)]
    full = [row for row in grid if len(row) == len(columns)]
    natural = [max(row[i].cell_len for row in full) for i in range(len(columns))]
    shown = _fitting(columns, natural, width)
    widths = _shortened([natural[i] for i in shown], [columns[i].right for i in shown], width)
    return [
        _line([row[i] for i in shown], widths, [columns[i].right for i in shown], look)
        if len(row) == len(columns)
        else fitted(Text().join(row), width, look)
        for row in grid
    ]


def bands(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int, look: Look) -> list[list[Text]]:
    """The table in as many pieces below each other as its columns need, each beginning with the first column.

    Args:
        columns: from left to right.
        rows: of one cell a column each.
        width: in columns of the terminal.
        look: with which characters, and whether with colour.
    """
    grid = [[Cell(c.title) for c in columns], *rows]
    sizes = [max(look.text(row[i].text).cell_len for row in grid) for i in range(len(columns))]
    pieces: list[list[int]] = []
    room = 0
    for i, size in enumerate(sizes[1:], 1):
        if not pieces or room < size + GAP:
            pieces.append([0])
            room = width - sizes[0]
        pieces[-1].append(i)
        room -= size + GAP
    return [table([columns[i] for i in p], [[row[i] for i in p] for row in rows], width, look) for p in pieces]


def _fitting(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """The columns that are shown."""
    shown = list(range(len(columns)))
    while sum(widths[i] + GAP for i in shown) - GAP > width:
        rank, last = max((columns[i].rank, i) for i in shown)
        if rank == 0:
            break
        shown.remove(last)
    return shown


def _shortened(widths: Sequence[int], right: Sequence[bool], width: int) -> list[int]:
    """The widths of the columns that stay: the widest gives first, and numbers only when no words are left to."""
    result = list(widths)
    over = sum(w + GAP for w in widths) - GAP - width
    for numbers in (False, True):
        giving = [i for i, ends_in_line in enumerate(right) if ends_in_line == numbers]
        while over > 0 and giving and max(result[i] for i in giving) > LEAST_WIDTH:
            result[max(giving, key=lambda i: result[i])] -= 1
            over -= 1
    return result


def _line(cells: Sequence[Text], widths: Sequence[int], right: Sequence[bool], look: Look) -> Text:
    line = Text(no_wrap=True)
    gap = 0
    for cell, size, ends_in_line in zip(cells, widths, right, strict=True):
        shown = cell if cell.cell_len <= size else _cut(cell, size, look)
        room = size - shown.cell_len
        if shown:
            line.append(" " * (gap + room * ends_in_line))
            line.append_text(shown)
            gap = GAP + room * (not ends_in_line)
        else:
            gap += GAP + room
    return line


def _cut(cell: Text, size: int, look: Look) -> Text:
    shown = fitted(cell, size, look)
    for span in cell.spans:  # of all of the cell, and so of its ellipsis
        shown.stylize(span.style)
    return shown
