"""Lines from box to box across a drawing, around what stands between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise, product

from netspec.report.graph.marks import Drawing, Framed, Line, Placed

__all__ = ["across", "ties"]

CLEAR, APART = 14, 7
"""From a line to the boxes that it passes, and to the next line."""

MOST_LOOKED_AT = 300_000
"""Boxes that are looked at for all lines together: beyond, lines go straight to the side."""

Corner = tuple[float, float]


def across(drawing: Drawing, pairs: Sequence[tuple[str, str]]) -> Drawing:
    """The drawing with a line for each value that is read across it."""
    return _routed(drawing, pairs, "across")


def ties(drawing: Drawing, pairs: Sequence[tuple[str, str]]) -> Drawing:
    """The drawing with a line for each layer whose parameters another one uses."""
    return _routed(drawing, pairs, "tie")


def _routed(drawing: Drawing, pairs: Sequence[tuple[str, str]], role: str) -> Drawing:
    places = _places(drawing)
    boxes = [mark for mark in drawing.marks if isinstance(mark, Placed)]
    obstacles = boxes if len(boxes) * len(pairs) <= MOST_LOOKED_AT else []
    lines = [
        _route(places[source], places[target], obstacles, i, role)
        for i, (source, target) in enumerate(pairs)
        if source in places and target in places
    ]
    return _widened(drawing, lines)


def _places(drawing: Drawing) -> dict[str, Placed | Framed]:
    """What stands for each path: a fork's join, and a frame before what it holds."""
    found: dict[str, Placed | Framed] = {m.box.path: m for m in drawing.marks if isinstance(m, Placed)}
    return found | {m.frame.path: m for m in drawing.marks if isinstance(m, Framed)}


def _route(source: Placed | Framed, target: Placed | Framed, boxes: Sequence[Placed], turn: int, role: str) -> Line:
    """The way that passes under the fewest boxes; of these, the shortest."""
    ways = [
        _way(source, target, boxes, right, out, into, turn)
        for right, out, into in product((True, False), (True, False), (True, False))
    ]
    others = [b for b in boxes if b is not source and b is not target]
    best = min(ways, key=lambda way: (sum(_under(way, box) for box in others), _length(way)))
    return Line(best, arrow=role != "tie", role=role)


def _way(
    source: Placed | Framed,
    target: Placed | Framed,
    boxes: Sequence[Placed],
    right: bool,
    out: bool,
    into: bool,
    turn: int,
) -> tuple[Corner, ...]:
    """A way along one side.

    Args:
        right: which side.
        out: whether it leaves from the source's side, rather than from below it.
        into: whether it comes to the target's side, rather than from above it.
    """
    start, end = _side(source, right), _side(target, right)
    below = source.y + source.height + 8
    above = target.y - 10
    y0, y1 = start[1] if out else below, end[1] if into else above
    top, bottom = min(y0, y1), max(y0, y1)
    passed = [source, target, *(b for b in boxes if b.y < bottom + 2 and b.y + b.height > top - 2)]
    edges = [b.x + b.width if right else b.x for b in passed]
    far = CLEAR + APART * (turn % 6)
    x = max(edges) + far if right else min(edges) - far
    first = [start] if out else [(_middle(source), source.y + source.height), (_middle(source), below)]
    last = [end] if into else [(_middle(target), above), (_middle(target), target.y)]
    return (*first, (x, y0), (x, y1), *last)


def _side(place: Placed | Framed, right: bool) -> Corner:
    return place.x + place.width * right, place.y + place.height / 2


def _middle(place: Placed | Framed) -> float:
    return place.x + place.width / 2


def _under(way: Sequence[Corner], box: Placed) -> int:
    """How many pieces of a way pass under a box."""
    return sum(
        min(a[0], b[0]) < box.x + box.width
        and max(a[0], b[0]) > box.x
        and min(a[1], b[1]) < box.y + box.height
        and max(a[1], b[1]) > box.y
        for a, b in pairwise(way)
    )


def _length(way: Sequence[Corner]) -> float:
    return sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in pairwise(way))


def _widened(drawing: Drawing, lines: Iterable[Line]) -> Drawing:
    """The drawing with lines that may go beyond its sides."""
    lines = list(lines)
    xs = [x for line in lines for x, _ in line.points]
    left = max(0.0, -min(xs, default=0.0))
    wide = Drawing(
        max(drawing.width, *(x + 4 for x in xs), 0) + left, drawing.height, drawing.enter + left, drawing.leave + left
    )
    wide.put(drawing, left, 0)
    wide.marks += [line.moved(left, 0) for line in lines]
    return wide
