"""What each loss holds against what: which outputs, which target, in which form, and what each example counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from netspec.build.fitting import fit
from netspec.build.weights import weights_by_class
from netspec.diagnostics import Diagnostic, Place, SpecError, nearest
from netspec.document import Path
from netspec.graph.facts import Facts, TargetFacts
from netspec.graph.graph import Graph, Node
from netspec.nn.similarity import anchors, paired
from netspec.spec.call import Shape
from netspec.spec.losses import Encoding, Landscape, Loss, OfClasses
from netspec.spec.sections import Spec

__all__ = ["Aim", "aim_of", "of_layer"]

INPUT = "input"
"""The target of a network that gives back what it is given."""

NOTHING = TargetFacts("number", (), Shape(()))
"""What is known of no target."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a loss compares.

    Args:
        outputs: the outputs' names.
        target: the target's name, or that of an input; None where there is none, or it is a layer's result.
        of_input: whether the target is an input.
        layer: the path of the layer whose result is the target.
        facts: what is known of the target.
        form: of the target as the loss takes it.
        last: whether, of a class for each position, only the last one's is meant.
        whole: whether the loss gives one number for an example, whatever its positions.
        by_class: what an example of each class counts, 0 where it does not; empty where all count the same.
        grouped: of the encoded target, which examples stand in a group with others; for losses of a whole batch.
        frames: the input whose padding the output shares, where the loss asks for it.
    """

    outputs: tuple[str, ...]
    target: str | None
    of_input: bool = False
    layer: str | None = None
    facts: TargetFacts = NOTHING
    form: Encoding = "nothing"
    last: bool = False
    whole: bool = False
    by_class: tuple[float, ...] = ()
    grouped: Callable[[Any], Any] | None = None
    frames: str | None = None

    @property
    def output(self) -> str:
        """The first output's name."""
        return self.outputs[0]

    @property
    def of_data(self) -> bool:
        """Whether the target is one of the data's."""
        return self.target is not None and not self.of_input

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of what the output has a number for; empty where it has none."""
        if self.form in ("group", "pair"):
            return ()
        return (*self.facts.labels, "blank") if self.form == "symbols" else self.facts.labels

    def raw(self, inputs: Mapping[str, Any], targets: Mapping[str, Any], seen: Mapping[str, Any]) -> Any:
        """The target of a batch as the data, or the layer, has it; None where there is none.

        Args:
            seen: among others, layers' results under what `of_layer` says.
        """
        if self.layer is not None:
            return jax.lax.stop_gradient(seen[of_layer(self.layer)])
        if self.target is None:
            return None
        found = jnp.asarray((inputs if self.of_input else targets)[self.target])
        return found[:, -1] if self.last else found

    def encode(self, raw: Any) -> Any:
        """The target as the loss takes it; a class that does not count is like -1."""
        if 0.0 in self.by_class:
            raw = jnp.where(self._by_class(raw) > 0.0, raw, -1)
        return _ENCODINGS[self.form](raw)

    def wanted(self, raw: Any, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
        """What the loss takes after the outputs."""
        if raw is None:
            return ()
        if self.frames is None:
            return (self.encode(raw),)
        frames = inputs[self.frames]
        empty = frames == 0 if jnp.issubdtype(frames.dtype, jnp.integer) else jnp.isnan(frames)
        return self.encode(raw), ~empty.any(axis=tuple(range(2, frames.ndim)))

    def weights(self, raw: Any) -> Any:
        """What each example, or each position of each, counts in the loss, [batch, …]; None where all are the same."""
        if self.grouped is not None:
            return self.grouped(self.encode(raw))
        return None if self.whole else self._by_class(raw) if self.by_class else self.counts(raw)

    def counts(self, raw: Any) -> Any:
        """Which examples, or positions, count at all; None where all do."""
        if 0.0 in self.by_class:
            return self._by_class(raw) > 0.0
        return raw >= 0 if self.facts.padded and self.facts.kind == "class" and not self.last else None

    def lengths(self, raw: Any) -> Any:
        """How many positions of each example count."""
        return jnp.sum(raw >= 0, axis=-1)

    def _by_class(self, raw: Any) -> Any:
        return jnp.where(raw >= 0, jnp.asarray(self.by_class)[raw], 0.0)


def of_layer(path: str) -> str:
    """What a layer's result is called beside outputs, whose names have no such sign."""
    return f"/{path}"


def aim_of(spec: Spec, i: int, graph: Graph, facts: Facts) -> Aim:
    """What the loss of that number compares.

    Raises:
        SpecError: there is no such output or target, or they do not fit each other or the loss.
    """
    loss, at = spec.losses[i], spec.loss_path(i)
    outputs = _outputs(loss, spec, at, graph)
    nodes = [_node(graph, output) for output in outputs]
    name, of_input, layer, target = _target(loss, outputs, spec, at, graph, facts)
    place, place_of_target = _place_of_kind(loss, spec, at), spec.document.value_place((*at, "target"))
    if of_input and facts.inputs[str(name)].padded:
        message = f"'{name}' holds sequences that differ in length, and what fills them up cannot be given back"
        raise SpecError(Diagnostic("target", message, place_of_target if loss.target else place))
    form, last = fit(loss, None if target is NOTHING else target, nodes, place, of_input)
    if form == "group":
        _check_batch(loss, spec)
    by_class = weights_by_class(loss, target, spec, at) if isinstance(loss, OfClasses) else ()
    frames = _frames(nodes[0], graph, facts) if form == "symbols" and nodes[0].output.padded else None
    grouped = _GROUPED[loss.kind] if form == "group" else None
    return Aim(outputs, name, of_input, layer, target, form, last, loss.whole, by_class, grouped, frames)


def _outputs(loss: Loss, spec: Spec, at: Path, graph: Graph) -> tuple[str, ...]:
    known = list(graph.outputs)
    note = f"there are: {', '.join(known)}"
    if loss.output is None:
        if "output" in known or len(known) == 1:
            return ("output" if "output" in known else known[0],)
        message = f"{loss.kind} does not say which output it judges"
        where = _place_of_kind(loss, spec, at)
        raise SpecError(Diagnostic("missing-key", message, where, note=note, help=f'add output = "{known[0]}"'))
    names = loss.output if isinstance(loss.output, tuple) else (loss.output,)
    for j, name in enumerate(names):
        if name not in known:
            guess = nearest(name, known)
            label = f"did you mean '{guess}'?" if guess else ""
            place = _place_of_output(loss, spec, at, j)
            raise SpecError(
                Diagnostic("unknown-name", f"the network has no output '{name}'", place, label=label, note=note)
            )
    return names


def _target(
    loss: Loss, outputs: tuple[str, ...], spec: Spec, at: Path, graph: Graph, facts: Facts
) -> tuple[str | None, bool, str | None, TargetFacts]:
    """The target's name, whether it is an input, the path of the layer that it is of, and what is known of it."""
    if isinstance(loss, Landscape) or (loss.targets == "group" and len(outputs) == 3):
        return None, False, None, NOTHING
    if spec.is_point:
        functions = ", ".join(kind for kind, cls in Loss.kinds.items() if issubclass(cls, Landscape))
        message = f"{loss.kind} is held against a target, and a point has none"
        place = spec.document.value_place((*at, "kind"))
        raise SpecError(Diagnostic("target", message, place, note=f"losses of a point: {functions}"))
    name = _name_of_target(loss, outputs, spec, facts)
    if name is not None and name in facts.targets:
        return name, False, None, facts.targets[name]
    if name is not None and name in facts.inputs:
        return name, True, None, TargetFacts("number", (), facts.inputs[name].shape)
    node = next((node for node in graph.nodes if node.name == name), None)
    if node is not None:
        return None, False, node.path, TargetFacts("number", (), node.output.shape)
    _unknown_target(loss, name, outputs[0], spec, at, graph, facts)
    raise AssertionError


def _name_of_target(loss: Loss, outputs: tuple[str, ...], spec: Spec, facts: Facts) -> str | None:
    whole = spec.data is not None and spec.data.target == INPUT
    if (loss.target == INPUT and INPUT not in facts.targets) or (loss.target is None and whole):
        return next(iter(facts.inputs)) if len(facts.inputs) == 1 else INPUT
    if loss.target is not None:
        return loss.target
    if len(facts.targets) == 1:
        return next(iter(facts.targets))
    return outputs[0] if outputs[0] in facts.targets else None


def _unknown_target(
    loss: Loss, name: str | None, output: str, spec: Spec, at: Path, graph: Graph, facts: Facts
) -> None:
    known = [*facts.targets, *(n for n in facts.inputs if n not in facts.targets)]
    note = f"there are: {', '.join(known)}"
    if name is None:
        message = f"{loss.kind} does not say what '{output}' is held against"
        place = _place_of_kind(loss, spec, at)
        raise SpecError(Diagnostic("missing-key", message, place, note=note, help='add target = "…"'))
    guess = nearest(name, [*known, *(node.name for node in graph.nodes)])
    label = f"did you mean '{guess}'?" if guess else ""
    place = spec.document.value_place((*at, "target"))
    raise SpecError(Diagnostic("unknown-name", f"the data has no target '{name}'", place, label=label, note=note))


def _check_batch(loss: Loss, spec: Spec) -> None:
    """See that a batch can hold what is compared: two examples, or three."""
    batch, least = None if spec.train is None else spec.train.batch, 3 if loss.kind == "triplet" else 2
    if isinstance(batch, int) and batch < least:
        message = f"{loss.kind} compares the examples of a batch, and needs {least} at the least"
        raise SpecError(Diagnostic("batch", message, spec.document.value_place(spec.at("train", "batch"))))


def _frames(node: Node, graph: Graph, facts: Facts) -> str | None:
    """The input whose padding an output shares."""
    fitting = (n for n, v in graph.inputs.items() if v.padded and v.shape[0] == node.output.shape[0])
    return next(fitting, None)


def _place_of_kind(loss: Loss, spec: Spec, at: Path) -> Place:
    """Where a loss says its kind: in a section, or at the front of an item."""
    own = (*at, loss.kind)
    return spec.document.keys.get(own) or spec.document.value_place((*at, "kind"))


def _place_of_output(loss: Loss, spec: Spec, at: Path, j: int) -> Place:
    own = (*at, loss.kind) if (*at, loss.kind) in spec.document.places else (*at, "output")
    return spec.document.value_place((*own, j) if (*own, j) in spec.document.places else own)


def _node(graph: Graph, output: str) -> Node:
    return next(node for node in graph.every() if node.path == graph.outputs[output])


def _column(targets: Any) -> Any:
    return jnp.asarray(targets, jnp.float32)[..., None]


def _numbers(targets: Any) -> Any:
    return jnp.asarray(targets, jnp.float32)


def _indices(targets: Any) -> Any:
    return jnp.asarray(targets, jnp.int32)


_ENCODINGS: Mapping[str, Callable[[Any], Any]] = {
    "index": _indices,
    "zero_one": _column,
    "plus_minus": lambda targets: 2.0 * _column(targets) - 1.0,
    "number": _numbers,
    "distribution": _numbers,
    "symbols": _indices,
    "group": _indices,
    "pair": _column,
}

_GROUPED: Mapping[str, Callable[[Any], Any]] = {"triplet": anchors, "contrastive": paired}
