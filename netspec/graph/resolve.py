"""Spec to Graph: expressions worked out, names looked up, every shape known, every misfit told in the user's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path as FilePath
from typing import Any, NoReturn

from netspec.diagnostics import Diagnostic, Place, SpecError, nearest
from netspec.document import Path
from netspec.graph.arguments import arguments_of
from netspec.graph.cell import at_one_position, over_time
from netspec.graph.facts import Facts
from netspec.graph.fill import fill, place_of, within
from netspec.graph.graph import Graph, Node, Step, Value
from netspec.graph.initials import initial_calls
from netspec.graph.inputs import MOST_NUMBERS, inputs_of
from netspec.graph.loaded import check_taken, taken_layers
from netspec.graph.misfits import cannot_add, cannot_join, cannot_merge, check_reads, join_fits, some
from netspec.graph.scope import Frame, Known, Scope, Written
from netspec.graph.sharing import borrowed, check_same, owned
from netspec.graph.trace import trace
from netspec.spec.blocks import UserBlock, user_block
from netspec.spec.call import Branches, Call, Loaded, Mismatch, Shape, Shared
from netspec.spec.layer import Layer
from netspec.spec.layers.load import Load
from netspec.spec.point import Point
from netspec.spec.sections import Model, Spec

__all__ = ["resolve"]

MOST_LAYERS = 20_000
"""Layers of a network, at the most."""

MOST_DIFFERENT = 1_000
"""Layers that differ in kind, keys or shape, at the most: each takes JAX some milliseconds to look at."""

DEEPEST = 64
"""Blocks within blocks, at the most."""


def resolve(spec: Spec, facts: Facts | None = None, loading: tuple[FilePath, ...] = ()) -> Graph:
    """The network that a spec describes.

    Args:
        facts: what the data tells; may be absent where the spec says its input and uses no constant of the data.
        loading: the runs whose layers are being loaded.

    Raises:
        SpecError: something does not fit.
    """
    return _Resolver(spec, facts, loading).graph()


class _Resolver:
    def __init__(self, spec: Spec, facts: Facts | None, loading: tuple[FilePath, ...]) -> None:
        self.spec, self.facts, self.document, self.loading = spec, facts, spec.document, loading
        self.layers = self.numbers = 0
        self.names: Mapping[str, Any] = {**spec.let, **(facts.constants if facts else {})}
        self.read: set[str] = set()
        self.outputs: dict[str, str] = {}
        self.different: set[tuple[Call, tuple[Value, ...]]] = set()

    def fail(self, code: str, message: str, place: Place, label: str = "", note: str = "", help: str = "") -> NoReturn:  # noqa: A002
        raise SpecError(Diagnostic(code, message, place, label=label, note=note, help=help)) from None

    # -- the whole -----------------------------------------------------------------------------------------------------

    def graph(self) -> Graph:
        if self.spec.model is not None:
            inputs = inputs_of(self.spec, self.spec.model, ("model",), self.facts)
            nodes, outputs = self.model(self.spec.model, inputs, ("model",), "")
            return Graph(self.spec.name, inputs, nodes, outputs)
        every: dict[str, Value] = {}
        outputs, parts = {}, []
        for name, model in self.spec.models.items():
            inputs = inputs_of(self.spec, model, ("models", name), self.facts)
            nodes, found = self.model(model, inputs, ("models", name), f"{name}/")
            every |= {f"{name}/{n}": value for n, value in inputs.items()}
            outputs |= {name if n == "output" else f"{name}/{n}": path for n, path in found.items()}
            parts.append(self.whole(name, model, nodes, inputs))
        return Graph(self.spec.name, every, tuple(parts), outputs)

    def whole(self, name: str, model: Model, nodes: tuple[Node, ...], inputs: Mapping[str, Value]) -> Node:
        """One of several models, as a block of the graph."""
        place = self.document.key_place(("models", name))
        sources = tuple(f"{name}/{n}" for n in inputs)
        layer = user_block(name, {})()
        return Node(name, name, layer, place, sources, tuple(inputs.values()), nodes[-1].output, branches={"": nodes})

    def model(
        self, model: Model, inputs: Mapping[str, Value], at: Path, prefix: str
    ) -> tuple[tuple[Node, ...], dict[str, str]]:
        """A model's nodes, and its outputs: by name, the path of the node that gives each."""
        self.outputs = {}
        scope = Scope(known={name: Known(prefix + name, value) for name, value in inputs.items()})
        layers = model.layers if model.point is None else (Point(point=model.point, name="point"),)
        key = "layers" if model.point is None else "point"
        frame = Frame(prefix, prefix, (*at, key), self.names, (), (), False, scope)
        first = next(iter(inputs.values())) if len(inputs) == 1 else None
        nodes, _ = self.layer_list(layers, first, frame)
        named = self.named_outputs(model, scope, at)
        last = self.check_all_read(nodes)
        if last is not None and named:
            label = f"'outputs' names {', '.join(named)}"
            self.fail("unused", f"nothing reads what {last.name} gives", last.place, label)
        self.check_inputs_read(model, inputs, at, prefix)
        main = {} if last is None else {"output": last.path}
        found = {**main, **named, **self.outputs}
        return nodes, found or {"output": nodes[-1].path}

    def named_outputs(self, model: Model, scope: Scope, at: Path) -> dict[str, str]:
        found = {}
        for i, name in enumerate(model.outputs or ()):
            known = self.find(name, scope, self.document.value_place((*at, "outputs", i)), "no layer")
            self.read.add(known.path)
            found[name] = known.path
        return found

    def check_inputs_read(self, model: Model, inputs: Mapping[str, Value], at: Path, prefix: str) -> None:
        for name in inputs:
            if len(inputs) > 1 and prefix + name not in self.read:
                key = (*at, "inputs", name)
                place = self.document.key_place(key if model.inputs else (*at, "layers"))
                self.fail("unused", f"nothing reads the input '{name}'", place, help=f'from = "{name}" reads it')

    def check_all_read(self, nodes: tuple[Node, ...]) -> Node | None:
        """See that every layer's result is used: by the next one, by name, or as an output; the last one that none of
        these reads is the list's own.
        """
        read = self.read | set(self.outputs.values())
        waiting: Node | None = None
        for node in nodes:
            if not node.sources:
                waiting = None
            if node.aside:
                if node.path not in read:
                    message, help_ = f"nothing reads what {node.name} gives", 'output = "…" keeps it'
                    self.fail("unused", message, node.place, help=help_)
                continue
            if waiting is not None:
                names = ", ".join(f"'{s.rpartition('/')[2]}'" for s in node.sources)
                label = f"{node.name} (line {node.place.line}) reads {names} instead"
                self.fail("unused", f"nothing reads what {waiting.name} gives", waiting.place, label)
            waiting = None if node.path in read else node
        return waiting

    # -- lists and items ---------------------------------------------------------------------------------------------

    def layer_list(
        self, layers: tuple[Layer, ...], x: Value | None, frame: Frame
    ) -> tuple[tuple[Node, ...], Value | None]:
        nodes: list[Node] = []
        counts: dict[str, int] = {}
        for i, written in enumerate(layers):
            at = (*frame.at, i)
            turn, times = 0, 1
            while turn < times:
                sources = [self.source(n, written, at, frame) for n in written.reads()]
                inputs = tuple(k.value for k in sources) if sources else (self.before(x, written, at, frame),)
                names = {**frame.names, "channels": inputs[0].shape.channels}
                if inputs[0].vocabulary is not None:
                    names["vocabulary"] = inputs[0].vocabulary
                layer = fill(written, names, at, written.kind, self.document, frame.context)
                times = layer.times
                name = self.name(layer, turn, times, counts, at, frame)
                item = Written(layer, name, tuple(k.path for k in sources), inputs, at)
                node = self.node(item, frame)
                nodes.append(node)
                x = x if node.aside else node.output
                known = Known(node.path, node.output, node.place.line, node, at, frame)
                frame.scope.known[name] = known
                if layer.output is not None:
                    numbered = layer.output if times == 1 else f"{layer.output}{turn + 1}"
                    self.add_output(numbered, known, at, frame)
                turn += 1
            if written.name is not None and times > 1:
                frame.scope.known[written.name] = known
        return tuple(nodes), x

    def before(self, x: Value | None, written: Layer, at: Path, frame: Frame) -> Value:
        if x is None:
            known = some(frame.scope.names())
            place = self.place(at, written.kind)
            message = f"the first {written.kind} does not say which input it reads"
            self.fail("missing-key", message, place, note=f"there are: {known}", help='add from = "…"')
        return x

    def source(self, name: str, written: Layer, at: Path, frame: Frame) -> Known:
        if written.joins and written.from_ is not None:
            place = self.document.key_place((*at, "from"))
            self.fail("value", f"{written.kind} says what it reads already", place, "leave it out")
        here: Path = (*at, written.kind if written.joins else "from")
        position = written.reads().index(name)
        place = self.document.value_place((*here, position) if (*here, position) in self.document.places else here)
        return self.find(name, frame.scope, place, "no layer before this one")

    def find(self, name: str, scope: Scope, place: Place, nothing: str) -> Known:
        found = scope.find(name)
        if found is None:
            known = scope.names()
            guess = nearest(name, known)
            note = f"layers before it: {some(known)}" if known else "there is no layer before it"
            label = f"did you mean '{guess}'?" if guess else ""
            self.fail("unknown-name", f"{nothing} is called '{name}'", place, label, note)
        self.read.add(found.path)
        return found

    def add_output(self, name: str, known: Known, at: Path, frame: Frame) -> None:
        if frame.cell:
            place = self.document.value_place((*at, "output"))
            message = f"'{name}' would be an output of each position: a cell gives its states alone"
            self.fail("value", message, place, "leave it out")
        if name in self.outputs or name == "output":
            place, note = self.document.value_place((*at, "output")), within(frame.context)
            self.fail("duplicate-name", f"two outputs are called '{name}'", place, note=note)
        self.outputs[name] = known.path
        frame.scope.known.setdefault(name, known)

    def name(self, layer: Layer, turn: int, times: int, counts: dict[str, int], at: Path, frame: Frame) -> str:
        if layer.name is not None:
            name = layer.name if times == 1 else f"{layer.name}{turn + 1}"
        else:
            word = layer.label()
            counts[word] = counts.get(word, 0) + 1
            # A name that somebody gave is theirs: the count goes on after it.
            while f"{word}{counts[word]}" in frame.scope.known:
                counts[word] += 1
            name = f"{word}{counts[word]}"
        other = frame.scope.known.get(name)
        if other is not None:
            place = self.document.value_place((*at, "name")) if layer.name else self.place(at, layer.kind)
            if other.node is None:
                self.fail("duplicate-name", f"an input is called '{name}' already", place)
            message = f"two layers of one list are called '{name}'"
            where = f"the other one is on line {other.line}"
            self.fail("duplicate-name", message, place, where, help="give one of them another name")
        return name

    def place(self, at: Path, kind: str) -> Place:
        """Where an item is written: the key that names its kind, or the string that is the whole item."""
        return (
            self.document.key_place((*at, kind)) if (*at, kind) in self.document.keys else self.document.value_place(at)
        )

    # -- nodes -------------------------------------------------------------------------------------------------------

    def node(self, item: Written, frame: Frame) -> Node:
        """An item as a node; `aside` ones have an output that only names reach."""
        layer, place = item.layer, self.place(item.at, item.layer.kind)
        self.count(place, frame)
        frozen, x = frame.frozen or layer.freeze, item.inputs[0]
        path, owner = frame.prefix + item.name, frame.owner + item.name
        start = Node(path, owner, layer, place, item.sources, item.inputs, x, repeats=frame.repeats, frozen=frozen)
        try:
            check_reads(item)
            self.check_join(item, frame)
            lowered = layer.lower(*(value.shape for value in item.inputs))
            if isinstance(lowered, Shared):
                return self.shared(lowered, start, item, frame)
            if isinstance(lowered, Loaded):
                node = self.loaded(start, item, frame)
            elif isinstance(lowered, Branches):
                node = self.branches(lowered, start, item, frame)
            else:
                node = self.leaf(start, lowered if isinstance(lowered, tuple) else (lowered,), frame)
        except Mismatch as error:
            where = place if error.key is None else self.document.value_place((*item.at, error.key))
            note = within(frame.context)
            self.fail("shape", f"{item.name} {error.message}", where, error.label, note, error.help)
        return replace(node, initial=initial_calls(node, self.document, item.at, in_cell=frame.cell))

    def count(self, place: Place, frame: Frame) -> None:
        self.layers += 1
        if self.layers > MOST_LAYERS:
            label, note = "here there are more", within(frame.context)
            self.fail("too-large", f"the network has more than {MOST_LAYERS:,} layers", place, label, note)

    def leaf(self, node: Node, calls: tuple[Call, ...], frame: Frame) -> Node:
        steps: list[Step] = []
        inputs = node.inputs
        for whole in calls:
            call, others = borrowed(whole, frame.scope)
            self.different.add((call, inputs))
            if len(self.different) > MOST_DIFFERENT:
                message = f"the network has more than {MOST_DIFFERENT:,} layers that differ"
                self.fail("too-large", message, node.place, "here there are more")
            shapes = tuple(Shape(shape) for shape in others.values())
            traced = trace(call, tuple(x.shape for x in inputs), inputs[0].dtype, shapes)
            prefix = call.name.rpartition(".")[2].lower() if steps and traced.parameters else ""
            steps.append(Step(call, prefix, traced, tuple(others)))
            inputs = (Value(traced.output, traced.dtype),)
        carriers = node.inputs if node.layer.joins else node.inputs[:1]
        padded = node.layer.padded == "kept" and any(x.padded for x in carriers)
        node = replace(node, output=replace(inputs[0], padded=padded), steps=tuple(steps))
        self.check_size(node)
        return node

    def shared(self, lowered: Shared, node: Node, item: Written, frame: Frame) -> Node:
        """An earlier layer once more, on another input, its parameters where they were."""
        place = self.document.value_place((*item.at, "share"))
        known = self.find(lowered.layer, frame.scope, place, "no layer before this one")
        if known.node is None or known.frame is None:
            self.fail("value", f"'{lowered.layer}' is an input, and no layer", place)
        for key in ("freeze", "init"):
            if key in item.layer.model_fields_set:
                where = self.document.value_place((*item.at, key))
                self.fail("value", f"'{key}' belongs to the layer whose parameters are shared", where, "leave it out")
        told = f"shared as {node.path}, {node.place.source.name}:{node.place.line}"
        around = replace(known.frame, prefix=frame.prefix, context=(told, *known.frame.context))
        around = replace(around, owner=known.node.owner.removesuffix(known.node.name), repeats=frame.repeats)
        layer = known.node.layer.model_copy(update={"output": None})
        again = self.node(Written(layer, item.name, item.sources, item.inputs, known.at), around)
        again = owned(again, known.node)
        check_same(again, known, item)
        return replace(again, place=node.place)

    def loaded(self, node: Node, item: Written, frame: Frame) -> Node:
        """Layers of an earlier run, as a block."""
        assert isinstance(item.layer, Load)
        taken = taken_layers(
            item.layer,
            item.inputs[0],
            lambda key: self.document.value_place((*item.at, key)),
            self.loading,
            resolve,
        )
        lowered = taken.layer.lower(item.inputs[0].shape)
        node = self.branches(lowered, replace(node, layer=taken.layer), item, frame)
        check_taken(node, taken)
        return node

    # -- lists within an item ------------------------------------------------------------------------------------------

    def branches(self, lowered: Branches, node: Node, item: Written, frame: Frame) -> Node:
        x: Value = item.inputs[0] if lowered.state is None else at_one_position(item.inputs[0], lowered.state)
        inside = self.inside(lowered, node, item, frame)
        lists: dict[str, tuple[Node, ...]] = {}
        results: list[Value] = []
        for branch, given in lowered.lists.items():
            written = isinstance(given.layers, tuple)
            first = results[0].shape if results else x.shape
            layers = given.layers if isinstance(given.layers, tuple) else given.layers(first)
            part = f"/{branch}/" if branch else "/"
            at = inside.at if isinstance(item.layer, UserBlock) else (*item.at, *given.at)
            around = replace(
                inside,
                prefix=node.path + part,
                owner=node.owner + part,
                # A list that the spec does not write out has the place of the key that asks for it.
                at=at if written else (*item.at, given.at[0]),
                scope=Scope(inside.scope),
            )
            nodes, result = self.layer_list(layers, x, around)
            assert result is not None
            self.check_all_read(nodes)
            lists[branch] = nodes
            results.append(result)
        node = replace(node, output=results[0], branches=lists, aside=lowered.aside)
        if lowered.state is not None:
            return over_time(node, lowered.state)
        return node if lowered.join is None else self.joined(node, lowered.join, results)

    def joined(self, node: Node, join: Call, results: Sequence[Value]) -> Node:
        """The results of an item's lists, joined."""
        shapes = tuple(r.shape for r in results)
        kind = join.name.rpartition(".")[2]
        shortcut = getattr(node.layer, "shortcut", None)
        if shortcut is not None and shapes[0] != shapes[1]:
            raise cannot_add(node, shortcut if isinstance(shortcut, str) else "", shapes[0], shapes[1])
        if not join_fits(shapes, concat=kind == "concat"):
            raise cannot_merge(node, kind, shapes)
        traced = trace(join, shapes, results[0].dtype)
        output = Value(traced.output, traced.dtype, any(r.padded for r in results))
        return replace(node, output=output, steps=(Step(join, "", traced),))

    def check_join(self, item: Written, frame: Frame) -> None:
        kind = item.layer.kind
        shapes = [value.shape for value in item.inputs]
        if item.layer.joins and not join_fits(shapes, concat=kind == "concat"):
            lines = {k.path: (n, k.line) for n, k in frame.scope.everything().items()}
            given = [(*lines.get(s, (s, 0)), x) for s, x in zip(item.sources, shapes, strict=True)]
            raise cannot_join(kind, [(name, shape, line) for name, line, shape in given])

    def inside(self, lowered: Branches, node: Node, item: Written, frame: Frame) -> Frame:
        """The frame of an item's own lists: a user's block sees its arguments and not the names around its use."""
        layer = item.layer
        if len(frame.kinds) >= DEEPEST:
            self.fail("too-deep", f"blocks nest more than {DEEPEST} deep", node.place)
        if not isinstance(layer, UserBlock):
            inside = replace(frame, kinds=(*frame.kinds, ""), frozen=node.frozen)
            if lowered.state is None:
                return inside
            # A cell sees one position at a time, so values around it, which have all of them, are out of its sight.
            return replace(inside, scope=Scope(), repeats=frame.repeats * item.inputs[0].shape[0], cell=True)
        if layer.kind in frame.kinds:
            note = within(frame.context)
            self.fail("recursive-block", f"[block.{layer.kind}] is inside itself", node.place, "without end", note)
        arguments = arguments_of(layer, item, frame, self.names, self.document)
        given = ", ".join(f"{k} = {v}" for k, v in {**arguments, **layer.names()}.items())
        where = f"in {node.path}, {node.place.source.name}:{node.place.line}" + (f", with {given}" if given else "")
        return replace(
            frame,
            at=("block", layer.kind, "layers"),
            names={**self.names, **arguments},
            context=(where, *frame.context),
            kinds=(*frame.kinds, layer.kind),
            frozen=node.frozen,
            scope=Scope(known=self.named_arguments(layer, item, frame)),
        )

    def named_arguments(self, layer: UserBlock, item: Written, frame: Frame) -> dict[str, Known]:
        """The values of arguments that name some, as they are called inside the block."""
        found = {}
        for argument, name in layer.names().items():
            place = place_of(self.document, item.at, layer.kind, argument, layer)
            found[argument] = self.find(name, frame.scope, place, "no layer before this one")
        return found

    def check_size(self, leaf: Node) -> None:
        for path, array in leaf.arrays("parameters"):
            self.numbers += prod(array.shape)
            if prod(array.shape) > MOST_NUMBERS:
                self.fail("too-large", f"{path} would hold {prod(array.shape):,} numbers", leaf.place)
        if prod(leaf.output.shape) > MOST_NUMBERS:
            message = f"{leaf.path} would give {prod(leaf.output.shape):,} numbers for each example"
            self.fail("too-large", message, leaf.place)
        if self.numbers > MOST_NUMBERS:
            self.fail("too-large", f"the network would have more than {MOST_NUMBERS:,} parameters", leaf.place)
