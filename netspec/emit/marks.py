"""Numbers that remember how the spec wrote them, so that a call's arguments can be printed in a block's own names.

A layer is lowered once more with its written expressions' values marked; what arrives in the call unchanged, or
multiplied, still says what it was. Nothing rests on the marks: a text is used only where it gives the right numbers.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from netspec.graph.graph import Node
from netspec.spec.call import Call, Shape, Shared
from netspec.spec.expression import Expression, ExpressionError, parse
from netspec.spec.kind import Table
from netspec.spec.layer import Layer

__all__ = ["literal", "marked_calls", "names_in", "renamed", "tidy", "value_of", "written_text"]

Texts = Callable[[Expression], str | None]
"""What an expression of the spec is called where it is printed."""


class _Whole(int):
    """A whole number with a text."""

    text: str

    def __add__(self, other: Any) -> Any:
        return _counted(int.__add__(self, other), self, "+", other)

    def __mul__(self, other: Any) -> Any:
        return _counted(int.__mul__(self, other), self, "*", other)

    def __rmul__(self, other: Any) -> Any:
        return _counted(int.__rmul__(self, other), other, "*", self)

    def __floordiv__(self, other: Any) -> Any:
        return _counted(int.__floordiv__(self, other), self, "//", other)


class _Fraction(float):
    """A number with a text."""

    text: str


def _counted(value: Any, a: Any, sign: str, b: Any) -> Any:
    """What two numbers make, with a text that says how; a product with 1 is the other number."""
    if not isinstance(value, int):
        return value
    if sign == "*" and 1 in (a, b):
        return _marked(value, written_text(b if a == 1 else a))
    texts = [written_text(n) or literal(n) for n in (a, b)]
    return _marked(value, f" {sign} ".join(t if re.fullmatch(r"\w+", t) else f"({t})" for t in texts))


def _marked(value: Any, text: str | None) -> Any:
    if text is None or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    made: Any = _Whole(value) if isinstance(value, int) else _Fraction(value)
    made.text = text
    return made


def written_text(value: Any) -> str | None:
    """How a number of a marked call was written; None where the spec gives the number itself."""
    return getattr(value, "text", None)


def marked_calls(node: Node, written: Layer | None, width: str | None, texts: Texts) -> tuple[Call, ...]:
    """A layer's calls with marked numbers; those that it has where marks change what they are.

    Args:
        written: the layer as the spec has it, its expressions not worked out.
        width: the text of the input's width.
        texts: what the spec's expressions are called.
    """
    plain = tuple(step.call for step in node.steps)
    layer = node.layer if written is None else _with_marks(node.layer, written, texts)
    shapes = [Shape((*v.shape[:-1], _marked(v.shape[-1], width))) if v.shape else v.shape for v in node.inputs[:1]]
    lowered: Any = layer.lower(*shapes, *(v.shape for v in node.inputs[1:]))
    if isinstance(lowered, Shared) or not isinstance(lowered, Call | tuple):
        return plain
    calls = tuple(_own(c) for c in (lowered if isinstance(lowered, tuple) else (lowered,)))
    return calls if calls == plain else plain


def _own(call: Call) -> Call:
    """A call without the arguments that are other layers' parameters."""
    from dataclasses import replace

    from netspec.spec.call import Parameter

    return replace(call, arguments=tuple(a for a in call.arguments if not isinstance(a, Parameter)))


def _with_marks(filled: Table, written: Table, texts: Texts) -> Any:
    update = {
        key: marked
        for key, before in written.__dict__.items()
        if key in filled.__dict__ and (marked := _mark(filled.__dict__[key], before, texts)) is not None
    }
    return filled.model_copy(update=update) if update else filled


def _mark(value: Any, written: Any, texts: Texts) -> Any:
    """A value with marks where the spec has expressions; None where it has none."""
    if isinstance(written, Expression):
        return _marked(value, texts(written))
    if isinstance(written, Table) and isinstance(value, Table):
        found = _with_marks(value, written, texts)
        return None if found is value else found
    if isinstance(written, tuple) and isinstance(value, tuple) and len(written) == len(value):
        parts = [_mark(v, w, texts) for v, w in zip(value, written, strict=True)]
        if any(p is not None for p in parts):
            return tuple(v if p is None else p for v, p in zip(value, parts, strict=True))
    return None


# -- texts -------------------------------------------------------------------------------------------------------------


def value_of(text: str, names: Mapping[str, Any]) -> Any:
    """What a text is worth; None where it cannot be worked out."""
    try:
        return _parsed(text).evaluate(names)
    except ExpressionError:
        return None


@cache
def _parsed(text: str) -> Expression:
    return parse(f"${text}")


def names_in(text: str) -> frozenset[str]:
    """The names in a text."""
    return frozenset(re.findall(r"(?<![\w.])[A-Za-z_]\w*", text)) - {"min", "max"}


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A text with other texts in the place of names."""

    def other(match: re.Match[str]) -> str:
        found = names.get(match[0], match[0])
        alone = match[0] == text or re.fullmatch(r"[\w.]+", found)
        return found if alone else f"({found})"

    return re.sub(r"(?<![\w.])[A-Za-z_]\w*", other, text)


def tidy(text: str) -> str:
    """A text as ruff spaces it, without brackets that change nothing."""
    plain = ast.unparse(ast.parse(text.strip(), mode="eval"))
    return re.sub(r"(?<![\w.])([\w.]+) \*\* (-?[\w.]+)(?![\w.(\[])", r"\1**\2", plain)


def literal(value: Any) -> str:
    """A value as source has it."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int):
        return repr(int(value))
    if isinstance(value, float):
        return re.sub(r"e([+-])0+", lambda m: "e-" if m[1] == "-" else "e", repr(float(value)))
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    assert isinstance(value, tuple), value
    return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
