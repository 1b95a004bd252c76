"""A list of layers as strands: what stands below what, what beside it, where strands part and meet.

A list is nearly always one strand. Knows nothing of sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from netspec.report.graph.picture import Box, Flow, Item, Part

__all__ = ["ENTRY", "Arrangement", "Row", "Strand", "arranged"]

ENTRY = ""
"""Stands for the path of the value that a list reads."""

DEEPEST = 8
"""Forks within forks of one list; what would be further in is read across."""


@dataclass(slots=True)
class Row:
    """One part of a strand.

    Args:
        before: strands that the part joins, above it.
        sides: strands that begin below it, beside the strand.
    """

    part: Part
    before: list[Strand] = field(default_factory=list)
    sides: list[Strand] = field(default_factory=list)

    @property
    def path(self) -> str:
        return self.part.path

    @property
    def depth(self) -> int:
        """Forks within forks above it."""
        return max((1 + row.depth for strand in self.before for row in strand.rows), default=0)


@dataclass(slots=True)
class Strand:
    """Parts below each other, each of which reads the one above it.

    Args:
        root: the path of the value that the first one reads; None where it reads none.
        after: strands that begin where this one ends.
        aside: whether it goes beside what goes on from its root.
        main: whether it ends, or one of those after it, in what the list gives.
    """

    root: str | None
    rows: list[Row] = field(default_factory=list)
    after: list[Strand] = field(default_factory=list)
    aside: bool = False
    main: bool = False

    @property
    def end(self) -> str | None:
        """The path of what it gives."""
        return self.rows[-1].path if self.rows else self.root

    def place(self, path: str | None) -> int | None:
        """How many of its rows stand above what reads a value: none above what reads its root."""
        if path == self.root:
            return 0
        return next((i for i, row in enumerate(self.rows, 1) if row.path == path), None)

    def every(self) -> Iterator[Strand]:
        """It and all strands within it."""
        yield self
        for strand in self.after:
            yield from strand.every()
        for row in self.rows:
            for strand in (*row.before, *row.sides):
                yield from strand.every()


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a list becomes.

    Args:
        strands: side by side.
        across: values that are read across strands or from other lists, and by whom.
    """

    strands: tuple[Strand, ...]
    across: tuple[tuple[str, str], ...]


def arranged(flow: Flow) -> Arrangement:
    """Put a list in strands."""
    work = _Work()
    for item in flow:
        work.add(item)
    work.settle()
    for strand in work.strands:
        _mark(strand, work.last)
    return Arrangement(tuple(work.strands), tuple(work.across))


def _mark(strand: Strand, last: str) -> bool:
    strand.main = any([row.path == last for row in strand.rows] + [_mark(s, last) for s in strand.after])
    return strand.main


class _Work:
    def __init__(self) -> None:
        self.strands: list[Strand] = []
        self.across: list[tuple[str, str]] = []
        self.here = {ENTRY}
        self.last = ENTRY

    def add(self, item: Item) -> None:
        path = item.part.path
        read = list(dict.fromkeys((self.last,) if item.reads is None else item.reads))
        known = [source for source in read if source in self.here]
        self.across += [(source, path) for source in read if source not in self.here]
        row = Row(item.part)
        if len(known) > 1:
            self.join(row, known)
        elif known and (strand := self.ending(known[0])) and (not item.aside or _is_output(item.part)):
            strand.rows.append(row)
        else:
            root = known[0] if known else None
            self.strands.append(Strand(root, [row], aside=item.aside))
        self.here.add(path)
        if not item.aside:
            self.last = path

    def ending(self, path: str) -> Strand | None:
        """The strand that ends in a value, and goes on from there."""
        return next((s for s in self.strands if s.rows and s.end == path), None)

    # -- where strands meet --------------------------------------------------------------------------------------------

    def join(self, row: Row, read: list[str]) -> None:
        ends = {path: strand for path in read if (strand := self.ending(path))}
        roots = [ends[path].root if path in ends else path for path in read]
        if all(root in (None, ENTRY) for root in roots) and roots.count(ENTRY) < 2 and len(ends) == len(read):
            self.meet(row, [ends[path] for path in read])
            return
        main = next((s for s in ends.values() if s.root in (None, ENTRY)), next(iter(ends.values()), None))
        if main is None:
            self.across += [(path, row.path) for path in read[1:]]
            self.strands.append(Strand(read[0], [row]))
        else:
            self.close(row, main, [path for path in read if path != main.end], ends)

    def meet(self, row: Row, strands: list[Strand]) -> None:
        """Strands that have nothing in common go on as one."""
        at = self.strands.index(strands[0])
        self.strands = [s for s in self.strands if all(s is not met for met in strands)]
        row.before = strands
        self.strands.insert(at, Strand(ENTRY if any(s.root == ENTRY for s in strands) else None, [row]))

    def close(self, row: Row, main: Strand, others: list[str], ends: dict[str, Strand]) -> None:
        """A fork that was open closes: the rest of the strand, and what else began where it began, are joined."""
        roots = {path: main.place(ends[path].root if path in ends else path) for path in others}
        open_at = max((at for at in roots.values() if at is not None and at < len(main.rows)), default=None)
        if open_at is not None and any(r.depth >= DEEPEST for r in main.rows[open_at:]):
            open_at = None
        lanes: list[Strand] = []
        for path, at in roots.items():
            if at is None or at != open_at:
                self.across.append((path, row.path))
            elif path in ends:
                lanes.append(ends[path])
                self.strands = [s for s in self.strands if s is not ends[path]]
            else:
                lanes.append(Strand(path))
        if lanes and open_at is not None:
            row.before = [Strand(main.rows[open_at - 1].path if open_at else main.root, main.rows[open_at:]), *lanes]
            del main.rows[open_at:]
        main.rows.append(row)

    # -- what is left --------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Put strands that no other joins where they begin."""
        left, self.strands = self.strands, []
        for strand in left:
            around = None if strand.root in (None, ENTRY) else self.around(strand, left)
            if around is None:
                self.strands.append(strand)
            else:
                _hang(strand, *around)

    def around(self, own: Strand, strands: list[Strand]) -> tuple[Strand, int, bool] | None:
        """The strand that a strand begins in, how many of its rows stand above, and whether no other joins it."""
        for outer in (s for s in strands if s is not own):
            free = {id(s) for s in _tails(outer)}
            for strand in outer.every():
                at = next((i for i, row in enumerate(strand.rows, 1) if row.path == own.root), None)
                if at is not None:
                    return strand, at, id(strand) in free
        return None


def _tails(strand: Strand) -> Iterator[Strand]:
    """The strand and those after it, which end as they please."""
    yield strand
    for tail in strand.after:
        yield from _tails(tail)


def _hang(strand: Strand, around: Strand, at: int, free: bool) -> None:
    """Put a strand where it begins: beside the rest of the one that it begins in, or where both part."""
    if not free or strand.aside or (len(strand.rows) == 1 and _is_output(strand.rows[0].part)):
        around.rows[at - 1].sides.append(strand)
        return
    if at < len(around.rows):
        rest = Strand(around.rows[at - 1].path, around.rows[at:], around.after)
        del around.rows[at:]
        around.after = [rest]
    around.after.append(strand)


def _is_output(part: Part) -> bool:
    return isinstance(part, Box) and part.role == "output"
