"""Spec to Graph: expressions worked out, names looked up, every shape known, every misfit told in the user's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import prod
from typing import Any, NoReturn

from netspec.diagnostics import Diagnostic, Place, SpecError, nearest
from netspec.document import Path
from netspec.graph.facts import Facts
from netspec.graph.fill import fill, within
from netspec.graph.graph import Graph, Node, Step
from netspec.graph.trace import trace
from netspec.spec.activations import Activation
from netspec.spec.blocks import UserBlock
from netspec.spec.call import Branches, Call, Mismatch, Shape
from netspec.spec.initial import Initial
from netspec.spec.layer import Layer
from netspec.spec.mistakes import quoted
from netspec.spec.sections import Spec

__all__ = ["resolve"]

MOST_LAYERS = 20_000
"""Layers of a network, at the most."""

MOST_DIFFERENT = 1_000
"""Layers that differ in kind, keys or shape, at the most: each takes JAX some milliseconds to look at."""

MOST_NUMBERS = 10**13
"""Parameters of a network, or numbers of one activation, at the most."""

DEEPEST = 64
"""Blocks within blocks, at the most."""

MOST_NAMES = 20
"""Names that a message lists, at the most."""


def resolve(spec: Spec, facts: Facts | None = None) -> Graph:
    """The network that a spec describes.

    Args:
        facts: what the data tells; may be absent where the spec says its input and uses no constant of the data.

    Raises:
        SpecError: something does not fit.
    """
    return _Resolver(spec, facts).graph()


@dataclass(frozen=True, slots=True)
class _Value:
    """What one layer gives and another takes: the shape of one example, and the type of its numbers."""

    shape: Shape
    dtype: str


@dataclass(slots=True)
class _Scope:
    """The names that `from` sees: of one list, and of those around it."""

    around: _Scope | None = None
    known: dict[str, tuple[str, _Value]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def find(self, name: str) -> tuple[str, _Value] | None:
        found = self.known.get(name)
        return found if found or self.around is None else self.around.find(name)

    def names(self) -> set[str]:
        return set(self.known) | (self.around.names() if self.around else set())


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a list of layers is read in.

    Args:
        prefix: of its layers' paths.
        at: where the list stands in the document.
        names: what expressions may use.
        context: the blocks that it is inside of, in words, innermost first.
        kinds: the user's kinds that it is inside of, so that one inside itself is noticed.
    """

    prefix: str
    at: Path
    names: Mapping[str, Any]
    context: tuple[str, ...]
    kinds: tuple[str, ...]
    frozen: bool
    scope: _Scope


class _Resolver:
    def __init__(self, spec: Spec, facts: Facts | None) -> None:
        self.spec, self.facts, self.document = spec, facts, spec.document
        self.layers = self.numbers = 0
        self.read: set[str] = set()
        self.different: set[tuple[Call, _Value]] = set()

    def graph(self) -> Graph:
        names = {**self.spec.let, **(self.facts.constants if self.facts else {})}
        at: Path = ("model", "layers")
        x = _Value(self.input(names), self.input_type())
        frame = _Frame("", at, names, (), (), False, _Scope())
        nodes, _ = self.layer_list(self.spec.model.layers, x, frame)
        self.check_all_read(nodes)
        return Graph(self.spec.name, x.shape, x.dtype, nodes, {"output": nodes[-1].path})

    def fail(self, code: str, message: str, place: Place, label: str = "", note: str = "", help: str = "") -> NoReturn:  # noqa: A002
        raise SpecError(Diagnostic(code, message, place, label=label, note=note, help=help)) from None

    def input(self, names: Mapping[str, Any]) -> Shape:
        model, place = self.spec.model, self.document.value_place(("model", "input"))
        if model.input is None:
            if self.facts is None:
                place = self.document.key_place(("model",))
                self.fail(
                    "missing-key", "[model] needs 'input', since no [data] tells it", place, help="input = [28, 28, 1]"
                )
            return self.facts.input
        model = fill(model, names, ("model",), "[model]", self.document, ())
        assert model.input is not None
        shape = Shape(model.input)
        if prod(shape) > MOST_NUMBERS:
            self.fail("too-large", f"an input would hold {prod(shape):,} numbers", place)
        if self.facts is not None and self.facts.input != shape:
            message = f"[model] says that an input is {shape}, and the data gives {self.facts.input}"
            self.fail("shape", message, place, help="leave 'input' out: it follows the data")
        return shape

    def input_type(self) -> str:
        if self.facts is not None:
            return self.facts.dtype
        first: Layer | None = self.spec.model.layers[0]
        while first is not None and isinstance(first, UserBlock) and first.layers:
            first = first.layers[0]
        return first.consumes if first is not None else "float32"

    # -- lists and items ---------------------------------------------------------------------------------------------

    def layer_list(self, layers: tuple[Layer, ...], x: _Value, frame: _Frame) -> tuple[tuple[Node, ...], _Value]:
        nodes: list[Node] = []
        counts: dict[str, int] = {}
        for i, written in enumerate(layers):
            at = (*frame.at, i)
            turn, times = 0, 1
            while turn < times:
                source = None
                if written.from_ is not None:
                    source, x = self.source(written.from_, at, frame)
                names = {**frame.names, "channels": x.shape.channels}
                layer = fill(written, names, at, written.kind, self.document, frame.context)
                times = layer.times
                name = self.name(layer, turn, times, counts, at, frame)
                node, x = self.node(layer, name, x, source, at, frame)
                nodes.append(node)
                frame.scope.known[name], frame.scope.lines[name] = (node.path, x), node.place.line
                turn += 1
            if written.name is not None and times > 1:
                frame.scope.known[written.name] = (nodes[-1].path, x)
        return tuple(nodes), x

    def source(self, name: str, at: Path, frame: _Frame) -> tuple[str, _Value]:
        found = frame.scope.find(name)
        if found is None:
            known = frame.scope.names()
            guess = nearest(name, known)
            place = self.document.value_place((*at, "from"))
            note = f"layers before it: {_some(known)}" if known else "there is no layer before it"
            self.fail(
                "unknown-name",
                f"no layer before this one is called '{name}'",
                place,
                f"did you mean '{guess}'?" if guess else "",
                note,
            )
        self.read.add(found[0])
        return found

    def name(self, layer: Layer, turn: int, times: int, counts: dict[str, int], at: Path, frame: _Frame) -> str:
        if layer.name is not None:
            name = layer.name if times == 1 else f"{layer.name}{turn + 1}"
        else:
            word = layer.label()
            counts[word] = counts.get(word, 0) + 1
            name = f"{word}{counts[word]}"
        if name in frame.scope.known:
            place = self.document.value_place((*at, "name")) if layer.name else self.place(at, layer.kind)
            other = f"the other one is on line {frame.scope.lines.get(name, place.line)}"
            message = f"two layers of one list are called '{name}'"
            self.fail("duplicate-name", message, place, other, help="give one of them another name")
        return name

    def place(self, at: Path, kind: str) -> Place:
        """Where an item is written: the key that names its kind, or the string that is the whole item."""
        return (
            self.document.key_place((*at, kind)) if (*at, kind) in self.document.keys else self.document.value_place(at)
        )

    def node(
        self, layer: Layer, name: str, x: _Value, source: str | None, at: Path, frame: _Frame
    ) -> tuple[Node, _Value]:
        self.layers += 1
        place = self.place(at, layer.kind)
        if self.layers > MOST_LAYERS:
            label, note = "here there are more", within(frame.context)
            self.fail("too-large", f"the network has more than {MOST_LAYERS:,} layers", place, label, note)
        path = frame.prefix + name
        node = Node(path, layer.kind, place, source, x.shape, x.shape, (), frozen=frame.frozen or layer.freeze)
        try:
            _check_reads(layer, x)
            lowered = layer.lower(x.shape)
            if isinstance(lowered, Branches):
                return self.branches(layer, lowered, node, x, at, frame)
            node, y = self.leaf(node, lowered if isinstance(lowered, tuple) else (lowered,), x)
        except Mismatch as error:
            where = place if error.key is None else self.document.value_place((*at, error.key))
            note = within(frame.context)
            self.fail("shape", f"{name} {error.message}", where, error.label, note, error.help)
        return replace(node, initial=self.initial(layer, node, at)), y

    def leaf(self, node: Node, calls: tuple[Call, ...], x: _Value) -> tuple[Node, _Value]:
        steps: list[Step] = []
        for call in calls:
            self.different.add((call, x))
            if len(self.different) > MOST_DIFFERENT:
                message = f"the network has more than {MOST_DIFFERENT:,} layers that differ"
                self.fail("too-large", message, node.place, "here there are more")
            traced = trace(call, (x.shape,), x.dtype)
            prefix = call.name.rpartition(".")[2].lower() if steps and traced.parameters else ""
            steps.append(Step(call, prefix, traced))
            x = _Value(traced.output, traced.dtype)
        node = replace(node, output=x.shape, steps=tuple(steps))
        self.check_size(node)
        return node, x

    def branches(
        self, layer: Layer, lowered: Branches, node: Node, x: _Value, at: Path, frame: _Frame
    ) -> tuple[Node, _Value]:
        inside = self.inside(layer, node, at, frame)
        lists: list[tuple[Node, ...]] = []
        results: list[_Value] = []
        for branch, layers in lowered.lists.items():
            # A branch that the spec does not write out has the place of the key that asks for it.
            written = isinstance(layers, tuple)
            given = layers if isinstance(layers, tuple) else layers(results[0].shape)
            prefix = f"{node.path}/{branch}/" if branch else f"{node.path}/"
            place = inside.at if written else (*at, branch)
            within = replace(inside, prefix=prefix, at=place, scope=_Scope(inside.scope))
            nodes, result = self.layer_list(given, x, within)
            self.check_all_read(nodes)
            lists.append(nodes)
            results.append(result)
        node, y = replace(node, output=results[0].shape, branches=tuple(lists)), results[0]
        if lowered.join is None:
            return node, y
        if len({result.shape for result in results}) > 1:
            self.cannot_add(layer, node, results[1].shape)
        joined = trace(lowered.join, tuple(r.shape for r in results), y.dtype)
        return replace(node, steps=(Step(lowered.join, "", joined),)), _Value(joined.output, joined.dtype)

    def inside(self, layer: Layer, node: Node, at: Path, frame: _Frame) -> _Frame:
        """The frame of an item's own lists: a user's block sees its arguments and not the names around its use."""
        if len(frame.kinds) >= DEEPEST:
            self.fail("too-deep", f"blocks nest more than {DEEPEST} deep", node.place)
        if not isinstance(layer, UserBlock):
            return replace(frame, at=(*at, layer.kind), kinds=(*frame.kinds, ""), frozen=node.frozen)
        if layer.kind in frame.kinds:
            note = within(frame.context)
            self.fail("recursive-block", f"[block.{layer.kind}] is inside itself", node.place, "without end", note)
        names = {**self.spec.let, **(self.facts.constants if self.facts else {}), **layer.values()}
        given = ", ".join(f"{k} = {v}" for k, v in layer.values().items())
        where = f"in {node.path}, {node.place.source.name}:{node.place.line}" + (f", with {given}" if given else "")
        kinds = (*frame.kinds, layer.kind)
        return _Frame("", ("block", layer.kind, "layers"), names, (where, *frame.context), kinds, node.frozen, _Scope())

    def cannot_add(self, layer: Layer, node: Node, x: Shape) -> NoReturn:
        out = node.output
        spatial = out.spatial != x.spatial
        leaves = [leaf for n in node.branches[0] for leaf in n.leaves()]
        changed = [
            n
            for n in leaves
            if (n.input.spatial != n.output.spatial if spatial else n.input.channels != n.output.channels)
        ]
        blame = changed[-1]
        label = f"F(x) leaves as {out}: {blame.name} (line {blame.place.line}) {_how(blame, spatial)}"
        help_ = 'shortcut = "projection" brings x to the same shape'
        if len(out) != len(x):
            help_ = "what is added must have as many axes as x"
        elif getattr(layer, "shortcut", "") != "identity" or not _strides_lead(x.spatial, out.spatial):
            help_ = 'padding = "same" in F keeps the size of x'
        self.fail("shape", f"{node.name} adds {out} to {x}", node.place, label, help=help_)

    def initial(self, layer: Layer, node: Node, at: Path) -> dict[str, Call]:
        """What makes the initial values of a layer's parameters, where the spec says."""
        if layer.init is None:
            return {}
        shapes = {n: s.shape for step in node.steps[:1] for n, s in step.traced.parameters.items()}
        place = self.document.value_place((*at, "init"))
        if not shapes:
            self.fail("value", f"{node.name} has no parameters to give initial values", place, "leave it out")
        wanted = (
            {n: layer.init for n, s in shapes.items() if len(s) > 1}
            if isinstance(layer.init, Initial)
            else dict(layer.init)
        )
        for name, initial in wanted.items():
            if name not in shapes:
                guess = nearest(name, shapes)
                self.fail(
                    "unknown-name",
                    f"{node.name} has no parameter {quoted(name)}",
                    self.document.key_place((*at, "init", name)),
                    f"did you mean '{guess}'?" if guess else "",
                    f"it has: {', '.join(shapes)}",
                )
            values = getattr(initial, "literal", None)
            if values is not None and (found := _literal_shape(values)) != shapes[name]:
                are = "are in rows of different lengths" if found is None else f"have {Shape(found)}"
                message = f"{node.name}/{name} has the shape {Shape(shapes[name])}, and its initial values {are}"
                self.fail("shape", message, self.document.value_place((*at, "init", name)))
        return {name: initial.lower() for name, initial in wanted.items()}

    # -- the whole -----------------------------------------------------------------------------------------------------

    def check_all_read(self, nodes: tuple[Node, ...]) -> None:
        """Every layer's result is used: by the next one, by name, or as the list's own."""
        for node, following in pairwise(nodes):
            if following.source is not None and node.path not in self.read:
                instead = following.source.rpartition("/")[2]
                label = f"{following.name} (line {following.place.line}) reads '{instead}' instead"
                self.fail("unused", f"nothing reads what {node.name} gives", node.place, label)

    def check_size(self, leaf: Node) -> None:
        for path, array in leaf.arrays("parameters"):
            self.numbers += prod(array.shape)
            if prod(array.shape) > MOST_NUMBERS:
                self.fail("too-large", f"{path} would hold {prod(array.shape):,} numbers", leaf.place)
        if prod(leaf.output) > MOST_NUMBERS:
            message = f"{leaf.path} would give {prod(leaf.output):,} numbers for each example"
            self.fail("too-large", message, leaf.place)
        if self.numbers > MOST_NUMBERS:
            self.fail("too-large", f"the network would have more than {MOST_NUMBERS:,} parameters", leaf.place)


def _check_reads(layer: Layer, x: _Value) -> None:
    if layer.consumes == "int32" and x.dtype != "int32":
        raise Mismatch(
            "looks up whole numbers, and gets fractions",
            help=f"'{layer.kind}' stands first, and its data is an array of whole numbers",
        )
    if isinstance(layer, Activation) and x.dtype == "int32":
        raise Mismatch(
            "counts with fractions, and gets whole numbers",
            help='"embed" looks whole numbers up; transform = ["scale"] in [data] makes fractions of them',
        )


def _strides_lead(x: tuple[int, ...], out: tuple[int, ...]) -> bool:
    """Whether some stride of a 1 × 1 convolution makes the one size of the other."""
    return all(b <= a and -(-a // -(-a // b)) == b for a, b in zip(x, out, strict=True))


def _some(names: Iterable[str]) -> str:
    known = sorted(names)
    return ", ".join(known[:MOST_NAMES]) + (", …" if len(known) > MOST_NAMES else "")


def _how(node: Node, spatial: bool) -> str:
    """Why a layer's result has another shape than its input."""
    keywords = dict(node.steps[0].call.keywords) if node.steps else {}
    if not spatial:
        return f"gives {node.output.channels} channels"
    strides = set(keywords.get("strides", ()))
    if strides - {1}:
        return f"has stride {strides.pop() if len(strides) == 1 else list(keywords['strides'])}"
    unpadded = keywords.get("padding") == "VALID" or not any(sum(p) for p in keywords.get("padding", "") if p)
    shrinks = prod(node.output.spatial) < prod(node.input.spatial)
    return "has no padding" if "padding" in keywords and unpadded and shrinks else f"gives {node.output}"


def _literal_shape(values: Any) -> tuple[int, ...] | None:
    """The shape of nested tuples; None where they are ragged."""
    if not isinstance(values, tuple):
        return ()
    inner = {_literal_shape(v) for v in values}
    if len(inner) != 1 or None in inner:
        return None
    found = inner.pop()
    return None if found is None else (len(values), *found)
