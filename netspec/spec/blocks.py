"""Kinds that a spec itself defines: a block is a class of layer like any other, made when the spec is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field, create_model

from netspec.spec.call import Branch, Branches, Shape
from netspec.spec.expression import Expression
from netspec.spec.layer import Layer
from netspec.spec.values import Integer, Name, Number, Switch

__all__ = ["ARGUMENT_TYPES", "OTHER_TYPES", "Late", "UserBlock", "field_of", "type_of", "user_block"]


ARGUMENT_TYPES: Mapping[str, Any] = {"int": Integer, "float": Number, "bool": Switch, "string": str, "name": Name}
OTHER_TYPES = {"integer": "int", "number": "float", "double": "float", "boolean": "bool", "str": "string"}


@dataclass(frozen=True, slots=True)
class Late:
    """A default that is worked out of the arguments before it: `hidden = "$width * 4"`."""

    expression: Expression


class UserBlock(Layer, abstract=True):
    """An item of a kind that the spec itself defines; its fields are the block's arguments, under names of their own.

    An argument may be called anything, `copy` or `lower`, say, which would hide what a table can do.
    """

    padded = "kept"

    arguments: ClassVar[tuple[str, ...]] = ()
    named: ClassVar[tuple[str, ...]] = ()
    layers: ClassVar[tuple[Layer, ...]] = ()

    def lower(self, x: Shape) -> Branches:
        return Branches({"": Branch(self.layers, ())})

    def values(self) -> dict[str, Any]:
        """What each argument is, for the expressions inside; of one that names a value, what it is called inside."""
        return {name: name if name in self.named else getattr(self, field_of(name)) for name in self.arguments}

    def names(self) -> dict[str, str]:
        """By argument that names a value, that name, as it stands where the block is used."""
        return {name: getattr(self, field_of(name)) for name in self.named}


def user_block(name: str, arguments: Mapping[str, tuple[Any, Any]]) -> type[UserBlock]:
    fields: dict[str, Any] = {
        field_of(n): (of, Field(alias=n) if default is ... else Field(default, alias=n))
        for n, (of, default) in arguments.items()
    }
    kind: type[UserBlock] = create_model(name, __base__=UserBlock, __cls_kwargs__={"abstract": True}, **fields)
    kind.kind, kind.arguments = name, tuple(arguments)
    kind.named = tuple(n for n, (of, _) in arguments.items() if of is Name)
    return kind


def field_of(argument: str) -> str:
    return f"ARGUMENT_{argument}"


def type_of(default: Any) -> Any:
    return ARGUMENT_TYPES[
        "bool" if isinstance(default, bool) else {int: "int", float: "float", str: "string"}[type(default)]
    ]
