"""An example of every kind, in TOML: what must be given, with a value that its type allows, or what the class says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.document.plain import value_text
from netspec.spec.augmentations import Augmentation
from netspec.spec.courses import Course
from netspec.spec.initial import Initial
from netspec.spec.keys import Key, keys_of
from netspec.spec.kind import Kind
from netspec.spec.layer import Layer
from netspec.spec.losses import Loss, Penalty
from netspec.spec.optimizers import Clip, Optimizer, Transformation, Wrapper
from netspec.spec.schedules import Schedule
from netspec.spec.sources import Source
from netspec.spec.transforms import Transform

__all__ = ["example", "spec_with"]

SECTIONS: Mapping[type[Kind], str] = {Loss: "loss", Optimizer: "optimizer", Schedule: "schedule"}
"""Families whose kinds are sections, and which."""

AROUND: Mapping[type[Kind], str] = {
    Layer: "[model]\ninput = {input}\nlayers = [\n  {before}{example},\n]\n",
    Initial: "[model]\ninput = [64]\nlayers = [{{ dense = 16, init = {example} }}]\n",
    Penalty: '[loss]\nkind = "cross_entropy"\npenalties = [{example}]\n',
    Wrapper: '[optimizer]\nkind = "sgd"\nlearning_rate = 0.1\n{example}\n',
    Transformation: "[optimizer]\nchain = [{example}, {{ scale_by_learning_rate = 0.1 }}]\n",
    Clip: '[optimizer]\nkind = "sgd"\nlearning_rate = 0.1\nclip = {example}\n',
    Course: "[model]\ninput = [64]\nlayers = [{{ dense = 16 }}, {{ dropout = {example} }}]\n",
    Source: "[data]\nsource = {example}\n",
    Transform: '[data]\nsource = "digits"\ntransform = [{example}]\n',
    Augmentation: '[data]\nsource = "digits"\naugment = [{example}]\n',
}
"""By family, the part of a spec that an example stands in."""

MODEL = "[model]\ninput = [64]\nlayers = [{ dense = 10 }]\n"

NAMED: Mapping[str, str] = {
    "left": '{ dense = 64, name = "left" },\n  { dense = 64, name = "right" },\n  ',
    "tokens": '{ embed = 64, vocabulary = 64, name = "tokens" },\n  ',
}
"""By a name that examples read, the layers with such names."""


def example(kind: type[Kind]) -> str:
    """An item or a section of a kind, as a person would write it."""
    if kind.example:
        return kind.example
    keys = keys_of(kind)
    needed = {key.name: sample(key) for key in keys.values() if key.required}
    section = next((word for family, word in SECTIONS.items() if issubclass(kind, family)), None)
    if section is not None:
        lines = {"kind": kind.kind, **needed, **({} if needed else _optional(keys))}
        return "\n".join([f"[{section}]", *(f"{name} = {value_text(value)}" for name, value in lines.items())])
    if issubclass(kind, Wrapper):
        return f"{kind.kind} = {value_text(needed or True)}"
    principal = keys.get(kind.kind)
    if (principal is None or principal.default == "true") and not needed:
        return value_text(kind.kind)
    if issubclass(kind, Layer) and kind.takes[0] > 1:
        needed[kind.kind] = ["left", "right"]
    first = {kind.kind: True if principal is None else sample(principal)}
    return value_text(first | needed)


def spec_with(kind: type[Kind], shape: tuple[int, ...] = (64,)) -> str:
    """A spec that holds the example of a kind, and little else.

    Args:
        shape: of the network's input, where the kind is a layer.
    """
    family = next((f for f in AROUND if issubclass(kind, f)), None)
    if family is None:
        return f"{MODEL}\n{example(kind)}\n"
    before = next((layers for name, layers in NAMED.items() if f'"{name}"' in example(kind)), "")
    part = AROUND[family].format(example=example(kind), input=list(shape), before=before)
    return part if part.startswith("[model]") else f"{MODEL}\n{part}"


def _optional(keys: Mapping[str, Key]) -> dict[str, Any]:
    rate = keys.get("learning_rate")
    return {} if rate is None else {"learning_rate": sample(rate)}


def sample(key: Key) -> Any:
    """A value for a key: its default where it has one, else a sensible one of its type."""
    import tomli

    if key.default:
        return tomli.loads(f"value = {key.default}")["value"]
    return 1e-3 if key.name == "learning_rate" else _of(key.schema)


def _of(schema: Mapping[str, Any]) -> Any:
    """A value that a schema allows."""
    if "anyOf" in schema:
        return _of(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if "$ref" in schema:
        return _REFERRED.get(schema["$ref"].rpartition("/")[2], "relu")
    if schema.get("type") == "array":
        one = _of(schema.get("items", {"type": "integer"}))
        return ["left", "right"] if one == "left" else [one] * schema.get("minItems", 1)
    if schema.get("type") == "string":
        return "left" if "pattern" in schema else "file"
    if schema.get("type") == "number":
        return 0.1
    return max(16, schema.get("minimum", 16))


_REFERRED: Mapping[str, Any] = {
    "source": "digits",
    "layer": {"dense": 64},
    "course": {"linear": [-0.1, 0.0]},
}
"""By what a schema refers to, a value of that."""
