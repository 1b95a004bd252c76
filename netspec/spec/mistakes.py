"""What pydantic finds wrong in a table, in words and at its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from netspec.diagnostics import Diagnostic, Place
from netspec.document import Document, Path
from netspec.spec.courses import Course
from netspec.spec.values import described

__all__ = ["at_expression", "described_error", "described_errors", "details_of", "quoted"]


def described_errors(error: ValidationError, document: Document, path: Path, owner: str) -> list[Diagnostic]:
    """Every mistake of a table that pydantic found, in words and at its place."""
    return [described_error(detail, document, path, owner, {}) for detail in details_of(error)]


def details_of(error: ValidationError) -> list[ErrorDetails]:
    """What pydantic found, but that a list with a wrong member is short of that one."""
    details = error.errors()
    inside = {detail["loc"][:n] for detail in details for n in range(len(detail["loc"]))}
    return [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in inside]


def described_error(
    detail: ErrorDetails, document: Document, path: Path, owner: str, places: Mapping[str, Path]
) -> Diagnostic:
    """One mistake that pydantic found.

    Args:
        path: of the table in the document.
        owner: what the table is called.
        places: of values that do not stand under their own key.
    """
    loc, context = detail["loc"], detail.get("ctx", {})
    key = next((str(part) for part in loc if isinstance(part, str)), "")
    value: Path = places.get(key, (*path, *loc[:1]))
    # Most words in it are of pydantic's own; those of an item inside are places, too.
    inside = (*value, *loc[1:]) in document.places
    here = value + tuple(p for p in loc[1:] if inside or isinstance(p, int))
    kind = detail["type"]
    if kind == "choice":
        place = document.key_place((*path, context["key"]) if "key" in context else path)
        return Diagnostic("choice", f"{owner} {context.get('message') or detail['msg']}", place)
    if kind == "expression":
        place = at_expression(document.value_place(here), int(context["start"]), int(context["end"]))
        return Diagnostic("expression", str(context["message"]), place, help=str(context["help"]))
    found = f"'{key}' of {owner} " if key != owner else f"'{key}' "
    place = document.value_place(here)
    if kind == "value":
        return Diagnostic("value", found + detail["msg"], place, label=str(context.get("help", "")))
    bounds = {name: f"{value:g}" if isinstance(value, float) else value for name, value in context.items()}
    expected = _EXPECTED.get(kind, "").format(**bounds) or detail["msg"]
    label = _unquoted(detail["input"]) if kind in ("int_type", "float_type", "bool_type") else ""
    if isinstance(detail["input"], dict) and next(iter(detail["input"]), None) in Course.kinds:
        label = "this does not change over time"
    return Diagnostic("value", f"{found}must be {expected}, not {described(detail['input'])}", place, label=label)


_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a string",
    "tuple_type": "a list",
    "finite_number": "a finite number",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "model_type": "a table",
    "too_long": "no longer than {max_length}",
    "too_short": "no shorter than {min_length}",
}


def at_expression(place: Place, start: int, end: int) -> Place:
    """The part of a quoted expression's place that characters `start` to `end` of its text take."""
    column = min(place.column + 1 + start, max(place.column, place.end_column - 2))
    return replace(place, column=column, end_column=max(column + 1, min(place.end_column - 1, place.column + 1 + end)))


def quoted(word: str) -> str:
    """A word of the document, in quotes; the beginning of a long one."""
    return f"'{word if len(word) <= 64 else word[:63] + '…'}'"


def _unquoted(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?|true|false", value):
        return f"write {value} without quotes"
    return ""
