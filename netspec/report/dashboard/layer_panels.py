"""The dashboard's panel of layers: a line for each block, or each layer, worst first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.text import Text

from netspec.report.dashboard.health import Block, blocks
from netspec.report.dashboard.panels import Panel, Scene, between
from netspec.report.drawing.frame import Look, fitted
from netspec.report.drawing.styles import BAD, BOLD, DIM
from netspec.report.drawing.wording import count, percent

__all__ = ["layers"]

LEAST, USUAL = 5, 12
"""Lines of the panel: with fewer it says too little, with more it would crowd out the curves."""

CELLS: Mapping[str, int] = {"gradient": 10, "update": 8, "dead": 7, "saturated": 11}
"""The columns from left to right, and their widths: the first ones are left out where a name would have no room."""

LEAST_NAME = 12


def layers(scene: Scene, width: int) -> Panel | None:
    """Gradient norm, update-to-weight ratio, dead and saturated share by block."""
    examined = scene.progress.examined
    if examined is None:
        return None if scene.progress.finished else _awaited(scene.look)
    if not examined.layers:
        return None
    found = blocks(examined.layers, scene.looks.unfolded)
    columns = _columns(found, width)
    head = _head(len(examined.layers), columns, width, scene.look)
    most = 1 + len(found)
    return Panel(
        min(LEAST, most),
        min(LEAST, most),
        most,
        1,
        lambda height: _rows(head, found, columns, width, height, scene.look),
    )


def _awaited(look: Look) -> Panel:
    """The place is kept, so that nothing jumps when there is something to show."""
    lines = [look.text("layers", BOLD), look.text("looked at with the first evaluation", DIM)]
    return Panel(LEAST, LEAST, USUAL, 1, lambda height: lines[:height])


def _columns(found: Sequence[Block], width: int) -> list[str]:
    """The names of what is shown: what applies to no layer takes no room."""
    columns = [name for name in CELLS if any(name in block.found for block in found)]
    while len(columns) > 1 and width - sum(CELLS[name] for name in columns) < LEAST_NAME:
        del columns[0]
    return columns


def _head(number: int, columns: Sequence[str], width: int, look: Look) -> Text:
    title = look.text("layers", BOLD).append_text(look.text(f"  {count(number)}", DIM))
    titles = look.text("".join(f"{name:>{CELLS[name]}}" for name in columns), DIM)
    return between(title, titles, width, look)


def _rows(
    head: Text, found: Sequence[Block], columns: Sequence[str], width: int, height: int, look: Look
) -> list[Text]:
    rows = height - 1
    shown = found if len(found) <= rows else found[: max(0, rows - 1)]
    lines = [head, *(_row(block, columns, width, look) for block in shown)]
    rest = len(found) - len(shown)
    if rest and rows > 0:
        lines.append(look.text(f"{count(rest)} more, none of them worse", DIM))
    return lines[:height]


def _row(block: Block, columns: Sequence[str], width: int, look: Look) -> Text:
    cells = Text(no_wrap=True)
    for name in columns:
        value = block.found.get(name)
        style = BAD if block.ills.get(name, 0.0) >= 1 else ""
        cells.append_text(look.text(f"{'–' if value is None else _WORDS[name](value):>{CELLS[name]}}", style))
    several = f" ({count(block.layers)})" if block.layers > 1 else ""
    mark = look.text("▲ " if block.ill >= 1 else "", BAD)
    name_ = fitted(look.text(block.path), max(0, width - cells.cell_len - 1 - mark.cell_len - len(several)), look)
    return between(mark.append_text(name_).append_text(look.text(several, DIM)), cells, width, look)


def _short(value: float) -> str:
    """A number over many orders of magnitude, of which only the size matters."""
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent and value else f"{value:.0f}"


_WORDS: Mapping[str, Callable[[float], str]] = {
    "gradient": _short,
    "update": _short,
    "dead": percent,
    "saturated": percent,
}
