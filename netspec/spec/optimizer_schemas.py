"""The JSON Schema of `[optimizer]`, where it is more than a section with a kind: chains, wrappers, groups."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.spec.item_schemas import (
    Schema,
    closed,
    open_table,
    properties_of,
    property_of,
    reference,
    required_each,
)
from netspec.spec.keys import description, keys_of
from netspec.spec.optimizers import (
    WRAPPERS,
    Chain,
    Group,
    Optimizer,
    optimizer_kind,
    optimizer_names,
    transformation_kind,
    wrapper_kind,
)

__all__ = ["groups_of", "item_of_optimizer", "optimizer_definitions", "or_chain"]

SECTION = "optimizer_section"


def or_chain(section: Schema) -> Schema:
    """A section of an optimizer that may be given by its parts instead of by its kind."""
    chained = {"if": {"required": ["chain"]}, "then": reference(f"{SECTION}.{Chain.kind}")}
    others = section["allOf"][:-1]
    known = dict.fromkeys([*section["allOf"][-1]["else"]["propertyNames"]["enum"], "chain"])
    without = {"if": {"anyOf": required_each("kind", "chain")}, "else": {"propertyNames": {"enum": list(known)}}}
    offers = [reference(f"{SECTION}.{Chain.kind}"), *section["anyOf"]]
    return {**section, "allOf": [*others, chained, without], "anyOf": offers}


def optimizer_definitions() -> Iterator[tuple[str, Schema]]:
    """What the sections of optimizers refer to, by name."""
    for name, key in keys_of(Optimizer).items():
        if name != "group":
            yield f"every_optimizer.{name}", property_of(key)
    chain = {**properties_of(Chain), "group": groups_of(Chain.kind)}
    yield f"{SECTION}.{Chain.kind}", closed(Chain.kind, chain)
    for name in WRAPPERS:
        yield from _wrapper(name)
    for name, key in keys_of(Group).items():
        yield f"every_group.{name}", property_of(key)
    yield "group", _any_group()
    for name in (*optimizer_names(), Chain.kind):
        own = {key: reference(f"every_group.{key}") for key in keys_of(Group)}
        arguments = {} if name == Chain.kind else _arguments(name)
        first = {"chain": reference(f"{SECTION}.{name}/properties/chain")} if name == Chain.kind else {"kind": {}}
        yield f"group.{name}", closed("group", {**own, **first, **arguments}, ["match"])


def groups_of(name: str) -> Schema:
    """The groups of an optimizer: a group that says its own optimizer has the arguments of that."""
    own = {"if": {"anyOf": required_each("kind", "chain")}, "then": reference("group")}
    return {"type": "array", "minItems": 1, "items": {**own, "else": reference(f"group.{name}")}}


def item_of_optimizer(name: str) -> Schema:
    """A whole optimizer as a part of a chain."""
    kind = transformation_kind(name)
    assert kind is not None
    properties = properties_of(kind)
    own = properties[name]
    known = {key: value for key, value in _arguments(name).items() if key in properties}
    return closed(name, {name: own, **known}, [name, *(k.name for k in keys_of(kind).values() if k.required)])


def _wrapper(name: str) -> Iterator[tuple[str, Schema]]:
    kind = wrapper_kind(name)
    assert kind is not None
    keys = keys_of(kind)
    table = closed(name, properties_of(kind), [key.name for key in keys.values() if key.required])
    first = [reference(f"wrapper.{name}/properties/{key.name}") for key in [*keys.values()][:1] if key.required]
    yield f"wrapper.{name}", {**table, "description": description(kind)}
    yield f"wrapper_value.{name}", {"anyOf": [{"const": True}, *first, reference(f"wrapper.{name}")]}


def _any_group() -> Schema:
    """A group with an optimizer of its own."""
    cases = [
        {"if": {"properties": {"kind": {"const": n}}, "required": ["kind"]}, "then": reference(f"group.{n}")}
        for n in optimizer_names()
    ]
    kinds = {"kind": {"enum": list(optimizer_names())}}
    chained = {"if": {"required": ["chain"]}, "then": reference(f"group.{Chain.kind}")}
    return {"type": "object", **open_table(kinds), "allOf": [*cases, chained]}


def _arguments(name: str) -> dict[str, Schema]:
    """An optimizer's own keys, as they are in its section."""
    kind = optimizer_kind(name)
    names = () if kind is None else kind.keys()
    return {key: reference(f"{SECTION}.{name}/properties/{key}") for key in names}
