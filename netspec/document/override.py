"""One value of a document replaced by an argument of the command line."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from netspec.diagnostics import Diagnostic, Place, Source, SpecError

from .document import Document, Path, parse_as
from .scan import KEY, Scan, key

__all__ = ["SETTING", "override", "without"]

SETTING = "--set"
"""What messages call the text of an override."""

_WORD = re.compile(rf"[ \t]*+{KEY}[ \t]*+=[ \t]*+(?!(?:true|false|inf|nan)[ ]*\Z)([A-Za-z_][A-Za-z0-9_.+/ -]*)")
_INDEX = re.compile(r"[0-9]{1,9}")


def override(document: Document, argument: str) -> Document:
    """The document with one value replaced or added, as `--set model.layers.0.conv=8` asks.

    Args:
        document: what to change; it stays as it is.
        argument: a dotted key of TOML, in which a number means an element of a list that is there; `=`; and a value of
            TOML, or a bare word, which is taken as a string. The new places point into it.

    Raises:
        SpecError: the argument can't be read, or its key leads nowhere in this document.
    """
    setting, parts = _setting(argument)
    path = _resolve(document.values, parts)
    size, value = len(path), setting.values
    for part, _ in parts:
        value = value[part]

    def here(given: Path) -> Path:
        return path[: len(given)] + given[size:]

    keys = {here(p): place for p, place in setting.keys.items() if isinstance(here(p)[-1], str)}
    places = {here(p): place for p, place in setting.places.items()}
    return Document(
        document.source,
        _with(document.values, path, value),
        keys | {p: place for p, place in document.keys.items() if p[:size] != path},
        places | {p: place for p, place in document.places.items() if p[:size] != path},
    )


def without(document: Document, path: Path) -> Document:
    """The document without one key of a table."""
    *around, last = path
    table: Any = document.values
    for part in around:
        table = table[part]
    rest = {key: value for key, value in table.items() if key != last}
    return Document(
        document.source,
        _with(document.values, tuple(around), rest),
        {p: place for p, place in document.keys.items() if p[: len(path)] != path},
        {p: place for p, place in document.places.items() if p[: len(path)] != path},
    )


def _setting(argument: str) -> tuple[Document, list[tuple[str, Place]]]:
    """The argument as a document of its own, and the parts of its key."""
    source = Source(SETTING, argument)
    whole = Place(source, 1, 1, len(source.line(1)) + 1)
    if "=" not in argument:
        raise SpecError(Diagnostic("syntax", f"expected KEY=VALUE, found '{argument}'", whole))
    word = _WORD.fullmatch(argument)
    setting = parse_as(source, _quoted(argument, word) if word else argument)
    start = len(argument) - len(argument.lstrip(" \t"))
    if argument[start : start + 1] in ("[", "#", "\n", "\r"):
        raise SpecError(Diagnostic("syntax", "expected KEY=VALUE on one line", whole))
    parts = [(name, Place(source, 1, a + 1, b + 1)) for name, (a, b) in key(Scan(argument), start)[1]]
    names = tuple(name for name, _ in parts)
    if any(len(path) <= len(names) and path != names[: len(path)] for path in setting.places):
        raise SpecError(Diagnostic("syntax", "expected one KEY=VALUE, found several", whole))
    if word:
        there = Place(source, 1, word.start(1) + 1, word.start(1) + len(word[1].rstrip()) + 1)
        setting = replace(setting, places={**setting.places, names: there})
    return setting, parts


def _quoted(argument: str, word: re.Match[str]) -> str:
    return f'{argument[: word.start(1)]}"{word[1].rstrip()}"'


def _resolve(values: dict[str, Any], parts: list[tuple[str, Place]]) -> Path:
    """The path that the parts of a key mean in these values: numbers become indices where there is a list."""
    path: Path = ()
    node: Any = values
    for name, place in parts:
        if isinstance(node, list):
            step: str | int = _index(node, name, place, path)
            node = node[int(name)]
        elif isinstance(node, dict):
            step, node = name, node.get(name, {})
        else:
            kind = "a string" if isinstance(node, str) else "a single value"
            message = f"'{_dotted(path)}' is {kind}: there is no '{name}' in it"
            raise SpecError(Diagnostic("override", message, place))
        path = (*path, step)
    return path


def _index(items: list[Any], name: str, place: Place, path: Path) -> int:
    if _INDEX.fullmatch(name) and int(name) < len(items):
        return int(name)
    range_ = f"0 to {len(items) - 1}" if items else "it has none"
    message = f"'{_dotted(path)}' is a list, which has no element '{name}'"
    raise SpecError(Diagnostic("override", message, place, note=f"elements go by number: {range_}"))


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)


def _with(node: Any, path: Path, value: Any) -> Any:
    """A copy of the values with that one replaced; what does not change is shared."""
    if not path:
        return value
    step: Any = path[0]
    copy = node.copy()
    copy[step] = _with(node[step] if isinstance(node, list) else node.get(step, {}), path[1:], value)
    return copy
