"""What a table's class says of itself: what it is, and what each of its keys is, takes, and has unless it is given.

The manual, the lists and the JSON Schema are all made from this.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import WithJsonSchema
from pydantic.fields import FieldInfo

from netspec.document.plain import value_text
from netspec.spec.expression import Expression
from netspec.spec.initial import Initials
from netspec.spec.kind import Kind, Table
from netspec.spec.values import EXPRESSION, LARGEST_COUNT, LARGEST_NUMBER, Duration

__all__ = ["Key", "definition", "described_keys", "description", "first_sentence", "in_words", "keys_of", "papers"]


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table.

    Args:
        name: as a person writes it.
        schema: the JSON Schema of its value.
        required: whether it must be given.
        default: what it is otherwise, as TOML has it; empty where that is nothing, or is said in words.
        text: what it is.
    """

    name: str
    schema: Mapping[str, Any]
    required: bool
    default: str
    text: str


@cache
def keys_of(cls: type[Table]) -> Mapping[str, Key]:
    """The keys of a table in the order of its class, the principal one first."""
    texts = _texts(cls)
    keys = {info.alias or name: _key(info.alias or name, info, texts) for name, info in cls.model_fields.items()}
    first = cls.kind if issubclass(cls, Kind) else ""
    universal = cls.universal() if issubclass(cls, Kind) else ()
    order = [*(k for k in keys if k == first), *(k for k in keys if k != first and k not in universal), *universal]
    return {name: keys[name] for name in order}


def described_keys(cls: type[Table]) -> frozenset[str]:
    """The keys that the docstrings of a class and of those above it say something of."""
    return frozenset(_texts(cls))


def description(cls: type[Table]) -> str:
    """What a class says that it is: its docstring up to the first key."""
    return _parted(inspect.cleandoc(cls.__doc__ or ""), frozenset(_names(cls)))[0]


def first_sentence(text: str) -> str:
    r"""The first sentence of a text, on one line.

    >>> first_sentence("The sum, i.e. all of it (Gauss et al.,\n1801). And more.")
    'The sum, i.e. all of it (Gauss et al., 1801).'
    """
    paragraph = " ".join(text.split("\n\n")[0].split())
    found = re.search(r"(?<!et al)(?<!\be\.g)(?<!\bi\.e)[.](?= [A-Z\"`]|$)|:$", paragraph)
    return paragraph[: found.end()].rstrip(":") if found else paragraph


_PAPER = re.compile(r"(?:van den |van der |van |de )?[A-Z][\w.’'\- ]*?(?:,? (?:and|et al\.,?)[^,\d]*)?,? \d{4}\b")


def papers(text: str) -> tuple[str, ...]:
    """The papers that a text names in parentheses.

    >>> papers("y = F(x) + x (He et al., 2015); gated (Srivastava et al., 2015, in one form)")
    ('He et al., 2015', 'Srivastava et al., 2015')
    """
    line = " ".join(text.split())
    inside = (part.strip() for found in re.findall(r"\(([^()]*)\)", line) for part in found.split(";"))
    named = (_PAPER.search(part) for part in inside)
    return tuple(dict.fromkeys(found[0] for found in named if found))


def _names(cls: type[Table]) -> list[str]:
    return [info.alias or name for name, info in cls.model_fields.items()]


def _texts(cls: type[Table]) -> dict[str, str]:
    """What the docstrings of the class, and of those above it, say of each key."""
    names = frozenset(_names(cls))
    found: dict[str, str] = {}
    for one in reversed([c for c in cls.__mro__ if issubclass(c, Table) and c not in (Table, Kind)]):
        found |= _parted(inspect.cleandoc(one.__dict__.get("__doc__") or ""), names)[1]
    return found


_KEY_LINE = re.compile(r"([a-z_][a-z0-9_]*(?:, [a-z_][a-z0-9_]*)*): (.*)")


def _parted(text: str, names: frozenset[str]) -> tuple[str, dict[str, str]]:
    """A docstring as what it says before the first key, and of each key."""
    before: list[str] = []
    keys: dict[str, list[str]] = {}
    current = before
    for line in text.split("\n"):
        found = _KEY_LINE.fullmatch(line)
        named = found[1].split(", ") if found else []
        if found and names.issuperset(named):
            current = [found[2]]
            keys |= dict.fromkeys(named, current)
        else:
            current.append(line)
    return "\n".join(before).strip(), {k: " ".join(" ".join(lines).split()) for k, lines in keys.items()}


def _key(name: str, info: FieldInfo, texts: Mapping[str, str]) -> Key:
    required = info.is_required()
    default = "" if required else _default(info.get_default(call_default_factory=True))
    return Key(name, definition(info.annotation, info.metadata), required, default, texts.get(name, ""))


def _default(value: Any) -> str:
    if value is None or isinstance(value, Table):
        return ""
    if isinstance(value, Expression | Duration):
        return value_text(str(value))
    return value_text(value)


_PLAIN: Mapping[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
}


def definition(annotation: Any, metadata: Sequence[Any] = ()) -> dict[str, Any]:
    """The JSON Schema of what a field may hold; families and tables are references to be defined elsewhere."""
    if any(isinstance(mark, Initials) for mark in metadata):
        return {"$ref": "#/$defs/initial_values"}
    given = [mark.json_schema for mark in metadata if isinstance(mark, WithJsonSchema)]
    if given:
        assert given[-1] is not None
        found: dict[str, Any] = _with_names(given[-1])
        return found
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        return definition(arguments[0], arguments[1:])
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        options = [definition(part) for part in arguments if part is not type(None)]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if origin is tuple:
        return {"type": "array", "items": definition(arguments[0])}
    assert isinstance(annotation, type), annotation
    assert issubclass(annotation, Table), annotation
    return {"$ref": f"#/$defs/{annotation.__name__.lower()}"}


def _with_names(schema: Any) -> Any:
    """A schema with its references as they are defined: a family's name has no blanks there."""
    if isinstance(schema, dict):
        return {k: v.replace(" ", "_") if k == "$ref" else _with_names(v) for k, v in schema.items()}
    return [_with_names(part) for part in schema] if isinstance(schema, list) else schema


def in_words(schema: Mapping[str, Any]) -> str:
    """The type of a value as people say it; that a number may be an expression goes without saying.

    >>> in_words({"anyOf": [{"type": "integer", "minimum": 1}, EXPRESSION]})
    'a whole number from 1'
    """
    if "anyOf" in schema:
        return _either(_options(part for part in schema["anyOf"] if part != EXPRESSION))
    if "enum" in schema:
        return _either(_options([schema]))
    if "$ref" in schema:
        word = schema["$ref"].rpartition("/")[2].replace("_", " ").partition(".")[0]
        return _REFERENCES.get(word, f"a {word}")
    if "allOf" in schema:
        return in_words(schema["allOf"][0])
    kind = schema.get("type")
    if isinstance(kind, list):
        return _either(in_words({"type": one}) for one in kind)
    if kind == "array":
        return f"a list of {_many(in_words(schema.get('items', {'type': 'number'})))}"
    if kind in ("integer", "number"):
        return _number(schema)
    if kind == "string":
        pattern = schema.get("pattern", "")
        return "a duration" if "epochs" in pattern else "a name" if pattern.startswith("^[a-z]") else "a string"
    return {"boolean": "true or false", "object": "a table"}[str(kind)]


def _options(schemas: Iterable[Mapping[str, Any]]) -> list[str]:
    """What a value may be, a word of some words as an option each."""
    found: list[str] = []
    for schema in schemas:
        for words in map(value_text, schema["enum"]) if "enum" in schema else [in_words(schema)]:
            listed = f"a list of {_many(found[0])}" if found else ""
            found.append("a list of them" if words == listed else words)
    return list(dict.fromkeys(found))


def _either(options: Iterable[str]) -> str:
    *others, last = options
    return f"{', '.join(others)} or {last}" if others else last


_REFERENCES = {
    "activation": "an activation",
    "group": "a table",
    "wrapper value": "true or a table",
    "initial values": "an initial value, or a table of them by parameter",
    "split": "a table",
    "keep": "a table",
}

_PLURALS = {
    "a penalty": "penalties",
    "a whole number": "whole numbers",
    "a number": "numbers",
    "a list": "lists",
    "a table": "tables",
    "a name": "names",
    "a string": "strings",
}


def _many(words: str) -> str:
    for one, many in _PLURALS.items():
        if words.startswith(one):
            return many + words.removeprefix(one)
    return f"{words.partition(' ')[2]}s" if words.startswith(("a ", "an ")) else words


def _number(schema: Mapping[str, Any]) -> str:
    words = "a whole number" if schema["type"] == "integer" else "a number"
    largest = schema.get("maximum")
    bounds = [
        f" from {schema['minimum']}" if schema.get("minimum", -LARGEST_NUMBER) > -LARGEST_COUNT else "",
        f" above {schema['exclusiveMinimum']}" if "exclusiveMinimum" in schema else "",
        f" to {largest}" if largest is not None and largest < LARGEST_COUNT else "",
        f" to under {schema['exclusiveMaximum']}" if "exclusiveMaximum" in schema else "",
    ]
    return words + "".join(bounds)
