"""The manual as people read it: pages, and lists of what there is. Works nothing out: `netspec.spec.pages` has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from netspec.report.drawing.frame import Frame, Look, fitted, paragraph, stacked
from netspec.report.drawing.styles import BAR, BOLD, DIM
from netspec.report.drawing.tables import Cell, Column, table
from netspec.spec.keys import Key, first_sentence, in_words
from netspec.spec.pages import Page

__all__ = ["list_view", "view"]

WIDEST = 120
INDENT = 11


def view(
    pages: Sequence[Page],
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """Pages as lines of at most `width` columns, one below the other.

    Args:
        pages: what is shown.
        width: columns of the terminal; at least 40.
        colour: use colour.
        ascii: use nothing but ASCII.
    """
    look, width = Look(ascii, colour), min(width, WIDEST)
    blocks: list[list[Text]] = []
    for i, page in enumerate(pages):
        blocks += ([[look.text("─" * width, DIM)]] if i else []) + list(_page(page, width, look))
    return Frame(stacked(blocks))


def _page(page: Page, width: int, look: Look) -> Iterator[list[Text]]:
    title = Text.assemble(look.text(page.name, BOLD), look.text(f"  {page.family}", DIM), no_wrap=True)
    yield [fitted(title, width, look)]
    for part in page.text.split("\n\n"):
        yield _prose(part, width, look)
    yield [line for key in page.keys for line in _key(key, width, look)]
    if page.every:
        yield paragraph("and", [f"{', '.join(page.every)}, as every {page.family} takes"], INDENT, width, look)
    if page.kinds:
        yield table((Column("kind"), Column("")), [_kind_row(*pair) for pair in page.kinds.items()], width, look)
    if page.example:
        yield _quoted("example", page.example.split("\n"), width, look)
    if page.becomes:
        yield _quoted("becomes", page.becomes, width, look)
    if page.papers:
        yield paragraph("papers" if len(page.papers) > 1 else "paper", page.papers, INDENT, width, look)


def _prose(part: str, width: int, look: Look) -> list[Text]:
    """A paragraph filled to the width; lines that are indented or begin with a dash stay lines."""
    lines = part.split("\n")
    if any(line.startswith(("  ", "- ")) for line in lines):
        return [piece for line in lines for piece in _wrapped(line, width, look)]
    return _wrapped(" ".join(lines), width, look)


def _wrapped(line: str, width: int, look: Look) -> list[Text]:
    """A line in pieces that fit, broken at blanks; all are set in as it is, and what continues by two more."""
    room = " " * (len(line) - len(line.lstrip()))
    first, *words = line.split() or [""]
    pieces = [room + first]
    for word in words:
        joined = f"{pieces[-1]} {word}"
        pieces[-1:] = [joined] if len(joined) <= width else [pieces[-1], f"{room}{'  ' * bool(room)}{word}"]
    return [fitted(look.text(piece), width, look) for piece in pieces]


def _key(key: Key, width: int, look: Look) -> list[Text]:
    """A key: its type and default on one line, what it is below."""
    default = "required" if key.required else f"{key.default} unless given" if key.default else ""
    facts = "; ".join(part for part in (in_words(key.schema), default) if part)
    first = Text.assemble(look.text(f"  {key.name}", BAR), look.text(f"  {facts}", DIM), no_wrap=True)
    text = [look.text(f"      {piece.plain}") for piece in _wrapped(key.text, width - 6, look)]
    return [*_folded(first, width, look), *text]


def _folded(line: Text, width: int, look: Look) -> list[Text]:
    """A line that is too long in two, broken at a blank."""
    if line.cell_len <= width or (at := line.plain.rfind(" ", 3, width + 1)) < 6:
        return [fitted(line, width, look)]
    rest = Text.assemble("      ", line[at + 1 :], no_wrap=True)
    return [line[:at], *_folded(rest, width, look)]


def _quoted(label: str, lines: Sequence[str], width: int, look: Look) -> list[Text]:
    """Lines of source beside a label, their own indentation kept."""
    room = " " * INDENT
    pieces = [piece for line in lines for piece in _wrapped(f"{room}{line}", width, look)]
    return [Text.assemble(look.text(f"{label:<{INDENT}}", DIM), pieces[0][INDENT:], no_wrap=True), *pieces[1:]]


def _kind_row(name: str, text: str) -> tuple[Cell, Cell]:
    return Cell(name, BAR), Cell(text)


def list_view(
    groups: Mapping[str, Sequence[Page]],
    width: int,
    *,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """What there is, a line each, under the words of their families.

    Args:
        groups: by family, its pages.
        width: columns of the terminal; at least 40.
        colour: use colour.
        ascii: use nothing but ASCII.
    """
    look, width = Look(ascii, colour), min(width, WIDEST)
    if not groups:
        return Frame((look.text("nothing has that in its name or on its page"),))
    longest = max(len(page.name) for pages in groups.values() for page in pages)
    blocks = [[look.text(word, BOLD), *_rows(pages, longest, width, look)] for word, pages in groups.items()]
    return Frame(stacked(blocks))


def _rows(pages: Sequence[Page], longest: int, width: int, look: Look) -> Iterator[Text]:
    for page in pages:
        name = look.text(f"  {page.name:<{longest}}  ", BAR)
        yield fitted(Text.assemble(name, look.text(first_sentence(page.text)), no_wrap=True), width, look)
