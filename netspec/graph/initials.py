"""The initial values that a spec gives a layer's parameters: looked up, and held against the parameters' shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.diagnostics import Diagnostic, SpecError, nearest
from netspec.document import Document, Path
from netspec.graph.graph import Node
from netspec.spec.call import Call, Shape
from netspec.spec.initial import Initial
from netspec.spec.mistakes import quoted

__all__ = ["FROM_DATA", "initial_calls"]

FROM_DATA = "netspec.nn.from_data."
"""What the names of calls begin with that make initial values of a layer's own inputs."""


def initial_calls(node: Node, document: Document, at: Path, *, in_cell: bool) -> Mapping[str, Call]:
    """By parameter, what makes its initial value.

    Args:
        in_cell: whether the layer is inside a cell, which sees no examples before it runs.

    Raises:
        SpecError: the layer has no such parameter, or it has another shape.
    """
    given = node.layer.init
    if given is None:
        return {}
    shapes = {n: s.shape for step in node.steps[:1] for n, s in step.traced.parameters.items()}
    if not shapes or node.shared:
        label = "they belong to the layer whose parameters these are" if node.shared else "leave it out"
        message = f"{node.name} has no parameters {'of its own ' if node.shared else ''}to give initial values"
        raise SpecError(Diagnostic("value", message, document.value_place((*at, "init")), label=label))
    if isinstance(given, Initial):
        given = {n: given for n, s in shapes.items() if len(s) > 1}
    for name, initial in given.items():
        _check(node, name, initial, shapes, document, (*at, "init"))
        if in_cell and initial.lower().name.startswith(FROM_DATA):
            message = f"{initial.kind} looks at what a layer reads, and a layer in a cell reads nothing before it runs"
            raise SpecError(Diagnostic("value", message, document.value_place((*at, "init"))))
    return {name: initial.lower() for name, initial in given.items()}


def _check(node: Node, name: str, initial: Initial, shapes: Mapping[str, Any], document: Document, at: Path) -> None:
    if name not in shapes:
        guess = nearest(name, shapes)
        label = f"did you mean '{guess}'?" if guess else ""
        message = f"{node.name} has no parameter {quoted(name)}"
        place = document.key_place((*at, name))
        note = f"it has: {', '.join(shapes)}"
        raise SpecError(Diagnostic("unknown-name", message, place, label=label, note=note))
    place = document.value_place((*at, name) if (*at, name) in document.places else at)
    values = getattr(initial, "literal", None)
    if values is not None and (found := _literal_shape(values)) != shapes[name]:
        are = "are in rows of different lengths" if found is None else f"have {Shape(found)}"
        message = f"{node.name}/{name} has the shape {Shape(shapes[name])}, and its initial values {are}"
        raise SpecError(Diagnostic("shape", message, place))
    if len(shapes[name]) < initial.axes:
        wants = f"{initial.kind} is for {initial.axes} axes or more"
        message = f"{node.name}/{name} has the shape {Shape(shapes[name])}, and {wants}"
        raise SpecError(Diagnostic("shape", message, place))
    if initial.lower().name.startswith(FROM_DATA) and len(shapes[name]) != 2:
        message = f"{node.name}/{name} has the shape {Shape(shapes[name])}, and {initial.kind} gives rows or columns"
        raise SpecError(Diagnostic("shape", message, place))


def _literal_shape(values: Any) -> tuple[int, ...] | None:
    """The shape of nested tuples; None where they are ragged."""
    if not isinstance(values, tuple):
        return ()
    inner = {_literal_shape(v) for v in values}
    if len(inner) != 1 or None in inner:
        return None
    found = inner.pop()
    return None if found is None else (len(values), *found)
