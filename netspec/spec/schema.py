"""The JSON Schema of a spec, made from the classes of its kinds: what editors complete from and find mistakes by.

A schema sees tables without the order of their keys, and cannot look a name up elsewhere in the text. So an item is
told by the one of its keys that is a kind; and a word that is no kind is a mistake, unless the spec has blocks of its
own, or extends another that may have some. Draft 7, which Taplo and Tombi both read.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence

from netspec.spec.activations import Activation
from netspec.spec.augmentations import Augmentation
from netspec.spec.blocks import ARGUMENT_TYPES, OTHER_TYPES
from netspec.spec.courses import Course
from netspec.spec.decode import SECTIONS
from netspec.spec.families import members
from netspec.spec.initial import Initial
from netspec.spec.item_schemas import (
    ANY_TABLE,
    KNOWN,
    NAME,
    OR_BLOCK,
    Schema,
    closed,
    holds_layers,
    initial_values,
    item,
    kind_table,
    kinds_of,
    layer_case,
    list_of_layers,
    names_of,
    offers,
    one_of_kinds,
    open_table,
    properties_of,
    property_of,
    reference,
    required_each,
    with_layer,
    word_of,
)
from netspec.spec.keys import description, keys_of
from netspec.spec.kind import Kind, Table
from netspec.spec.layer import Layer
from netspec.spec.losses import Loss, Penalty
from netspec.spec.optimizer_schemas import groups_of, item_of_optimizer, optimizer_definitions, or_chain
from netspec.spec.optimizers import Clip, Optimizer, Transformation, optimizer_names
from netspec.spec.schedules import Schedule
from netspec.spec.sections import Spec
from netspec.spec.sources import Source
from netspec.spec.training import Phase
from netspec.spec.transforms import Transform

__all__ = ["NOTES", "schema", "tables"]


ITEMS: Sequence[type[Kind]] = (
    Layer,
    Activation,
    Initial,
    Penalty,
    Clip,
    Transformation,
    Course,
    Source,
    Transform,
    Augmentation,
)
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


def _definitions() -> Iterator[tuple[str, Schema]]:
    """What the schema refers to, by name."""
    for family in ITEMS:
        if family is not Layer:
            yield word_of(family), item(family)
        yield f"{word_of(family)}_names", names_of(family)
    yield "layer", {"type": ["string", "object"], "anyOf": offers(Layer)}
    for layer in (KNOWN, OR_BLOCK):
        yield layer, layer_case(layer)
    for name, key in keys_of(Layer).items():
        yield f"every_layer.{name}", property_of(key)
    for name, kind in kinds_of(Layer).items():
        yield f"layer.{name}", (table := kind_table(kind))
        if holds_layers(kind):
            for layer in (KNOWN, OR_BLOCK):
                yield f"{layer}.{name}", with_layer(table, layer)
    for family in ITEMS:
        if family not in (Layer, Activation):
            whole = optimizer_names() if family is Transformation else ()
            yield from (
                (f"{word_of(family)}.{name}", item_of_optimizer(name) if name in whole else kind_table(kind))
                for name, kind in kinds_of(family).items()
            )
    yield "loss_names", names_of(Loss)
    for family in SECTIONED:
        section = _choice(family)
        yield f"{family.family}_section", or_chain(section) if family is Optimizer else section
        yield from ((f"{family.family}_section.{name}", _chosen(kind)) for name, kind in members(family).items())
    yield from optimizer_definitions()
    for cls in tables():
        yield cls.__name__.lower(), _table(cls)
    yield "initial_values", initial_values()
    yield "numbers", {"type": ["number", "array"], "items": reference("numbers")}


def tables() -> Iterator[type[Table]]:
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
    one = reference(f"{key}_section" if issubclass(cls, Kind) else key)
    if key == "phase":
        return {"description": description(cls), "type": "array", "items": one}
    if key != "loss":
        return one
    name = reference("loss_names")
    each = {"type": ["object", "string"], "if": {"type": "string"}, "then": name, "else": one, "anyOf": [one, name]}
    several = {"type": "array", "items": each}
    either = {"type": ["object", "array"], "if": {"type": "array"}, "then": several, "else": one}
    return {"description": description(cls), **either, "anyOf": [one, several, ANY_TABLE]}


def _class_of(key: str) -> type[Table]:
    """The class that reads a section, as the finished spec holds it."""
    if key in ("loss", "phase"):
        return Loss if key == "loss" else Phase
    hint = typing.get_type_hints(Spec)[key]
    return next(c for c in (hint, *typing.get_args(hint)) if isinstance(c, type) and issubclass(c, Table))


def _plain_section(key: str) -> Schema:
    named: Schema = {"type": "object", "propertyNames": NAME}
    new = {**NAME, "not": {"enum": list(kinds_of(Layer))}}
    return {
        "name": NAME,
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1, "default": 0},
        "extends": {"type": "string", "minLength": 1},
        "let": {**named, "additionalProperties": {"type": "number"}},
        "block": {**named, "propertyNames": new, "additionalProperties": _block()},
        "models": {**named, "additionalProperties": reference("model")},
    }[key]


def _block() -> Schema:
    types = ", ".join(f'"{name}"' for name in ARGUMENT_TYPES)
    arguments = {
        "description": f"By name: a type ({types}) where it must be given, or a default.",
        "type": "object",
        "propertyNames": {**NAME, "not": {"enum": list(Layer.universal())}},
        "additionalProperties": {"type": ["string", "number", "boolean"], "not": {"enum": list(OTHER_TYPES)}},
    }
    layers = {"description": "What it stands for, in turn.", **list_of_layers("layer")}
    properties = {"args": arguments, "layers": layers}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _complete() -> Schema:
    """What a spec must say, if not the one that it extends."""
    sections: Schema = {"model": {"oneOf": required_each("layers", "point")}, "train": {}}
    sections["models"] = sections["block"] = {"additionalProperties": {"required": ["layers"]}}
    for key in SECTIONS:
        if key not in NOTES and not issubclass(cls := _class_of(key), Kind):
            needed = [k.name for k in keys_of(cls).values() if k.required]
            sections[key] = sections.get(key) or {"required": needed}
    for family in SECTIONED:
        needs = {n: [k.name for k in keys_of(kind).values() if k.required] for n, kind in members(family).items()}
        cases = [{"if": _is_kind(name), "then": {"required": keys}} for name, keys in needs.items() if keys]
        told = {"anyOf": required_each("kind", "chain")} if family is Optimizer else {"required": ["kind"]}
        sections[family.family] = {**told, **({"allOf": cases} if cases else {})}
    loss = {"anyOf": [{"type": "string"}, *required_each("kind", *kinds_of(Loss))]}
    sections["loss"] = {"if": {"type": "array"}, "then": {"items": loss}, "else": loss}
    return {**open_table(sections), "oneOf": required_each("model", "models"), "allOf": [_long_enough()]}


def _long_enough() -> Schema:
    """How long a training is, once: where it has phases, each may say it for itself."""
    once = open_table({"train": {"oneOf": required_each("epochs", "steps")}})
    either = {"not": {"required": ["epochs", "steps"]}}
    phases = open_table({"train": either, "phase": {"items": either}})
    return {"if": {"required": ["phase"]}, "then": phases, "else": once}


def _layers_are(layer: str) -> Schema:
    """Every list of layers outside items, of what stands for `layer`."""
    model = open_table({"layers": {"items": reference(layer)}})
    return open_table(
        {"model": model, "models": {"additionalProperties": model}, "block": {"additionalProperties": model}}
    )


def _confusable() -> Schema:
    """Blocks with an argument that is called like a kind of layer: an item with that key may be of either."""
    clear = open_table({"args": {"propertyNames": {"not": {"enum": list(kinds_of(Layer))}}}})
    return {"properties": {"block": {"not": {"additionalProperties": clear}}}}


def _is_kind(name: str) -> Schema:
    return {"properties": {"kind": {"const": name}}, "required": ["kind"]}


def _choice(family: type[Kind]) -> Schema:
    """A section whose `kind` says which class reads it."""
    word, kinds = f"{family.family}_section", members(family)
    every_key = dict.fromkeys(["kind", *(key for kind in kinds.values() for key in keys_of(kind))])
    items = family is Loss  # which may be written as one: { cross_entropy = "digit" }
    cases = [
        {"if": {"anyOf": [_is_kind(n), *required_each(n)]} if items else _is_kind(n), "then": reference(f"{word}.{n}")}
        for n in kinds
    ]
    every_key |= dict.fromkeys(kinds) if items else {}
    told = {"anyOf": required_each("kind", *kinds)} if items else {"required": ["kind"]}
    without = {"if": told, "else": {"propertyNames": {"enum": list(every_key)}}}
    offers = [*(reference(f"{word}.{name}") for name in kinds), open_table({key: {} for key in every_key})]
    which = {"description": "Which.", **one_of_kinds(kinds)}
    return {
        "type": "object",
        "description": description(family),
        **open_table({"kind": which}),
        "allOf": [*cases, without],
        "anyOf": offers,
    }


def _chosen(kind: type[Kind]) -> Schema:
    """What stands in a section of one kind; which of its keys must, `_complete` says."""
    word = {"description": description(kind).split("\n\n")[0], "const": kind.kind}
    properties = {"kind": word, **properties_of(kind)}
    if issubclass(kind, Optimizer):
        properties["group"] = groups_of(kind.kind)
    if not issubclass(kind, Loss):
        return closed(kind.kind, properties)
    # As an item, its own key holds the output.
    table = closed(kind.kind, {kind.kind: {"anyOf": [properties["output"], {"const": True}]}, **properties})
    nothing: Schema = {"not": {}}
    return {**table, "if": {"required": [kind.kind]}, "then": open_table({"kind": nothing, "output": nothing})}


def _table(cls: type[Table]) -> Schema:
    inside = not any(cls is _class_of(key) for key in SECTIONS if key not in NOTES)
    needed = [key.name for key in keys_of(cls).values() if key.required and inside]
    return closed(cls.__name__.lower(), properties_of(cls), needed) | {"description": description(cls)}
