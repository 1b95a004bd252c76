"""What each loss holds against what: which output, which target, and in which form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from netspec.diagnostics import Diagnostic, Place, SpecError, nearest
from netspec.document import Path
from netspec.graph.facts import Facts, TargetFacts
from netspec.graph.graph import Graph, Node
from netspec.spec.call import Shape
from netspec.spec.losses import Loss
from netspec.spec.sections import Spec

__all__ = ["Aim", "aim_of"]

INPUT = "input"
"""The target of a network that gives back what it is given."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a loss compares.

    Args:
        output: the output's name.
        target: the target's name, or that of an input.
        of_input: whether the target is an input.
        facts: what is known of the target.
        encode: the target as the data has it (class indices [n, …], numbers [n, …]) to what the loss takes.
        weigh: of the encoded target, which of its positions count; None where all do.
    """

    output: str
    target: str
    of_input: bool
    facts: TargetFacts
    encode: Callable[[Any], Any]
    weigh: Callable[[Any], Any] | None

    def values(self, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> Any:
        """The target of a batch, encoded."""
        return self.encode((inputs if self.of_input else targets)[self.target])


def aim_of(spec: Spec, i: int, graph: Graph, facts: Facts) -> Aim:
    """What the loss of that number compares.

    Raises:
        SpecError: there is no such output or target, or they do not fit each other or the loss.
    """
    loss, at = spec.losses[i], spec.loss_path(i)
    output = _output(loss, spec, at, graph)
    name, of_input = _target(loss, output, spec, at, facts)
    if of_input and facts.inputs[name].padded:
        message = f"'{name}' holds sequences that differ in length, and what fills them up cannot be given back"
        raise SpecError(Diagnostic("target", message, spec.document.value_place((*at, "kind"))))
    target = TargetFacts("number", (), facts.inputs[name].shape) if of_input else facts.targets[name]
    _check_kind(loss, target, name, spec.document.value_place((*at, "kind")))
    found = graph.output_shapes[output]
    at_last = replace(target, shape=Shape(target.shape[1:]))
    last = bool(target.shape) and target.kind == "class" and found == _wanted(loss, at_last)
    if not last and found != _wanted(loss, target):
        _misfit(loss, target, found, _node(graph, output), of_input)
    encode = _ENCODINGS[loss.targets]
    weigh = (lambda targets: targets >= 0) if target.padded and target.kind == "class" and not last else None
    return Aim(output, name, of_input, target, _last(encode) if last else encode, weigh)


def _output(loss: Loss, spec: Spec, at: Path, graph: Graph) -> str:
    place = spec.document.value_place((*at, "output"))
    known = list(graph.outputs)
    if loss.output is None:
        if "output" in known or len(known) == 1:
            return "output" if "output" in known else known[0]
        note = f"there are: {', '.join(known)}"
        message = f"{loss.kind} does not say which output it judges"
        where = spec.document.value_place((*at, "kind"))
        raise SpecError(Diagnostic("missing-key", message, where, note=note, help=f'add output = "{known[0]}"'))
    if loss.output not in known:
        guess = nearest(loss.output, known)
        label = f"did you mean '{guess}'?" if guess else ""
        note = f"there are: {', '.join(known)}"
        message = f"the network has no output '{loss.output}'"
        raise SpecError(Diagnostic("unknown-name", message, place, label=label, note=note))
    return loss.output


def _target(loss: Loss, output: str, spec: Spec, at: Path, facts: Facts) -> tuple[str, bool]:
    """The target's name, and whether it is an input."""
    whole = spec.data is not None and spec.data.target == INPUT
    if (loss.target == INPUT and INPUT not in facts.targets) or (loss.target is None and whole):
        if len(facts.inputs) == 1:
            return next(iter(facts.inputs)), True
        loss = loss.model_copy(update={"target": INPUT})
    known = [*facts.targets, *(n for n in facts.inputs if n not in facts.targets)]
    if loss.target in known:
        return loss.target, loss.target not in facts.targets
    if loss.target is None and len(facts.targets) == 1:
        return next(iter(facts.targets)), False
    if loss.target is None and output in facts.targets:
        return output, False
    note = f"there are: {', '.join(known)}"
    if loss.target is None:
        place = spec.document.value_place((*at, "kind"))
        message = f"{loss.kind} does not say what '{output}' is held against"
        raise SpecError(Diagnostic("missing-key", message, place, note=note, help='add target = "…"'))
    guess = nearest(loss.target, known)
    label = f"did you mean '{guess}'?" if guess else ""
    place = spec.document.value_place((*at, "target"))
    message = f"the data has no target '{loss.target}'"
    raise SpecError(Diagnostic("unknown-name", message, place, label=label, note=note))


def _check_kind(loss: Loss, target: TargetFacts, name: str, place: Place) -> None:
    if (loss.targets == "number") != (target.kind == "number"):
        what = f"one of {len(target.labels)} classes" if target.kind == "class" else "a number"
        wants = "numbers" if loss.targets == "number" else "classes"
        kinds: dict[str, Any] = dict(Loss.kinds)
        fitting = [k for k, c in kinds.items() if (c.targets == "number") == (target.kind == "number")]
        message, note = f"{loss.kind} is for {wants}, and the target is {what}", f"losses for it: {', '.join(fitting)}"
        raise SpecError(Diagnostic("target", message, place, note=note))
    if loss.targets in ("zero_one", "plus_minus") and target.kind == "class" and len(target.labels) != 2:
        message = f"{loss.kind} is for two classes, and the target has {len(target.labels)}"
        raise SpecError(Diagnostic("target", message, place, label="cross_entropy takes any number of classes"))


def _wanted(loss: Loss, target: TargetFacts) -> Shape:
    """The shape of an output that a loss can hold against a target."""
    if target.kind == "number":
        return target.shape
    return Shape((*target.shape, len(target.labels) if loss.targets == "index" else 1))


def _misfit(loss: Loss, target: TargetFacts, found: Shape, node: Node, of_input: bool) -> None:
    wanted = _wanted(loss, target)
    need = {"index": f"one logit for each of {len(target.labels)} classes", "number": "one output for each target"}
    what = "what the input is" if of_input else need.get(loss.targets, "one logit")
    message = f"{loss.kind} needs {what}, {wanted}, and the network gives {found}"
    wide = '"$classes"' if loss.targets == "index" else '"$targets"' if wanted.channels > 1 else "1"
    wide = '"$features"' if of_input and len(wanted) == 1 else str(wanted.channels) if of_input else wide
    help_ = f"end with {{ dense = {wide} }}"
    if of_input and len(wanted) > len(found):
        help_ = f'{{ reshape = {wanted} }} at the end, or transform = […, "flatten"] in [data]'
    if len(found) > len(wanted):
        help_ = f'"flatten" or a global pooling, then {{ dense = {wide} }}'
        if len(found) == 2:
            help_ = f'{{ take = -1 }} or "global_avg_pool", then {{ dense = {wide} }}'
    raise SpecError(Diagnostic("shape", message, node.place, label=f"gives {found}", help=help_))


def _node(graph: Graph, output: str) -> Node:
    return next(node for node in graph.every() if node.path == graph.outputs[output])


def _last(encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Of a target for each position, the last one's."""
    return lambda targets: encode(jnp.asarray(targets)[:, -1])


def _column(targets: Any) -> Any:
    return jnp.asarray(targets, jnp.float32)[..., None]


_ENCODINGS: Mapping[str, Callable[[Any], Any]] = {
    "index": lambda targets: jnp.asarray(targets, jnp.int32),
    "zero_one": _column,
    "plus_minus": lambda targets: 2.0 * _column(targets) - 1.0,
    "number": lambda targets: jnp.asarray(targets, jnp.float32),
}
