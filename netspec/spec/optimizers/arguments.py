"""What the arguments of Optax's functions may be in a spec: numbers, switches, words, transformations, patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from netspec.spec.changing import changing
from netspec.spec.courses import Course
from netspec.spec.kind import Item, item_of
from netspec.spec.optimizers.ranges import FROM_ZERO, Range, range_of
from netspec.spec.optimizers.signatures import Argument, Signature, Unwritten
from netspec.spec.values import EXPRESSION, LARGEST_NUMBER, Integer, as_expression, must_be, one_of

__all__ = ["FACTOR", "PATTERNS", "RANDOM", "default_of", "form", "rates", "sayable", "type_of"]

RANDOM = frozenset({"add_noise", "differentially_private_aggregate", "dpsgd", "noisy_sgd", "sophia"})
"""What draws random numbers."""

KEYS = ("key", "seed")
"""Arguments that random numbers come from; any whole number serves."""

SILENT = ("verbose", "print_win_rate_every_n_steps")
"""Arguments that would print, which is the dashboard's business."""

RATES: Mapping[str, tuple[str, ...]] = {"polyak_sgd": ("scaling",), "scale_by_madgrad": ("learning_rate",)}
"""What a schedule multiplies, where that is not every argument called `learning_rate`, or ending so."""


def rates(signature: Signature) -> tuple[str, ...]:
    """The arguments that are learning rates: what `[schedule]` and a group's factor multiply."""
    named = (a.name for a in signature.arguments if a.name == "learning_rate" or a.name.endswith("_learning_rate"))
    return RATES.get(signature.name, tuple(n for n in named if n != "max_learning_rate"))


def form(argument: Argument) -> str | None:
    """What an argument is, in a word; None where a spec cannot say it."""
    name, said = argument.name, argument.annotation
    if name in KEYS:
        return "key"
    if name in SILENT or name == "random_seed":
        return None
    for which, holds in _FORMS.items():
        if holds(argument):
            return which
    return (
        "number"
        if _plain(argument.default) and not re.search(r"Tree|DimNum|Fn\b|Callable|dict|Array\]", said)
        else None
    )


def _plain(default: Any) -> bool:
    return default is None or default is ... or (isinstance(default, int | float) and not isinstance(default, bool))


def _listed(argument: Argument) -> bool:
    return isinstance(argument.default, tuple) or "tuple" in argument.annotation.lower()


def _whole(argument: Argument) -> bool:
    words = set(re.findall(r"\w+", argument.annotation)) - {"Optional", "None"}
    default = argument.default
    counted = isinstance(default, int) and not isinstance(default, bool)
    return words == {"int"} or counted or argument.name.endswith(("_steps", "_period"))


_FORMS: Mapping[str, Callable[[Argument], bool]] = {
    "dtype": lambda a: "dtype" in a.name,
    "transformation": lambda a: a.transformation,
    "patterns": lambda a: a.name.endswith("mask") and bool(re.search("Callable|MaskOrFn", a.annotation)),
    "course": lambda a: re.search(r"(?<!Or)Schedule$", a.annotation) is not None,
    "switch": lambda a: isinstance(a.default, bool) or a.annotation == "bool",
    "word": lambda a: a.annotation == "str" or a.annotation.startswith("Literal"),
    "numbers": _listed,
    "whole": _whole,
}
"""By what an argument may be, how it is told; the first counts."""


def sayable(signature: Signature) -> bool:
    """Whether a spec can give all that has to be given."""
    own = signature.arguments[1:] if signature.wraps else signature.arguments
    return all(form(a) is not None for a in own if a.required)


def type_of(argument: Argument, family: type[Any]) -> Any:
    """The type of a field that holds an argument.

    Args:
        family: of what stands for a transformation.
    """
    which = form(argument)
    if which == "transformation":
        reference = {"$ref": f"#/$defs/{family.family}"}
        return Annotated[Any, Item(family), PlainValidator(lambda value: value), WithJsonSchema(reference)]
    if which == "word":
        words = re.findall(r"'([^']*)'", argument.annotation)
        check, schema = (one_of(words), {"enum": words}) if words else (_word, {"type": "string"})
        return Annotated[Any, PlainValidator(check), WithJsonSchema(schema)]
    if which == "number":
        return changing(_ranged(range_of(argument, whole=False), whole=False))
    if which == "whole":
        return _ranged(range_of(argument, whole=True), whole=True)
    return _TYPES[which or ""]


def default_of(argument: Argument) -> Any:
    """What a field has where nothing is said."""
    if form(argument) == "key":
        return 0
    return None if isinstance(argument.default, Unwritten) else argument.default


# -- values ------------------------------------------------------------------------------------------------------------


def _number(value: Any) -> Any:
    if (found := as_expression(value)) is not None:
        return found
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER:
        return value
    raise must_be("a finite number", value)


def _count(value: Any) -> Any:
    if (found := as_expression(value)) is not None:
        return found
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31:
        return value
    raise must_be("a whole number" + STAYS * isinstance(value, dict), value)


@cache
def _ranged(within: Range, whole: bool) -> Any:
    """The type of a number in a range."""

    def check(value: Any) -> Any:
        found = _count(value) if whole else _number(value)
        if isinstance(found, int | float) and found not in within:
            raise must_be(within.words, value)
        return found

    number = {"type": "integer" if whole else "number", **within.schema}
    return Annotated[Any, PlainValidator(check), WithJsonSchema({"anyOf": [number, EXPRESSION]})]


def _switch(value: Any) -> Any:
    if (found := as_expression(value)) is not None:
        return found
    if isinstance(value, bool):
        return value
    raise must_be("true or false" + STAYS * isinstance(value, dict), value)


def _numbers(value: Any) -> Any:
    if isinstance(value, list | tuple) and 0 < len(value) <= LONGEST:
        return tuple(_numbers(v) if isinstance(v, list | tuple) else _word_or_number(v) for v in value)
    if isinstance(value, str) and not value.startswith("$"):
        return _word(value)
    raise must_be("a list of finite numbers", value)


def _word_or_number(value: Any) -> Any:
    return _word(value) if isinstance(value, str) and not value.startswith("$") else _number(value)


def _word(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[a-z][a-z_0-9+]{0,31}", value):
        return value
    raise must_be("a word", value)


LONGEST = 100
"""Numbers of a list, at the most."""

STAYS = ", and stays what it is"
"""Of what cannot change over time."""

_DTYPES = ("float32", "bfloat16", "float16", "float64")


def _patterns(value: Any) -> Any:
    patterns = (value,) if isinstance(value, str) else value
    if isinstance(patterns, list | tuple) and 0 < len(patterns) <= LONGEST and all(_is_pattern(p) for p in patterns):
        return tuple(patterns)
    raise must_be('a pattern over paths, such as "**/kernel", or a list of them', value)


def _is_pattern(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 1000


_PATTERN = {"type": "string", "minLength": 1}

PATTERNS: Any = Annotated[
    tuple[str, ...],
    PlainValidator(_patterns),
    WithJsonSchema({"anyOf": [_PATTERN, {"type": "array", "items": _PATTERN, "minItems": 1}]}),
]
"""One pattern over paths or more: `*` within a part, `**` across parts."""

FACTOR: Any = changing(_ranged(FROM_ZERO, whole=False))
"""A number from 0, or a course of such numbers."""

_TYPES: Mapping[str, Any] = {
    "key": Integer,
    "dtype": Annotated[Any, PlainValidator(one_of(_DTYPES)), WithJsonSchema({"enum": list(_DTYPES)})],
    "patterns": PATTERNS,
    "course": Annotated[Any, *item_of(Course)],
    "switch": Annotated[Any, PlainValidator(_switch), WithJsonSchema({"anyOf": [{"type": "boolean"}, EXPRESSION]})],
    "numbers": Annotated[Any, PlainValidator(_numbers), WithJsonSchema({"type": ["array", "string"], "minItems": 1})],
}
