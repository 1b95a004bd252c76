"""What a picture of a network consists of: boxes, frames around them, forks; and what leads from one to another.

Knows nothing of coordinates or of any form that it is written in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netspec.spec.call import Shape

__all__ = [
    "Box",
    "Edge",
    "Flow",
    "Fork",
    "Frame",
    "Item",
    "Lane",
    "Part",
    "Picture",
    "dimensions",
    "edges",
    "given_by",
    "outline",
    "titled",
]


@dataclass(frozen=True, slots=True)
class Box:
    """One thing: a layer, a block that is folded, a join, an input, an output.

    Args:
        path: of the value that it gives.
        title: what stands in it.
        role: what it is drawn as: a key of `styles.ROLES`.
        shape: of what it gives.
        about: a line for who looks closer.
        times: how many equal ones in turn it stands for.
        shares: the layer whose parameters it has, where they are not its own.
    """

    path: str
    title: str
    role: str
    shape: Shape
    about: str = ""
    times: int = 1
    shares: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """A list of layers as one thing.

    Args:
        path, shape, about, times, shares: as of a box.
        title: stands above the list; where it is empty and `times` is 1, no frame is drawn.
        flow: the list.
        state: whether it is a cell, whose result goes back to its input.
    """

    path: str
    title: str
    shape: Shape
    flow: Flow
    about: str = ""
    times: int = 1
    shares: str = ""
    state: bool = False

    @property
    def drawn(self) -> bool:
        """Whether there is anything around the list."""
        return bool(self.title) or self.times > 1


@dataclass(frozen=True, slots=True)
class Lane:
    """One list of a fork; an empty one gives what it reads.

    Args:
        name: what it is called among the others; "" where that says nothing.
        main: whether it is the way that goes straight on.
    """

    flow: Flow
    name: str = ""
    main: bool = False


@dataclass(frozen=True, slots=True)
class Fork:
    """Lists that read one value, and the box that joins their results and has the fork's path.

    Args:
        lanes: the first is a residual's F and stands in the middle, where one of them is the main one.
    """

    lanes: tuple[Lane, ...]
    join: Box

    @property
    def path(self) -> str:
        return self.join.path

    @property
    def shape(self) -> Shape:
        return self.join.shape


Part = Box | Frame | Fork


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a list.

    Args:
        reads: the paths of the values that it reads: None where that is what the part before it gives, and none where
            it begins on its own.
        aside: whether what it reads goes on to the part after it as well.
    """

    part: Part
    reads: tuple[str, ...] | None = None
    aside: bool = False


Flow = tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A network as parts.

    Args:
        flow: inputs first, outputs last.
        ties: pairs of paths: a layer, and one that uses its parameters for something else.
    """

    name: str
    flow: Flow
    ties: tuple[tuple[str, str], ...] = ()

    def boxes(self) -> Iterator[Box]:
        """All boxes, from the top."""
        yield from (part for _, part in outline(self.flow) if isinstance(part, Box))


def outline(flow: Flow, level: int = 0) -> Iterator[tuple[int, Box | Frame | None]]:
    """The boxes and frames as they are nested: a frame comes before what it holds, and None behind that."""
    for item in flow:
        part = item.part
        if isinstance(part, Box):
            yield level, part
        elif isinstance(part, Fork):
            for lane in part.lanes:
                yield from outline(lane.flow, level)
            yield level, part.join
        elif part.drawn:
            yield level, part
            yield from outline(part.flow, level + 1)
            yield level, None
        else:
            yield from outline(part.flow, level)


def titled(part: Box | Frame) -> str:
    """All that is written at a box or a frame, in one line."""
    shares = f" (shares {part.shares})" if part.shares else ""
    times = f" × {part.times}" if part.times > 1 else ""
    return f"{part.title}{shares}{times}".strip()


@dataclass(frozen=True, slots=True)
class Edge:
    """What one box gives to another; of a tie, no value but parameters.

    Args:
        source, target: the boxes' paths.
        shape: None for a tie.
    """

    source: str
    target: str
    shape: Shape | None


def edges(picture: Picture) -> Iterator[Edge]:
    """What leads from box to box, in the order in which the boxes stand."""
    given: dict[str, Box] = {}
    yield from _flow_edges(picture.flow, (), given)
    for owner, user in picture.ties:
        yield Edge(given[owner].path, given[user].path, None)


def _flow_edges(flow: Flow, before: tuple[Box, ...], given: dict[str, Box]) -> Iterator[Edge]:
    """The edges of a list; fills in which box gives the value of each path."""
    for item in flow:
        read = before if item.reads is None else tuple(given[path] for path in item.reads)
        yield from _part_edges(item.part, read, given)
        if not item.aside:
            before = (given[item.part.path],)


def _part_edges(part: Part, read: tuple[Box, ...], given: dict[str, Box]) -> Iterator[Edge]:
    if isinstance(part, Frame):
        yield from _flow_edges(part.flow, read, given)
        last = given_by(part.flow)
        given[part.path] = read[0] if last is None else given[last.path]
        return
    if isinstance(part, Fork):
        ends: list[Box] = []
        for lane in part.lanes:
            yield from _flow_edges(lane.flow, read, given)
            last = given_by(lane.flow)
            ends += read if last is None else [given[last.path]]
        read, part = tuple(ends), part.join
    given[part.path] = part
    yield from (Edge(box.path, part.path, box.shape) for box in read)


def given_by(flow: Flow) -> Part | None:
    """The part of a list that gives what the list gives; None where that is what it reads."""
    return next((item.part for item in reversed(flow) if not item.aside), None)


def dimensions(shape: Shape) -> str:
    """A shape as pictures have it.

    >>> dimensions(Shape((28, 28, 1))), dimensions(Shape())
    ('28×28×1', 'a number')
    """
    return "×".join(map(str, shape)) or "a number"
