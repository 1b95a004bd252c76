"""A spec as one file of Python on Flax, JAX and Optax: what a person would have written for the same network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from netspec.build.program import Program
from netspec.diagnostics import Place, printable
from netspec.emit.body import Flow, Statement, lines_of
from netspec.emit.classes import Writer
from netspec.emit.copied import Copy, copies, imports_of
from netspec.emit.layout import lay_out, paragraph
from netspec.emit.marks import literal
from netspec.emit.module import Attribute, Class, Module, refuse
from netspec.emit.names import camel
from netspec.emit.parts import Row, items, plan_of
from netspec.emit.start import origin
from netspec.emit.training import functions
from netspec.emit.variables import also, extra_outputs
from netspec.graph.graph import Graph, Node, Value
from netspec.spec.blocks import user_block
from netspec.spec.courses import Course
from netspec.spec.layer import Layer
from netspec.spec.sections import Spec

__all__ = ["Emitted", "emit"]

IMPORTED = {
    "jax": "import jax",
    "jnp": "import jax.numpy as jnp",
    "np": "import numpy as np",
    "nnx": "from flax import nnx",
    "optax": "import optax",
    "sys": "import sys",
}

TYPES = {"Callable": "from collections.abc import Callable", "NamedTuple": "from typing import NamedTuple"}
"""Of the functions of a training."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """A network's source.

    Args:
        source: the file.
        networks: by name of a model ("" of the only one), the class that is the whole network.
        paths: by path of a parameter or statistic, where it is: names of attributes and positions in lists.
    """

    source: str
    networks: Mapping[str, str]
    paths: Mapping[str, Attribute]


def emit(spec: Spec, graph: Graph, program: Program | None = None) -> Emitted:
    """The source of a network, and with a program that of its training.

    Raises:
        SpecError: a part of it has no source yet.
    """
    for held in [graph] if program is None else [phase.network.graph for phase in program.phases]:
        _check_frozen(held)
    _check_courses(graph)
    models = _models(spec, graph)
    module = Module(
        plan_of(graph, models, spec), spec.blocks, _wanted(graph, program), _taken(graph, program), _comments(spec)
    )
    extra = {} if program is None else extra_outputs(program)
    networks = {}
    for name, (written, nodes) in models.items():
        title = camel(re.sub(r"[^A-Za-z0-9_]+", "_", name or spec.name))
        network = title if title[:1].isalpha() else f"Network{title}"
        networks[name] = _network(module, network, graph, name, written, nodes, extra, spec)
    lines = [] if program is None else list(functions(program, module, networks[""]))
    source = _file(spec, module, lines)
    return Emitted(source, networks, {path: module.path(path) for path in module.arrays})


def _check_frozen(graph: Graph) -> None:
    for leaf in graph.leaves():
        if leaf.frozen and dict(leaf.arrays("statistics")):
            refuse(leaf, "it is frozen, and its running statistics with it")


def _check_courses(graph: Graph) -> None:
    for leaf in graph.leaves():
        for step in leaf.steps:
            if any(isinstance(value, Course) for _, value in step.call.keywords):
                refuse(leaf, "it changes over time", help="write a number that stays")


def _models(spec: Spec, graph: Graph) -> dict[str, tuple[tuple[Layer, ...], tuple[Node, ...]]]:
    if spec.model is not None:
        return {"": (spec.model.layers, graph.nodes)}
    whole = {node.path: node.branches[""] for node in graph.nodes}
    return {name: (model.layers, whole[name]) for name, model in spec.models.items()}


def _wanted(graph: Graph, program: Program | None) -> dict[str, str]:
    """A variable's name for every value that is read by name or is an output, the last layer's left out."""
    found = {s: s.rpartition("/")[2] for node in graph.every() for s in node.sources if s not in graph.inputs}
    last = {nodes[-1].path for nodes in [graph.nodes, *(n.branches[""] for n in graph.nodes if "" in n.branches)]}
    several = len(graph.outputs) > 1
    plain = {
        name: path
        for name, path in graph.outputs.items()
        if path not in last or path in found or (several and name != "output")
    }
    named = {path: name.rpartition("/")[2] for name, path in plain.items()}
    watched = {} if program is None else {p: p.rpartition("/")[2] for p in also(program)}
    return watched | found | {p: p.rpartition("/")[2] if n == "output" else n for p, n in named.items()}


def _taken(graph: Graph, program: Program | None) -> set[str]:
    calls = [step.call for node in graph.every() for step in node.steps]
    calls += [call for node in graph.every() for call in node.initial.values()]
    own = {"Phase", *TYPES} if program is not None and len(program.phases) > 1 else set()
    return {*IMPORTED, *own, *(copy.name for copy in copies(c.name for c in calls if c.name.startswith("netspec.nn.")))}


# -- a whole network ---------------------------------------------------------------------------------------------------


def _network(
    module: Module,
    name: str,
    graph: Graph,
    model: str,
    written: tuple[Layer, ...],
    nodes: tuple[Node, ...],
    extra: Mapping[str, str],
    spec: Spec,
) -> str:
    """The class of a whole network; its name.

    Args:
        extra: results besides the outputs: by name, the paths.
    """
    prefix = f"{model}/" if model else ""
    inputs = {n.removeprefix(prefix): v for n, v in graph.inputs.items() if n.startswith(prefix)}
    outputs = {n: p for n, p in graph.outputs.items() if not prefix or p.startswith(prefix)}
    writer = Writer(module, name, [_row(model, nodes, inputs, spec)], has_width=False)
    found = items(nodes, written)
    writer.count(found)
    flow, arguments = _inputs(writer, inputs, prefix, graph)
    result = writer.layers([(writer.rows[0], found)], flow, "x")
    text = _result(writer, result, {**outputs, **extra}, graph)
    _drop_unused_masks(writer)
    shapes = ", ".join(f"{n} {v.shape}" if len(inputs) > 1 else str(v.shape) for n, v in inputs.items())
    results = ", ".join(str(shape) for n, shape in graph.output_shapes.items() if n in outputs)
    writer.name = module.class_name(name if name not in module.taken else f"{name}Network")
    module.classes.append(writer.finish(f"{shapes} to {results}.", arguments, text))
    return writer.name


def _result(writer: Writer, last: Flow, outputs: Mapping[str, str], graph: Graph) -> str:
    """What a network returns."""
    nodes = writer.rows[0].node.branches[""]
    for path in outputs.values():
        if path not in writer.values and path != nodes[-1].path:
            node = next(node for node in graph.every() if node.path == path)
            refuse(node, "it is an output from within a block that is a class of its own")
    values = {n: writer.values[p].name if p in writer.values else last.name for n, p in outputs.items()}
    if len(values) == 1:
        return writer.body.taken(replace(last, name=next(iter(values.values())), kept=False))
    return f"{{{', '.join(f'{literal(n)}: {v}' for n, v in values.items())}}}"


def _row(model: str, nodes: tuple[Node, ...], inputs: Mapping[str, Value], spec: Spec) -> Row:
    layer = user_block(model or "network", {})()
    place = nodes[0].place
    start = Node(model, model, layer, place, (), tuple(inputs.values()), nodes[-1].output, branches={"": nodes})
    return Row(start, layer, spec.let, None)


def _inputs(writer: Writer, inputs: Mapping[str, Value], prefix: str, graph: Graph) -> tuple[Flow, list[str]]:
    """The first value, and the arguments of the call."""
    alone = len(inputs) == 1
    flows = {}
    for name, value in inputs.items():
        again = any(prefix + name in node.sources for node in graph.every())
        variable = "x" if alone and not again else writer.variable("inputs" if name == "input" else name)
        mask = writer.variable("mask" if alone else f"{name}_mask") if value.padded else None
        flows[prefix + name] = Flow(variable, None, mask, kept=variable != "x")
        if value.padded:
            _mask(writer, flows[prefix + name], value)
    writer.values |= flows
    return next(iter(flows.values())), [f"{flow.name}: jax.Array" for flow in flows.values()]


def _mask(writer: Writer, flow: Flow, value: Value) -> None:
    """Which positions of a padded sequence count; padding of fractions is NaN, and becomes 0."""
    assert flow.mask is not None
    if value.dtype == "int32":
        writer.body.assign(flow.mask, f"{flow.name} != 0")
        return
    axes = ", ".join(map(str, range(2, 1 + len(value.shape))))
    writer.body.assign(flow.mask, f"~jnp.isnan({flow.name}).any(axis=({axes},))")
    writer.body.assign(flow.name, f"jnp.where(jnp.isnan({flow.name}), 0.0, {flow.name})")


def _drop_unused_masks(writer: Writer) -> None:
    unused = {f.mask for f in writer.values.values() if f.mask} - writer.masks
    writer.body.statements = [s for s in writer.body.statements if s.target not in unused]


# -- the file ----------------------------------------------------------------------------------------------------------


def _file(spec: Spec, module: Module, functions: list[str]) -> str:
    copied = copies(module.copied)
    parts = [part for part in [_constants(spec, module), *_copied(copied)] if part]
    parts += ["\n".join(_class(c, spec)) for c in module.classes]
    parts += functions
    body = "\n\n\n".join(parts)
    used = {line for name, line in IMPORTED.items() if re.search(rf"(?<![\w.\"]){name}\b\.", body)}
    used |= {line for name, line in TYPES.items() if any(re.search(rf"\b{name}\b", part) for part in functions)}
    imports = imports_of({*used, *(line for copy in copied for line in copy.imports)})
    begins = ""
    if functions and spec.start is not None:
        begins = f" It begins with weights of {origin(spec)}, which `begin` takes from a file."
    head = "\n".join(paragraph(_title(spec) + begins, 0))
    future = ["from __future__ import annotations", ""] if copied else []
    return f"{head}\n\n{chr(10).join([*future, *imports])}\n\n{_gap(parts)}{body}\n"


def _gap(parts: list[str]) -> str:
    return "" if parts and not parts[0].startswith(("class ", "def ", "@")) else "\n"


def _constants(spec: Spec, module: Module) -> str:
    return "\n".join(f"{n.upper()} = {literal(v)}" for n, v in spec.let.items() if n in module.constants)


def _copied(found: list[Copy]) -> Iterator[str]:
    for copy in found:
        yield copy.text


def _title(spec: Spec) -> str:
    """What the spec says of itself at its top."""
    lines = []
    for line in spec.document.source.text.splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("#:"):
            lines.append(line.lstrip("#").strip())
    kept = [line for line in lines if not line.startswith("netspec ")]
    return _quotable(" ".join(kept) or f"{spec.name}.")


def _quotable(text: str) -> str:
    """A text that ends no docstring before its time."""
    return printable(text).replace("\\", "/").replace('"', "'")


def _class(made: Class, spec: Spec) -> Iterator[str]:
    yield f"class {made.name}(nnx.Module):"
    yield from paragraph(made.doc, 4)
    if made.initial:
        yield ""
        yield from _function("__init__", _constructor(made), "None", made.initial, None)
    yield ""
    result = "dict[str, jax.Array]" if made.result.startswith("{") else "jax.Array"
    yield from _function("__call__", list(made.arguments), result, made.call, made.result)


def _constructor(made: Class) -> list[str]:
    found = []
    for parameter in made.parameters:
        default = "" if parameter.default is ... else f" = {literal(parameter.default)}"
        found.append(f"{parameter.name}: {parameter.annotation}{default}")
    return [*found, *(["*", "rngs: nnx.Rngs"] if made.draws else [])]


def _function(
    name: str, arguments: list[str], result: str, statements: tuple[Statement, ...], returned: str | None
) -> Iterator[str]:
    yield from lay_out(f"def {name}({', '.join(['self', *arguments])}) -> {result}:", 4)
    whole = [*statements, *([] if returned is None else [Statement(f"return {returned}")])]
    for indent, line in lines_of(whole, 8):
        yield from lay_out(line, indent)


def _comments(spec: Spec) -> dict[str, str]:
    """What comments at their headers say of the spec's own kinds."""
    places = {name: spec.document.places.get(("block", name)) for name in spec.blocks}
    found = {name: _comment_at(place) for name, place in places.items() if place is not None}
    return {name: _quotable(text) for name, text in found.items() if text}


def _comment_at(place: Place) -> str:
    """The comment behind a header, or those right above it."""
    lines = place.source.text.splitlines()
    _, _, behind = lines[place.line - 1].partition("#")
    above: list[str] = []
    start = place.line - 1
    while start and lines[start - 1].startswith("#"):
        start -= 1
        above.insert(0, lines[start].lstrip("#").strip())
    # A comment that begins the file is about all of it.
    return behind.strip() or (" ".join(above) if start else "")
