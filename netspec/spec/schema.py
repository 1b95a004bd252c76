"""The JSON Schema of a spec, made from the classes of its kinds: what editors complete from and find mistakes by.

A schema sees tables without the order of their keys, and cannot look a name up elsewhere in the text. So an item is
told by the one of its keys that is a kind; and a word that is no kind is a mistake, unless the spec has blocks of its
own, or extends another that may have some. Draft 7, which Taplo and Tombi both read.

An item says the same twice, for two readers: `anyOf`, always fulfilled, lists what editors may offer; `if` and `then`
part the cases, so that a mistake is told of the kind that was meant, and not as "none of seventy fits".
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tomli

from netspec.spec.activations import Activation
from netspec.spec.blocks import ARGUMENT_TYPES, OTHER_TYPES
from netspec.spec.data import Source, Transform
from netspec.spec.decode import SECTIONS
from netspec.spec.initial import Initial
from netspec.spec.keys import Key, description, first_sentence, keys_of
from netspec.spec.kind import Kind, Table
from netspec.spec.layer import Layer
from netspec.spec.losses import Loss, Penalty
from netspec.spec.optimizers import Clip, Optimizer, optimizer_kind, optimizer_names
from netspec.spec.schedules import Schedule
from netspec.spec.sections import Spec
from netspec.spec.values import EXPRESSION

__all__ = ["NOTES", "members", "schema"]

Schema = dict[str, Any]

ITEMS: Sequence[type[Kind]] = (Layer, Activation, Initial, Penalty, Clip, Source, Transform)
"""Families whose kinds are written as items."""

SECTIONED: Sequence[type[Kind]] = (Loss, Optimizer, Schedule)
"""Families whose kinds are sections with a `kind`."""

NOTES: Mapping[str, str] = {
    "name": "The run's name; the file's unless said otherwise.",
    "seed": "Of everything random in the training.",
    "extends": "The path of a spec to start from; what is said here takes its place.",
    "let": 'Named numbers, for expressions: "$width * 2".',
    "block": "Kinds of layer of your own: [block.NAME] makes { NAME = … } a layer.",
    "models": "Several networks, by name, in place of [model].",
}
"""Of the sections that no class stands for, what each is."""

KNOWN, OR_BLOCK = "known_layer", "layer_or_block"
"""What stands for `layer` where a spec can have no blocks of its own, and where it has some."""

NAME: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"}

ANY_TABLE: Schema = {"type": "object", "minProperties": 1, "additionalProperties": True}


def schema() -> Schema:
    """The schema of a spec; the same from run to run."""
    may_have_blocks = {"anyOf": [{"required": ["extends"]}, {"required": ["block"]}]}
    told_apart = {"required": ["block"], "not": {"anyOf": [{"required": ["extends"]}, _confusable()]}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "x-tombi-toml-version": "v1.1.0",
        "title": "netspec",
        "description": "A neural network: its data, layers, loss, optimizer and training.",
        "type": "object",
        "properties": {key: _section(key) for key in SECTIONS},
        "additionalProperties": False,
        "allOf": [
            {"if": {"required": ["extends"]}, "else": _complete()},
            {"if": may_have_blocks, "else": _layers_are(KNOWN)},
            {"if": told_apart, "then": _layers_are(OR_BLOCK)},
        ],
        "$defs": dict(_definitions()),
    }


def members(family: type[Kind]) -> Mapping[str, type[Kind]]:
    """The kinds of a family, by name."""
    if family is not Optimizer:
        return family.kinds
    kinds = {name: optimizer_kind(name) for name in optimizer_names()}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _definitions() -> Iterator[tuple[str, Schema]]:
    """What the schema refers to, by name."""
    for family in ITEMS:
        if family is not Layer:
            yield _word(family), _item(family)
        yield f"{_word(family)}_names", _names(family)
    yield "layer", {"type": ["string", "object"], "anyOf": _offers(Layer)}
    for layer in (KNOWN, OR_BLOCK):
        yield layer, _layer(layer)
    for name, key in keys_of(Layer).items():
        yield f"every_layer.{name}", _property(key)
    for name, kind in Layer.kinds.items():
        yield f"layer.{name}", (table := _kind(kind))
        if _holds_layers(kind):
            for layer in (KNOWN, OR_BLOCK):
                yield f"{layer}.{name}", _with(table, layer)
    for family in ITEMS:
        if family not in (Layer, Activation):
            yield from ((f"{_word(family)}.{name}", _kind(kind)) for name, kind in family.kinds.items())
    for family in SECTIONED:
        yield f"{family.family}_section", _choice(family)
        yield from ((f"{family.family}_section.{name}", _chosen(kind)) for name, kind in members(family).items())
    for cls in _tables():
        yield cls.__name__.lower(), _table(cls)
    yield "initial_values", _initial_values()
    yield "numbers", {"type": ["number", "array"], "items": _reference("numbers")}


def _tables() -> Iterator[type[Table]]:
    """The tables that are sections, and those inside them."""
    found: list[type[Table]] = [c for key in SECTIONS if key not in NOTES and (c := _class_of(key))]
    plain = [c for c in found if not issubclass(c, Kind)]
    for cls in plain:
        yield cls
        for info in cls.model_fields.values():
            hints = (info.annotation, *typing.get_args(info.annotation))
            plain += [h for h in hints if isinstance(h, type) and issubclass(h, Table) and not issubclass(h, Kind)]


# -- sections ----------------------------------------------------------------------------------------------------------


def _section(key: str) -> Schema:
    if key in NOTES:
        return {"description": NOTES[key], **_plain_section(key)}
    cls = _class_of(key)
    one = _reference(f"{key}_section" if issubclass(cls, Kind) else key)
    if key != "loss":
        return one
    several = {"type": "array", "items": one}
    either = {"type": ["object", "array"], "if": {"type": "array"}, "then": several, "else": one}
    return {"description": description(cls), **either, "anyOf": [one, several, ANY_TABLE]}


def _class_of(key: str) -> type[Table]:
    """The class that reads a section, as the finished spec holds it."""
    if key == "loss":
        return Loss
    hint = typing.get_type_hints(Spec)[key]
    return next(c for c in (hint, *typing.get_args(hint)) if isinstance(c, type) and issubclass(c, Table))


def _plain_section(key: str) -> Schema:
    named: Schema = {"type": "object", "propertyNames": NAME}
    new = {**NAME, "not": {"enum": list(Layer.kinds)}}
    return {
        "name": NAME,
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1, "default": 0},
        "extends": {"type": "string", "minLength": 1},
        "let": {**named, "additionalProperties": {"type": "number"}},
        "block": {**named, "propertyNames": new, "additionalProperties": _block()},
        "models": {**named, "additionalProperties": _reference("model")},
    }[key]


def _block() -> Schema:
    types = ", ".join(f'"{name}"' for name in ARGUMENT_TYPES)
    arguments = {
        "description": f"By name: a type ({types}) where it must be given, or a default.",
        "type": "object",
        "propertyNames": {**NAME, "not": {"enum": list(Layer.universal())}},
        "additionalProperties": {"type": ["string", "number", "boolean"], "not": {"enum": list(OTHER_TYPES)}},
    }
    layers = {"description": "What it stands for, in turn.", **_layers("layer")}
    properties = {"args": arguments, "layers": layers}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _complete() -> Schema:
    """What a spec must say, if not the one that it extends."""
    sections: Schema = {"model": {"required": ["layers"]}, "train": {"oneOf": _required_each("epochs", "steps")}}
    sections["models"] = {"additionalProperties": sections["model"]}
    sections["block"] = {"additionalProperties": {"required": ["layers"]}}
    for key in SECTIONS:
        if key not in NOTES and not issubclass(cls := _class_of(key), Kind):
            needed = [k.name for k in keys_of(cls).values() if k.required]
            sections[key] = sections.get(key) or {"required": needed}
    for family in SECTIONED:
        needs = {n: [k.name for k in keys_of(kind).values() if k.required] for n, kind in members(family).items()}
        cases = [{"if": _is_kind(name), "then": {"required": keys}} for name, keys in needs.items() if keys]
        sections[family.family] = {"required": ["kind"], **({"allOf": cases} if cases else {})}
    sections["loss"] = {"if": {"type": "array"}, "then": {"items": sections["loss"]}, "else": sections["loss"]}
    return {**_open(sections), "oneOf": _required_each("model", "models")}


def _layers_are(layer: str) -> Schema:
    """Every list of layers outside items, of what stands for `layer`."""
    model = _open({"layers": {"items": _reference(layer)}})
    return _open({"model": model, "models": {"additionalProperties": model}, "block": {"additionalProperties": model}})


def _confusable() -> Schema:
    """Blocks with an argument that is called like a kind of layer: an item with that key may be of either."""
    clear = _open({"args": {"propertyNames": {"not": {"enum": list(Layer.kinds)}}}})
    return {"properties": {"block": {"not": {"additionalProperties": clear}}}}


def _open(properties: Schema) -> Schema:
    return {"properties": properties, "additionalProperties": True}


def _required_each(*keys: str) -> list[Schema]:
    return [{"required": [key]} for key in keys]


def _is_kind(name: str) -> Schema:
    return {"properties": {"kind": {"const": name}}, "required": ["kind"]}


def _choice(family: type[Kind]) -> Schema:
    """A section whose `kind` says which class reads it."""
    word, kinds = f"{family.family}_section", members(family)
    every_key = dict.fromkeys(["kind", *(key for kind in kinds.values() for key in keys_of(kind))])
    cases = [{"if": _is_kind(name), "then": _reference(f"{word}.{name}")} for name in kinds]
    without = {"if": {"required": ["kind"]}, "else": {"propertyNames": {"enum": list(every_key)}}}
    offers = [*(_reference(f"{word}.{name}") for name in kinds), _open({key: {} for key in every_key})]
    which = {"description": "Which.", **_words(kinds)}
    return {
        "type": "object",
        "description": description(family),
        **_open({"kind": which}),
        "allOf": [*cases, without],
        "anyOf": offers,
    }


def _chosen(kind: type[Kind]) -> Schema:
    """What stands in a section of one kind; which of its keys must, `_complete` says."""
    word = {"description": description(kind).split("\n\n")[0], "const": kind.kind}
    return _closed(kind.kind, {"kind": word, **_properties(kind)})


def _table(cls: type[Table]) -> Schema:
    inside = not any(cls is _class_of(key) for key in SECTIONS if key not in NOTES)
    needed = [key.name for key in keys_of(cls).values() if key.required and inside]
    return _closed(cls.__name__.lower(), _properties(cls), needed) | {"description": description(cls)}


# -- items -------------------------------------------------------------------------------------------------------------


def _item(family: type[Kind]) -> Schema:
    """An item of a family: a word, or a table whose one key is the kind."""
    return {**_parted(family, _reference(f"{_word(family)}_names"), None), "anyOf": _offers(family)}


def _layer(layer: str) -> Schema:
    """A layer, mistakes told; what editors may offer stands in `layer` already."""
    if layer == KNOWN:
        return _parted(Layer, _reference("layer_names"), layer)
    needing = [name for name, kind in Layer.kinds.items() if _needs_table(kind)]
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
    kinds = family.kinds
    cases = []
    for name, kind in kinds.items():
        owners = [n for n, other in kinds.items() if n != name and name in keys_of(other)]
        told = {"required": [name], **({"not": {"anyOf": _required_each(*owners)}} if owners else {})}
        inside = layer if layer and _holds_layers(kind) else _home(kind)
        cases.append({"if": told, "then": _reference(f"{inside}.{name}")})
    # Where an item may be of a block, its first word is any; else that word is a mistake.
    other = NAME if layer == OR_BLOCK else {"enum": [*kinds, *family.universal()]}
    return [*cases, {"if": {"not": {"anyOf": _required_each(*kinds)}}, "then": {"propertyNames": other}}]


def _offers(family: type[Kind]) -> list[Schema]:
    """What editors may offer for an item; always fulfilled."""
    tables = [_reference(f"{_home(kind)}.{name}") for name, kind in family.kinds.items()]
    every_key = dict.fromkeys([*family.kinds, *(key for kind in family.kinds.values() for key in keys_of(kind))])
    unfinished = {"type": "object", "minProperties": 1, **_open({key: {} for key in every_key})}
    return [_reference(f"{_word(family)}_names"), *tables, unfinished, {"type": "string"}]


def _names(family: type[Kind]) -> Schema:
    """The kinds that need no more than their word."""
    return _words({name: kind for name, kind in family.kinds.items() if not _needs_table(kind)})


def _words(kinds: Mapping[str, type[Kind]]) -> Schema:
    notes = [first_sentence(description(kind)) for kind in kinds.values()]
    return {"enum": list(kinds), "x-taplo": {"docs": {"enumValues": notes}}}


def _needs_table(kind: type[Kind]) -> bool:
    return any(key.required for key in keys_of(kind).values())


def _kind(kind: type[Kind]) -> Schema:
    """The table of a kind, its own key among them."""
    properties = _properties(kind)
    own = {"const": True} if kind.principal() is None else properties.pop(kind.kind)
    text = "\n\n".join(t for t in (description(kind), str(own.get("description", ""))) if t)
    needed = [key.name for key in keys_of(kind).values() if key.required and key.name != kind.kind]
    return _closed(kind.kind, {kind.kind: {**own, "description": text}, **properties}, [kind.kind, *needed])


def _initial_values() -> Schema:
    """How parameters begin: the weights, or each by its name."""
    items, types = _reference("initial_value"), ["string", "number", "array"]
    one = {"if": {"type": ["string", "object"]}, "then": items, "else": _reference("numbers")}
    alone = {"if": EXPRESSION, "then": EXPRESSION, "else": one, "anyOf": [{"type": types}, ANY_TABLE]}
    is_item = {"anyOf": [{"type": types}, *_required_each(*Initial.kinds)]}
    by_name = {"type": "object", "propertyNames": NAME, "additionalProperties": alone, "minProperties": 1}
    return {
        "type": [*types, "object"],
        "additionalProperties": True,
        "if": is_item,
        "then": alone,
        "else": by_name,
        "anyOf": [*_offers(Initial), {"type": ["number", "array"]}],
    }


# -- keys --------------------------------------------------------------------------------------------------------------


def _properties(cls: type[Table]) -> dict[str, Schema]:
    every = Layer.universal() if issubclass(cls, Layer) else ()
    return {
        name: _reference(f"every_layer.{name}") if name in every else _property(key)
        for name, key in keys_of(cls).items()
    }


def _property(key: Key) -> Schema:
    found = _at_least_one_layer(dict(key.schema))
    if "$ref" in found:  # nothing beside a reference counts
        found = {"allOf": [found]}
    default = {"default": tomli.loads(f"value = {key.default}")["value"]} if key.default else {}
    return {"description": first_sentence(key.text) if len(key.text) > LONGEST else key.text, **found, **default}


LONGEST = 300
"""Characters of a key's description, at the most, before it is cut to its first sentence."""


def _at_least_one_layer(found: Schema) -> Schema:
    return {**found, "minItems": 1} if found.get("items") == _reference("layer") else found


def _layers(layer: str) -> Schema:
    return {"type": "array", "minItems": 1, "items": _reference(layer)}


def _closed(title: str, properties: Schema, required: Sequence[str] = ()) -> Schema:
    table = {"title": title, "type": "object", "properties": properties, "additionalProperties": False}
    return {**table, "required": list(required)} if required else table


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _word(family: type[Kind]) -> str:
    return family.family.replace(" ", "_")


def _home(kind: type[Kind]) -> str:
    """Whose kinds' tables hold it: an activation is a layer."""
    return "layer" if issubclass(kind, Layer) else _word(kind._families()[0])


def _holds_layers(kind: type[Kind]) -> bool:
    schemas = [key.schema for key in keys_of(kind).values()]
    return bool(_with(schemas, KNOWN) != schemas)


def _with(table: Any, layer: str) -> Any:
    """The same with another stand-in for `layer`."""
    if isinstance(table, Mapping):
        return _reference(layer) if table == _reference("layer") else {k: _with(v, layer) for k, v in table.items()}
    return [_with(part, layer) for part in table] if isinstance(table, list) else table
