"""The types of single values in a spec. A number may also be an expression (`"$width * 4"`), worked out later.

Until `Table.filled` has worked them out, fields declared with these types may hold an `Expression`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator
from pydantic.functional_validators import PlainValidator
from pydantic_core import PydanticCustomError

from netspec.diagnostics import nearest
from netspec.document.plain import value_text
from netspec.spec.expression import Expression, ExpressionError, parse

__all__ = [
    "EXPRESSION",
    "LARGEST_NUMBER",
    "Anything",
    "Count",
    "Delay",
    "Duration",
    "Fraction",
    "Integer",
    "Literally",
    "Name",
    "Number",
    "Padding",
    "Positive",
    "Rate",
    "Share",
    "Size",
    "Span",
    "Switch",
    "as_expression",
    "described",
    "is_name",
    "must_be",
    "one_of",
]

EXPRESSION = {"type": "string", "pattern": r"^\$"}
"""The JSON Schema of an expression."""


def described(value: Any) -> str:
    """What was found, in words and as written."""
    words = {
        bool: "a switch",
        int: "a whole number",
        float: "a number",
        str: "a string",
        list: "a list",
        tuple: "a list",
    }
    if isinstance(value, dict):
        return "a table" if value else "an empty table"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} (no finite number)"
    text = value_text(value)
    return f"{text if len(text) <= 40 else text[:37] + '…'} ({words.get(type(value), 'a date or time')})"


def must_be(expected: str, value: Any, help: str = "") -> PydanticCustomError:  # noqa: A002
    """The error of a value that is not what it must be."""
    return PydanticCustomError(
        "value", "must be {expected}, not {found}", {"expected": expected, "found": described(value), "help": help}
    )


def as_expression(value: Any) -> Expression | None:
    """The expression that a value is, or None for any other value."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, str) and value.startswith("$"):
        try:
            return parse(value)
        except ExpressionError as error:
            raise PydanticCustomError(
                "expression",
                "{message}",
                {"message": error.message, "start": error.start, "end": error.end, "help": error.help},
            ) from None
    return None


def _or_expression(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    found = as_expression(value)
    return handler(value) if found is None else found


def _schema(of: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [of, EXPRESSION]})


LARGEST_COUNT = 2**31 - 1

_COUNT = {"type": "integer", "minimum": 1, "maximum": LARGEST_COUNT}

LARGEST_NUMBER = 3e38
"""Of what float32 holds."""

if TYPE_CHECKING:
    Integer = int
    Count = int
    Number = float
    Positive = float
    Fraction = float
    Share = float
    Rate = float
    Switch = bool
    Size = int | tuple[int, ...]
    Padding = str | int | tuple[int, ...]
else:
    _expressible = WrapValidator(_or_expression)
    Integer = Annotated[int, Field(ge=-LARGEST_COUNT, le=LARGEST_COUNT), _expressible, _schema({"type": "integer"})]
    """A whole number."""
    Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT), _expressible, _schema(_COUNT)]
    """A whole number from 1."""
    Number = Annotated[
        float,
        Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER),
        _expressible,
        _schema({"type": "number", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER}),
    ]
    """Any finite number."""
    Positive = Annotated[
        float,
        Field(gt=0, le=LARGEST_NUMBER),
        _expressible,
        _schema({"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST_NUMBER}),
    ]
    """A number above 0."""
    Share = Annotated[
        float,
        Field(gt=0, le=1),
        _expressible,
        _schema({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
    ]
    """A number above 0, to 1."""
    Fraction = Annotated[
        float, Field(ge=0, le=1), _expressible, _schema({"type": "number", "minimum": 0, "maximum": 1})
    ]
    """A number from 0 to 1."""
    Rate = Annotated[
        float, Field(ge=0, lt=1), _expressible, _schema({"type": "number", "minimum": 0, "exclusiveMaximum": 1})
    ]
    """A number from 0 to under 1."""
    Switch = Annotated[bool, _expressible, _schema({"type": "boolean"})]
    """true or false."""

    def _sizes(least: int, words: Sequence[str]) -> Callable[[Any], Any]:
        said = "".join(f"'{w}', " for w in words)
        expected = f"{said}a whole number from {least}, or a list of one for each axis"

        def validate(value: Any) -> Any:
            if isinstance(value, str) and value in words:
                return value
            if (found := as_expression(value)) is not None:
                return found
            parts = value if isinstance(value, list | tuple) else [value]
            if not 0 < len(parts) <= 3:
                raise must_be(expected, value)
            checked = tuple(as_expression(p) or _whole(p, least, expected) for p in parts)
            return checked if isinstance(value, list | tuple) else checked[0]

        return validate

    def _whole(value: Any, least: int, expected: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST_COUNT:
            raise must_be(expected, value)
        return value

    def _size_schema(least: int, words: Sequence[str] = ()) -> WithJsonSchema:
        whole = {"anyOf": [{**_COUNT, "minimum": least}, EXPRESSION]}
        listed = {"type": "array", "items": whole, "minItems": 1, "maxItems": 3}
        return WithJsonSchema({"anyOf": [*whole["anyOf"], listed, *([{"enum": list(words)}] if words else [])]})

    Size = Annotated[int | tuple[int, ...], PlainValidator(_sizes(1, ())), _size_schema(1)]
    """A whole number from 1 for every axis, or a list of one for each."""
    Padding = Annotated[
        str | int | tuple[int, ...], PlainValidator(_sizes(0, ("same", "valid"))), _size_schema(0, ("same", "valid"))
    ]
    """'same', 'valid', or zeros added at both ends of every axis (a number, or a list of one for each)."""


def is_name(value: Any) -> bool:
    """Whether a value can be a name."""
    return isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9_]{0,63}", value) is not None


def _any(value: Any) -> Any:
    if (found := as_expression(value)) is not None:
        return found
    if isinstance(value, bool | int | float | str):
        return value
    raise must_be("a number, a switch or a string", value)


Anything = Annotated[
    Any, PlainValidator(_any), WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "boolean"}, {"type": "string"}]})
]
"""A value of any type; may hold an `Expression`."""


def _name(value: Any) -> Any:
    if is_name(value):
        return value
    raise must_be("small letters, digits and _, beginning with a letter, at most 64", value)


Name = Annotated[str, PlainValidator(_name), WithJsonSchema({"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"})]
"""A name: small letters, digits and _; begins with a letter; at most 64 characters."""


def one_of(words: Sequence[str]) -> Any:
    """A validator for one of some words, which offers the nearest one."""

    def validate(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return value
        guess = nearest(value, words) if isinstance(value, str) else None
        raise must_be(
            "one of " + ", ".join(f"'{w}'" for w in words), value, f"did you mean '{guess}'?" if guess else ""
        )

    return validate


def Literally(*words: str) -> Any:  # noqa: N802
    """The type of a value that is one of some words."""
    return Annotated[str, PlainValidator(one_of(words)), WithJsonSchema({"enum": list(words)})]


@dataclass(frozen=True, slots=True)
class Duration:
    """A stretch of a training: so many steps, epochs, or percent of the whole."""

    amount: float
    unit: str

    def steps(self, total: int, per_epoch: int) -> int:
        """In steps, to the nearest.

        Args:
            total: the steps of the whole training.
            per_epoch: the steps of one epoch.
        """
        of = {"steps": 1.0, "epochs": per_epoch, "%": total / 100}[self.unit]
        return round(self.amount * of)

    def __str__(self) -> str:
        amount = f"{self.amount:g}"
        return f"{amount}%" if self.unit == "%" else f"{amount} {self.unit}"


_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(%|epochs?|steps?)")

_DURATION_SCHEMA = {"type": "string", "pattern": rf"^\s*{_DURATION.pattern}\s*$|^\$"}


def _duration(value: Any) -> Any:
    if isinstance(value, Duration):
        return value
    if (found := as_expression(value)) is not None:
        return found
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT:
        return Duration(value, "steps")
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match or (match[2] == "%" and float(match[1]) > 100) or float(match[1]) > LARGEST_COUNT:
        raise must_be("""a duration: steps (500), "10 epochs" or "5%" of the run""", value)
    unit = match[2] if match[2] == "%" else match[2].rstrip("s") + "s"
    return Duration(float(match[1]), unit)


def _stretch(value: Any) -> Any:
    found = _duration(value)
    if isinstance(found, Duration) and found.amount == 0:
        raise must_be("a duration above 0", value)
    return found


Delay = Annotated[
    Duration,
    PlainValidator(_duration),
    WithJsonSchema({"anyOf": [{**_COUNT, "minimum": 0}, _DURATION_SCHEMA]}),
]
"""A duration as written, or 0 for none: `500` steps, `"10 epochs"`, `"5%"` of the run."""

Span = Annotated[
    Duration,
    PlainValidator(_stretch),
    WithJsonSchema({"anyOf": [_COUNT, _DURATION_SCHEMA]}),
]
"""A duration as written: `500` steps, `"10 epochs"`, `"5%"` of the run."""
