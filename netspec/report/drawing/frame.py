"""What every view is made of: lines of text that fit a width, in characters and colours that the terminal can show.

Knows nothing of networks or trainings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.text import Text

from netspec.diagnostics import printable
from netspec.report.drawing.styles import BOLD, DIM, WARNING

__all__ = ["Frame", "Look", "beside", "fitted", "paragraph", "stacked", "warning"]

_ASCII = str.maketrans("├│└━╸─█×–·★▲✓▸≈", "||`=>-#x-|*!+>~") | {ord("…"): "...", ord("→"): "->", ord("±"): "+-"}
"""What stands for those of our own characters that ASCII lacks: in trees, in bars, between words."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Lines that fit: Rich renders them one by one, without looking for places to break them, in half the time.

    Their styles are spans, none is a line's own: that would colour whatever is put beside it.
    """

    lines: tuple[Text, ...]

    @property
    def text(self) -> str:
        """The lines without their styles."""
        return "\n".join(line.plain.rstrip() for line in self.lines)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for line in self.lines:
            yield from line.render(console, end="\n")


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
        return Text(no_wrap=True).append(safe, style if self.colour or style == BOLD else "")


def fitted(text: Text, width: int, look: Look) -> Text:
    """A copy of the text in at most that many columns, with an ellipsis where something is missing."""
    line = text.copy()
    if line.cell_len <= width:
        return line
    mark = look.text("…").plain[: max(0, width)]
    line.truncate(max(0, width - len(mark)), overflow="crop")
    return line.append(mark)


def beside(left: Text, right: Text, column: int) -> Text:
    """The one, and from that column on the other."""
    line = left.copy()
    if not right.plain:
        return line
    line.append(" " * (column - line.cell_len))
    return line.append_text(right)


def stacked(blocks: Iterable[Sequence[Text]]) -> tuple[Text, ...]:
    """What there is of the blocks below each other, a blank line between."""
    filled = [block for block in blocks if block]
    return tuple(line for i, block in enumerate(filled) for line in ([Text()] if i else []) + list(block))


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


def _broken(line: str, width: int) -> list[str]:
    """The line in pieces that fit, broken at spaces; what continues is set in by two."""
    pieces, rest = [], line
    while len(rest) > width and (at := rest.rfind(" ", 3, width + 1)) > 0:
        pieces.append(rest[:at])
        rest = f"  {rest[at + 1 :]}"
    return [*pieces, rest]
