"""Document to Spec: every value checked against the class of its kind, every mistake reported, each at its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError, create_model
from pydantic_core import ErrorDetails

import netspec.spec.layers  # noqa: F401  (its kinds enter the family of layers)
from netspec.diagnostics import Diagnostic, Place, SpecError, nearest
from netspec.document import Document, Path
from netspec.spec.call import Branches, Shape
from netspec.spec.data import Data
from netspec.spec.expression import Expression, ExpressionError
from netspec.spec.kind import Item, Items, Kind, Table
from netspec.spec.layer import Layer
from netspec.spec.losses import Loss
from netspec.spec.optimizers import NEED_MORE, Optimizer, optimizer_kind, optimizer_names
from netspec.spec.schedules import Schedule
from netspec.spec.sections import BlockDefinition, Model, Spec, Train
from netspec.spec.values import Integer, Number, Switch, described

__all__ = ["UserBlock", "at_expression", "decode", "described_errors", "names_read"]

SECTIONS = ("name", "seed", "let", "data", "block", "model", "loss", "optimizer", "schedule", "train")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NAME_RULE = "small letters, digits and _, beginning with a letter, at most 64"

T = TypeVar("T", bound=Table)


class UserBlock(Layer, abstract=True):
    """An item of a kind that the spec itself defines; its fields are the block's arguments."""

    arguments: ClassVar[tuple[str, ...]] = ()
    layers: ClassVar[tuple[Layer, ...]] = ()

    def lower(self, x: Shape) -> Branches:
        return Branches({"": self.layers})

    def values(self) -> dict[str, Any]:
        """What each argument is, for the expressions inside."""
        return {name: getattr(self, name) for name in self.arguments}


def decode(document: Document) -> Spec:
    """The spec that a document holds.

    Raises:
        SpecError: with every mistake of the document, in the order of their places.
    """
    reader = _Reader(document)
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


class _Reader:
    """Reads one document, and gathers its mistakes instead of stopping at the first."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.mistakes: list[Diagnostic] = []
        self.blocks: dict[str, type[UserBlock]] = {}

    def wrong(self, code: str, message: str, place: Place, label: str = "", note: str = "", help: str = "") -> None:  # noqa: A002
        self.mistakes.append(Diagnostic(code, message, place, label=label, note=note, help=help))

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
            self.wrong("name", f"'{name}' cannot be a name", self.document.key_place(path), label=_NAME_RULE)

    # -- blocks ----------------------------------------------------------------------------------------------------

    def definitions(self, raw: Mapping[str, Any]) -> dict[str, BlockDefinition]:
        usable = {name: body for name, body in raw.items() if self.usable(name, body)}
        declared = {name: self.arguments(name, body.get("args", {})) for name, body in usable.items()}
        self.blocks = {name: _user_block(name, arguments) for name, arguments in declared.items()}
        found = {}
        for name, body in usable.items():
            path: Path = ("block", name)
            for key in body:
                if key not in ("args", "layers"):
                    self.unknown_key(f"[block.{name}]", key, (*path, key), ("args", "layers"))
            if "layers" not in body:
                self.wrong("missing-key", f"[block.{name}] needs 'layers'", self.document.key_place(path))
            layers = self.items(body.get("layers", []), (*path, "layers"), Layer, f"[block.{name}]")
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
        found: dict[str, tuple[Any, Any]] = {}
        for name, value in raw.items():
            self.check_name(name, (*path, name))
            if name in Layer.universal():
                message = f"an argument cannot be called '{name}': every item has a key of that name"
                self.wrong("name", message, self.document.key_place((*path, name)))
            elif isinstance(value, str) and value in _ARGUMENT_TYPES:
                found[name] = (_ARGUMENT_TYPES[value], ...)
            elif isinstance(value, bool | int | float | str):
                found[name] = (_type_of(value), value)
            else:
                message = f"argument '{name}' must have a type ('int', 'float', 'bool', 'string') or a default, not {described(value)}"
                self.wrong("value", message, self.document.value_place((*path, name)))
        return found

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
            known = ", ".join(self.kinds(family))
            self.wrong(
                "missing-key", f"[{key}] needs 'kind'", self.document.key_place((key,)), note=f"there are: {known}"
            )
            return None
        kind = self.kind(raw["kind"], family, self.document.value_place((key, "kind")))
        rest = {k: v for k, v in raw.items() if k != "kind"}
        return kind and self.table(kind, rest, (key,), kind.kind, kind.keys())

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
        places = places or {}
        decoded = dict(raw)
        broken = set()
        for field, info in cls.model_fields.items():
            key = info.alias or field
            marks = [m for m in info.metadata if isinstance(m, Item | Items)]
            if key not in raw or not marks:
                continue
            read = self.items if isinstance(marks[0], Items) else self.item
            before = len(self.mistakes)
            decoded[key] = read(raw[key], (*path, key), marks[0].family, owner)
            if len(self.mistakes) > before:
                broken.add(key)
                decoded[key] = () if isinstance(marks[0], Items) else None
        known = {f.alias or n for n, f in cls.model_fields.items()}
        for key in [k for k in decoded if k not in known]:
            self.unknown_key(owner, key, (*path, key), keys, also=known)
            del decoded[key]
        try:
            return cls.model_validate(decoded)
        except ValidationError as error:
            for detail in error.errors():
                if not (detail["loc"] and detail["loc"][0] in broken):
                    self.mistakes.append(described_error(detail, self.document, path, owner, places))
            return None

    def unknown_key(self, owner: str, key: str, path: Path, keys: Sequence[str], also: Iterable[str] = ()) -> None:
        guess = nearest(key, {*keys, *also})
        note = f"{owner} takes: {', '.join(keys)}" if keys else f"{owner} takes no keys of its own"
        label = f"did you mean '{guess}'?" if guess else "not known here"
        what = "section or key" if owner == "a spec" else "key"
        self.wrong("unknown-key", f"{owner} has no {what} '{key}'", self.document.key_place(path), label, note)

    # -- items -----------------------------------------------------------------------------------------------------

    def items(self, raw: Any, path: Path, family: type[Kind], owner: str) -> tuple[Any, ...]:
        if not isinstance(raw, list):
            message = f"'{path[-1]}' of {owner} must be a list, not {described(raw)}"
            self.wrong(
                "value", message, self.document.value_place(path), help=f"put it in brackets: {path[-1]} = [ … ]"
            )
            return ()
        found = (self.item(value, (*path, i), family, owner) for i, value in enumerate(raw))
        return tuple(f for f in found if f is not None)

    def item(self, raw: Any, path: Path, family: type[Kind], owner: str) -> Any:
        if isinstance(raw, str):
            kind = self.kind(raw, family, self.document.value_place(path))
            return kind and self.table(kind, {}, path, raw, kind.keys())
        if not isinstance(raw, dict) or not raw:
            message = f"{_a(family.family)} must be a kind in quotes or a table that begins with one, not {described(raw) if raw != {} else 'an empty table'}"
            self.wrong("value", message, self.document.value_place(path))
            return None
        word = next(iter(raw))
        if self.find(word, family) is None and (later := [k for k in raw if self.find(k, family)]):
            message = f"the first key of an item names its kind, and '{word}' is none"
            self.wrong("kind-first", message, self.document.key_place((*path, word)), label=f"put '{later[0]}' first")
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
        if value is True and not (kind.arguments and kind.model_fields[kind.arguments[0]].annotation is bool):
            return {}, {}
        values = value if isinstance(value, list) else [value]
        if len(values) > len(kind.arguments):
            takes = f"takes {len(kind.arguments)} ({', '.join(kind.arguments)})" if kind.arguments else "takes none"
            message = f"{kind.kind} is given {len(values)} argument{'s' * (len(values) != 1)}, and {takes}"
            self.wrong("value", message, self.document.value_place(path))
            return {}, {}
        pairs = list(zip(kind.arguments, values, strict=False))
        places = {name: (*path, i) if isinstance(value, list) else path for i, (name, _) in enumerate(pairs)}
        return dict(pairs), places

    def kinds(self, family: type[Kind]) -> tuple[str, ...]:
        if family is Optimizer:
            return optimizer_names()
        return (*family.kinds, *(self.blocks if family is Layer else ()))

    def find(self, word: str, family: type[Kind]) -> type[Kind] | None:
        if family is Optimizer:
            return optimizer_kind(word)
        return family.kinds.get(word) or (self.blocks.get(word) if family is Layer else None)

    def kind(self, word: Any, family: type[Kind], place: Place) -> type[Kind] | None:
        if not isinstance(word, str):
            self.wrong("value", f"{_a(family.family)}'s kind must be a string, not {described(word)}", place)
            return None
        kind = self.find(word, family)
        if kind is None:
            known = self.kinds(family)
            guess = nearest(word, known)
            note = f"there are: {', '.join(known)}"
            if family is Optimizer and word in NEED_MORE:
                note = f"{word} needs {NEED_MORE[word]}, which the trainer does not give yet"
            self.wrong(
                "unknown-kind",
                f"no {family.family} is called '{word}'",
                place,
                f"did you mean '{guess}'?" if guess else "",
                note,
            )
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
        used_blocks = {table.kind for table in _tables(spec) if isinstance(table, UserBlock)}
        for name in spec.blocks.keys() - used_blocks:
            self.wrong("unused", f"no layer is a '{name}'", document.key_place(("block", name)), label="never used")
        for name in spec.let.keys() - names:
            self.wrong("unused", f"nothing reads '{name}'", document.key_place(("let", name)), label="never used")
        for name, block in spec.blocks.items():
            inside = set[str]().union(*(_names_in(t) for layer in block.layers for t in _nested(layer)))
            for argument in set(block.arguments) - inside:
                message = f"nothing in [block.{name}] reads '{argument}'"
                self.wrong("unused", message, document.key_place(("block", name, "args", argument)), label="never used")


_ARGUMENT_TYPES: Mapping[str, Any] = {"int": Integer, "float": Number, "bool": Switch, "string": str}


def _type_of(default: Any) -> Any:
    return _ARGUMENT_TYPES[
        "bool" if isinstance(default, bool) else {int: "int", float: "float", str: "string"}[type(default)]
    ]


def _user_block(name: str, arguments: Mapping[str, tuple[Any, Any]]) -> type[UserBlock]:
    fields: dict[str, Any] = dict(arguments)
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
        for part in value if isinstance(value, tuple) else (value,):
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
    if kind == "missing":
        return Diagnostic("missing-key", f"{owner} needs '{key}'", document.key_place(path))
    if kind == "choice":
        return Diagnostic("choice", f"{owner} {context.get('message') or detail['msg']}", document.key_place(path))
    if kind == "expression":
        place = at_expression(document.value_place(here), int(context["start"]), int(context["end"]))
        return Diagnostic("expression", str(context["message"]), place, help=str(context["help"]))
    if kind == "unknown-kind":
        return Diagnostic("unknown-kind", detail["msg"], document.value_place(here), label=str(context.get("help", "")))
    found = f"'{key}' of {owner} " if key != owner else f"'{key}' "
    place = document.value_place(here)
    if kind == "value":
        return Diagnostic("value", found + detail["msg"], place, label=str(context.get("help", "")))
    expected = _EXPECTED.get(kind, "").format(**context) or detail["msg"]
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


def _unquoted(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?|true|false", value):
        return f"write {value} without quotes"
    return ""


def at_expression(place: Place, start: int, end: int) -> Place:
    """The part of a quoted expression's place that characters `start` to `end` of its text take."""
    column = min(place.column + 1 + start, max(place.column, place.end_column - 2))
    return replace(place, column=column, end_column=max(column + 1, min(place.end_column - 1, place.column + 1 + end)))
