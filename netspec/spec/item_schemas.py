"""The JSON Schemas of items: of what stands in a list of layers, or where a kind with its keys does.

An item says the same twice, for two readers: `anyOf`, always fulfilled, lists what editors may offer; `if` and `then`
part the cases, so that a mistake is told of the kind that was meant, and not as "none of seventy fits".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tomli

from netspec.spec.initial import Initial
from netspec.spec.keys import Key, description, first_sentence, keys_of
from netspec.spec.kind import Kind, Table
from netspec.spec.layer import Layer
from netspec.spec.optimizers import OPEN, Optimizer
from netspec.spec.values import EXPRESSION

__all__ = [
    "ANY_TABLE",
    "KNOWN",
    "NAME",
    "OR_BLOCK",
    "Schema",
    "closed",
    "holds_layers",
    "initial_values",
    "item",
    "kind_table",
    "kinds_of",
    "layer_case",
    "list_of_layers",
    "names_of",
    "offers",
    "one_of_kinds",
    "open_table",
    "properties_of",
    "property_of",
    "reference",
    "required_each",
    "with_layer",
    "word_of",
]

Schema = dict[str, Any]

KNOWN, OR_BLOCK = "known_layer", "layer_or_block"
"""What stands for `layer` where a spec can have no blocks of its own, and where it has some."""

NAME: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"}

ANY_TABLE: Schema = {"type": "object", "minProperties": 1, "additionalProperties": True}


def kinds_of(family: type[Kind]) -> dict[str, type[Kind]]:
    """A family's kinds in the order of their names, whichever module was loaded first."""
    if family in OPEN:
        names, kind_of = OPEN[family]
        return {name: kind for name in sorted(names()) if (kind := kind_of(name)) is not None}
    return dict(sorted(family.kinds.items()))


def item(family: type[Kind]) -> Schema:
    """An item of a family: a word, or a table whose one key is the kind."""
    return {**_parted(family, reference(f"{word_of(family)}_names"), None), "anyOf": offers(family)}


def layer_case(layer: str) -> Schema:
    """A layer, mistakes told; what editors may offer stands in `layer` already."""
    if layer == KNOWN:
        return _parted(Layer, reference("layer_names"), layer)
    needing = [name for name, kind in kinds_of(Layer).items() if _needs_table(kind)]
    return _parted(Layer, {**NAME, "not": {"enum": needing}}, layer)


def _parted(family: type[Kind], words: Schema, layer: str | None) -> Schema:
    return {
        "type": ["string", "object"],
        "additionalProperties": True,
        "if": {"type": "string"},
        "then": words,
        "else": {**ANY_TABLE, "allOf": _cases(family, layer)},
        "anyOf": [{"type": "string"}, ANY_TABLE],
    }


def _cases(family: type[Kind], layer: str | None) -> list[Schema]:
    """Which table each kind is; a kind may be called like another one's key, and does not count beside that."""
    kinds = kinds_of(family)
    cases = []
    for name, kind in kinds.items():
        owners = [n for n, other in kinds.items() if n != name and name in keys_of(other)]
        told = {"required": [name], **({"not": {"anyOf": required_each(*owners)}} if owners else {})}
        inside = layer if layer and holds_layers(kind) else _home(kind)
        cases.append({"if": told, "then": reference(f"{inside}.{name}")})
    # Where an item may be of a block, its first word is any; else that word is a mistake.
    other = NAME if layer == OR_BLOCK else {"enum": [*kinds, *family.universal()]}
    return [*cases, {"if": {"not": {"anyOf": required_each(*kinds)}}, "then": {"propertyNames": other}}]


def offers(family: type[Kind]) -> list[Schema]:
    """What editors may offer for an item; always fulfilled."""
    tables = [reference(f"{_home(kind)}.{name}") for name, kind in kinds_of(family).items()]
    every_key = dict.fromkeys(
        [*kinds_of(family), *(key for kind in kinds_of(family).values() for key in keys_of(kind))]
    )
    unfinished = {"type": "object", "minProperties": 1, **open_table({key: {} for key in every_key})}
    return [reference(f"{word_of(family)}_names"), *tables, unfinished, {"type": "string"}]


def names_of(family: type[Kind]) -> Schema:
    """The kinds that need no more than their word."""
    return one_of_kinds({name: kind for name, kind in kinds_of(family).items() if not _needs_table(kind)})


def one_of_kinds(kinds: Mapping[str, type[Kind]]) -> Schema:
    notes = [first_sentence(description(kind)) for kind in kinds.values()]
    return {"enum": list(kinds), "x-taplo": {"docs": {"enumValues": notes}}}


def _needs_table(kind: type[Kind]) -> bool:
    return any(key.required for key in keys_of(kind).values())


def kind_table(kind: type[Kind]) -> Schema:
    """The table of a kind, its own key among them."""
    properties = properties_of(kind)
    own = {"const": True} if kind.principal() is None else properties.pop(kind.kind)
    text = "\n\n".join(t for t in (description(kind), str(own.get("description", ""))) if t)
    needed = [key.name for key in keys_of(kind).values() if key.required and key.name != kind.kind]
    return closed(kind.kind, {kind.kind: {**own, "description": text}, **properties}, [kind.kind, *needed])


def initial_values() -> Schema:
    """How parameters begin: the weights, or each by its name."""
    items, types = reference("initial_value"), ["string", "number", "array"]
    one = {"if": {"type": ["string", "object"]}, "then": items, "else": reference("numbers")}
    alone = {"if": EXPRESSION, "then": EXPRESSION, "else": one, "anyOf": [{"type": types}, ANY_TABLE]}
    is_item = {"anyOf": [{"type": types}, *required_each(*kinds_of(Initial))]}
    by_name = {"type": "object", "propertyNames": NAME, "additionalProperties": alone, "minProperties": 1}
    return {
        "type": [*types, "object"],
        "additionalProperties": True,
        "if": is_item,
        "then": alone,
        "else": by_name,
        "anyOf": [*offers(Initial), {"type": ["number", "array"]}],
    }


def properties_of(cls: type[Table]) -> dict[str, Schema]:
    family = next((f for f in (Layer, Optimizer) if issubclass(cls, f)), None)
    every = () if family is None else family.universal()
    return {
        name: reference(f"every_{family.family}.{name}") if family and name in every else property_of(key)
        for name, key in keys_of(cls).items()
    }


def property_of(key: Key) -> Schema:
    found = _at_least_one_layer(dict(key.schema))
    if "$ref" in found:  # nothing beside a reference counts
        found = {"allOf": [found]}
    default = {"default": tomli.loads(f"value = {key.default}")["value"]} if key.default else {}
    return {"description": first_sentence(key.text) if len(key.text) > LONGEST else key.text, **found, **default}


LONGEST = 300
"""Characters of a key's description, at the most, before it is cut to its first sentence."""


def _at_least_one_layer(found: Schema) -> Schema:
    return {**found, "minItems": 1} if found.get("items") == reference("layer") else found


def list_of_layers(layer: str) -> Schema:
    return {"type": "array", "minItems": 1, "items": reference(layer)}


def closed(title: str, properties: Schema, required: Sequence[str] = ()) -> Schema:
    table = {"title": title, "type": "object", "properties": properties, "additionalProperties": False}
    return {**table, "required": list(required)} if required else table


def reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def word_of(family: type[Kind]) -> str:
    return family.family.replace(" ", "_")


def _home(kind: type[Kind]) -> str:
    """Whose kinds' tables hold it: an activation is a layer."""
    return "layer" if issubclass(kind, Layer) else word_of(kind._families()[0])


def holds_layers(kind: type[Kind]) -> bool:
    schemas = [key.schema for key in keys_of(kind).values()]
    return bool(with_layer(schemas, KNOWN) != schemas)


def with_layer(table: Any, layer: str) -> Any:
    """The same with another stand-in for `layer`."""
    if isinstance(table, Mapping):
        return reference(layer) if table == reference("layer") else {k: with_layer(v, layer) for k, v in table.items()}
    return [with_layer(part, layer) for part in table] if isinstance(table, list) else table


def open_table(properties: Schema) -> Schema:
    return {"properties": properties, "additionalProperties": True}


def required_each(*keys: str) -> list[Schema]:
    return [{"required": [key]} for key in keys]
