"""Where everything stands: lists are columns, forks are columns side by side; a drawing is put together of drawings."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.report.graph.marks import Drawing, Framed, Label, Placed, abreast, fitting, text_width
from netspec.report.graph.picture import Box, Flow, Fork, Frame, Lane, Part, dimensions, given_by
from netspec.report.graph.strands import ENTRY, Row, Strand, arranged
from netspec.spec.call import Shape

__all__ = ["SMALL", "TEXT", "Layout"]

TEXT, SMALL = 12, 10
"""The sizes of words: in boxes; beside lines and above frames."""

BOX, THIN, BAR = 26, 20, 20
"""The heights of boxes: most; those that change no shape; those that join branches."""

LEAST, MOST = 92, 320
"""The widths of boxes."""

GAP, STUB, BESIDE = 32, 14, 22
"""Between parts below each other; from a line's end to where it parts; between parts side by side."""

INSIDE, STRIP, STACK = 12, 22, 4
"""Within a frame: around what it holds, and above that; between the sheets of a stack."""

CARD, CARD_STRIP = 6, 18
"""Likewise, around nothing but boxes that hang on each other."""

THIN_ROLES = frozenset({"activation", "normalisation", "noise"})


class Layout:
    """Draws parts; notes what is read across lists on the way."""

    def __init__(self) -> None:
        self.across: list[tuple[str, str]] = []

    # -- parts ---------------------------------------------------------------------------------------------------------

    def flow(self, flow: Flow, shape: Shape | None) -> Drawing:
        """A list.

        Args:
            shape: of what it reads; None where it has inputs of its own.
        """
        found = arranged(flow)
        strands = found.strands
        self.across += found.across
        drawings = [self.strand(strand, shape) for strand in strands]
        if len(drawings) == 1:
            drawings[0].reads = strands[0].root == ENTRY
            return drawings[0]
        whole, starts = abreast(drawings, 2 * BESIDE)
        _end_as(whole, strands, drawings, starts)
        ways = [(x + d.enter, d) for x, d, s in zip(starts, drawings, strands, strict=True) if s.root == ENTRY]
        return self.entered(whole, ways)

    def part(self, part: Part, width: float, shape: Shape | None) -> Drawing:
        if isinstance(part, Box):
            return self.box(part, width)
        return self.frame(part, shape) if isinstance(part, Frame) else self.fork(part, shape)

    def box(self, box: Box, width: float) -> Drawing:
        thin = box.role in THIN_ROLES
        height = THIN if thin else BAR if box.role == "join" else BOX
        title = fitting(_title(box), SMALL if thin else TEXT, MOST - 16)
        wide = max(width, _box_width(box))
        drawn = Drawing(wide, height, wide / 2, wide / 2, [Placed(box, 0, 0, wide, height, title)], hung=thin)
        drawn.solid, drawn.joined = box.times == 1 and box.role not in ("input", "join"), box.role == "join"
        if box.times > 1:
            drawn.height += STACK
        return drawn

    def frame(self, frame: Frame, shape: Shape | None) -> Drawing:
        inner = self.flow(frame.flow, shape)
        if frame.state:
            inner = _looped(inner)
        if not frame.drawn:
            return inner
        strip, inside = (CARD_STRIP, CARD) if inner.solid else (STRIP, INSIDE)
        stacked = STACK * (frame.times > 1)
        titles = text_width(_title(frame), SMALL) + 2 * inside
        room = titles + (36 if frame.times > 1 else 0)
        width = max(inner.width + 2 * inside, min(room, MOST))
        x = (width - inner.width) / 2
        if inner.open:  # The line that comes in goes on beside the title.
            x += max(0.0, min(titles, MOST) - x - inner.enter)
            width = max(width, x + inner.width + inside)
        y = strip + (6 if inner.open else 0)
        height = y + inner.height + (STUB if inner.joined else inside)
        drawn = Drawing(width + stacked, height + stacked, x + inner.enter, x + inner.leave, open=inner.open)
        drawn.reads, drawn.ended = inner.reads, inner.ended
        drawn.solid = inner.solid and not stacked
        drawn.marks.append(Framed(frame, 0, 0, width, height))
        drawn.put(inner, x, y)
        if inner.open:
            drawn.draw((drawn.enter, 0), (drawn.enter, y))
        if inner.joined:
            drawn.draw((drawn.leave, y + inner.height), (drawn.leave, height + stacked))
        return drawn

    def fork(self, fork: Fork, shape: Shape | None) -> Drawing:
        lanes = [self.lane(lane, shape) for lane in fork.lanes]
        shapes = [shape if (last := given_by(lane.flow)) is None else last.shape for lane in fork.lanes]
        names = [lane.name for lane in fork.lanes]
        if fork.lanes[0].main:
            return self.around(lanes, shapes, names, fork.join)
        return self.side_by_side(lanes, shapes, names, self.box(fork.join, 0))

    def lane(self, lane: Lane, shape: Shape | None) -> Drawing:
        return self.flow(lane.flow, shape) if lane.flow else Drawing(0, 0, 0, 0, open=True)

    # -- lists ---------------------------------------------------------------------------------------------------------

    def strand(self, strand: Strand, shape: Shape | None, least: float = 0) -> Drawing:
        """Rows below each other.

        Args:
            shape: of what the first one reads.
            least: the height, at the least: the last row then stands at the bottom.
        """
        boxes = [row.part for row in strand.rows if isinstance(row.part, Box)]
        width = max((min(_box_width(b), MOST) for b in boxes if b.role not in ("input", "output", "join")), default=0)
        column = _Column(self)
        for row in strand.rows:
            column.add(row, width, shape)
            shape = row.part.shape
        return column.drawing(strand, shape)

    def entered(self, below: Drawing, ways: Sequence[tuple[float, Drawing]]) -> Drawing:
        """A drawing under a line that goes in at some places, parting where there are several.

        Args:
            ways: where, and what is there.
        """
        below.reads = bool(ways)
        if not ways:
            below.enter = below.width / 2
        if len(ways) < 2:
            below.enter, below.open = (ways[0][0], ways[0][1].open) if ways else (below.enter, False)
            return below
        middle = (ways[0][0] + ways[-1][0]) / 2
        top = 2 * STUB + 4
        drawn = Drawing(below.width, below.height + top, middle, below.leave, open=True, joined=below.joined)
        drawn.ended = below.ended
        drawn.put(below, 0, top)
        drawn.draw((middle, 0), (middle, STUB))
        for x, part in ways:
            drawn.draw((middle, STUB), (x, STUB), (x, top), arrow=not part.open)
        return drawn

    # -- forks ---------------------------------------------------------------------------------------------------------

    def row(self, row: Row, width: float, shape: Shape | None) -> Drawing:
        """A part, with the strands above it that it joins."""
        if not row.before:
            return self.part(row.part, width, shape)
        lanes = [self.strand(s, shape) if s.rows else Drawing(0, 0, 0, 0, open=True) for s in row.before]
        for lane, strand in zip(lanes, row.before, strict=True):
            lane.reads = strand.root is not None
        shapes = [s.rows[-1].part.shape if s.rows else shape for s in row.before]
        names = [""] * len(lanes)
        if isinstance(row.part, Box) and len(lanes) == 2 and not row.before[1].rows:
            return self.around(lanes, shapes, names, row.part)
        return self.side_by_side(lanes, shapes, names, self.part(row.part, 0, None))

    def side_by_side(
        self, lanes: Sequence[Drawing], shapes: Sequence[Shape | None], names: Sequence[str], join: Drawing
    ) -> Drawing:
        """Lanes abreast, above a bar that joins them."""
        room = [_roomy(lane, shape, name) for lane, shape, name in zip(lanes, shapes, names, strict=True)]
        whole, starts = abreast(room, BESIDE)
        leaves = [start + lane.leave for start, lane in zip(starts, room, strict=True)]
        bar = _stretched(join, max(leaves) - min(leaves) + 48)
        left = (min(leaves) + max(leaves) - bar.width) / 2
        shift = max(0.0, -left)
        bottom = whole.height + GAP
        right = max(whole.width, left + bar.width) + shift
        drawn = Drawing(right, bottom + bar.height, 0, left + shift + bar.leave, joined=True)
        drawn.put(whole, shift, 0)
        drawn.put(bar, left + shift, bottom)
        for x, lane, shape in zip(leaves, room, shapes, strict=True):
            drawn.draw((x + shift, lane.height), (x + shift, bottom), arrow=True)
            _name(drawn, shape, x + shift, bottom - GAP / 2 - 1)
        enters = [start + lane.enter + shift for start, lane in zip(starts, room, strict=True)]
        drawn = self.entered(drawn, [(x, lane) for x, lane in zip(enters, room, strict=True) if lane.reads])
        drawn.marks += [Label(name, x + 7, STUB + 9) for x, name in zip(enters, names, strict=True) if name]
        return drawn

    def around(
        self, lanes: Sequence[Drawing], shapes: Sequence[Shape | None], names: Sequence[str], join: Box
    ) -> Drawing:
        """A column, with other lanes that go around it: the second on its right, the third on its left."""
        middle, *others = lanes
        right, left = [
            _roomy(lane, shape, "") if lane.width else lane
            for lane, shape in zip([*others, Drawing(0, 0, 0, 0)], [*shapes[1:], None], strict=True)
        ][:2]
        joint = self.box(join, 0)
        gap = 2 * BESIDE if left.width else 0
        x = left.width + gap
        half = joint.width / 2
        x += max(0.0, half - middle.leave)
        top = STUB + (20 if not middle.open or right.width or left.width else 6)
        height = max(middle.height, right.height if right.width else 0, left.height)
        bottom = top + height + GAP
        words = text_width(dimensions(shapes[0]), SMALL) - 8 if shapes[0] is not None else 0
        along = x + max(middle.width, middle.leave + half, middle.leave + words) + BESIDE
        drawn = Drawing(
            along + max(right.width, 2), bottom + joint.height, x + middle.enter, x + middle.leave, open=True
        )
        drawn.put(middle, x, top)
        drawn.joined = True
        drawn.put(joint, drawn.leave - half, bottom)
        drawn.draw(
            (drawn.enter, 0), (drawn.enter, top if middle.reads else STUB), arrow=middle.reads and not middle.open
        )
        drawn.draw((drawn.leave, top + middle.height), (drawn.leave, bottom), arrow=True)
        _name(drawn, shapes[0], drawn.leave, bottom - GAP / 2 - 1)
        at = bottom + joint.height / 2
        self.lane_around(drawn, right, along, top, (drawn.leave + half, at), shapes[1])
        if left.width:
            self.lane_around(drawn, left, 0, top, (drawn.leave - half, at), shapes[2])
            drawn.marks.append(Label(names[2], left.enter + 7, STUB + 10))
        return drawn

    def lane_around(
        self, drawn: Drawing, lane: Drawing, x: float, top: float, end: tuple[float, float], shape: Shape | None
    ) -> None:
        """One lane from the line that comes in to one end of the join."""
        enter, leave, at = x + lane.enter, x + lane.leave, end[1]
        if not lane.width:
            drawn.draw((drawn.enter, STUB), (enter, STUB), (enter, at), end, arrow=True)
            return
        drawn.put(lane, x, top)
        if lane.reads:
            drawn.draw((drawn.enter, STUB), (enter, STUB), (enter, top), arrow=not lane.open)
        drawn.draw((leave, top + lane.height), (leave, at), end, arrow=True)
        _name(drawn, shape, leave, at - GAP / 2 - BAR / 2 - 1)


class _Column:
    """Rows that are put below each other, from the top."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.parts: list[tuple[Drawing, float, float]] = []
        self.sides: list[tuple[Drawing, float, float]] = []
        self.lines = Drawing(0, 0, 0, 0)
        self.x = self.y = self.side_bottom = 0.0
        self.solid = True
        self.before: Row | None = None

    def add(self, row: Row, width: float, shape: Shape | None) -> None:
        drawn = self.layout.row(row, width, shape)
        if self.before is not None:
            self.connect(drawn, row, shape)
        self.parts.append((drawn, self.x - drawn.enter, self.y))
        self.x += drawn.leave - drawn.enter
        self.y += drawn.height
        self.before = row
        at = max(self.y, self.side_bottom) + STUB
        for side in row.sides:
            hung = self.layout.strand(side, row.part.shape)
            self.sides.append((hung, self.x, at))
            self.side_bottom = max(self.side_bottom, at + hung.height + 2 * STUB)

    def connect(self, drawn: Drawing, row: Row, shape: Shape | None) -> None:
        """The line from the row before, or none where the row hangs on it."""
        assert self.before is not None
        if drawn.hung and self.parts[-1][0].solid and not self.before.sides:
            self.y += 2
            return
        self.solid = False
        start = self.y
        self.y = max(start + (GAP - 8 if drawn.open else GAP), self.sides[-1][2] + GAP - 4 if self.before.sides else 0)
        if drawn.reads:
            self.lines.draw((self.x, start), (self.x, self.y), arrow=not drawn.open)
            _name(self.lines, shape, self.x, self.y - GAP / 2 + (4 if drawn.open else -1))

    def drawing(self, strand: Strand, shape: Shape | None) -> Drawing:
        left = min((x for _, x, _ in self.parts), default=0)
        right = max((x + d.width for d, x, _ in self.parts), default=0)
        whole = Drawing(right - left, self.y, self.parts[0][1] + self.parts[0][0].enter - left, self.x - left)
        whole.open, whole.hung = self.parts[0][0].open, self.parts[0][0].hung
        whole.reads = self.parts[0][0].reads
        whole.joined = self.parts[-1][0].joined
        whole.solid = self.solid and not self.sides and all(d.solid for d, _, _ in self.parts)
        for drawn, x, y in self.parts:
            whole.put(drawn, x - left, y)
        whole.put(self.lines, -left, 0)
        whole.width = max(
            whole.width, *(m.x + text_width(m.text, SMALL) for m in self.lines.marks if isinstance(m, Label)), 0
        )
        self.put_sides(whole, left)
        if not strand.after:
            last = strand.rows[-1].part
            whole.lengthen(whole.leave, self.y, isinstance(last, Box) and last.role == "output")
        return self.layout_after(whole, strand, shape)

    def put_sides(self, whole: Drawing, left: float) -> None:
        """Put what stands beside the rows on their right, each below the line that leads to it."""
        taken: list[tuple[float, float, float]] = [(x + d.width - left, y, y + d.height) for d, x, y in self.parts]
        for drawn, x, y in self.sides:
            top = y + STUB + 4
            passed = [right for right, start, end in taken if start < top + drawn.height and end > y]
            beside = BESIDE + max(passed, default=x - left)
            whole.draw((x - left, y), (beside + drawn.enter, y), (beside + drawn.enter, top), arrow=not drawn.open)
            whole.put(drawn, beside, top)
            taken.append((beside + drawn.width, y, top + drawn.height))
            whole.width = max(whole.width, beside + drawn.width)
            whole.height = max(whole.height, top + drawn.height)

    def layout_after(self, whole: Drawing, strand: Strand, shape: Shape | None) -> Drawing:
        """What goes on from the end, side by side."""
        if not strand.after:
            return whole
        tails = [self.layout.strand(s, shape) for s in strand.after]
        below, starts = abreast(tails, 2 * BESIDE)
        _end_as(below, strand.after, tails, starts)
        parted = self.layout.entered(below, [(x + d.enter, d) for x, d in zip(starts, tails, strict=True)])
        x, y = whole.leave - parted.enter, self.y + 6
        shift = max(0.0, -x)
        drawn = Drawing(
            0, max(whole.height, y + parted.height), whole.enter + shift, shift + x + parted.leave, open=whole.open
        )
        drawn.width = max(whole.width + shift, x + shift + parted.width)
        drawn.put(whole, shift, 0)
        drawn.put(parted, x + shift, y)
        drawn.lengthen(drawn.leave, y + parted.height, parted.ended)
        drawn.draw((whole.leave + shift, self.y), (whole.leave + shift, y))
        _name(drawn, shape, whole.leave + shift, self.y + 9)
        return drawn


def _end_as(whole: Drawing, strands: Sequence[Strand], drawings: Sequence[Drawing], starts: Sequence[float]) -> None:
    """Let a line go out of strands side by side where the main one ends."""
    i = next((i for i, strand in enumerate(strands) if strand.main), 0)
    whole.lengthen(starts[i] + drawings[i].leave, drawings[i].height, drawings[i].ended)


# -- small parts -------------------------------------------------------------------------------------------------------


def _title(part: Box | Frame) -> str:
    shares = f" (shares {part.shares})" if part.shares else ""
    return f"{part.title}{shares}"


def _box_width(box: Box) -> float:
    size = SMALL if box.role in THIN_ROLES else TEXT
    if box.role == "join" and len(box.title) == 1:
        return BAR
    needed = text_width(_title(box), size) + 20 + (34 if box.times > 1 else 0)
    return max(LEAST if box.role not in ("join", "input", "output") else 0, min(needed, MOST))


def _stretched(drawing: Drawing, width: float) -> Drawing:
    """A box made at least so wide."""
    if len(drawing.marks) != 1 or not isinstance(drawing.marks[0], Placed) or drawing.width >= width:
        return drawing
    mark = drawing.marks[0]
    wide = Placed(mark.box, 0, 0, width, mark.height, mark.title)
    return Drawing(width, drawing.height, width / 2, width / 2, [wide])


def _roomy(lane: Drawing, shape: Shape | None, name: str) -> Drawing:
    """A lane with room on its right for the words beside its lines."""
    words = [name] + ([dimensions(shape)] if shape is not None else [])
    needed = max(text_width(word, SMALL) for word in words) + 8
    lane.width = max(lane.width, lane.leave + needed, lane.enter + needed, 16)
    return lane


def _name(drawing: Drawing, shape: Shape | None, x: float, y: float) -> None:
    """The shape of what a line carries, beside it."""
    if shape is not None:
        drawing.marks.append(Label(dimensions(shape), x + 7, y))


def _looped(inner: Drawing) -> Drawing:
    """A cell, with a line from its end back to its beginning."""
    room = 30
    size = inner.width + room, inner.height + 2 * STUB
    drawn = Drawing(*size, inner.enter + room, inner.leave + room, open=True, joined=True, reads=inner.reads)
    drawn.put(inner, room, STUB)
    drawn.draw((drawn.enter, 0), (drawn.enter, STUB), arrow=not inner.open)
    bottom = STUB + inner.height
    drawn.draw((drawn.leave, bottom), (drawn.leave, bottom + STUB))
    points = ((drawn.leave, bottom + 8), (8, bottom + 8), (8, 4), (drawn.enter, 4))
    drawn.draw(*points, arrow=False, role="state")
    return drawn
