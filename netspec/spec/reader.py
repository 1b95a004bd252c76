"""Tables and items of a document, read by the classes of their kinds; mistakes are gathered, each at its place.

Knows nothing of sections: `decode` says which table is what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

import netspec.spec.layers  # noqa: F401  (its kinds enter the family of layers)
from netspec.diagnostics import Diagnostic, Place, nearest
from netspec.document import Document, Path
from netspec.spec.activations import Activation
from netspec.spec.blocks import UserBlock, field_of
from netspec.spec.changing import Changing
from netspec.spec.courses import Course
from netspec.spec.initial import PARAMETERS, Constant, Initial, Initials, Literal
from netspec.spec.kind import Item, Items, Kind, Lists, Table
from netspec.spec.layer import Layer
from netspec.spec.mistakes import described_error, details_of, quoted
from netspec.spec.optimizers import OPEN, Groups, Optimizer, Wrapped
from netspec.spec.optimizers.reading import not_alone, read_groups, read_wrapper
from netspec.spec.values import LARGEST_NUMBER, described

__all__ = ["MOST_MISTAKES", "EnoughError", "TableReader"]

MOST_MISTAKES = 100
"""Mistakes that are told at once, at the most: a text of a megabyte may hold a hundred thousand."""

MOST_LISTED = 30
"""Kinds of a family that a message lists, at the most."""

COMMON_OPTIMIZERS = ("adam", "adamw", "lion", "rmsprop", "sgd")

T = TypeVar("T", bound=Table)


class EnoughError(Exception):
    """As many mistakes as are told at once."""


class TableReader:
    """Reads tables of one document, and gathers their mistakes instead of stopping at the first."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.mistakes: list[Diagnostic] = []
        self.blocks: dict[str, type[UserBlock]] = {}

    def wrong(self, code: str, message: str, place: Place, label: str = "", note: str = "", help: str = "") -> None:  # noqa: A002
        self.add(Diagnostic(code, message, place, label=label, note=note, help=help))

    def add(self, mistake: Diagnostic) -> None:
        self.mistakes.append(mistake)
        if len(self.mistakes) == MOST_MISTAKES:
            raise EnoughError

    def not_a_table(self, owner: str, raw: Any, path: Path) -> None:
        doubled = isinstance(raw, list) and raw and isinstance(raw[0], dict)
        help_ = (
            f"a spec has one {owner} for now: write {owner} once" if doubled else f"write {owner} on a line of its own"
        )
        self.wrong(
            "value", f"{owner} must be a table, not {described(raw)}", self.document.value_place(path), help=help_
        )

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
            for detail in details_of(error):
                if not told or (detail["loc"] and detail["loc"][0] not in told):
                    self.add(self.invalid(cls, detail, path, owner, places or {}))
            return None
        return None if told else table

    def inner(self, info: FieldInfo, raw: Any, path: Path, owner: str) -> Any:
        """What a key holds: read here where it is made of tables or items, as it is where it is a plain value."""
        optional = (mark for part in get_args(info.annotation) for mark in getattr(part, "__metadata__", ()))
        for mark in (*info.metadata, *optional):
            if isinstance(mark, Items):
                return self.word(raw, path, mark, owner) if mark.words else self.items(raw, path, mark.family, owner)
            if isinstance(mark, Lists):
                return self.lists(raw, path, mark.family, owner)
            if isinstance(mark, Item):
                return self.item(raw, path, mark.family, owner)
            if isinstance(mark, Changing) and isinstance(raw, dict):
                return self.item(raw, path, Course, owner)
            if isinstance(mark, Initials):
                return self.initials(raw, path, owner)
            if isinstance(mark, Wrapped):
                return read_wrapper(self, raw, path, owner, mark)
            if isinstance(mark, Groups):
                return read_groups(self, raw, path, owner)
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

    def word(self, raw: Any, path: Path, mark: Items, owner: str) -> Any:
        """One of some words, or a list of items; an empty one does nothing."""
        if isinstance(raw, list) and not raw:
            return ()
        if isinstance(raw, list):
            return self.items(raw, path, mark.family, owner)
        if not isinstance(raw, str) or raw not in mark.words:
            known = ", ".join(f"'{w}'" for w in mark.words)
            guess = nearest(raw, mark.words) if isinstance(raw, str) else None
            message = f"'{path[-1]}' of {owner} must be one of {known} or a list, not {described(raw)}"
            self.wrong("value", message, self.document.value_place(path), f"did you mean '{guess}'?" if guess else "")
        return raw

    def lists(self, raw: Any, path: Path, family: type[Kind], owner: str) -> tuple[Any, ...]:
        """A list of lists of items; an empty one among them is one that does nothing."""
        if not isinstance(raw, list) or not raw or not all(isinstance(part, list) for part in raw):
            message = f"'{path[-1]}' of {owner} must be a list of lists, not {described(raw)}"
            help_ = f"{path[-1]} = [[ … ], [ … ]]: brackets around each branch"
            wrong = [i for i, part in enumerate(raw if isinstance(raw, list) else ()) if not isinstance(part, list)]
            place = self.document.value_place((*path, *wrong[:1]))
            self.wrong("value", message, place, help=help_)
            return ()
        return tuple(self.items(part, (*path, i), family, owner) if part else () for i, part in enumerate(raw))

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
        # What is nearer to a kind than to any parameter is a kind, misspelt.
        misspelt = nearest(next(iter(raw)), {*Initial.kinds, *PARAMETERS}) in Initial.kinds
        if misspelt and not raw.keys() & set(PARAMETERS):
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
        field = kind.principal()
        if field is not None and (kind.model_fields[field].alias or field) == word:
            return {word: value}, {}
        if field is not None:
            return ({}, {}) if value is True else ({field: value}, {field: path})
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
        if value is True and not (kind.arguments and kind.model_fields[field_of(kind.arguments[0])].annotation is bool):
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
        if family in OPEN:
            return OPEN[family][0]()
        if family is not Layer:
            return tuple(family.kinds)
        activations = [name for name in family.kinds if name in Activation.kinds]
        return (*self.blocks, *(name for name in family.kinds if name not in Activation.kinds), *activations)

    def listed(self, family: type[Kind]) -> str:
        if family is Optimizer:
            return f"there are Optax's, by Optax's names, such as {', '.join(COMMON_OPTIMIZERS)}"
        known = self.kinds(family)
        if len(known) > MOST_LISTED:
            return f"there are {len(known)}: netspec list shows them"
        return f"there are: {', '.join(known)}"

    def find(self, word: str, family: type[Kind]) -> type[Kind] | None:
        if family in OPEN:
            return OPEN[family][1](word)
        return family.kinds.get(word) or (self.blocks.get(word) if family is Layer else None)

    def kind(self, word: Any, family: type[Kind], place: Place) -> type[Kind] | None:
        if not isinstance(word, str):
            self.wrong("value", f"{_a(family.family)}'s kind must be a string, not {described(word)}", place)
            return None
        kind = self.find(word, family)
        if kind is None and family is Optimizer and (said := not_alone(word)):
            message, label, help_ = said
            self.wrong("unknown-kind", message, place, label, help=help_)
        elif kind is None:
            known = self.kinds(family)
            guess = nearest(word, known)
            label = f"did you mean '{guess}'?" if guess else ""
            # A long list helps only those who have no better clue.
            note = self.listed(family) if not guess or len(known) <= 10 else ""
            self.wrong("unknown-kind", f"no {family.family} is called {quoted(word)}", place, label, note)
        return kind


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _is_table(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, Table)
