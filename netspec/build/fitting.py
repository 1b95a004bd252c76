"""Whether a loss, its target and the outputs that it judges fit together; what is said where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from netspec.diagnostics import Diagnostic, Place, SpecError
from netspec.graph.facts import TargetFacts
from netspec.graph.graph import Node
from netspec.spec.call import Shape
from netspec.spec.losses import Encoding, Landscape, Loss

__all__ = ["fit"]

OF_NUMBERS = frozenset({"number", "distribution"})
OF_TWO = frozenset({"zero_one", "plus_minus", "pair"})
"""Forms of targets that are numbers, and of two classes."""


def fit(
    loss: Loss, target: TargetFacts | None, nodes: Sequence[Node], place: Place, of_input: bool
) -> tuple[Encoding, bool]:
    """How a loss takes its target, and whether, of a class for each position, only the last one's is meant.

    Args:
        target: None where there is none.
        nodes: what gives the outputs.
        place: where the loss says its kind.
        of_input: whether the target is an input.

    Raises:
        SpecError: they do not fit.
    """
    shapes = tuple(node.output.shape for node in nodes)
    if target is None:
        _check_alone(loss, shapes, nodes)
        return "nothing", False
    form = loss.form(shapes, len(target.labels))
    _check_target(loss, form, target, place)
    if form in ("group", "pair"):
        _check_embeddings(loss, shapes, nodes)
        return form, False
    if form == "symbols":
        _check_frames(loss, target, shapes[0], nodes[0])
        return form, False
    at_last = replace(target, shape=Shape(target.shape[1:]))
    one = bool(target.shape) and target.kind == "class" and not loss.whole
    last = one and shapes[0] == _wanted(form, at_last)
    if not last and shapes[0] != _wanted(form, target):
        _misfit(loss, form, target, shapes[0], nodes[0], of_input)
    return form, last


def _check_target(loss: Loss, form: str, target: TargetFacts, place: Place) -> None:
    """See that the target is of the kind that the loss is for."""
    classes = len(target.labels)
    if (form in OF_NUMBERS) != (target.kind == "number"):
        what = f"one of {classes} classes" if target.kind == "class" else "a number"
        message = f"{loss.kind} is for {'numbers' if form in OF_NUMBERS else 'classes'}, and the target is {what}"
        fitting = [kind for kind, cls in Loss.kinds.items() if _is_for(cls, target)]  # type: ignore[arg-type]
        raise SpecError(Diagnostic("target", message, place, note=f"losses for it: {', '.join(fitting)}"))
    if form in OF_TWO and classes != 2:
        message = f"{loss.kind} is for two classes, and the target has {classes}"
        label = "cross_entropy takes any number of classes" if form != "pair" else ""
        raise SpecError(Diagnostic("target", message, place, label=label))
    if form == "distribution" and target.shape.channels < 2:
        message = f"{loss.kind} is for the probabilities of two classes or more, and the target is one number"
        raise SpecError(Diagnostic("target", message, place))
    if form == "symbols" and len(target.shape) != 1:
        message = f"{loss.kind} is for a row of classes, and the target is {'one' if not target.shape else 'an array'}"
        raise SpecError(Diagnostic("target", message, place))
    if form in ("group", "pair") and target.shape:
        message = f"{loss.kind} is for one class an example, and the target has one for each position"
        raise SpecError(Diagnostic("target", message, place))
    if loss.whole and not target.shape:
        message = f"{loss.kind} is for a class at each position, and the target is one for each example"
        raise SpecError(Diagnostic("target", message, place))


def _is_for(cls: type[Loss], target: TargetFacts) -> bool:
    """Whether a kind of loss is for such a target, as far as its class says it."""
    if cls.targets == "nothing" or (cls.whole and not target.shape) or (cls.targets == "group" and target.shape):
        return False
    if cls.targets in OF_TWO:
        return len(target.labels) == 2
    if cls.targets == "distribution" and target.shape.channels < 2:
        return False
    return (cls.targets in OF_NUMBERS) == (target.kind == "number")


def _wanted(form: str, target: TargetFacts) -> Shape:
    """The shape of an output that a loss can hold against a target."""
    if target.kind == "number":
        return target.shape
    return Shape((*target.shape, len(target.labels) if form == "index" else 1))


def _misfit(loss: Loss, form: str, target: TargetFacts, found: Shape, node: Node, of_input: bool) -> NoReturn:
    wanted = _wanted(form, target)
    need = {
        "index": f"one logit for each of {len(target.labels)} classes",
        "number": "one output for each target",
        "distribution": "one logit for each probability",
    }
    what = "what the input is" if of_input else need.get(form, "one logit")
    message = f"{loss.kind} needs {what}, {wanted}, and the network gives {found}"
    wide = '"$classes"' if form == "index" else '"$targets"' if wanted.channels > 1 else "1"
    wide = '"$features"' if of_input and len(wanted) == 1 else str(wanted.channels) if of_input else wide
    help_ = f"end with {{ dense = {wide} }}"
    if of_input and len(wanted) > len(found):
        help_ = f'{{ reshape = {wanted} }} at the end, or transform = […, "flatten"] in [data]'
    if len(found) > len(wanted):
        help_ = f'"flatten" or a global pooling, then {{ dense = {wide} }}'
        if len(found) == 2:
            help_ = f'{{ take = -1 }} or "global_avg_pool", then {{ dense = {wide} }}'
    _wrong_shape(message, found, node, help_)


def _wrong_shape(message: str, found: Shape, node: Node, help_: str = "") -> NoReturn:
    raise SpecError(Diagnostic("shape", message, node.place, label=f"gives {found}", help=help_))


def _check_alone(loss: Loss, shapes: tuple[Shape, ...], nodes: Sequence[Node]) -> None:
    """See that the outputs of a loss without a target are what it takes."""
    if not isinstance(loss, Landscape):
        _check_embeddings(loss, shapes, nodes)
        return
    least, most = loss.axes
    if len(shapes[0]) != 1 or not least <= shapes[0].channels <= (most or shapes[0].channels):
        axes = f"{least}" if least == most else f"{least} or more"
        message = f"{loss.kind} is a function of a point with {axes} axes, and gets {shapes[0]}"
        _wrong_shape(message, shapes[0], nodes[0])


def _check_embeddings(loss: Loss, shapes: tuple[Shape, ...], nodes: Sequence[Node]) -> None:
    for shape, node in zip(shapes, nodes, strict=True):
        if len(shape) != 1:
            help_ = '"flatten", or a global pooling, before it'
            _wrong_shape(f"{loss.kind} compares vectors, and gets {shape}", shape, node, help_)
        if shape != shapes[0]:
            message = f"{loss.kind} compares vectors of one length, and gets {shapes[0]} and {shape}"
            _wrong_shape(message, shape, node)


def _check_frames(loss: Loss, target: TargetFacts, found: Shape, node: Node) -> None:
    wanted = len(target.labels) + 1
    if len(found) != 2 or found.channels != wanted:
        message = f"{loss.kind} needs [frames, {wanted}], a logit for each of {wanted - 1} classes and for the blank"
        _wrong_shape(f"{message}, and the network gives {found}", found, node, f"end with {{ dense = {wanted} }}")
    if found[0] < target.shape[0]:
        message = f"{loss.kind} needs a frame for each label, and there are {found[0]} for up to {target.shape[0]}"
        _wrong_shape(message, found, node)
