"""Panels of a dashboard, and how the lines that there are get parted among them.

A panel is built for a width and drawn for a height. Knows nothing of what panels show.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from netspec.report.dashboard.keys import Looks
from netspec.report.drawing.frame import Look, fitted, stacked
from netspec.report.drawing.styles import DIM
from netspec.report.progress import Progress

__all__ = ["Panel", "Scene", "abreast", "arranged", "between", "fixed", "pair"]


@dataclass(frozen=True, slots=True)
class Scene:
    """What all panels of a frame are drawn from.

    Args:
        progress: the state of the training.
        now: seconds since 1970.
        look: with which characters, and whether with colour.
        looks: what the keys have changed.
    """

    progress: Progress
    now: float
    look: Look
    looks: Looks


@dataclass(frozen=True, slots=True)
class Panel:
    """Some lines that belong together, of a width that is settled.

    Args:
        least: lines without which it is not shown.
        enough: lines that it gets before anything that matters less is shown.
        most: lines that it can use.
        weight: of two panels that can use more lines, one of twice the weight gets twice as many in all.
        draw: the lines, for a number of them between the least and the most.
    """

    least: int
    enough: int
    most: int
    weight: int
    draw: Callable[[int], Sequence[Text]]


def fixed(lines: Sequence[Text]) -> Panel | None:
    """A panel of just these lines, if there are any."""
    return Panel(len(lines), len(lines), len(lines), 1, lambda height: lines[:height]) if lines else None


def arranged(
    panels: Mapping[str, Panel | None], ranks: Sequence[str], height: int, always: Collection[str] = ()
) -> list[Text]:
    """The panels below each other, in at most so many lines.

    Args:
        panels: by name, from top to bottom; None for one that has nothing to show.
        ranks: the names, what matters most first: what matters least is left out where there is no room for all.
        height: in lines.
        always: the names of those for whose sake there are no blank lines between panels where there is little room.
    """
    there = {name: panel for name, panel in panels.items() if panel is not None}
    ranked = [name for name in ranks if name in there]
    sizes = _sizes(there, ranked, height, 1)
    blank = all(name in sizes for name in there if name in always)
    if not blank:
        sizes = _sizes(there, ranked, height, 0)
    drawn = [list(panel.draw(sizes[name])) for name, panel in there.items() if name in sizes]
    return list(stacked(drawn)) if blank else [line for lines in drawn for line in lines]


def _sizes(panels: Mapping[str, Panel], ranked: Iterable[str], height: int, gap: int) -> dict[str, int]:
    """The lines of each panel for which there is room, with such gaps between them."""
    sizes: dict[str, int] = {}
    left, kept = height, 0  # lines that nobody has, and those of them that are somebody's before anyone else comes
    for name in ranked:
        panel = panels[name]
        blank = gap if sizes else 0
        if panel.least + blank <= left - kept:
            sizes[name] = panel.least
            left -= panel.least + blank
            kept += panel.enough - panel.least
    for name in sizes:
        more = min(left, panels[name].enough - sizes[name])
        sizes[name], left = sizes[name] + more, left - more
    while left > 0 and (growing := [name for name in sizes if sizes[name] < panels[name].most]):
        sizes[min(growing, key=lambda name: sizes[name] / panels[name].weight)] += 1
        left -= 1
    return sizes


def abreast(columns: Sequence[tuple[int, Sequence[Text]]], gap: int) -> list[Text]:
    """Columns of lines beside each other.

    Args:
        columns: the width of each, and its lines.
        gap: blanks between two of them.
    """
    lines = []
    for i in range(max(len(column) for _, column in columns)):
        line, end = Text(no_wrap=True), 0
        for width, column in columns:
            if i < len(column) and column[i].plain:
                line.append(" " * (end - line.cell_len)).append_text(column[i])
            end += width + gap
        lines.append(line)
    return lines


def pair(label: str, value: str, width: int, look: Look, style: str = "") -> Text:
    """A label at the left edge, and its value at the right one."""
    return between(look.text(label, DIM), look.text(value, style), width, look)


def between(left: Text, right: Text, width: int, look: Look) -> Text:
    """One at the left edge, one at the right, the left one shortened where they would meet."""
    right = fitted(right, width, look)
    line = fitted(left, max(0, width - right.cell_len - 1), look)
    line.append(" " * (width - line.cell_len - right.cell_len))
    return line.append_text(right)
