"""A network as a picture: which boxes there are, what they say, which are folded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import Diagnostic, SpecError
from netspec.report.graph.captions import about, caption, join_caption, role
from netspec.report.graph.picture import Box, Flow, Fork, Frame, Item, Lane, Part, Picture, edges

if TYPE_CHECKING:
    from netspec.graph.graph import Graph, Node, Value

__all__ = ["pictured"]

DEEPEST = 16
"""Levels that are shown, at the most: deeper blocks are folded."""

MOST_BOXES, MOST_LINES = 2_000, 5_000
"""Boxes of a picture and lines between them, at the most."""

FEWEST_LAYERS = 4
"""Equal layers in turn that are folded to one box; of blocks, two are."""


def pictured(graph: Graph, depth: int | None = None) -> Picture:
    """The picture of a network.

    Args:
        depth: how many levels are shown, from 1; a block on the last of them is one box. None for all.

    Raises:
        SpecError: it would be too large to look at.
    """
    draft = _Draft(graph, min(depth or DEEPEST, DEEPEST))
    flow = draft.whole({} if draft.models else graph.inputs, graph.nodes, 1)
    picture = Picture(graph.name, flow, draft.ties())
    counts = (
        (MOST_BOXES, sum(1 for _ in picture.boxes()), "boxes"),
        (MOST_LINES, sum(1 for _ in edges(picture)), "lines"),
    )
    for most, number, what in counts:
        if number > most:
            message = f"the picture would have {number:,} {what}, and {most:,} are the most"
            raise SpecError(Diagnostic("too-large", message, graph.nodes[0].place, help="--depth 1 folds every block"))
    return picture


class _Draft:
    """The picture that becomes of a graph.

    Args:
        models: whether the graph is several networks, each in a frame with inputs and outputs of its own.
        named: the paths of what is read by name.
        shared: the paths of nodes whose parameters are another's.
        outputs: by name, the paths of what gives those that have no box yet.
        shown: the paths of the parts so far.
    """

    def __init__(self, graph: Graph, depth: int) -> None:
        every = tuple(graph.every())
        self.graph, self.depth = graph, depth
        self.models = depth != 1 and any("/" in name for name in graph.inputs)
        self.shapes = {node.path: node.output.shape for node in every}
        self.borrowed = tuple(dict.fromkeys(pair for node in every for pair in _borrowed(node)))
        self.shared = {node.path for node in every if node.shared}
        self.named = {source for node in every for source in node.sources} | set(graph.outputs.values())
        self.named |= {node.owner for node in every if node.shared} | {owner for owner, _ in self.borrowed}
        self.outputs = dict(graph.outputs)
        self.shown: set[str] = set()

    # -- lists ---------------------------------------------------------------------------------------------------------

    def whole(self, inputs: Mapping[str, Value], nodes: Sequence[Node], level: int) -> Flow:
        """A whole network: its inputs, its layers, its outputs."""
        entries = tuple(Item(Box(name, _last(name), "input", value.shape), ()) for name, value in inputs.items())
        flow = self.flow(nodes, level)
        hidden = [name for name in self.outputs if self.seen(self.outputs[name]) in {i.part.path for i in flow}]
        return (*entries, *flow, *map(self.output, hidden))

    def flow(self, nodes: Sequence[Node], level: int) -> Flow:
        """A list, and beside its layers the outputs that they give."""
        flow = tuple(self.item(run, level) for run in self.runs(nodes))
        here = {item.part.path for item in flow}
        return (*flow, *(self.output(name) for name, path in tuple(self.outputs.items()) if path in here))

    def output(self, name: str) -> Item:
        path = self.outputs.pop(name)
        alone = len(self.graph.outputs) == 1 or (self.models and "/" not in name and self.single(name))
        box = Box(f"{name} (output)", "output" if alone else _last(name), "output", self.shapes[path])
        # Nothing in the list reads it.
        return Item(box, (self.seen(path),), aside=True)

    def single(self, model: str) -> bool:
        return not any(name.startswith(f"{model}/") for name in self.graph.outputs)

    def seen(self, path: str) -> str:
        """The path of the part that shows what has a path: itself, or the folded block that it is in."""
        while path and path not in self.shown:
            path = path.rpartition("/")[0]
        return path

    def item(self, run: Sequence[Node], level: int) -> Item:
        """Some equal nodes in turn; the last one's path is that of what they give."""
        first, last = run[0], run[-1]
        part = self.part(last, level, len(run))
        self.shown.add(last.path)
        own = self.models and level == 1
        return Item(part, () if own else first.sources or None, first.aside)

    def runs(self, nodes: Sequence[Node]) -> Iterator[Sequence[Node]]:
        """The nodes, those in turn together that are alike."""
        alike = [_signature(node, node.path) for node in nodes]
        start = 0
        for i in range(1, len(nodes) + 1):
            if i < len(nodes) and alike[i] == alike[start] and self.joins_run(nodes[i - 1], nodes[i]):
                continue
            if i - start >= (2 if nodes[start].branches else FEWEST_LAYERS):
                yield nodes[start:i]
            else:
                yield from (nodes[j : j + 1] for j in range(start, i))
            start = i

    def joins_run(self, before: Node, node: Node) -> bool:
        return not (before.path in self.named or node.sources or node.aside or node.shared)

    # -- parts ---------------------------------------------------------------------------------------------------------

    def part(self, node: Node, level: int, times: int) -> Part:
        shares = "" if not node.shared or self.within_shared(node.path) else _last(node.owner)
        if not node.branches or level >= self.depth:
            return self.box(node, times, shares)
        if node.steps:
            return self.forked(node, level, times, shares)
        title = caption(node)
        if node.aside:
            title = node.layer.name or ""
        elif node.state is not None:
            title = f"{title}, state {node.state}"
        flow = self.inside(node, level + 1)
        cell = node.state is not None
        return Frame(node.path, title, node.output.shape, flow, about(node), times, shares, state=cell)

    def inside(self, node: Node, level: int) -> Flow:
        nodes = node.branches[""]
        if not (self.models and level == 2):
            return self.flow(nodes, level)
        prefix = f"{node.path}/"
        inputs = {name: value for name, value in self.graph.inputs.items() if name.startswith(prefix)}
        return self.whole(inputs, nodes, level)

    def within_shared(self, path: str) -> bool:
        around = path.rpartition("/")[0]
        return bool(around) and (around in self.shared or self.within_shared(around))

    def forked(self, node: Node, level: int, times: int, shares: str) -> Part:
        """Lists that are joined; in a frame where there is more to say of them."""
        name = node.layer.name or ""
        framed = times > 1 or shares or name
        fork = self.fork(node, f"{node.path}/" if framed else node.path, level + 1)
        if not framed:
            return fork
        return Frame(node.path, name, node.output.shape, (Item(fork),), about(node), times, shares)

    def box(self, node: Node, times: int, shares: str) -> Box:
        title = caption(node)
        if node.aside and len(node.branches.get("", ())) == 1:
            title = caption(node.branches[""][0])
        return Box(node.path, title, role(node), node.output.shape, about(node), times, shares)

    def fork(self, node: Node, path: str, level: int) -> Fork:
        lanes = [
            Lane(self.flow(nodes, level), "" if _PLAIN.fullmatch(name) else name, main=name == "")
            for name, nodes in node.branches.items()
        ]
        title = join_caption(node.steps[0].call)
        return Fork(tuple(lanes), Box(path, title, "join", node.output.shape, about(node)))

    # -- ties ----------------------------------------------------------------------------------------------------------

    def ties(self) -> tuple[tuple[str, str], ...]:
        """Pairs of layers of which one uses the other's parameters, where the picture shows both."""
        pairs = ((self.seen(owner), self.seen(user)) for owner, user in self.borrowed)
        return tuple(dict.fromkeys((o, u) for o, u in pairs if o and u and o != u))


_PLAIN = re.compile(r"|shortcut|branch\d+")
"""Names of lists that a picture need not say."""


def _borrowed(node: Node) -> Iterator[tuple[str, str]]:
    """Whose parameters the layer uses, besides its own."""
    for step in () if node.branches else node.steps:
        for path in step.borrowed:
            yield path.rpartition("/")[0], node.path


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _signature(node: Node, base: str) -> Any:
    """What two nodes have in common where they are equal but for their places."""

    def relative(path: str) -> str:
        return path[len(base) :] if path.startswith(f"{base}/") else f"= {path}"

    return (
        *(node.kind, node.layer.name, node.frozen, node.state, node.aside, node.repeats),
        *(node.output, node.inputs, relative(node.owner) if node.shared else ""),
        tuple(map(relative, node.sources)) if node.path != base else (),
        tuple((step.call, tuple(map(relative, step.borrowed))) for step in node.steps),
        tuple((name, tuple(_signature(n, base) for n in nodes)) for name, nodes in node.branches.items()),
    )
