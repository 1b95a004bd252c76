"""The text of a document whose values were overridden: the source's text, with as little changed as will do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import tomli

from .document import Document
from .plain import key_text, section_text, toml, value_text
from .scan import Found, Path, scan

__all__ = ["written"]


def written(document: Document) -> str:
    """The document as a TOML text of its own, overridden values included.

    Comments and formatting stay where the changes can be written into the source's text; where they can't (a key added
    beside dotted ones, a table that has a header replaced by a number), all values are written anew.
    """
    text = document.source.text
    if _same(tomli.loads(text), document.values):
        return text
    try:
        edited = _Text(text).edited(document.values)
        if _same(tomli.loads(edited), document.values):
            return edited
    except (_OddFormError, tomli.TOMLDecodeError):
        pass
    return toml(document.values)


class _OddFormError(Exception):
    """A change that has no place of its own in the text."""


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


class _Text:
    """A text with bare newlines, the last line's included, and where everything stands in it."""

    def __init__(self, text: str) -> None:
        self.newline = "\r\n" if "\r\n" in text else "\n"
        plain = text.replace("\r\n", "\n")
        self.text = plain if plain.endswith("\n") or not plain else f"{plain}\n"
        scanned = scan(self.text)
        self.found = {f.path: f for f in scanned.found}
        arrays = scanned.lengths
        self.headers = {f.path: f for f in scanned.found if _is_header(f, self.text) or f.path[:-1] in arrays}

    def edited(self, values: dict[str, Any]) -> str:
        """The text, changed so that it has these values."""
        edits = [self.edit(change) for change in self.changes(tomli.loads(self.text), values, ())]
        parts, pos = [], 0
        for edit in sorted(edits, key=lambda e: e.start):  # stable: what is added at one spot stays in its order
            parts += [self.text[pos : edit.start], edit.text]
            pos = edit.end
        return "".join([*parts, self.text[pos:]]).replace("\n", self.newline)

    def changes(self, old: Any, new: Any, path: Path) -> Iterator[_Change]:
        """What has to be changed to get from one value to the other."""
        if isinstance(old, dict) and isinstance(new, dict) and self.can_be_edited(path, old, new):
            for key in old.keys() - new.keys():
                yield _Change((*path, key), old=old[key])
            for key, value in new.items():
                if key in old:
                    yield from self.changes(old[key], value, (*path, key))
                else:
                    yield _Change((*path, key), new=value)
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            for i, (before, after) in enumerate(zip(old, new, strict=True)):
                yield from self.changes(before, after, (*path, i))
        elif not _same(old, new, listed=any(isinstance(part, int) for part in path)):
            yield _Change(path, old, new)

    def can_be_edited(self, path: Path, old: dict[str, Any], new: dict[str, Any]) -> bool:
        """Whether a table is changed key by key; one in braces only where its keys are there still, in their order."""
        return not self.is_in_braces(path) or list(new)[: len(old)] == list(old)

    def is_in_braces(self, path: Path) -> bool:
        return path in self.found and self.text[self.found[path].value[0]] == "{"

    def edit(self, change: _Change) -> _Edit:
        if change.new is _NOTHING:
            return self.removal(change.path)
        if change.old is _NOTHING:
            return self.addition(change.path, change.new)
        found = self.found[change.path]
        if change.path in self.headers or found.value == found.key:
            raise _OddFormError
        if isinstance(change.old, list) and (*change.path, 0) in self.headers:
            raise _OddFormError
        return _Edit(*found.value, value_text(change.new))

    def removal(self, path: Path) -> _Edit:
        """Without the lines of a statement."""
        found = self.found[path]
        if found.key is None or path in self.headers or found.value == found.key:
            raise _OddFormError
        start = self.text.rfind("\n", 0, found.key[0]) + 1
        if self.text[start : found.key[0]].strip():
            raise _OddFormError
        return _Edit(start, self.after_line(found.value[1]), "")

    def addition(self, path: Path, value: Any) -> _Edit:
        """With a new key: in its table's braces, in its section, or in a new section at the end."""
        parent, key = path[:-1], str(path[-1])
        statement = f"{key_text(key)} = {value_text(value)}"
        if self.is_in_braces(parent):
            return self.in_braces(parent, statement)
        if parent in self.headers:
            return self.in_section(self.headers[parent].value[1], statement)
        if not all(isinstance(part, str) for part in path):
            raise _OddFormError
        if not parent and not isinstance(value, dict):
            return self.in_section(0, statement)
        names = tuple(str(part) for part in path)
        section = section_text(names, value) if isinstance(value, dict) else section_text(names[:-1], {key: value})
        return _Edit(len(self.text), len(self.text), f"\n{section}")

    def in_braces(self, path: Path, statement: str) -> _Edit:
        start, end = self.found[path].value
        last = max((f.value[1] for f in self.found.values() if start < f.value[0] and f.value[1] < end), default=None)
        if last is None:
            return _Edit(start, end, f"{{ {statement} }}")
        return _Edit(last, last, f", {statement}")

    def in_section(self, body: int, statement: str) -> _Edit:
        """Under the last statement of the section whose body begins there; under its header where it has none."""
        end = min((h.value[0] for h in self.headers.values() if h.value[0] >= body), default=len(self.text))
        inside = [f for f in self.found.values() if body <= f.value[0] < end and f.key is not None]
        if not inside:
            pos = self.after_line(body) if body else self.above(end)
            return _Edit(pos, pos, f"{statement}\n" if body else f"{statement}\n\n")
        last = max(inside, key=lambda f: f.value[1])
        pos = self.after_line(last.value[1])
        return _Edit(pos, pos, f"{self.indentation(last)}{statement}\n")

    def above(self, header: int) -> int:
        """The offset above a header and the comments that are attached to it, unless they begin the file."""
        pos = self.text.rfind("\n", 0, header) + 1
        while pos and self.text[(above := self.text.rfind("\n", 0, pos - 1) + 1)] == "#":
            pos = above
        return pos or self.text.rfind("\n", 0, header) + 1

    def indentation(self, found: Found) -> str:
        assert found.key is not None
        start = self.text.rfind("\n", 0, found.key[0]) + 1
        line = self.text[start : found.key[0]]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def after_line(self, pos: int) -> int:
        return self.text.index("\n", pos) + 1


_NOTHING = object()


@dataclass(frozen=True, slots=True)
class _Change:
    path: Path
    old: Any = _NOTHING
    new: Any = _NOTHING


def _is_header(found: Found, text: str) -> bool:
    return found.key is not None and text[found.value[0]] == "[" and found.key[0] > found.value[0]


def _same(a: Any, b: Any, listed: bool = False) -> bool:
    """Whether two values are of one type and equal; in a list, a table's first key counts, too: it names a kind."""
    if isinstance(a, dict) and isinstance(b, dict):
        first = not listed or next(iter(a), None) == next(iter(b), None)
        return first and a.keys() == b.keys() and all(_same(v, b[k], listed) for k, v in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_same(v, w, True) for v, w in zip(a, b, strict=True))
    return type(a) is type(b) and repr(a) == repr(b)
