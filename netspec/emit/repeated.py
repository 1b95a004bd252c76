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
    try:
        run = _Run(writer, entries, inputs[0], apart=False)
    except NotAlikeError:
        run = _Run(writer, entries, inputs[0], apart=True)
    names = run.made()
    if item.first.sources or any(node.path in writer.module.wanted for node in item.nodes[:-1]):
        return _one_by_one(writer, entries, names, inputs, target, run.width)
    try:
        return _loop(writer, entries, names, inputs[0], target, run.width)
    except NotAlikeError:
        return _one_by_one(writer, entries, names, inputs, target, run.width)


class _Run:
    """The modules of a repeated layer: those of the first time, and those after it, which may read another width.

    Args:
        x: what the layer reads.
        apart: whether each is written out, since one line of source will not do.
    """

    def __init__(self, writer: Writer, entries: Entries, x: Flow, *, apart: bool) -> None:
        self.writer, self.entries, self.x, self.apart = writer, entries, x, apart
        self.written, self.width = entries[0][1].written, x.width
        self.runs = [item.nodes for _, item in entries]
        every = [
            [At(nodes[j], row) for (row, _), nodes in zip(entries, self.runs, strict=True) if j < len(nodes)]
            for j in range(max(map(len, self.runs)))
        ]
        self.groups = every if apart else [every[0], [at for cells in every[1:] for at in cells]]
        self.is_block = every[0][0].node.path in writer.module.plan.keys
        if apart and len(set(map(len, self.runs))) > 1:
            refuse(every[0][0].node, "its blocks have lists of different lengths, of layers that differ")
        texts = [self.block(cells) if self.is_block else self.modules(cells) for cells in self.groups if cells]
        self.texts = {k: self.listed([t[k] for t in texts]) for k in texts[0]}

    def made(self) -> Names:
        """The constructor's statements, and the attributes that hold the modules."""
        writer, node = self.writer, self.groups[0][0].node
        names: Names = {}
        for k, text in self.texts.items():
            names[k] = writer.attribute(self.groups[0], k, self.runs)
            writer.initial.append(Statement(text, f"self.{names[k]}"))
            values = [] if k is None else writer.makers.initial_values(node, k, "layer")
            if values:
                writer.initial.append(Statement(f"for layer in self.{names[k]}:", None, values))
            writer.draws = writer.draws or any("rngs" in t for t in (text, *(v.text for v in values)))
        return names

    def block(self, cells: list[At]) -> dict[int | None, str]:
        writer = self.writer
        made = writer.made(cells[0].node.path)
        texts = writer.makers.block_texts(made, cells, self.written, self.width)
        self.width = self.width if cells[0].node.sources else writer.block_width(made, texts, cells)
        return {None: writer.makers.block(made, texts)}

    def modules(self, cells: list[At]) -> dict[int | None, str]:
        writer, node = self.writer, cells[0].node
        marked = marked_calls(node, self.written, self.width, writer.words.texts(self.width))
        after = writer.width_after(cells, marked, replace(self.x, width=self.width))
        self.width = self.width if node.sources and cells is not self.groups[-1] else after
        return {
            k: writer.makers.module([cell.node.steps[k].call for cell in cells], marked[k], cells)
            for k, step in enumerate(node.steps)
            if is_module(step.call)
        }

    def listed(self, texts: Sequence[str]) -> str:
        """What makes the list."""
        if self.apart:
            return f"nnx.List([{', '.join(texts)}])"
        element = _merged(*texts) if len(texts) > 1 else texts[0]
        counter = "i" if " if i == 0 else " in element else "_"
        return f"nnx.List([{element} for {counter} in range({_count(self.writer, self.entries, self.x, later=False)})])"


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
    layers = {k: writer.variable(_one(node, k, name)) for k, name in names.items()}
    outside, writer.body = writer.body, Body()
    try:
        every = [At(each, row) for row, item in entries for each in item.nodes]
        _call(writer, every, entries[0][1].written, layers, [Flow(target, x.width, x.mask)], target)
        inside = writer.body.statements
    finally:
        writer.body = outside
        writer.variables -= set(layers.values())
    writer.body.assign(target, x.name)
    lists = [f"self.{name}" for name in names.values()]
    if not lists:
        writer.body.add(f"for _ in range({_count(writer, entries, x, later=True)}):", inside)
    elif len(lists) == 1:
        writer.body.add(f"for {next(iter(layers.values()))} in {lists[0]}:", inside)
    else:
        writer.body.add(f"for {', '.join(layers.values())} in zip({', '.join(lists)}, strict=True):", inside)
    return Flow(target, width, writer.mask_after([At(item.nodes[-1], row) for row, item in entries], x))


def _one(node: Node, k: int | None, name: str) -> str:
    """What one of a list is called."""
    label = node.steps[k].prefix if k else node.layer.name or node.layer.label()
    return label if label != name else "layer"


def _call(
    writer: Writer, cells: list[At], written: Layer, functions: Names, inputs: Sequence[Flow], target: str
) -> None:
    """One of the repeated layers, called."""
    node = cells[0].node
    if None in functions:
        writer.call_block(writer.made(node.path), functions[None], node, inputs, target)
        return
    marked = marked_calls(node, written, inputs[0].width, writer.words.texts(inputs[0].width))
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
        cells = [At(item.nodes[j], row) for row, item in entries]
        _call(writer, cells, entries[0][1].written, functions, given if node.sources else [flow, *given[1:]], name)
        mask = writer.mask_after(cells, given[0])
        flow = Flow(name, width, mask, kept=wanted is not None and not last)
        if flow.kept:
            writer.values[node.path] = flow
    return flow


def _shared(writer: Writer, entries: Entries, inputs: Sequence[Flow], target: str) -> Flow:
    flow = inputs[0]
    for j in range(len(entries[0][1].nodes)):
        flow = writer.again([At(item.nodes[j], row) for row, item in entries], [flow, *inputs[1:]], target)
    return flow
