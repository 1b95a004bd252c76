"""Document to Spec: every value checked against the class of its kind, every mistake reported, each at its place."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import Field, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

import netspec.spec.layers  # noqa: F401  (its kinds enter the family of layers)
from netspec.diagnostics import Diagnostic, Place, SpecError, nearest
from netspec.document import Document, Path
from netspec.spec.activations import Activation
from netspec.spec.call import Branches, Shape
from netspec.spec.data import Data
from netspec.spec.expression import Expression
from netspec.spec.initial import PARAMETERS, Constant, Initial, Initials, Literal
from netspec.spec.kind import Item, Items, Kind, Table
from netspec.spec.layer import Layer
from netspec.spec.losses import Loss
from netspec.spec.optimizers import NEED_MORE, Optimizer, optimizer_kind, optimizer_names
from netspec.spec.schedules import Schedule
from netspec.spec.sections import BlockDefinition, Model, Spec, Train
from netspec.spec.values import LARGEST_NUMBER, Integer, Number, Switch, described

__all__ = ["UserBlock", "at_expression", "decode", "described_errors", "names_read", "quoted"]

MOST_MISTAKES = 100
"""Mistakes that are told at once, at the most: a text of a megabyte may hold a hundred thousand."""

SECTIONS = ("name", "seed", "let", "data", "block", "model", "loss", "optimizer", "schedule", "train")
MOST_BLOCKS = 1_000
"""Blocks of a spec, at the most."""

MOST_ARGUMENTS = 100
"""Arguments of a block, at the most."""

COMMON_OPTIMIZERS = ("adam", "adamw", "lion", "rmsprop", "sgd")

CONSTANTS = frozenset({"channels", "classes", "features", "targets"})
"""Names that every expression may use, where they stand for something."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NAME_RULE = "small letters, digits and _, beginning with a letter, at most 64"

T = TypeVar("T", bound=Table)


class UserBlock(Layer, abstract=True):
    """An item of a kind that the spec itself defines; its fields are the block's arguments, under names of their own.

    An argument may be called anything, `copy` or `lower`, say, which would hide what a table can do.
    """

    arguments: ClassVar[tuple[str, ...]] = ()
    layers: ClassVar[tuple[Layer, ...]] = ()

    def lower(self, x: Shape) -> Branches:
        return Branches({"": self.layers})

    def values(self) -> dict[str, Any]:
        """What each argument is, for the expressions inside."""
        return {name: getattr(self, _field(name)) for name in self.arguments}


def _field(argument: str) -> str:
    return f"ARGUMENT_{argument}"


def decode(document: Document) -> Spec:
    """The spec that a document holds.

    Raises:
        SpecError: with every mistake of the document, in the order of their places.
    """
    reader = _Reader(document)
    spec = None
    with contextlib.suppress(_EnoughError):
        spec = reader.spec()
    if reader.mistakes:
        raise SpecError(*_in_order(reader.mistakes))
    assert spec is not None
    return spec


def _in_order(mistakes: Iterable[Diagnostic]) -> list[Diagnostic]:
    def position(diagnostic: Diagnostic) -> tuple[int, int, int]:
        place = diagnostic.place
        return (1, 0, 0) if place is None else (0, place.line, place.column)

    return sorted(dict.fromkeys(mistakes), key=position)


class _EnoughError(Exception):
    """As many mistakes as are told at once."""


class _Reader:
    """Reads one document, and gathers its mistakes instead of stopping at the first."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.mistakes: list[Diagnostic] = []
        self.blocks: dict[str, type[UserBlock]] = {}

    def wrong(self, code: str, message: str, place: Place, label: str = "", note: str = "", help: str = "") -> None:  # noqa: A002
        self.add(Diagnostic(code, message, place, label=label, note=note, help=help))

    def add(self, mistake: Diagnostic) -> None:
        self.mistakes.append(mistake)
        if len(self.mistakes) == MOST_MISTAKES:
            raise _EnoughError

    # -- the whole -----------------------------------------------------------------------------------------------

    def spec(self) -> Spec | None:
        values = self.document.values
        for key in values:
            if key not in SECTIONS:
                self.unknown_key("a spec", key, (key,), SECTIONS)
        name = self.name_of_spec(values.get("name"))
        seed = self.seed(values.get("seed", 0))
        let = self.let(self.table_at("let"))
        definitions = self.definitions(self.table_at("block"))
        data = self.section(Data, "data")
        model = self.section(Model, "model")
        if "model" not in values:
            self.wrong(
                "missing-key",
                "a spec needs a [model]",
                self.document.value_place(()),
                help="add [model] with layers = [ … ]",
            )
        loss = self.kind_section(Loss, "loss")
        optimizer = self.kind_section(Optimizer, "optimizer")
        schedule = self.kind_section(Schedule, "schedule")
        train = self.section(Train, "train")
        if train is not None:
            self.check_train(train)
        if self.mistakes or model is None:
            return None
        spec = Spec(name, seed, let, data, definitions, model, loss, optimizer, schedule, train, self.document)
        self.check_used(spec)
        return spec

    def table_at(self, key: str) -> Mapping[str, Any]:
        raw = self.document.values.get(key, {})
        if isinstance(raw, dict):
            return raw
        self.not_a_table(f"[{key}]", raw, (key,))
        return {}

    def not_a_table(self, owner: str, raw: Any, path: Path) -> None:
        doubled = isinstance(raw, list) and raw and isinstance(raw[0], dict)
        help_ = (
            f"a spec has one {owner} for now: write {owner} once" if doubled else f"write {owner} on a line of its own"
        )
        self.wrong(
            "value", f"{owner} must be a table, not {described(raw)}", self.document.value_place(path), help=help_
        )

    def name_of_spec(self, raw: Any) -> str:
        if raw is None:
            stem = re.sub(r"[^a-z0-9_]+", "_", PurePath(self.document.source.name).stem.lower()).strip("_")
            return stem if _NAME.fullmatch(stem) else "network"
        if not isinstance(raw, str) or not _NAME.fullmatch(raw):
            self.wrong(
                "name", f"{described(raw)} cannot be a name", self.document.value_place(("name",)), label=_NAME_RULE
            )
            return "network"
        return raw

    def seed(self, raw: Any) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw < 2**32:
            message = f"'seed' must be a whole number from 0 to 4294967295, not {described(raw)}"
            self.wrong("value", message, self.document.value_place(("seed",)))
            return 0
        return raw

    def let(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in raw.items():
            path = ("let", key)
            self.check_name(key, path)
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
                self.wrong(
                    "value",
                    f"'{key}' of [let] must be a number, not {described(value)}",
                    self.document.value_place(path),
                )
            found[key] = value
        return found

    def check_name(self, name: str, path: Path) -> None:
        if not _NAME.fullmatch(name):
            self.wrong("name", f"{quoted(name)} cannot be a name", self.document.key_place(path), label=_NAME_RULE)

    # -- blocks ----------------------------------------------------------------------------------------------------

    def definitions(self, raw: Mapping[str, Any]) -> dict[str, BlockDefinition]:
        if len(raw) > MOST_BLOCKS:
            place = self.document.key_place(("block", list(raw)[MOST_BLOCKS]))
            self.wrong("too-large", f"a spec has at most {MOST_BLOCKS:,} blocks, and this one {len(raw):,}", place)
            return {}
        usable = {name: body for name, body in raw.items() if self.usable(name, body)}
        declared = {name: self.arguments(name, body.get("args", {})) for name, body in usable.items()}
        self.blocks = {name: _user_block(name, arguments) for name, arguments in declared.items()}
        found = {}
        for name, body in usable.items():
            path: Path = ("block", name)
            for key in body:
                if key not in ("args", "layers"):
                    self.unknown_key(f"[block.{name}]", key, (*path, key), ("args", "layers"))
            layers: tuple[Layer, ...] = ()
            if "layers" not in body:
                self.wrong(
                    "missing-key",
                    f"[block.{name}] needs 'layers'",
                    self.document.key_place(path),
                    help="add layers = [ … ]",
                )
            else:
                layers = self.items(body["layers"], (*path, "layers"), Layer, f"[block.{name}]")
            self.blocks[name].layers = layers
            defaults = {k: d for k, (_, d) in declared[name].items() if d is not ...}
            found[name] = BlockDefinition(name, tuple(declared[name]), defaults, layers)
        return found

    def usable(self, name: str, body: Any) -> bool:
        path: Path = ("block", name)
        if not isinstance(body, dict):
            self.not_a_table(f"[block.{name}]", body, path)
            return False
        self.check_name(name, path)
        if name in Layer.kinds:
            self.wrong(
                "name",
                f"'{name}' is a kind of layer already",
                self.document.key_place(path),
                label="choose another name",
            )
            return False
        return True

    def arguments(self, block: str, raw: Any) -> dict[str, tuple[Any, Any]]:
        """By argument: its type, and its default or `...`."""
        path: Path = ("block", block, "args")
        if not isinstance(raw, dict):
            self.wrong(
                "value",
                f"'args' of [block.{block}] must be a table, not {described(raw)}",
                self.document.value_place(path),
            )
            return {}
        if len(raw) > MOST_ARGUMENTS:
            message = f"a block has at most {MOST_ARGUMENTS} arguments, and this one {len(raw):,}"
            self.wrong("too-large", message, self.document.key_place((*path, list(raw)[MOST_ARGUMENTS])))
            return {}
        found: dict[str, tuple[Any, Any]] = {}
        for name, value in raw.items():
            self.check_name(name, (*path, name))
            if name in Layer.universal():
                message = f"an argument cannot be called '{name}': every item has a key of that name"
                self.wrong("name", message, self.document.key_place((*path, name)), label="choose another name")
            found[name] = self.argument(name, value, (*path, name))
        return found

    def argument(self, name: str, value: Any, path: Path) -> tuple[Any, Any]:
        if isinstance(value, str) and value in _ARGUMENT_TYPES:
            return _ARGUMENT_TYPES[value], ...
        place, types = self.document.value_place(path), ", ".join(f"'{t}'" for t in _ARGUMENT_TYPES)
        if isinstance(value, str) and value in _OTHER_TYPES:
            message = f"no type of an argument is called '{value}'"
            self.wrong("value", message, place, f"did you mean '{_OTHER_TYPES[value]}'?", f"there are: {types}")
        elif isinstance(value, bool | int | float | str):
            return _type_of(value), value
        else:
            message = f"argument {quoted(name)} must have a type or a default, not {described(value)}"
            self.wrong("value", message, place, note=f"types are: {types}")
        return Any, None  # so that items of this block are not blamed, too

    # -- tables ----------------------------------------------------------------------------------------------------

    def section(self, cls: type[T], key: str) -> T | None:
        raw = self.document.values.get(key)
        if raw is None:
            return None
        if not isinstance(raw, dict):
            self.not_a_table(f"[{key}]", raw, (key,))
            return None
        return self.table(cls, raw, (key,), f"[{key}]", tuple(cls.model_fields))

    def kind_section(self, family: type[Kind], key: str) -> Any:
        raw = self.document.values.get(key)
        if raw is None:
            return None
        if not isinstance(raw, dict):
            self.not_a_table(f"[{key}]", raw, (key,))
            return None
        if "kind" not in raw:
            place, note = self.document.key_place((key,)), self.listed(family)
            self.wrong("missing-key", f"[{key}] needs 'kind'", place, note=note, help="add kind = …")
            return None
        kind = self.kind(raw["kind"], family, self.document.value_place((key, "kind")))
        rest = {k: v for k, v in raw.items() if k != "kind"}
        return kind and self.table(kind, rest, (key,), kind.kind, (*kind.keys(), *kind.universal()))

    def table(
        self,
        cls: type[T],
        raw: Mapping[str, Any],
        path: Path,
        owner: str,
        keys: Sequence[str],
        places: Mapping[str, Path] | None = None,
    ) -> T | None:
        """A table of fixed keys; the items in it are read first, so that their mistakes are their own.

        Args:
            keys: to be named where one is unknown.
            places: of values that do not stand under their own key.
        """
        fields = {info.alias or name: info for name, info in cls.model_fields.items()}
        decoded: dict[str, Any] = {}
        told: set[str | None] = set()  # the keys whose mistakes are told already
        for key, value in raw.items():
            before = len(self.mistakes)
            if key in fields:
                decoded[key] = self.inner(fields[key], value, (*path, key), owner)
            else:
                told.add(self.unknown_key(owner, key, (*path, key), keys, also=fields))
            if len(self.mistakes) > before:
                told.add(key)
                decoded.pop(key, None)
        try:
            table = cls.model_validate(decoded)
        except ValidationError as error:
            for detail in error.errors():
                if not told or (detail["loc"] and detail["loc"][0] not in told):
                    self.add(self.invalid(cls, detail, path, owner, places or {}))
            return None
        return None if told else table

    def inner(self, info: FieldInfo, raw: Any, path: Path, owner: str) -> Any:
        """What a key holds: read here where it is made of tables or items, as it is where it is a plain value."""
        for mark in info.metadata:
            if isinstance(mark, Items):
                return self.items(raw, path, mark.family, owner)
            if isinstance(mark, Item):
                return self.item(raw, path, mark.family, owner)
            if isinstance(mark, Initials):
                return self.initials(raw, path, owner)
        cls = next((c for c in (info.annotation, *get_args(info.annotation)) if _is_table(c)), None)
        if cls is None or not isinstance(raw, dict):
            return raw
        return self.table(cls, raw, path, f"'{path[-1]}' of {owner}", tuple(cls.model_fields))

    def invalid(
        self, cls: type[Table], detail: ErrorDetails, path: Path, owner: str, places: Mapping[str, Path]
    ) -> Diagnostic:
        if detail["type"] != "missing":
            return described_error(detail, self.document, path, owner, places)
        key = str(detail["loc"][0])
        first = issubclass(cls, UserBlock) and key in cls.arguments[:1]
        message = f"{owner} needs a value" if key == owner else f"{owner} needs '{key}'"
        help_ = f"write {{ {owner} = … }}" if first or key == owner else f"add {key} = …"
        return Diagnostic("missing-key", message, self.document.key_place(path), help=help_)

    def unknown_key(
        self, owner: str, key: str, path: Path, keys: Sequence[str], also: Iterable[str] = ()
    ) -> str | None:
        """Tell an unknown key; with the known one that was meant, most likely."""
        guess = nearest(key, {*keys, *also})
        note = f"{owner} takes: {', '.join(keys)}" if keys else f"{owner} takes no keys of its own"
        label = f"did you mean '{guess}'?" if guess else "not known here"
        what = "section or key" if owner == "a spec" else "key"
        self.wrong("unknown-key", f"{owner} has no {what} {quoted(key)}", self.document.key_place(path), label, note)
        return guess

    # -- items -----------------------------------------------------------------------------------------------------

    def items(self, raw: Any, path: Path, family: type[Kind], owner: str) -> tuple[Any, ...]:
        if not isinstance(raw, list):
            message = f"'{path[-1]}' of {owner} must be a list, not {described(raw)}"
            self.wrong(
                "value", message, self.document.value_place(path), help=f"put it in brackets: {path[-1]} = [ … ]"
            )
            return ()
        if family is Layer and not raw:
            self.wrong("value", f"{owner} has no layers", self.document.value_place(path))
        found = (self.item(value, (*path, i), family, owner) for i, value in enumerate(raw))
        return tuple(f for f in found if f is not None)

    def item(self, raw: Any, path: Path, family: type[Kind], owner: str) -> Any:
        if isinstance(raw, str):
            kind = self.kind(raw, family, self.document.value_place(path))
            return kind and self.table(kind, {}, path, raw, kind.keys())
        if not isinstance(raw, dict) or not raw:
            message = f"{_a(family.family)} must be the name of a kind or a table that begins with one"
            known = self.kinds(family)
            note = f"there are: {', '.join(known[:10])}{', …' if len(known) > 10 else ''}"
            self.wrong("value", f"{message}, not {described(raw)}", self.document.value_place(path), note=note)
            return None
        word = next(iter(raw))
        if self.find(word, family) is None and (label := self.meant_first(raw, family)):
            message = f"the first key of an item names its kind, and {quoted(word)} is none"
            self.wrong("kind-first", message, self.document.key_place((*path, word)), label)
            return None
        kind = self.kind(word, family, self.document.key_place((*path, word)))
        if kind is None:
            return None
        filled, places = self.principal(kind, raw[word], (*path, word))
        rest = {k: v for k, v in raw.items() if k != word}
        for twice in rest.keys() & places.keys():
            self.wrong(
                "value",
                f"'{twice}' of {word} is given twice",
                self.document.key_place((*path, twice)),
                label=f"'{word}' gives it already",
            )
        return self.table(kind, {**filled, **rest}, path, word, kind.keys(), places)

    def meant_first(self, raw: Mapping[str, Any], family: type[Kind]) -> str:
        """What should stand first in an item whose first key is no kind; empty where nothing says it."""
        later = next((k for k in raw if self.find(k, family)), None)
        if later is not None:
            return f"put '{later}' first"
        word = next(iter(raw))
        keys = {name: kind.keys() for name in self.kinds(family) if (kind := self.find(name, family))}
        owners = [name for name, known in keys.items() if word in known]
        return f"it is a key of {', '.join(owners[:3])}{', …' if len(owners) > 3 else ''}" if owners else ""

    def initials(self, raw: Any, path: Path, owner: str) -> Any:
        """An initial value for the weights, or one by parameter."""
        if not isinstance(raw, dict) or not raw or next(iter(raw)) in Initial.kinds:
            return self.initial(raw, path, owner)
        by_parameter = nearest(next(iter(raw)), {*Initial.kinds, *PARAMETERS}) in PARAMETERS
        if not by_parameter and not raw.keys() & set(PARAMETERS):
            return self.initial(raw, path, owner)
        return {name: self.initial(value, (*path, name), owner) for name, value in raw.items()}

    def initial(self, raw: Any, path: Path, owner: str) -> Any:
        if isinstance(raw, list):
            return Literal(literal=self.numbers(raw, path))
        if (isinstance(raw, int | float) and not isinstance(raw, bool)) or (isinstance(raw, str) and raw[:1] == "$"):
            return self.table(Constant, {"constant": raw}, path, "constant", (), {"constant": path})
        return self.item(raw, path, Initial, owner)

    def numbers(self, raw: Any, path: Path) -> Any:
        """An array of numbers, frozen."""
        if isinstance(raw, list):
            return tuple(self.numbers(value, (*path, i)) for i, value in enumerate(raw))
        if isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) <= LARGEST_NUMBER:
            return float(raw)
        message = f"an array of initial values holds finite numbers, not {described(raw)}"
        self.wrong("value", message, self.document.value_place(path))
        return 0.0

    def principal(self, kind: type[Kind], value: Any, path: Path) -> tuple[dict[str, Any], dict[str, Path]]:
        """What the value of an item's own key fills, and where each such value stands."""
        word = kind.kind
        if issubclass(kind, UserBlock):
            return self.principal_arguments(kind, value, path)
        if kind.principal() is not None:
            return {word: value}, {}
        if value is not True:
            message = f"'{word}' takes no value, and has {described(value)}"
            self.wrong(
                "value",
                message,
                self.document.value_place(path),
                help=f'write "{word}", or {{ {word} = true, … }} with other keys',
            )
        return {}, {}

    def principal_arguments(
        self, kind: type[UserBlock], value: Any, path: Path
    ) -> tuple[dict[str, Any], dict[str, Path]]:
        if value is True and not (kind.arguments and kind.model_fields[_field(kind.arguments[0])].annotation is bool):
            return {}, {}
        values = value if isinstance(value, list) else [value]
        if len(values) > len(kind.arguments):
            takes = f"takes {len(kind.arguments)} ({', '.join(kind.arguments)})" if kind.arguments else "takes none"
            message = f"{kind.kind} is given {len(values)} argument{'s' * (len(values) != 1)}, and {takes}"
            self.wrong("value", message, self.document.value_place(path))
        pairs = list(zip(kind.arguments, values, strict=False))
        places = {name: (*path, i) if isinstance(value, list) else path for i, (name, _) in enumerate(pairs)}
        return dict(pairs), places

    def kinds(self, family: type[Kind]) -> tuple[str, ...]:
        if family is Optimizer:
            return optimizer_names()
        if family is not Layer:
            return tuple(family.kinds)
        activations = [name for name in family.kinds if name in Activation.kinds]
        return (*self.blocks, *(name for name in family.kinds if name not in Activation.kinds), *activations)

    def listed(self, family: type[Kind]) -> str:
        if family is Optimizer:
            return f"there are Optax's, by Optax's names, such as {', '.join(COMMON_OPTIMIZERS)}"
        return f"there are: {', '.join(self.kinds(family))}"

    def find(self, word: str, family: type[Kind]) -> type[Kind] | None:
        if family is Optimizer:
            return optimizer_kind(word)
        return family.kinds.get(word) or (self.blocks.get(word) if family is Layer else None)

    def kind(self, word: Any, family: type[Kind], place: Place) -> type[Kind] | None:
        if not isinstance(word, str):
            self.wrong("value", f"{_a(family.family)}'s kind must be a string, not {described(word)}", place)
            return None
        kind = self.find(word, family)
        if kind is None and family is Optimizer and word in NEED_MORE:
            message = f"{word} needs {NEED_MORE[word]}, and the trainer gives an optimizer the gradient alone"
            self.wrong("unsupported", message, place, "choose another optimizer")
        elif kind is None:
            known = self.kinds(family)
            guess = nearest(word, known)
            label = f"did you mean '{guess}'?" if guess else ""
            # A long list helps only those who have no better clue.
            note = self.listed(family) if not guess or len(known) <= 10 else ""
            self.wrong("unknown-kind", f"no {family.family} is called {quoted(word)}", place, label, note)
        return kind

    # -- what only the whole can tell --------------------------------------------------------------------------------

    def check_train(self, train: Train) -> None:
        if (train.epochs is None) == (train.steps is None):
            both = train.epochs is not None
            message = "[train] has both 'epochs' and 'steps'" if both else "[train] needs 'epochs' or 'steps'"
            place = self.document.key_place(("train", "steps") if both else ("train",))
            self.wrong("choice", message, place, label="give one of them")

    def check_used(self, spec: Spec) -> None:
        document = self.document
        names = names_read(spec)
        arguments = {a for block in spec.blocks.values() for a in block.arguments}
        if names - spec.let.keys() - arguments - CONSTANTS:
            return  # A misspelt name leaves the right one unread: it is told where it is looked up.
        used_blocks = {table.kind for table in _tables(spec) if isinstance(table, UserBlock)}
        for name in (n for n in spec.blocks if n not in used_blocks):
            self.wrong(
                "unused", f"no layer is of the kind '{name}'", document.key_place(("block", name)), label="never used"
            )
        for name in (n for n in spec.let if n not in names):
            self.wrong("unused", f"nothing reads '{name}'", document.key_place(("let", name)), label="never used")
        for name, block in spec.blocks.items():
            inside = set[str]().union(*(_names_in(t) for layer in block.layers for t in _nested(layer)))
            for argument in (a for a in block.arguments if a not in inside):
                message = f"nothing in [block.{name}] reads '{argument}'"
                self.wrong("unused", message, document.key_place(("block", name, "args", argument)), label="never used")


_ARGUMENT_TYPES: Mapping[str, Any] = {"int": Integer, "float": Number, "bool": Switch, "string": str}
_OTHER_TYPES = {"integer": "int", "number": "float", "double": "float", "boolean": "bool", "str": "string"}


def _type_of(default: Any) -> Any:
    return _ARGUMENT_TYPES[
        "bool" if isinstance(default, bool) else {int: "int", float: "float", str: "string"}[type(default)]
    ]


def _user_block(name: str, arguments: Mapping[str, tuple[Any, Any]]) -> type[UserBlock]:
    fields: dict[str, Any] = {
        _field(n): (of, Field(alias=n) if default is ... else Field(default, alias=n))
        for n, (of, default) in arguments.items()
    }
    kind: type[UserBlock] = create_model(name, __base__=UserBlock, __cls_kwargs__={"abstract": True}, **fields)
    kind.kind, kind.arguments = name, tuple(arguments)
    return kind


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def names_read(spec: Spec) -> frozenset[str]:
    """Every name that an expression of the spec reads."""
    return frozenset[str]().union(*(_names_in(table) for table in _tables(spec)))


def _tables(spec: Spec) -> Iterable[Table]:
    for table in (spec.data, spec.model, spec.loss, spec.optimizer, spec.schedule, spec.train):
        if table is not None:
            yield from _nested(table)
    for block in spec.blocks.values():
        for layer in block.layers:
            yield from _nested(layer)


def _nested(table: Table) -> Iterable[Table]:
    yield table
    for value in table.__dict__.values():
        for part in value if isinstance(value, tuple) else value.values() if isinstance(value, dict) else (value,):
            if isinstance(part, Table):
                yield from _nested(part)


def _names_in(value: Any) -> frozenset[str]:
    if isinstance(value, Expression):
        return value.names
    if isinstance(value, Table):
        return frozenset[str]().union(*(_names_in(v) for v in value.__dict__.values() if not isinstance(v, Table)))
    if isinstance(value, tuple | list):
        return frozenset[str]().union(*(_names_in(v) for v in value if not isinstance(v, Table)))
    return frozenset()


# -- pydantic's errors in words ------------------------------------------------------------------------------------


def described_errors(error: ValidationError, document: Document, path: Path, owner: str) -> list[Diagnostic]:
    """Every mistake of a table that pydantic found, in words and at its place."""
    return [described_error(detail, document, path, owner, {}) for detail in error.errors()]


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
    here: Path = places.get(key, (*path, *loc[:1])) + tuple(p for p in loc[1:] if isinstance(p, int))
    kind = detail["type"]
    if kind == "choice":
        return Diagnostic("choice", f"{owner} {context.get('message') or detail['msg']}", document.key_place(path))
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


def quoted(word: str) -> str:
    """A word of the document, in quotes; the beginning of a long one."""
    return f"'{word if len(word) <= 64 else word[:63] + '…'}'"


def _is_table(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, Table)


def _unquoted(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?|true|false", value):
        return f"write {value} without quotes"
    return ""


def at_expression(place: Place, start: int, end: int) -> Place:
    """The part of a quoted expression's place that characters `start` to `end` of its text take."""
    column = min(place.column + 1 + start, max(place.column, place.end_column - 2))
    return replace(place, column=column, end_column=max(column + 1, min(place.end_column - 1, place.column + 1 + end)))
