"""What a drawing consists of: boxes, frames, lines and words at places, in the units of a picture (1/96 inch)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from netspec.report.graph.picture import Box, Frame

__all__ = ["Drawing", "Framed", "Label", "Line", "Mark", "Placed", "abreast", "fitting", "text_width"]

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Placed:
    """A box; `x` and `y` are its left upper corner."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    title: str

    def moved(self, dx: float, dy: float) -> Placed:
        return replace(self, x=self.x + dx, y=self.y + dy)


@dataclass(frozen=True, slots=True)
class Framed:
    """A frame; likewise."""

    frame: Frame
    x: float
    y: float
    width: float
    height: float

    def moved(self, dx: float, dy: float) -> Framed:
        return replace(self, x=self.x + dx, y=self.y + dy)


@dataclass(frozen=True, slots=True)
class Line:
    """Straight pieces with round corners.

    Args:
        arrow: whether it has a head at its end.
        role: "flow"; "across" for a value that is read across the picture; "tie"; "state" for what a cell remembers.
    """

    points: tuple[Point, ...]
    arrow: bool = False
    role: str = "flow"

    def moved(self, dx: float, dy: float) -> Line:
        return replace(self, points=tuple((x + dx, y + dy) for x, y in self.points))


@dataclass(frozen=True, slots=True)
class Label:
    """A few words beside a line: `x` is where they begin, `y` their middle."""

    text: str
    x: float
    y: float

    def moved(self, dx: float, dy: float) -> Label:
        return replace(self, x=self.x + dx, y=self.y + dy)


Mark = Placed | Framed | Line | Label


@dataclass(slots=True)
class Drawing:
    """Marks within a rectangle from (0, 0).

    Args:
        enter, leave: where a line comes in at the top and goes out at the bottom.
        open: whether that line goes on inside, rather than ending at something.
        reads: whether any line comes in.
        ended: whether it ends in an output, so that no line goes out.
        joined: whether the line that goes out comes from what joins others.
        hung: whether it may hang right on what is above, without a line: what it is changes no shape.
        solid: whether others may hang on it: it is boxes that hang on each other, and nothing else.
    """

    width: float
    height: float
    enter: float
    leave: float
    marks: list[Mark] = field(default_factory=list)
    open: bool = False
    reads: bool = True
    ended: bool = False
    joined: bool = False
    hung: bool = False
    solid: bool = False

    def put(self, other: Drawing, dx: float, dy: float) -> None:
        """Take in the marks of another drawing."""
        self.marks += [mark.moved(dx, dy) for mark in other.marks]

    def draw(self, *points: Point, arrow: bool = False, role: str = "flow") -> None:
        """Take in a line."""
        self.marks.append(Line(points, arrow, role))

    def lengthen(self, x: float, y: float, ended: bool) -> None:
        """Let what ends at a height go on to the bottom, and out there."""
        self.leave, self.ended = x, ended
        if y < self.height and not ended:
            self.draw((x, y), (x, self.height))
            self.joined = True


def abreast(drawings: Iterable[Drawing], gap: float) -> tuple[Drawing, list[float]]:
    """Drawings side by side, their tops in line, and where each begins."""
    whole = Drawing(0, 0, 0, 0)
    starts: list[float] = []
    for drawing in drawings:
        starts.append(whole.width + gap if starts else 0)
        whole.put(drawing, starts[-1], 0)
        whole.width, whole.height = starts[-1] + drawing.width, max(whole.height, drawing.height)
    return whole, starts


# -- words -----------------------------------------------------------------------------------------------------------

_WIDTHS = {**dict.fromkeys("iljI.,:;|!'·() ", 0.36), **dict.fromkeys("mwMW@%→", 0.92), **dict.fromkeys("frt/-", 0.42)}


def text_width(text: str, size: float) -> float:
    """About how wide words are in a sans-serif of some size: rather more than less."""
    return size * sum(_WIDTHS.get(c) or _width(c) for c in text)


def _width(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    return 0.7 if character.isupper() else 0.61


def fitting(text: str, size: float, width: float) -> str:
    """The words, with an ellipsis where they would be wider than that."""
    while text_width(text, size) > width and len(text) > 1:
        text = f"{text[:-2].rstrip()}…"
    return text
