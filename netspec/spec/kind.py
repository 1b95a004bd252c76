"""The heart of the language: a kind is one class. Its fields are its keys, its docstring is its manual page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from netspec.spec.expression import Expression

__all__ = [
    "Item",
    "Items",
    "Kind",
    "Lists",
    "Section",
    "Table",
    "item_of",
    "items_of",
    "lists_of",
    "section_of",
    "snake_case",
]


class Table(BaseModel):
    """A table of a spec: closed (an unknown key is a mistake), strict (`"64"` is no number), finite, and frozen."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        populate_by_name=True,
        protected_namespaces=(),
        # A kind is built when a spec first uses it; most specs use a few.
        defer_build=True,
    )

    def filled(self, names: Mapping[str, Any]) -> Self:
        """The same table with every expression worked out and checked like a value that was written down.

        Raises:
            ExpressionError: an expression cannot be worked out; its `key` says which.
            pydantic.ValidationError: a result is of the wrong type or out of range.
        """
        expressions = {k: v for k, v in self.__dict__.items() if _holds_expression(v)}
        if not expressions:
            return self
        worked_out = {k: _work_out(v, names, k) for k, v in expressions.items()}
        written = {k: self.__dict__[k] for k in self.model_fields_set if k not in expressions}
        return type(self).model_validate({**written, **worked_out})


def _holds_expression(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return isinstance(value, Expression) or any(_holds_expression(v) for v in parts)


def _work_out(value: Any, names: Mapping[str, Any], key: str) -> Any:
    if isinstance(value, Expression):
        try:
            return value.evaluate(names)
        except ValueError as error:
            error.key = key  # type: ignore[attr-defined]
            error.expression = value  # type: ignore[attr-defined]
            raise
    if isinstance(value, dict):
        return {k: _work_out(v, names, key) for k, v in value.items()}
    return [_work_out(v, names, key) for v in value] if isinstance(value, tuple | list) else value


class Kind(Table):
    """A kind of item or section.

    A class with `family="…"` opens a family (layers, losses, …), perhaps within another (activations within layers);
    every other one is a kind of the families above it, named after its class in snake case, unless `abstract=True`. A
    field of the kind's own name holds the principal argument.
    """

    kinds: ClassVar[dict[str, type["Kind"]]] = {}
    kind: ClassVar[str]
    family: ClassVar[str]
    example: ClassVar[str] = ""
    """What the manual shows, where something made up from the keys' types would be no good example."""

    def __init_subclass__(cls, *, family: str = "", abstract: bool = False, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        cls.kind = cls.__dict__.get("kind", snake_case(cls.__name__))
        if family:
            cls.family, cls.kinds = family, {}
        elif not abstract:
            for opened in cls._families():
                assert cls.kind not in opened.kinds, f"two kinds of {opened.family} are called {cls.kind}"
                opened.kinds[cls.kind] = cls

    @classmethod
    def _families(cls) -> list[type["Kind"]]:
        return [c for c in cls.__mro__ if issubclass(c, Kind) and c is not Kind and "kinds" in c.__dict__]

    @classmethod
    def principal(cls) -> str | None:
        """The field that the kind's own key fills, or None where the kind takes no principal argument."""
        return next((name for name, f in cls.model_fields.items() if (f.alias or name) == cls.kind), None)

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The kind's own keys as a person writes them, the principal one and its family's universal ones left out."""
        universal = cls.universal()
        return tuple(
            key for name, f in cls.model_fields.items() if (key := f.alias or name) != cls.kind and key not in universal
        )

    @classmethod
    def universal(cls) -> tuple[str, ...]:
        """The keys that every kind of the family takes."""
        return ()


@dataclass(frozen=True, slots=True)
class Item:
    """Marks a field that holds one item of a family (`activation = "relu"`)."""

    family: type[Kind]


@dataclass(frozen=True, slots=True)
class Items:
    """Marks a field that holds a list of items of a family (`layers = [ … ]`).

    Args:
        words: strings that may stand for a list (`shortcut = "projection"`).
    """

    family: type[Kind]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lists:
    """Marks a field that holds lists of items of a family (`parallel = [[ … ], [ … ]]`)."""

    family: type[Kind]


@dataclass(frozen=True, slots=True)
class Section:
    """Marks a field that stands for a section of the spec (`optimizer = { kind = "adam" }`)."""

    family: type[Kind]


def item_of(family: type[Kind]) -> tuple[Any, ...]:
    """What makes `Annotated[Family | None, *item_of(Family)]` the type of one item, decoded by the table's reader."""
    return Item(family), PlainValidator(lambda value: _member(value, family)), _reference(family)


def items_of(family: type[Kind], *words: str) -> tuple[Any, ...]:
    """What makes `Annotated[tuple[Family, ...], *items_of(Family)]` the type of a list of items.

    Args:
        words: strings that may stand for a list.
    """

    def members(value: Any) -> Any:
        return value if value in words else _members(value, family)

    schema = _list_of(family)
    return (
        Items(family, words),
        PlainValidator(members),
        WithJsonSchema({"anyOf": [{"enum": list(words)}, schema]} if words else schema),
    )


def lists_of(family: type[Kind]) -> tuple[Any, ...]:
    """What makes `Annotated[tuple[tuple[Family, ...], ...], *lists_of(Family)]` the type of several lists of items."""

    def lists(value: Any) -> tuple[tuple[Any, ...], ...]:
        if not isinstance(value, tuple):
            raise PydanticCustomError("items", "expected a list of lists")
        return tuple(_members(v, family) for v in value)

    schema = {"type": "array", "items": {"type": "array", "items": {"$ref": f"#/$defs/{family.family}"}}}
    return Lists(family), PlainValidator(lists), WithJsonSchema(schema)


def section_of(family: type[Kind]) -> tuple[Any, ...]:
    """What makes `Annotated[Family | None, *section_of(Family)]` the type of a section within a table."""
    schema = {"$ref": f"#/$defs/{family.family}_section"}
    return Section(family), PlainValidator(lambda value: value), WithJsonSchema(schema)


def _members(value: Any, family: type[Kind]) -> tuple[Any, ...]:
    if not isinstance(value, tuple):
        raise PydanticCustomError("items", "expected a list")
    return tuple(_member(v, family) for v in value)


def _list_of(family: type[Kind]) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{family.family}"}}


def _member(value: Any, family: type[Kind]) -> Any:
    if isinstance(value, family) or value is None:
        return value
    raise PydanticCustomError("items", "expected an item")


def _reference(family: type[Kind]) -> WithJsonSchema:
    return WithJsonSchema({"$ref": f"#/$defs/{family.family}"})


def snake_case(name: str) -> str:
    """The name of a class as a kind's: `GlobalAvgPool` is `global_avg_pool`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
