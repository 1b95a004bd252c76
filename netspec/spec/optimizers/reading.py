"""How the tables of an optimizer are read: the chain in place of a kind, wrappers in their short forms, groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netspec.document import Path
from netspec.spec.optimizers.kinds import WRAPPERS, Chain, Group, Optimizer, Wrapped
from netspec.spec.optimizers.named import group_of, makes_part, wrapper_kind
from netspec.spec.values import described

if TYPE_CHECKING:
    from netspec.spec.reader import TableReader

__all__ = ["not_alone", "read_chain", "read_groups", "read_wrapper"]


def not_alone(word: str) -> tuple[str, str, str] | None:
    """What to say of a word that is no optimizer and goes with one: a message, a label, and what to do."""
    if word in WRAPPERS:
        where = "goes after" if word == "reduce_on_plateau" else "goes around"
        return f"{word} is no optimizer by itself", f"it {where} one", f"a kind, and {word} = … beside it"
    if makes_part(word):
        help_ = f'chain = ["{word}", …] in place of kind makes an optimizer of parts'
        return f"{word} is no optimizer by itself", "it is a part of one", help_
    return None


def read_chain(reader: TableReader, raw: Mapping[str, Any], path: Path, owner: str) -> Optimizer | None:
    """An optimizer that is given part by part."""
    if "kind" in raw:
        place = reader.document.key_place((*path, "chain"))
        reader.wrong("choice", f"{owner} has both 'kind' and 'chain'", place, "give one of them")
        return None
    if raw["chain"] == []:
        reader.wrong("value", f"'chain' of {owner} has no parts", reader.document.value_place((*path, "chain")))
        return None
    return reader.table(Chain, raw, path, "chain", (*Chain.keys(), *Chain.universal()))


def read_wrapper(reader: TableReader, raw: Any, path: Path, owner: str, mark: Wrapped) -> Any:
    """What goes around an optimizer: `true`, its first argument, or a table of its arguments."""
    kind = wrapper_kind(mark.name)
    assert kind is not None
    names = kind.keys()
    first = names[:1] if names and kind.model_fields[names[0]].is_required() else ()
    if raw is True:
        return reader.table(kind, {}, path, mark.name, names)
    if isinstance(raw, dict):
        return reader.table(kind, raw, path, mark.name, names)
    if first and isinstance(raw, int | float) and not isinstance(raw, bool):
        return reader.table(kind, {first[0]: raw}, path, mark.name, names, {first[0]: path})
    short = f"its '{first[0]}'" if first else "true"
    message = f"'{mark.name}' of {owner} must be {short}, or a table of its arguments, not {described(raw)}"
    reader.wrong("value", message, reader.document.value_place(path))
    return None


def read_groups(reader: TableReader, raw: Any, path: Path, owner: str) -> tuple[Group, ...]:
    """Each `[[optimizer.group]]`; one that has no kind takes the arguments of the optimizer that it is in."""
    tables = [raw] if isinstance(raw, dict) else raw
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        message = f"'group' of {owner} must be a list of tables, not {described(raw)}"
        place = reader.document.value_place(path)
        reader.wrong("value", message, place, help='[[optimizer.group]] with match = "**/bias", and what is different')
        return ()
    found = (_group(reader, t, (*path, i) if isinstance(raw, list) else path, owner) for i, t in enumerate(tables))
    return tuple(group for group in found if group is not None)


GROUP = "[[optimizer.group]]"


def _group(reader: TableReader, raw: Mapping[str, Any], path: Path, owner: str) -> Group | None:
    document = reader.document
    rest = {k: v for k, v in raw.items() if k != "kind"}
    if "kind" in raw and "chain" in raw:
        reader.wrong("choice", f"{GROUP} has both 'kind' and 'chain'", document.key_place((*path, "chain")))
        return None
    if "kind" in raw:
        kind = reader.kind(raw["kind"], Optimizer, document.value_place((*path, "kind")))
        if kind is None:
            return None
        cls = group_of(kind.kind, True)
    else:
        cls = group_of(Chain.kind, True) if "chain" in raw else group_of(owner, False)
    keys = (*cls.model_fields, *(() if {"kind", "chain"} & raw.keys() else ("kind",)))
    group = reader.table(cls, rest, path, GROUP, keys)
    said = raw.keys() - {"match"}
    if group is not None and not said:
        message, help_ = f"{GROUP} says nothing of its parameters", "learning_rate_factor, weight_decay, freeze, …"
        reader.wrong("choice", message, document.key_place(path), help=help_)
    if group is not None and group.freeze is True and said - {"freeze"}:
        other = next(k for k in raw if k in said - {"freeze"})
        message = f"what is frozen does not learn, and {GROUP} gives '{other}', too"
        reader.wrong("choice", message, document.key_place((*path, other)), "leave it out")
    return group
