"""Tables as lines of text that fit a width: columns in line, optional ones left out where there is no room.

Knows nothing of networks or trainings: the views say what stands in the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from rich.text import Span, Text

from netspec.report.drawing.frame import Look, fitted
from netspec.report.drawing.styles import DIM

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
    drawn = cache(lambda cell: _drawn(cell, look))  # in a long table most cells say what others say
    grid = [[drawn(cell) for cell in row] for row in (*titles, *rows)]
    full = [row for row in grid if len(row) == len(columns)]
    natural = [max(row[i][1] for row in full) for i in range(len(columns))]
    shown = _fitting(columns, natural, width)
    widths = _shortened([natural[i] for i in shown], [columns[i].right for i in shown], width)
    places = [(i, size, columns[i].right) for i, size in zip(shown, widths, strict=True)]
    return [
        _line(row, places, look)
        if len(row) == len(columns)
        else fitted(Text().join(text for text, _ in row), width, look)
        for row in grid
    ]


def _drawn(cell: Cell, look: Look) -> tuple[Text, int]:
    """What stands in a cell, and how many columns that takes."""
    text = look.text(cell.text, cell.style)
    return text, text.cell_len


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


def _line(row: Sequence[tuple[Text, int]], places: Sequence[tuple[int, int, bool]], look: Look) -> Text:
    """A line of the table, put together as one string: a Text that grows takes several times as long.

    Args:
        row: what stands in its cells, with the columns that it takes.
        places: of each cell that is shown: which one, how wide, and whether it ends in line.
        look: with which characters.
    """
    pieces: list[str] = []
    spans: list[Span] = []
    gap = at = 0
    for i, size, ends_in_line in places:
        cell, taken = row[i]
        if taken > size:
            cell = _cut(cell, size, look)
            taken = cell.cell_len
        room = size - taken
        if not taken:
            gap += GAP + room
            continue
        ahead = gap + room * ends_in_line
        pieces += (" " * ahead, cell.plain)
        spans += (span.move(at + ahead) for span in cell.spans)
        at += ahead + len(cell.plain)
        gap = GAP + room * (not ends_in_line)
    return Text("".join(pieces), no_wrap=True, spans=spans)


def _cut(cell: Text, size: int, look: Look) -> Text:
    shown = fitted(cell, size, look)
    for span in cell.spans:  # of all of the cell, and so of its ellipsis
        shown.stylize(span.style)
    return shown
