"""A class for each kind of block: what its constructor makes, and what its call does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from posixpath import join, normpath, relpath
from typing import Any

from netspec.emit import joins, repeated
from netspec.emit.arguments import At, NotAlikeError, Words
from netspec.emit.body import Body, Flow, Statement
from netspec.emit.makers import Maker
from netspec.emit.marks import marked_calls, names_in, renamed, written_text
from netspec.emit.module import Class, Made, Module, refuse
from netspec.emit.names import camel, free, member, plural
from netspec.emit.parts import Item, Key, Row, branches_of, every_item, optional
from netspec.graph.calls import is_module, takes_mask
from netspec.graph.graph import Node
from netspec.spec.activations import Activation
from netspec.spec.blocks import UserBlock
from netspec.spec.call import Call
from netspec.spec.layer import Layer

__all__ = ["Entries", "Writer"]

Entries = list[tuple[Row, Item]]
"""One item, in each of a class's blocks."""

Lists = list[tuple[Row, list[Item]]]
"""One list of items, in each of a class's blocks."""

MASK = "|mask"
"""Behind the path of a value: which of its positions count."""

WRAPPED = ("flax.nnx.Dropout", "netspec.nn.noise.Dropout", "netspec.nn.noise.Noise")
"""Modules that are written around the call before them, as activations are."""


class Writer:
    """One class while it is being written.

    Every method looks at the same layer in all the blocks that the class describes, and takes its names from the first.
    """

    def __init__(self, module: Module, name: str, rows: Sequence[Row], *, has_width: bool = True) -> None:
        self.module, self.name, self.rows = module, name, list(rows)
        layer = rows[0].node.layer
        defaults = module.blocks[layer.kind].defaults if layer.kind in module.blocks else {}
        self.words = Words(self.rows, defaults, {*module.taken, "self", "rngs"}, has_width=has_width)
        self.makers = Maker(module, self.words)
        self.body = Body()
        self.initial: list[Statement] = []
        self.variables: set[str] = {"self", "x", *module.taken}
        self.values: dict[str, Flow] = {}
        self.outside: dict[str, str] = {}
        self.local: dict[tuple[str, int | None], str] = {}
        self.masks: set[str] = set()
        self.draws = False
        self.prefix = ""
        self.prefixes: set[str] = set()
        self.counts: dict[str, int] = {}
        self.labels: dict[str, int] = {}
        self.attributes: set[str] = set()
        self.bases: dict[str, str] = {}

    # -- lists and items -----------------------------------------------------------------------------------------------

    def count(self, found: list[Item]) -> None:
        """Note how many items of each kind there are, which decides whether a list of them has a number."""
        for item in every_item(found, self.module.plan):
            label = item.first.layer.label()
            self.labels[label] = self.labels.get(label, 0) + 1

    def layers(self, lists: Lists, flow: Flow, target: str) -> Flow:
        """Layers in turn.

        Args:
            target: the variable for their results.
        """
        for i in range(len(lists[0][1])):
            flow = self.item([(row, found[i]) for row, found in lists], flow, target)
        return flow

    def item(self, entries: Entries, flow: Flow, target: str) -> Flow:
        """One item: its result, which goes on to the next; or its input, where it stands aside."""
        item, plain = entries[0][1], target
        node = item.nodes[-1]
        inputs = [self.read(source, node) for source in item.first.sources] or [flow]
        if node.aside or node.path in self.module.wanted:
            target = self.variable(self.module.wanted.get(node.path, node.name))
        result = repeated.write(self, entries, inputs, plain) if item.repeated else self.single(entries, inputs, target)
        if node.path in self.module.wanted:
            if result.name != target and not result.kept:
                self.body.assign(target, result.name)
                result = replace(result, name=target)
            result = replace(result, kept=True)
            self.values[node.path] = result
        return flow if node.aside else result

    def single(self, entries: Entries, inputs: Sequence[Flow], target: str) -> Flow:
        cells = [At(item.first, row) for row, item in entries]
        node, written = cells[0].node, entries[0][1].written
        if node.shared:
            return self.again(cells, inputs, target)
        if node.path in self.module.plan.keys:
            return self.block(cells, written, inputs, target)
        if node.branches:
            return joins.write(self, cells, inputs[0], target)
        return self.leaf(cells, written, inputs, target)

    def read(self, path: str, node: Node) -> Flow:
        """A value by its path; one that stands outside of the class becomes an argument of its call."""
        if path not in self.values:
            if not self.rows[0].node.path or self.rows[0].node.path == path:
                refuse(node, f"it reads '{path}', which is inside another block")
            name = path.rpartition("/")[2]
            is_padded = node.inputs[node.sources.index(path)].padded if path in node.sources else False
            variable = self.from_outside(path, name)
            mask = self.from_outside(path + MASK, f"{name}_mask") if is_padded else None
            self.values[path] = Flow(variable, None, mask, kept=True)
        return self.values[path]

    def from_outside(self, path: str, name: str) -> str:
        relative = relpath(path, self.rows[0].node.path)
        if relative not in self.outside:
            self.outside[relative] = self.variable(name)
        return self.outside[relative]

    def variable(self, name: str) -> str:
        """A variable that nothing else uses."""
        found = free(name, self.variables)
        self.variables.add(found)
        return found

    # -- layers --------------------------------------------------------------------------------------------------------

    def leaf(self, cells: list[At], written: Layer, inputs: Sequence[Flow], target: str) -> Flow:
        """A layer: its modules made, its calls made in turn."""
        node, flow = cells[0].node, inputs[0]
        marked = marked_calls(node, written, flow.width, self.words.texts(flow.width))
        width = self.width_after(cells, marked, flow)
        for k, step in enumerate(node.steps):
            calls = [cell.node.steps[k].call for cell in cells]
            if is_module(step.call):
                name = self.attribute(cells, k)
                text = self.makers.module(calls, marked[k], cells)
                self.initial.append(Statement(text, f"self.{name}"))
                values = self.makers.initial_values(node, k, f"self.{name}")
                self.initial += values
                self.draws = self.draws or any("rngs" in t for t in (text, *(v.text for v in values)))
                self.local[node.path, k] = f"self.{name}"
                self.apply(step.call, cells[0], k, inputs, target, self.called(f"self.{name}"))
            else:
                self.function(calls, marked[k], cells, k, inputs, target)
            inputs = [Flow(target)]
        return Flow(target, width, self.mask_after(cells, flow))

    def called(self, function: str) -> Callable[[Sequence[str], str], str]:
        return lambda values, mask: f"{function}({', '.join([*values, *([f'mask={mask}'] if mask else [])])})"

    def function(
        self, calls: list[Call], marked: Call, cells: list[At], k: int, inputs: Sequence[Flow], target: str
    ) -> None:
        """A call that has nothing to remember, written in place."""
        write = self.makers.function(calls, marked, cells)
        self.apply(calls[0], cells[0], k, inputs, target, write)

    def apply(
        self,
        call: Call,
        at: At,
        k: int,
        inputs: Sequence[Flow],
        target: str,
        write: Callable[[Sequence[str], str], str],
    ) -> None:
        """Assign what a call gives."""
        mask = inputs[-1].mask if takes_mask(call) else None
        if mask:
            self.masks.add(mask)
        borrowed = [self.parameter(path, at.node) for path in at.node.steps[k].borrowed]
        around = isinstance(at.node.layer, Activation) or k > 0 or call.name in WRAPPED
        first = self.body.taken(inputs[0]) if around else inputs[0].name
        self.body.assign(target, write([first, *(flow.name for flow in inputs[1:]), *borrowed], mask or ""))

    def parameter(self, path: str, node: Node) -> str:
        """Another layer's parameter."""
        layer, _, name = path.rpartition("/")
        if (layer, 0) in self.local:
            return f"{self.local[layer, 0]}.{name}[...]"
        if not self.rows[0].node.path:
            refuse(node, f"it takes '{path}', which is inside another block")
        return self.from_outside(path, f"{layer.rpartition('/')[2]}_{name}")

    def mask_after(self, cells: Sequence[At], flow: Flow) -> str | None:
        return flow.mask if any(cell.node.output.padded for cell in cells) else None

    def width_after(self, cells: Sequence[At], marked: Sequence[Call], flow: Flow) -> str | None:
        """The width of a layer's result: in the words of its own arguments, or that of its input."""
        pairs = self.widths(cells)
        numbers = [n for call in marked for n in (*call.arguments, *(v for _, v in call.keywords))]
        texts = [t for n in numbers if (t := written_text(n)) is not None and t != flow.width]
        found = next((t for t in texts if self.words.holds(t, pairs)), None)
        if found is None and not any(written_text(n) is None and n == pairs[0][0] for n in numbers if type(n) is int):
            found = flow.width if self.words.holds(flow.width, pairs) else None
        return found or self.words.find(pairs, None, "features")

    def widths(self, cells: Sequence[At]) -> list[tuple[Any, Row]]:
        """The channels of each block's result."""
        return [(cell.node.output.shape.channels, cell.row) for cell in cells]

    # -- attributes ----------------------------------------------------------------------------------------------------

    def attribute(self, cells: Sequence[At], k: int | None, runs: Sequence[Sequence[Node]] | None = None) -> str:
        """A name for what a layer makes, noted down for all blocks.

        Args:
            k: which of the layer's calls; None for a block.
            runs: of a layer that is repeated, all of it in each block.
        """
        node = cells[0].node
        suffix = node.steps[k].prefix if k else ""
        base = self.bases.get(node.path) or self.attribute_name(node, 0 if runs is None else len(runs[0]))
        self.bases[node.path] = base
        name = f"{base}_{suffix}" if suffix else base
        self.attributes.add(name)
        for i, cell in enumerate(cells):
            for j, each in enumerate([cell.node] if runs is None else runs[i]):
                self.note(each, cell.row, k, (name,) if runs is None else (name, j))
        return name

    def note(self, node: Node, row: Row, k: int | None, attribute: tuple[str | int, ...]) -> None:
        if k is None:
            self.module.attributes[node.path] = (row.node.path, attribute)
            return
        step = node.steps[k]
        prefix = "/".join(filter(None, (node.path, step.prefix)))
        for name in (*step.traced.parameters, *step.traced.statistics):
            self.module.arrays[f"{prefix}/{name}"] = (row.node.path, (*attribute, *name.split("/")))
        for name, call in node.initial.items():
            if not k and self.makers.is_from_data(call):
                self.module.from_data[f"{prefix}/{name}"] = call

    def attribute_name(self, node: Node, length: int) -> str:
        label = node.layer.label()
        if node.layer.name is not None:
            name = node.layer.name
        else:
            counted = self.counts.get(self.prefix + label, 0)
            self.counts[self.prefix + label] = counted + max(length, 1)
            alone = length and self.labels.get(label) == 1
            name = f"{plural(label) if length else label}{'' if alone else counted + 1}"
        whole = f"{self.prefix}{name}"
        return free(member(whole), {*self.attributes, *self.words.printed.values()})

    def within(self, prefix: str, node: Node) -> str:
        """A prefix for the attributes of a list within a block that no other list has."""
        found = f"{self.prefix}{prefix}_"
        if found in self.prefixes:
            found = f"{self.prefix}{node.name}_{prefix}_"
        self.prefixes.add(found)
        return found

    # -- blocks --------------------------------------------------------------------------------------------------------

    def block(self, cells: list[At], written: Layer, inputs: Sequence[Flow], target: str) -> Flow:
        """A block that is a class of its own."""
        made = self.made(cells[0].node.path)
        name = self.attribute(cells, None)
        texts = self.makers.block_texts(made, cells, written, inputs[0].width)
        self.initial.append(Statement(self.makers.block(made, texts), f"self.{name}"))
        self.draws = self.draws or made.draws
        self.local[cells[0].node.path, None] = f"self.{name}"
        self.call_block(made, f"self.{name}", cells[0].node, inputs, target)
        width = self.block_width(made, texts, cells)
        return Flow(target, width, self.mask_after(cells, inputs[0]))

    def call_block(self, made: Made, function: str, node: Node, inputs: Sequence[Flow], target: str) -> None:
        """Assign what a block gives; one that is shared reads from where it stands, not from where it is applied."""
        base = node.owner if node.shared else node.path
        mask = inputs[0].mask if made.takes_mask else None
        if mask:
            self.masks.add(mask)
        values = [inputs[0].name, *(self.outer(join(base, path), node) for path in made.outside)]
        self.body.assign(target, self.called(function)(values, mask or ""))

    def outer(self, place: str, node: Node) -> str:
        """What a block's call takes besides its input."""
        path = normpath(place)
        if path.endswith(MASK):
            mask = self.read(path.removesuffix(MASK), node).mask
            assert mask is not None, "what is padded has a mask"
            self.masks.add(mask)
            return mask
        layer = path.rpartition("/")[0]
        is_parameter = (layer, 0) in self.local and path not in self.values
        return self.parameter(path, node) if is_parameter else self.read(path, node).name

    def block_width(self, made: Made, texts: dict[str, str | None], cells: Sequence[At]) -> str | None:
        pairs = self.widths(cells)
        if made.width is not None and all(texts.get(n) or "" for n in names_in(made.width) if n in texts):
            found = renamed(made.width, {n: t for n, t in texts.items() if t})
            if names_in(found) and self.words.holds(found, pairs):
                return found
        return self.words.find(pairs, None, "features")

    def again(self, cells: list[At], inputs: Sequence[Flow], target: str) -> Flow:
        """A layer that stands elsewhere, applied once more."""
        node = cells[0].node
        if (node.owner, None) in self.local:
            self.call_block(self.made(node.owner), self.local[node.owner, None], node, inputs, target)
        else:
            for k, step in enumerate(node.steps):
                if is_module(step.call):
                    if (node.owner, k) not in self.local:
                        refuse(node, f"it shares '{node.owner}', which is outside of its block")
                    self.apply(step.call, cells[0], k, inputs, target, self.called(self.local[node.owner, k]))
                else:
                    self.function([step.call], step.call, cells[:1], k, inputs, target)
                inputs = [Flow(target)]
        width = self.words.find(self.widths(cells), None, "features")
        return Flow(target, width, self.mask_after(cells, inputs[0]))

    # -- the class -----------------------------------------------------------------------------------------------------

    def made(self, path: str) -> Made:
        """The class of a block, written when it is first needed."""
        key = self.module.plan.keys[path]
        if key not in self.module.made:
            self.module.made[key] = _write(self.module, key)
        return self.module.made[key]

    def finish(self, doc: str, arguments: Sequence[str], result: str) -> Class:
        """The class, when all of its statements are there."""
        kept = [
            Statement(self.words.printed[name], f"self.{self.words.printed[name]}")
            for name in self.words.printed
            if name in self.words.kept
        ]
        self.module.constants |= self.words.constants
        parameters = tuple(self.words.parameters())
        made = Class(self.name, doc, parameters, self.draws, (*kept, *self.initial), tuple(arguments), (), result)
        return replace(made, call=tuple(self.body.statements))


def _write(module: Module, key: Key) -> Made:
    """The class of some blocks."""
    rows = module.plan.rows[key]
    node = rows[0].node
    is_list = isinstance(node.layer, UserBlock) or node.kind == "block"
    title = node.kind if isinstance(node.layer, UserBlock) else node.layer.name or node.kind
    writer = Writer(module, module.class_name(camel(title)), rows)
    padded = any(row.node.inputs[0].padded for row in rows)
    flow = Flow("x", "channels", "mask" if padded else None)
    if padded:
        writer.variables.add("mask")
    try:
        if is_list:
            lists = [(row, branches_of(row.node)[""]) for row in rows]
            writer.count(lists[0][1])
            result = writer.layers(lists, flow, "x")
        else:
            for found in branches_of(node).values():
                writer.count(found)
            result = joins.write(writer, [At(row.node, row) for row in rows], flow, "x")
    except NotAlikeError:
        refuse(node, "its blocks differ from each other in more than numbers")
    text = writer.body.taken(replace(result, kept=False))
    writer.outside = {k: v for k, v in writer.outside.items() if not k.endswith(MASK) or v in writer.masks}
    arguments = ["x: jax.Array", *(f"{name}: jax.Array" for name in writer.outside.values())]
    if "mask" in writer.masks:
        arguments.append("mask: jax.Array | None = None")
    made = writer.finish(doc_of(module, node), arguments, text)
    module.classes.append(made)
    width = result.width
    return Made(writer.name, made.parameters, made.draws, width, "mask" in writer.masks, tuple(writer.outside))


def doc_of(module: Module, node: Node) -> str:
    """What a class says of itself: the comment at the block, or else what it consists of."""
    if isinstance(node.layer, UserBlock) and (comment := module.comments.get(node.kind)):
        return f"{comment[:1].upper()}{comment[1:]}{'' if comment.endswith('.') else '.'}"
    name = node.kind if isinstance(node.layer, UserBlock) else node.layer.name or node.kind
    lists = [nodes for branch, nodes in node.branches.items() if not optional(node, branch)]
    texts = [", ".join(n.kind for n in nodes) or "the input" for nodes in lists]
    return f"{name}: {'; '.join(texts)}."
