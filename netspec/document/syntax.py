"""What is wrong with a text that is no TOML, in plain words and at the place that is to blame.

tomli says what it missed, and where it noticed; the scan says which brackets and quotes are open there, and what came
before. A complaint that no rule here knows is passed on as tomli words it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import tomli

from netspec.diagnostics import Diagnostic

from .lines import Lines
from .scan import KEY, Found, Path, Scan, Span

__all__ = ["explain"]


@dataclass(frozen=True, slots=True)
class _Mistake:
    """What there is to go by.

    Args:
        complaint: tomli's words.
        pos: the offset where tomli gave up.
        scan: what was found before, and maybe after.
    """

    complaint: str
    pos: int
    scan: Scan
    lines: Lines

    @property
    def text(self) -> str:
        return self.scan.text

    @property
    def character(self) -> str:
        """The character that tomli gave up at; empty at the end of the text."""
        return self.text[self.pos : self.pos + 1]

    @property
    def rest(self) -> Span:
        """From there to the end of the line, the comment and the white space before it left out."""
        line = self.text[self.pos : self.lines.end(self.lines.number(self.pos))]
        return self.pos, self.pos + len(line.split(" #")[0].rstrip())

    @property
    def word(self) -> Span:
        """The word that begins there, or the single character."""
        match = _WORD.match(self.text, self.pos)
        return match.span() if match else (self.pos, self.pos + 1)

    def found(self) -> str:
        """What stands there, for a message."""
        start, end = self.word
        word = self.text[start:end].strip()
        if word:
            return f"'{_clipped(word)}'"
        return "the end of the file" if self.pos >= len(self.text.rstrip()) else "the end of the line"

    def syntax(self, message: str, span: Span | None = None, label: str = "", note: str = "") -> Diagnostic:
        return Diagnostic("syntax", message, self.lines.place(span or self.word), label=label, note=note)


def _clipped(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def explain(error: tomli.TOMLDecodeError, scan: Scan, lines: Lines) -> Diagnostic:
    """The mistake that made tomli give up."""
    mistake = _Mistake(error.msg, error.pos, scan, lines)
    if _CONTROL.match(mistake.character):
        code = f"\\u{ord(mistake.character):04x}"
        return mistake.syntax(f"the control character {code} can't stand here as it is", (error.pos, error.pos + 1))
    if scan.stopped == error.pos and (opened := _never_closed(mistake)) is not None:
        return opened
    for complaint, rule in _RULES.items():
        if error.msg.startswith(complaint):
            return rule(mistake)
    return mistake.syntax(error.msg)


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_WORD = re.compile(r"[^\s,=\[\]{}#\"']+")
_STATEMENT = re.compile(rf"{KEY}[ \t]*+=")
_HEADER = re.compile(rf"(?m)^\[\[?[ \t]*+(?=[A-Za-z_]){KEY}[ \t]*+\]\]?[ \t]*+(?:#[^\n]*+)?+$")
_KINDS = {"[": ("list", "]"), "{": ("table", "}")}


def _never_closed(mistake: _Mistake) -> Diagnostic | None:
    """A bracket that is open where the file ends, or where a line begins that only stands outside of brackets."""
    text, opened = mistake.text, mistake.scan.opened
    outside = next((pos for pos in (*opened[-1:], mistake.pos) if _stands_outside(text, pos)), None)
    inner = [pos for pos in opened if outside is None or pos < outside]
    if outside is None or not inner:
        return None
    kind, closing = _KINDS[text[inner[-1]]]
    there = f"line {mistake.lines.number(outside)}" if outside < len(text) else "the end of the file"
    return mistake.syntax(
        f"a {kind} is never closed", (inner[-1], inner[-1] + 1), f"expected '{closing}' before {there}"
    )


def _stands_outside(text: str, pos: int) -> bool:
    at_margin = text[pos - 1 : pos] == "\n"
    return pos == len(text) or bool(_HEADER.match(text, pos) or (at_margin and _STATEMENT.match(text, pos)))


def _value(mistake: _Mistake) -> Diagnostic:
    match = _WORD.match(mistake.text, mistake.pos)
    if match is None:
        return mistake.syntax(f"expected a value, found {mistake.found()}")
    opened = mistake.scan.opened
    if opened and mistake.text[opened[-1]] == "[" and _STATEMENT.match(mistake.text, mistake.pos):
        return mistake.syntax(f"a list holds no keys, found {mistake.found()}", label="a table stands in braces")
    label = _meant(match[0])
    if label is None:
        return _unquoted(mistake, mistake.pos)
    return mistake.syntax(f"expected a value, found {mistake.found()}", label=label)


def _meant(word: str) -> str | None:
    """What to write instead of a word that is a value elsewhere."""
    if word.casefold() in ("true", "false"):
        return f"write {word.casefold()}"
    if word.casefold() in ("none", "null", "nil"):
        return "TOML has none: leave the key out"
    if re.fullmatch(r"[+-]?\.[0-9]+", word):
        return f"write {word.replace('.', '0.')}"
    if word[0] == "(":
        return "a list stands in brackets: [3, 3]"
    return """text stands in quotes of the form " or '""" if word[0] in "“”„‘’«»`" else None


def _unquoted(mistake: _Mistake, start: int) -> Diagnostic:
    text = re.split(r"[,\]}\[{\"']", mistake.text[start : mistake.rest[1]])[0].rstrip()
    span = (start, start + len(text))
    label = f'text stands in quotes: "{_clipped(text)}"'
    return mistake.syntax(f"expected a value, found '{_clipped(text)}'", span, label)


def _end_of_statement(mistake: _Mistake) -> Diagnostic:
    if mistake.text.startswith("//", mistake.pos):
        return mistake.syntax("expected the end of the line, found '//'", mistake.rest, "a comment begins with '#'")
    if mistake.character in ("]", "}"):
        return mistake.syntax(f"'{mistake.character}' closes nothing")
    return _leftover(mistake) or mistake.syntax(f"expected the end of the line, found {mistake.found()}")


def _leftover(mistake: _Mistake) -> Diagnostic | None:
    """The rest of a value that ended sooner than was meant: a number's digits, or the words behind it."""
    start, end = mistake.scan.found[-1].value
    number, between, rest = mistake.text[start:end], mistake.text[end : mistake.pos], mistake.text[mistake.pos :]
    if number[0] in "[{\"'" or "\n" in between or _STATEMENT.match(rest):
        return None
    if not between and re.fullmatch("[+-]?0", number) and (digits := re.match("[0-9]+", rest)):
        whole = number + digits[0]
        label = f"a number has no leading zeros: write {number[:-1]}{digits[0].lstrip('0') or '0'}"
        return mistake.syntax(f"expected a value, found '{whole}'", (start, start + len(whole)), label)
    if not re.match(r"[A-Za-z%_/]" if between else r"[^\s,;=\[\]{}#\"']", rest):
        return None
    return _unquoted(mistake, start)


def _separator(mistake: _Mistake) -> Diagnostic:
    leftover = _leftover(mistake)
    if leftover is not None:
        return leftover
    opened = mistake.scan.opened[-1]
    kind, closing = _KINDS[mistake.text[opened]]
    begins = mistake.lines.number(opened)
    note = f"the {kind} begins on line {begins}" if begins != mistake.lines.number(mistake.pos) else ""
    return mistake.syntax(f"expected ',' or '{closing}' in a {kind}, found {mistake.found()}", note=note)


def _string(mistake: _Mistake) -> Diagnostic:
    start = mistake.scan.stopped
    assert start is not None, "a string that is never closed stops the scan, too"
    quote = mistake.text[start : start + 3]
    quote = quote if quote in ('"""', "'''") else quote[:1]
    end = mistake.lines.end(mistake.lines.number(start))
    return mistake.syntax("a string is never closed", (start, end), f"expected {quote} at its end")


def _escape(mistake: _Mistake) -> Diagnostic:
    start = mistake.text.rfind("\\", 0, mistake.pos)
    if "hex" in mistake.complaint or "scalar" in mistake.complaint:
        span = (start, mistake.pos)
        return mistake.syntax(
            "this is no character", span, r"expected \xHH, \uHHHH or \UHHHHHHHH, H a hexadecimal digit"
        )
    span = (start, start + 2)
    message = f"'{mistake.text[slice(*span)].strip()}' means nothing in a string"
    note = "between single quotes a backslash is only a backslash"
    return mistake.syntax(message, span, r"a backslash is written \\", note)


def _equals(mistake: _Mistake) -> Diagnostic:
    message = f"expected '=' after a key, found {mistake.found()}"
    if mistake.character == ":":
        return mistake.syntax(message, (mistake.pos, mistake.pos + 1), "write '='")
    if mistake.character in ("}", ","):
        return mistake.syntax(message, note="a table holds keys with values: { conv = 16 }")
    return mistake.syntax(message)


def _header(mistake: _Mistake) -> Diagnostic:
    closing = "]]" if "]]" in mistake.complaint else "]"
    return mistake.syntax(f"expected '{closing}' after a section's name, found {mistake.found()}")


def _key(mistake: _Mistake) -> Diagnostic:
    message = f"expected a key, found {mistake.found()}"
    if mistake.character in ('"', "'"):
        return _string(mistake)
    if mistake.character.isalpha():
        return mistake.syntax(message, label="a key of other letters than a to z stands in quotes")
    return mistake.syntax(message)


def _statement(mistake: _Mistake) -> Diagnostic:
    if mistake.character in ("]", "}"):
        return mistake.syntax(f"'{mistake.character}' closes nothing")
    return _key(mistake)


def _date(mistake: _Mistake) -> Diagnostic:
    return mistake.syntax(f"there is no such date: {mistake.text[slice(*mistake.word)]}")


def _twice(mistake: _Mistake) -> Diagnostic:
    """A key or table that was there already, or one that a value stands in the way of."""
    candidates = [
        (f.key, f, i)
        for i, f in enumerate(mistake.scan.found)
        if f.key is not None and f.key[0] < mistake.pos <= f.value[1]
    ]
    if not candidates:
        return mistake.syntax(mistake.complaint)
    key, blamed, index = max(candidates, key=lambda c: c[0])
    first = _earlier(mistake.scan.found[:index], blamed.path)
    if first is None or first.key is None:
        return mistake.syntax(mistake.complaint, key)
    name = ".".join(str(part) for part in first.path)
    line = mistake.lines.number(first.key[0])
    if first.path == blamed.path:
        return mistake.syntax(f"'{name}' is there twice", key, f"the first is on line {line}")
    return mistake.syntax(f"nothing can be added to '{name}' here", key, f"'{name}' is complete on line {line}")


def _earlier(found: list[Found], path: Path) -> Found | None:
    """What stood there first: under the same path, or else under the longest path on the way to it."""
    before = {f.path: f for f in reversed(found)}
    return next((before[path[:n]] for n in range(len(path), 0, -1) if path[:n] in before), None)


_RULES: dict[str, Callable[[_Mistake], Diagnostic]] = {
    "Cannot declare": _twice,
    "Cannot mutate": _twice,
    "Cannot overwrite": _twice,
    "Cannot redefine": _twice,
    "Duplicate inline table key": _twice,
    "Escaped character": _escape,
    "Expected '='": _equals,
    "Expected ']": _header,
    "Expected \"'": _string,
    "Expected newline": _end_of_statement,
    "Found invalid character": _string,
    "Illegal character": _string,
    "Invalid date": _date,
    "Invalid hex value": _escape,
    "Invalid initial character": _key,
    "Invalid statement": _statement,
    "Invalid value": _value,
    "Unclosed": _separator,
    "Unescaped": _escape,
    "Unterminated string": _string,
}
