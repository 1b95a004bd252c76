"""Blocks that are lines of the class around them: residuals, branches, side heads, cells."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from netspec.emit.arguments import At
from netspec.emit.body import Body, Flow, Statement
from netspec.emit.forms import joined, levelled
from netspec.emit.marks import literal, value_of
from netspec.emit.module import refuse
from netspec.emit.names import free
from netspec.emit.parts import Item, Row, branches_of, optional
from netspec.graph.calls import draws
from netspec.graph.graph import Node

if TYPE_CHECKING:
    from netspec.emit.classes import Writer

__all__ = ["write"]

LETTERS = "yzwvut"
"""For what is inside of what `x` is."""


def write(writer: Writer, cells: list[At], x: Flow, target: str) -> Flow:
    """The statements of a block.

    Args:
        target: the variable for its result.
    """
    node = cells[0].node
    kept = replace(x, kept=True)
    if node.state is not None:
        return _cell(writer, cells, kept, target)
    if not node.steps:
        return writer.layers(_lists(cells, ""), kept if node.aside else x, target)
    if "shortcut" in node.branches:
        return _residual(writer, cells, kept, target)
    return _parallel(writer, cells, kept, target)


def _lists(cells: Sequence[At], branch: str) -> list[tuple[Row, list[Item]]]:
    return [(cell.row, branches_of(cell.node)[branch]) for cell in cells]


def _letter(writer: Writer) -> str:
    return writer.variable(next((c for c in LETTERS if c not in writer.variables), "y"))


# -- branches ----------------------------------------------------------------------------------------------------------


def _parallel(writer: Writer, cells: list[At], x: Flow, target: str) -> Flow:
    node, around = cells[0].node, writer.prefix
    results = []
    for name, nodes in node.branches.items():
        if nodes:
            variable = writer.variable(name)
            writer.prefix = writer.within(name, node)
            results.append(replace(writer.layers(_lists(cells, name), x, variable), kept=True))
            writer.prefix = around
        else:
            results.append(x)
    for name in {r.name for r in results} - {x.name}:
        writer.variables.discard(name)
    kind = node.steps[0].call.name.rpartition(".")[2]
    outputs = [nodes[-1].output if nodes else node.inputs[0] for nodes in node.branches.values()]
    writer.body.assign(target, joined(kind, [r.name for r in results], [o.shape for o in outputs]))
    mask = next((r.mask for r in results if r.mask), None)
    return Flow(target, _joined_width(writer, cells, kind, results), mask)


def _joined_width(writer: Writer, cells: list[At], kind: str, results: Sequence[Flow]) -> str | None:
    pairs = writer.widths(cells)
    texts = []
    for result, branch in zip(results, cells[0].node.branches, strict=True):
        nodes = cells[0].node.branches[branch]
        shape = nodes[-1].output.shape if nodes else cells[0].node.inputs[0].shape
        texts.append(result.width or literal(shape.channels))
    same = len(set(texts)) == 1
    whole = f"{len(texts)} * ({texts[0]})" if same else " + ".join(texts)
    text = whole if kind == "concat" else texts[0]
    if all(r.width is None for r in results):
        return writer.words.find(pairs, None, "features")
    return writer.words.find(pairs, text, "features")


# -- residuals ---------------------------------------------------------------------------------------------------------


def _residual(writer: Writer, cells: list[At], x: Flow, target: str) -> Flow:
    node, around = cells[0].node, writer.prefix
    inner = _letter(writer)
    f = writer.layers(_lists(cells, ""), x, inner)
    shortcut = _shortcut(writer, cells, x, f)
    if "gate" in node.branches:
        writer.prefix = writer.within("gate", node)
        name = writer.variable("gate")
        gate = writer.layers(_lists(cells, "gate"), x, name)
        writer.prefix = around
        writer.body.applied(gate, name, lambda text: f"nnx.sigmoid({text})")
        shapes = [(nodes[-1].output if nodes else node.inputs[0]).shape for nodes in node.branches.values()]
        y, s, g = levelled([f.name, shortcut, name], shapes)
        writer.body.assign(target, f"(1.0 - {g}) * {s} + {g} * {y}")
        writer.variables.discard(name)
    else:
        text = writer.body.taken(f)
        writer.body.assign(target, f"{shortcut} + {text if _binds(text) else f'({text})'}")
    writer.variables.discard(inner)
    return Flow(target, f.width, writer.mask_after(cells, x))


def _binds(text: str) -> bool:
    """Whether a text may stand behind a plus as it is."""
    found = ast.parse(text, mode="eval").body
    if isinstance(found, ast.BinOp):
        return isinstance(found.op, ast.Mult | ast.Div | ast.MatMult)
    return isinstance(found, ast.Call | ast.Name | ast.Attribute | ast.Subscript)


def _shortcut(writer: Writer, cells: list[At], x: Flow, f: Flow) -> str:
    """The variable that holds what is added to F(x)."""
    node, around = cells[0].node, writer.prefix
    there = [cell for cell in cells if cell.node.branches["shortcut"]]
    if not there:
        return x.name
    width = f.width or literal(f_width(node))
    sizes = dict.fromkeys(("out_features", "num_features", "features", "channels"), width)
    strides = {"strides": "stride", "stride": "stride"} if "stride" in writer.words.arguments else {}
    writer.words.hints = {**sizes, **strides} if optional(node, "shortcut") else {}
    writer.prefix = writer.within("shortcut", node)
    variable = writer.variable("shortcut")
    name = variable
    if len(there) == len(cells):
        name = writer.layers(_lists(cells, "shortcut"), x, variable).name
    else:
        _sometimes(writer, cells, there, x, f, variable)
    writer.variables.discard(variable)
    writer.words.hints = {}
    writer.prefix = around
    return name


def f_width(node: Node) -> int:
    """The channels of F(x)."""
    return node.output.shape.channels


def _sometimes(writer: Writer, cells: list[At], there: list[At], x: Flow, f: Flow, target: str) -> None:
    """A shortcut that only some blocks need."""
    body, initial = writer.body, writer.initial
    writer.body, writer.initial = Body(), []
    writer.layers(_lists(there, "shortcut"), x, target)
    calls, made = writer.body.statements, writer.initial
    writer.body, writer.initial = body, initial
    if not made:
        assert len(calls) == 1, "a shortcut without parameters is one call"
        writer.body.assign(target, f"{x.name} if {x.name}.shape == {f.name}.shape else {calls[0].text}")
        return
    name = free(writer.prefix.rstrip("_"), writer.attributes)
    writer.attributes.add(name)
    texts = [statement.text for statement in made]
    whole = Statement(texts[0] if len(texts) == 1 else f"nnx.Sequential({', '.join(texts)})", f"self.{name}")
    writer.initial.append(Statement(f"if {_condition(writer, cells, x, f)}:", None, [whole]))
    writer.initial.append(Statement("else:", None, [Statement("None", f"self.{name}")]))
    for cell in there:
        for i, node in enumerate(cell.node.branches["shortcut"]):
            writer.note(node, cell.row, 0, (name,) if len(texts) == 1 else (name, "layers", i))
    writer.body.assign(target, f"{x.name} if self.{name} is None else self.{name}({x.name})")


def _condition(writer: Writer, cells: list[At], x: Flow, f: Flow) -> str:
    """What tells, in the constructor, the blocks with a shortcut from those without."""
    words = writer.words
    wanted = [bool(cell.node.branches["shortcut"]) for cell in cells]
    node = cells[0].node
    before, after = x.width or literal(node.inputs[0].shape.channels), f.width or literal(f_width(node))
    names = [words.names(cell.row) for cell in cells]
    wider = [value_of(before, n) != value_of(after, n) for n in names]
    texts = f"{words.render(before)} != {words.render(after)}"
    strides = [n for n in words.arguments if n == "stride"]
    for stride in strides:
        if [n[stride] != 1 or w for n, w in zip(names, wider, strict=True)] == wanted:
            return f"{words.render(stride)} != 1 or {texts}"
    if wider == wanted:
        return texts
    return words.render(words.own(list(zip(wanted, [cell.row for cell in cells], strict=True)), "projection"))


# -- cells -------------------------------------------------------------------------------------------------------------


def _cell(writer: Writer, cells: list[At], x: Flow, target: str) -> Flow:
    """Layers at each position of a sequence, in a scan."""
    node = cells[0].node
    for leaf in node.leaves():
        if any(draws(step.call) for step in leaf.steps):
            refuse(leaf, "it draws random numbers inside a cell")
    words = writer.words
    states = [(cell.node.state, cell.row) for cell in cells]
    size = words.say(states, None, "state", later=True)
    function = writer.variable("cell")
    inside = _inside_of_cell(writer, cells, x)
    writer.body.add(f"def {function}(state: jax.Array, x: {_here(x)}) -> tuple[jax.Array, jax.Array]:", inside)
    around = node.inputs[0].shape[1:-1]
    sizes = [f"{x.name}.shape[0]", *(f"{x.name}.shape[{2 + i}]" for i in range(len(around))), size]
    positions = f"jnp.moveaxis({x.name}, 1, 0)"
    if x.mask:
        positions = f"({positions}, {x.mask}.T)"
        writer.masks.add(x.mask)
    result = writer.variable("states")
    zeros = f"jnp.zeros(({', '.join(sizes)}), {x.name}.dtype)"
    writer.body.assign(f"_, {result}", f"jax.lax.scan({function}, {zeros}, {positions})")
    writer.body.assign(target, f"jnp.moveaxis({result}, 0, 1)")
    writer.variables -= {function, result}
    return Flow(target, words.find(writer.widths(cells), None, "features"), writer.mask_after(cells, x))


def _here(x: Flow) -> str:
    return "tuple[jax.Array, jax.Array]" if x.mask else "jax.Array"


def _inside_of_cell(writer: Writer, cells: list[At], x: Flow) -> list[Statement]:
    node = cells[0].node
    outside, writer.body = writer.body, Body()
    if x.mask:
        writer.body.assign("x, valid", "x")
    writer.body.assign("x", "jnp.concatenate([x, state], axis=-1)")
    assert node.state is not None
    widths = [(cell.node.inputs[0].shape.channels + (cell.node.state or 0), cell.row) for cell in cells]
    text = None if x.width is None else f"{x.width} + {node.state}"
    result = writer.layers(_lists(cells, ""), Flow("x", writer.words.find(widths, text, "features")), "x")
    new = writer.body.taken(result)
    if x.mask:
        axes = ", ".join(["None"] * (len(node.output.shape) - 1))
        new = f"jnp.where(valid[:, {axes}], {new}, state)"
    writer.body.assign("state", new)
    writer.body.add("return state, state")
    inside, writer.body = writer.body.statements, outside
    return inside
