"""Tables as lines of text that fit a width: columns in line, optional ones left out where there is no room.

Knows nothing of networks or trainings: `inspection`, `comparison` and `run_list` say what stands in the cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from netspec.diagnostics import printable
from netspec.report.dashboard import Frame

__all__ = [
    "BAD",
    "BOLD",
    "DIM",
    "GOOD",
    "WARNING",
    "Cell",
    "Column",
    "Look",
    "bands",
    "fitted",
    "paragraph",
    "stacked",
    "table",
    "warning",
]

DIM, BOLD = "bright_black", "bold"
GOOD, WARNING, BAD = "color(35)", "color(208)", "color(203)"

GAP = 2
LEAST_WIDTH = 8
"""No column is shortened to less than this."""

_ASCII = str.maketrans(
    {"├": "|", "│": "|", "└": "`", "×": "x", "–": "-", "·": "|", "…": "...", "→": "->", "★": "*", "▲": "!", "█": "#"}
)


@dataclass(frozen=True, slots=True)
class Look:
    """With which characters lines are drawn, and whether with colour."""

    ascii: bool
    colour: bool

    def text(self, content: str, style: str = "") -> Text:
        """A stranger's text in one style: nothing in it steers the terminal, and markup stays as it is."""
        safe = printable(content)
        if self.ascii:
            safe = safe.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
        return Text(safe, style=style if self.colour or style == BOLD else "", no_wrap=True)


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
        columns: from left to right.
        rows: of one cell a column each; an empty row is a blank line, and one of a single cell spans the table.
        width: in columns of the terminal.
        look: with which characters, and whether with colour.
    """
    titles = [Cell(c.title, DIM) for c in columns]
    grid = [[look.text(cell.text, cell.style) for cell in row] for row in (titles, *rows)]
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


def fitted(text: Text, width: int, look: Look) -> Text:
    """The text in at most that many columns, with an ellipsis where something is missing."""
    if text.cell_len <= width:
        return text
    mark = look.text("…").plain[: max(0, width)]
    line = text.copy()
    line.truncate(max(0, width - len(mark)), overflow="crop")
    return line.append(mark)


def paragraph(label: str, lines: Sequence[str], indent: int, width: int, look: Look) -> list[Text]:
    """A label, and beside it some lines, each going on below itself, indented, where it is too long."""
    plain = [look.text(line).plain for line in lines]
    pieces = [piece for line in plain for piece in _broken(line, width - indent)]
    return [
        fitted(Text.assemble(look.text(f"{'' if i else label:<{indent}}", DIM), piece, no_wrap=True), width, look)
        for i, piece in enumerate(pieces)
    ]


def warning(sentence: str, width: int, look: Look) -> list[Text]:
    """A sentence behind a sign that is seen."""
    lines = paragraph("▲", [sentence], 2, width, look)
    lines[0].stylize(WARNING if look.colour else "", 0, 1)
    return lines


def stacked(sections: Iterable[Sequence[Text]]) -> Frame:
    """What there is of the sections below each other, a blank line between."""
    filled = [section for section in sections if section]
    return Frame(tuple(line for i, section in enumerate(filled) for line in ([Text()] if i else []) + list(section)))


def _broken(line: str, width: int) -> list[str]:
    """The line in pieces that fit, broken at spaces; what continues is set in by two."""
    pieces, rest = [], line
    while len(rest) > width and (at := rest.rfind(" ", 3, width + 1)) > 0:
        pieces.append(rest[:at])
        rest = f"  {rest[at + 1 :]}"
    return [*pieces, rest]


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
    for i, (cell, size, ends_in_line) in enumerate(zip(cells, widths, right, strict=True)):
        shown = fitted(cell, size, look)
        room = " " * (size - shown.cell_len)
        line.append(" " * GAP if i else "")
        line.append_text(Text.assemble(room, shown) if ends_in_line else Text.assemble(shown, room))
    line.rstrip()
    return line
