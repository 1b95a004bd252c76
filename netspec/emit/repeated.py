"""Layers that are repeated: a list of equal modules in the constructor, and a loop over it in the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from netspec.emit.arguments import At, NotAlikeError
from netspec.emit.body import Body, Flow, Statement
from netspec.emit.layout import elements
from netspec.emit.marks import marked_calls
from netspec.emit.module import refuse
from netspec.graph.calls import is_module
from netspec.graph.graph import Node
from netspec.spec.expression import Expression
from netspec.spec.layer import Layer

if TYPE_CHECKING:
    from netspec.emit.classes import Entries, Writer

__all__ = ["write"]

Names = dict[int | None, str]
"""By number of a layer's call (None for a block), what holds its modules."""


def write(writer: Writer, entries: Entries, inputs: Sequence[Flow], target: str) -> Flow:
    """The statements of an item with `times`.

    Args:
        target: the variable for its result.
    """
    item = entries[0][1]
    if item.first.shared:
        return _shared(writer, entries, inputs, target)
    made = _Run(writer, entries, item.written, inputs[0])
    names: Names = {None: made.blocks()} if item.first.path in writer.module.plan.keys else made.modules()
    width = made.width
    if item.first.sources or any(node.path in writer.module.wanted for node in item.nodes[:-1]):
        return _one_by_one(writer, entries, names, inputs, target, width)
    return _loop(writer, entries, names, inputs[0], target, width)


class _Run:
    """The modules of a repeated layer: those of the first time, and those after it, which may read another width."""

    def __init__(self, writer: Writer, entries: Entries, written: Layer, x: Flow) -> None:
        self.writer, self.entries, self.written, self.x = writer, entries, written, x
        self.first = [At(item.nodes[0], row) for row, item in entries]
        self.rest = [At(node, row) for row, item in entries for node in item.nodes[1:]]
        self.width = x.width

    def blocks(self) -> str:
        writer = self.writer
        made = writer.made(self.first[0].node.path)
        writer.draws = writer.draws or made.draws

        def text(cells: list[At]) -> str:
            texts = writer.makers.block_texts(made, cells, self.written, self.width)
            self.width = writer.block_width(made, texts, cells)
            return writer.makers.block(made, texts)

        name = writer.attribute(self.first, None, [item.nodes for _, item in self.entries])
        if made.parameters or made.draws:
            texts = [text(cells) for cells in (self.first, self.rest) if cells]
            self.made(name, texts)
        else:
            self.made(name, [f"{made.name}()"])
        return name

    def modules(self) -> Names:
        """By number of the layer's call, the attribute that holds its modules."""
        writer = self.writer
        found: Names = {}
        parts = []
        for cells in (self.first, self.rest):
            if cells:
                marked = marked_calls(cells[0].node, self.written, self.width, writer.words.texts(self.width))
                flow = replace(self.x, width=self.width)
                parts.append((cells, marked))
                self.width = writer.width_after(cells, marked, flow)
        for k, step in enumerate(self.first[0].node.steps):
            if is_module(step.call):
                name = writer.attribute(self.first, k, [item.nodes for _, item in self.entries])
                texts = [
                    writer.makers.module([cell.node.steps[k].call for cell in cells], marked[k], cells)
                    for cells, marked in parts
                ]
                self.made(name, texts)
                values = writer.makers.initial_values(self.first[0].node, k, "layer")
                writer.draws = writer.draws or any("rngs" in t for t in (texts[0], *(v.text for v in values)))
                if values:
                    writer.initial.append(Statement(f"for layer in self.{name}:", None, values))
                found[k] = name
        return found

    def made(self, name: str, texts: Sequence[str]) -> None:
        """The constructor's statement for a list."""
        element = _merged(*texts) if len(texts) > 1 else texts[0]
        counter = "i" if " if i == 0 else " in element else "_"
        text = f"nnx.List([{element} for {counter} in range({self.count(later=False)})])"
        self.writer.initial.append(Statement(text, f"self.{name}"))

    def count(self, *, later: bool) -> str:
        return _count(self.writer, self.entries, self.x, later=later)


def _count(writer: Writer, entries: Entries, x: Flow, *, later: bool) -> str:
    times = entries[0][1].written.times
    text = writer.words.texts(x.width)(times) if isinstance(times, Expression) else None
    return writer.words.say([(len(item.nodes), row) for row, item in entries], text, "times", later=later)


def _merged(first: str, rest: str) -> str:
    """What makes the first, and what makes the others, in one."""
    name, _, inside = first.partition("(")
    other, _, others = rest.partition("(")
    a, b = elements(inside[:-1]), elements(others[:-1])
    if name != other or len(a) != len(b):
        raise NotAlikeError
    return f"{name}({', '.join(_either(x, y) for x, y in zip(a, b, strict=True))})"


def _either(a: str, b: str) -> str:
    if a == b:
        return a
    key, equals, value = a.partition("=")
    other_key, _, other = b.partition("=")
    if equals and key == other_key and key.isidentifier():
        return f"{key}={value} if i == 0 else {other}"
    return f"{a} if i == 0 else {b}"


# -- calls -------------------------------------------------------------------------------------------------------------


def _loop(writer: Writer, entries: Entries, names: Names, x: Flow, target: str, width: str | None) -> Flow:
    """Each on what the one before it gives."""
    node = entries[0][1].first
    writer.body.assign(target, x.name)
    layers = {k: writer.variable(_one(node, k, name)) for k, name in names.items()}
    outside, writer.body = writer.body, Body()
    inputs = [Flow(target, x.width, x.mask)]
    _call(writer, entries, {k: layers[k] for k in names}, inputs, target)
    inside, writer.body = writer.body.statements, outside
    lists = [f"self.{name}" for name in names.values()]
    if not lists:
        writer.body.add(f"for _ in range({_count(writer, entries, x, later=True)}):", inside)
    elif len(lists) == 1:
        writer.body.add(f"for {next(iter(layers.values()))} in {lists[0]}:", inside)
    else:
        writer.body.add(f"for {', '.join(layers.values())} in zip({', '.join(lists)}, strict=True):", inside)
    writer.variables -= set(layers.values())
    return Flow(target, width, writer.mask_after([At(item.nodes[-1], row) for row, item in entries], x))


def _one(node: Node, k: int | None, name: str) -> str:
    """What one of a list is called."""
    label = node.steps[k].prefix if k else node.layer.name or node.layer.label()
    return label if label != name else "layer"


def _call(writer: Writer, entries: Entries, functions: Names, inputs: Sequence[Flow], target: str, at: int = 0) -> None:
    """One of the repeated layers, called."""
    cells = [At(item.nodes[at], row) for row, item in entries]
    node = cells[0].node
    if None in functions:
        writer.call_block(writer.made(node.path), functions[None], node, inputs, target)
        return
    marked = marked_calls(node, entries[0][1].written, inputs[0].width, writer.words.texts(inputs[0].width))
    for k, step in enumerate(node.steps):
        if k in functions:
            writer.apply(step.call, cells[0], k, inputs, target, writer.called(functions[k]))
        else:
            writer.function([cell.node.steps[k].call for cell in cells], marked[k], cells, k, inputs, target)
        inputs = [Flow(target)]


def _one_by_one(
    writer: Writer, entries: Entries, names: Names, inputs: Sequence[Flow], target: str, width: str | None
) -> Flow:
    """Each by its number, where some are read by name, or all read the same."""
    nodes = entries[0][1].nodes
    if len({len(item.nodes) for _, item in entries}) > 1:
        refuse(nodes[0], "its blocks have lists of different lengths whose layers are read by name")
    flow, given = inputs[0], inputs
    for j, node in enumerate(nodes):
        wanted = writer.module.wanted.get(node.path)
        last = j == len(nodes) - 1
        name = target if last or wanted is None else writer.variable(wanted)
        functions = {k: f"self.{attribute}[{j}]" for k, attribute in names.items()}
        _call(writer, entries, functions, given if node.sources else [flow, *given[1:]], name, j)
        mask = writer.mask_after([At(item.nodes[j], row) for row, item in entries], given[0])
        flow = Flow(name, width, mask, kept=wanted is not None and not last)
        if flow.kept:
            writer.values[node.path] = flow
    return flow


def _shared(writer: Writer, entries: Entries, inputs: Sequence[Flow], target: str) -> Flow:
    flow = inputs[0]
    for j in range(len(entries[0][1].nodes)):
        flow = writer.again([At(item.nodes[j], row) for row, item in entries], [flow, *inputs[1:]], target)
    return flow
