"""A picture as SVG: one file that holds all that it needs, and nothing that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from math import hypot
from typing import Any

from netspec.diagnostics import printable
from netspec.report.graph.layout import SMALL, STACK, TEXT, THIN_ROLES, Layout
from netspec.report.graph.marks import Drawing, Framed, Label, Line, Placed
from netspec.report.graph.picture import Picture
from netspec.report.graph.routes import across, ties
from netspec.report.graph.styles import INK, PALE, ROLES

__all__ = ["svg"]

MARGIN = 20
CORNER = 7
FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
DASHES = {"tie": "2 4", "state": "5 3"}


def svg(picture: Picture) -> str:
    """The picture, drawn: inputs at the top, outputs at the bottom."""
    layout = Layout()
    drawing = layout.flow(picture.flow, None)
    drawing = across(drawing, layout.across)
    drawing = ties(drawing, picture.ties)
    width, height = round(drawing.width + 2 * MARGIN), round(drawing.height + 2 * MARGIN)
    name, boxes = _text(picture.name), sum(1 for _ in picture.boxes())
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{FONT}" role="img">\n'
        f"<title>{name}</title>\n"
        f"<desc>The network {name}: {boxes} boxes, inputs at the top, outputs at the bottom.</desc>\n"
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        f'<g transform="translate({MARGIN} {MARGIN})" stroke-linecap="round" stroke-linejoin="round">\n'
    )
    return head + "".join(_elements(drawing)) + "</g>\n</svg>\n"


def _elements(drawing: Drawing) -> Iterable[str]:
    """The marks, those behind first."""
    layers: tuple[tuple[type, Callable[[Any], str]], ...] = (
        (Framed, _frame),
        (Line, _line),
        (Placed, _box),
        (Label, _label),
    )
    for kind, written in layers:
        yield from (written(mark) for mark in drawing.marks if isinstance(mark, kind))


def _box(mark: Placed) -> str:
    box = mark.box
    fill, around = ROLES[box.role]
    round_end = box.role in ("input", "output") or mark.width == mark.height
    corner = mark.height / 2 if round_end else 3
    size = SMALL if box.role in THIN_ROLES else TEXT
    sheets = _sheets(mark.x, mark.y, mark.width, mark.height, corner, fill, around) if box.times > 1 else ""
    dashes = ' stroke-dasharray="5 3"' if box.shares else ""
    x, y = mark.x + mark.width / 2, mark.y + mark.height / 2
    times = ""
    if box.times > 1:
        times = _words(f"× {box.times}", mark.x + mark.width - 8, y, SMALL, "end", INK, bold=True)
        x -= 15
    return (
        f"<g><title>{_text(box.about or box.title)}</title>{sheets}"
        f"{_rect(mark.x, mark.y, mark.width, mark.height, corner, fill, around, dashes)}"
        f"{_words(mark.title, x, y, size, 'middle', INK)}{times}</g>\n"
    )


def _frame(mark: Framed) -> str:
    frame = mark.frame
    fill, around = ("#faf8f3", "#b8ab8a")
    sheets = _sheets(mark.x, mark.y, mark.width, mark.height, 6, fill, around) if frame.times > 1 else ""
    dashes = ' stroke-dasharray="6 4"' if frame.shares else ""
    shares = f" (shares {frame.shares})" if frame.shares else ""
    times = ""
    if frame.times > 1:
        times = _words(f"× {frame.times}", mark.x + mark.width - 8, mark.y + 11, TEXT, "end", INK, bold=True)
    return (
        f"<g><title>{_text(frame.about)}</title>{sheets}"
        f"{_rect(mark.x, mark.y, mark.width, mark.height, 6, fill, around, dashes)}"
        f"{_words(frame.title + shares, mark.x + 9, mark.y + 11, SMALL, 'start', PALE)}{times}</g>\n"
    )


def _sheets(x: float, y: float, width: float, height: float, corner: float, fill: str, around: str) -> str:
    """The sheets of a stack that lie behind the first."""
    return _rect(x + STACK, y + STACK, width, height, corner, fill, around)


def _rect(
    x: float, y: float, width: float, height: float, corner: float, fill: str, around: str, dashes: str = ""
) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{corner:g}" fill="{fill}" '
        f'stroke="{around}"{dashes}/>'
    )


def _label(mark: Label) -> str:
    # A white edge parts the words from lines that pass behind them.
    edge = _words(mark.text, mark.x, mark.y, SMALL, "start", "#ffffff", more=' stroke="#ffffff" stroke-width="3"')
    return edge + _words(mark.text, mark.x, mark.y, SMALL, "start", PALE) + "\n"


def _words(
    text: str, x: float, y: float, size: int, anchor: str, fill: str, *, bold: bool = False, more: str = ""
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y + 0.35 * size:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}"{weight}'
        f"{more}>{_text(text)}</text>"
    )


def _line(mark: Line) -> str:
    points = [point for i, point in enumerate(mark.points) if not i or point != mark.points[i - 1]]
    pieces = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start, end = _towards(corner, before), _towards(corner, after)
        pieces.append(f"L{start[0]:.1f} {start[1]:.1f}Q{corner[0]:.1f} {corner[1]:.1f} {end[0]:.1f} {end[1]:.1f}")
    pieces.append(f"L{points[-1][0]:.1f} {points[-1][1]:.1f}")
    dashes = f' stroke-dasharray="{DASHES[mark.role]}"' if mark.role in DASHES else ""
    colour = PALE if mark.role == "tie" else INK
    thickness = 0.8 if mark.role == "tie" else 1.1
    head = _head(points[-2], points[-1]) if mark.arrow else ""
    return f'<path d="{"".join(pieces)}" fill="none" stroke="{colour}" stroke-width="{thickness}"{dashes}/>{head}\n'


def _towards(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Where a round corner begins, on the way to another point."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    share = min(CORNER / (hypot(dx, dy) or 1), 0.5)
    return corner[0] + share * dx, corner[1] + share * dy


def _head(before: tuple[float, float], end: tuple[float, float]) -> str:
    """An arrow's head."""
    length = hypot(end[0] - before[0], end[1] - before[1]) or 1
    x, y = (end[0] - before[0]) / length, (end[1] - before[1]) / length
    corners = [(end[0] - 6 * x - s * 3 * y, end[1] - 6 * y + s * 3 * x) for s in (1, -1)]
    written = " ".join(f"{a:.1f},{b:.1f}" for a, b in (end, *corners))
    return f'<polygon points="{written}" fill="{INK}"/>'


def _text(text: str) -> str:
    """A stranger's text in ASCII: nothing in it is markup, nor a character that XML cannot hold."""
    return escape(printable(text)).encode("ascii", "xmlcharrefreplace").decode("ascii")
