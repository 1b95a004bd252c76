"""Where every key and value of a TOML 1.1 text stands, in one pass from left to right.

Knows the grammar, not the meaning: it accepts what tomli accepts and a little more; tomli alone decides what is valid
and what a value is. Function names are the rules of TOML's grammar; each takes what was found so far and an offset,
and returns the offset behind what it read. The text has lines that end in a bare newline.

It runs before tomli, which has no limits that suit a stranger's file: what is nested too deep, too many or too big is
noticed here, before tomli gets that far.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

import tomli

__all__ = ["DEPTH", "KEY", "VALUES", "Found", "LimitError", "Path", "Scan", "Span", "key", "scan"]

Path = tuple[str | int, ...]
Span = tuple[int, int]  # offsets: of the first character, and behind the last

DEPTH = 64
VALUES = 100_000


class Found(NamedTuple):
    """A value, and the key that it stands under; an element of an array has none.

    A table that is only mentioned on the way to something else (`a` in `a.b = 1`) has its key's span for its value's.
    """

    path: Path
    key: Span | None
    value: Span


@dataclass(slots=True)
class Scan:
    """What was found.

    Args:
        text: what is scanned.
        found: in the order in which the values end; a table that is mentioned before its header comes has two entries.
        opened: the offsets of the brackets that are open, outermost first.
        stopped: where the text is no TOML, if that is so.
    """

    text: str
    found: list[Found] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    stopped: int | None = None
    tables: set[Path] = field(default_factory=set)
    lengths: dict[Path, int] = field(default_factory=dict)  # of arrays of tables

    def add(self, path: Path, key: Span | None, value: Span) -> None:
        if len(self.found) == VALUES:
            raise LimitError("too-large", f"more than {VALUES:,} values", value)
        self.found.append(Found(path, key, value))


class LimitError(Exception):
    """The text is TOML so far, but more than netspec reads."""

    def __init__(self, code: str, message: str, span: Span) -> None:
        self.code, self.message, self.span = code, message, span
        super().__init__(message)


class _StopError(Exception):
    """The text is no TOML from here on."""

    def __init__(self, pos: int) -> None:
        self.pos = pos


def scan(text: str) -> Scan:
    """Every value of the text, as far as it is TOML.

    Raises:
        LimitError: nested too deep, too many values, or an integer of more than 64 bits.
    """
    out = Scan(text)
    try:
        toml(out)
    except _StopError as stop:
        out.stopped = stop.pos
    return out


_HOUR = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = rf"{_HOUR}(?::[0-5][0-9](?:\.[0-9]++)?)?"
_DATE = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_BASIC = r'"(?:[^"\\\n]++|\\.)*+"'
_LITERAL = r"'[^'\n]*+'"
_SIMPLE_KEY = rf"(?:[A-Za-z0-9_-]++|{_BASIC}|{_LITERAL})"
KEY = rf"{_SIMPLE_KEY}(?:[ \t]*+\.[ \t]*+{_SIMPLE_KEY})*+"
"""A regular expression for a dotted key."""

_SCALAR = re.compile(
    rf"""
    \"\"\" (?: [^"\\]++ | \\. | "{{1,2}}(?!") )*+ "{{3,5}}     # up to two quotes may stand before the closing three
    | \'\'\' (?: [^']++ | '{{1,2}}(?!') )*+ '{{3,5}}
    | (?!\"\"\") {_BASIC}
    | (?!\'\'\') {_LITERAL}
    | true | false | [+-]?(?:inf|nan)
    | {_DATE} (?: [Tt ] {_TIME} (?: [Zz] | [+-]{_HOUR} )? )?
    | {_TIME}
    | (?P<based> 0x[0-9A-Fa-f]++(?:_[0-9A-Fa-f]++)*+ | 0o[0-7]++(?:_[0-7]++)*+ | 0b[01]++(?:_[01]++)*+ )
    | (?P<whole> [+-]?(?:0|[1-9][0-9]*+(?:_[0-9]++)*+) )
      (?P<rest> (?: \.[0-9]++(?:_[0-9]++)*+ )? (?: [eE][+-]?[0-9]++(?:_[0-9]++)*+ )? )
    """,
    re.VERBOSE | re.DOTALL,
)
_SIMPLE = re.compile(_SIMPLE_KEY)
_BLANK = re.compile(r"[ \t]*+")
_GAP = re.compile(r"(?:[ \t\n]++|\#[^\n]*+)*+")
_REST = re.compile(r"[ \t]*+(?:\#[^\n]*+)?+")


def toml(out: Scan) -> None:
    pos = _skip(_GAP, out, 0)
    base: Path = ()
    while pos < len(out.text):
        pos, base = expression(out, pos, base)
        pos = _skip(_REST, out, pos)
        if not out.text.startswith("\n", pos) and pos < len(out.text):
            raise _StopError(pos)
        pos = _skip(_GAP, out, pos)


def expression(out: Scan, pos: int, base: Path) -> tuple[int, Path]:
    """One statement; with the path of the table that the statements after it belong to."""
    if out.text.startswith("[[", pos):
        return array_table(out, pos)
    if out.text.startswith("[", pos):
        return std_table(out, pos)
    return keyval(out, pos, base), base


def std_table(out: Scan, start: int) -> tuple[int, Path]:
    end, path, span = _header(out, start, "[", "]")
    out.tables.add(path)
    out.add(path, span, (start, end))
    return end, path


def array_table(out: Scan, start: int) -> tuple[int, Path]:
    end, path, span = _header(out, start, "[[", "]]")
    index = out.lengths.get(path, 0)
    if index == 0:
        out.tables.add(path)
        out.add(path, span, (start, end))
    out.lengths[path] = index + 1
    out.add((*path, index), None, (start, end))
    return end, (*path, index)


def _header(out: Scan, start: int, opening: str, closing: str) -> tuple[int, Path, Span]:
    pos, parts = key(out, _skip(_BLANK, out, start + len(opening)))
    path = _through(out, (), parts)
    if not out.text.startswith(closing, pos):
        raise _StopError(pos)
    return pos + len(closing), (*path, parts[-1][0]), parts[-1][1]


def keyval(out: Scan, pos: int, base: Path) -> int:
    pos, parts = key(out, pos)
    name, span = parts[-1]
    path = (*_through(out, base, parts), name)
    if not out.text.startswith("=", pos):
        raise _StopError(pos)
    start = _skip(_BLANK, out, pos + 1)
    end = val(out, start, path)
    out.add(path, span, (start, end))
    return end


def key(out: Scan, pos: int) -> tuple[int, list[tuple[str, Span]]]:
    """A dotted key: its parts, each with its span; the offset is that of the next thing behind it."""
    parts = []
    while True:
        match = _SIMPLE.match(out.text, pos)
        if match is None:
            raise _StopError(pos)
        parts.append((simple_key(match[0], pos), match.span()))
        _check_depth(len(parts), match.span())
        pos = _skip(_BLANK, out, match.end())
        if not out.text.startswith(".", pos):
            return pos, parts
        pos = _skip(_BLANK, out, pos + 1)


def simple_key(text: str, pos: int) -> str:
    if text[0] == "'":
        return text[1:-1]
    if text[0] != '"':
        return text
    if "\\" not in text:
        return text[1:-1]
    try:  # tomli, so that there is one reader of escapes
        return next(iter(tomli.loads(f"{text} = 0")))
    except tomli.TOMLDecodeError:
        raise _StopError(pos) from None


def _through(out: Scan, path: Path, parts: list[tuple[str, Span]]) -> Path:
    """The path of the table that holds a key's last part: tables are noted, arrays mean their last table."""
    _check_depth(len(path) + len(parts), parts[min(DEPTH - len(path), len(parts) - 1)][1])
    for name, span in parts[:-1]:
        path = (*path, name)
        if path not in out.tables:
            out.tables.add(path)
            out.add(path, span, span)
        if path in out.lengths:
            path = (*path, out.lengths[path] - 1)
    return path


def val(out: Scan, pos: int, path: Path) -> int:
    _check_depth(len(path), (pos, pos + 1))
    first = out.text[pos : pos + 1]
    if first == "[":
        return array(out, pos, path)
    if first == "{":
        return inline_table(out, pos, path)
    match = _SCALAR.match(out.text, pos)
    if match is None:
        raise _StopError(pos)
    if _is_wide(match):
        raise LimitError("number", "an integer of more than 64 bits", match.span())
    return match.end()


def array(out: Scan, pos: int, path: Path) -> int:
    out.opened.append(pos)
    pos, index = _skip(_GAP, out, pos + 1), 0
    while not out.text.startswith("]", pos):
        end = val(out, pos, (*path, index))
        out.add((*path, index), None, (pos, end))
        pos, index = _separator(out, end, "]"), index + 1
    out.opened.pop()
    return pos + 1


def inline_table(out: Scan, pos: int, path: Path) -> int:
    out.opened.append(pos)
    pos = _skip(_GAP, out, pos + 1)
    while not out.text.startswith("}", pos):
        pos = _separator(out, keyval(out, pos, path), "}")
    out.opened.pop()
    return pos + 1


def _separator(out: Scan, pos: int, closing: str) -> int:
    pos = _skip(_GAP, out, pos)
    if out.text.startswith(",", pos):
        return _skip(_GAP, out, pos + 1)
    if not out.text.startswith(closing, pos):
        raise _StopError(pos)
    return pos


def _skip(pattern: re.Pattern[str], out: Scan, pos: int) -> int:
    match = pattern.match(out.text, pos)
    assert match is not None, "such a pattern matches nothing at all, too"
    return match.end()


def _check_depth(depth: int, span: Span) -> None:
    if depth > DEPTH:
        raise LimitError("too-deep", f"nested deeper than {DEPTH} levels", span)


def _is_wide(scalar: re.Match[str]) -> bool:
    """Whether it is an integer that 64 bits can't hold."""
    if scalar["based"]:
        return int(scalar["based"], 0) >= 2**63
    if not scalar["whole"] or scalar["rest"]:
        return False
    digits = scalar["whole"].replace("_", "").lstrip("+-")
    # By length first: Python refuses to read integers of some thousand digits.
    return len(digits) > 19 or int(digits) >= 2**63 + scalar["whole"].startswith("-")
