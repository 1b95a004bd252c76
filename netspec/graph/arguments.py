"""What the arguments of a user's block are, where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.diagnostics import Diagnostic, SpecError
from netspec.document import Document
from netspec.graph.fill import within
from netspec.graph.scope import Frame, Written
from netspec.spec.blocks import Late, UserBlock
from netspec.spec.expression import ExpressionError
from netspec.spec.mistakes import at_expression

__all__ = ["arguments_of"]


def arguments_of(
    layer: UserBlock, item: Written, frame: Frame, names: Mapping[str, Any], document: Document
) -> dict[str, Any]:
    """Each argument of a block; a default may be worked out of those before it.

    Args:
        names: that any expression may use.

    Raises:
        SpecError: a default cannot be worked out.
    """
    found: dict[str, Any] = {"channels": item.inputs[0].shape.channels}
    for name, value in layer.values().items():
        try:
            late = isinstance(value, Late)
            found[name] = value.expression.evaluate({**names, **found}) if late else value
        except ExpressionError as error:
            place = document.value_place(("block", layer.kind, "args", name))
            at, note = at_expression(place, error.start, error.end), within(frame.context)
            raise SpecError(Diagnostic("expression", error.message, at, note=note, help=error.help)) from None
    return {name: found[name] for name in layer.arguments}
