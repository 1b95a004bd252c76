"""Expressions: the text after a `$` in a spec, which may count but can do nothing else.

    sum      = product { ("+" | "-") product }
    product  = power { ("*" | "/" | "//" | "%") power }
    power    = [ "-" ] atom [ "**" power ]
    atom     = number | name | ("min" | "max") "(" sum { "," sum } ")" | "(" sum ")"

Sizes are bounded, so that a stranger's expression can neither take long nor fill the memory.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from netspec.diagnostics import nearest

__all__ = ["Expression", "ExpressionError", "parse"]

LONGEST = 200
"""Characters of an expression, at the most."""

LARGEST = 2**53
"""Absolute value of any intermediate result, at the most: whole numbers up to it are exact as floats too."""

DEEPEST = 20
"""Nesting of parentheses and signs, at the most."""

Value = Any
"""A number, or (for an expression that is one name) whatever the name stands for."""


class ExpressionError(ValueError):
    """An expression that cannot be read or worked out.

    Args:
        message: what is wrong, in one sentence.
        start: where in the text the wrong part begins (0 is the `$`).
        end: where it ends.
        help: what to do.
    """

    def __init__(self, message: str, start: int, end: int, help: str = "") -> None:  # noqa: A002
        super().__init__(message)
        self.message, self.start, self.end, self.help = message, start, max(end, start + 1), help


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that has been read: its text, the names in it, and how to work it out."""

    text: str
    names: frozenset[str]
    _tree: Tree

    def evaluate(self, names: Mapping[str, Value]) -> Value:
        """The value, given what each name stands for.

        Raises:
            ExpressionError: a name is unknown, a divisor is zero, a result is too large.
        """
        return self._tree(names)

    def __str__(self) -> str:
        return self.text


Tree = Callable[[Mapping[str, Value]], Value]

_TOKEN = re.compile(
    r"\s*(?:(\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+|\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(\*\*|//|[-+*/%(),]))", re.ASCII
)

_BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}


def parse(text: str) -> Expression:
    """Read an expression, with its leading `$`.

    >>> parse("$width * 4").evaluate({"width": 64})
    256

    Raises:
        ExpressionError: the text is no expression.
    """
    assert text.startswith("$")
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression has at most {LONGEST} characters, this one has {len(text)}", 0, len(text))
    reader = _Reader(text)
    tree = reader.sum()
    if reader.kind != "end":
        raise reader.wrong(f"expected an operator or the end, found '{reader.word}'")
    return Expression(text, frozenset(reader.names), tree)


class _Reader:
    """Recursive descent over the tokens; each method reads what its name says and returns how to work it out."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 1
        self.depth = 0
        self.names: set[str] = set()
        self.next()

    def next(self) -> None:
        match = _TOKEN.match(self.text, self.end)
        if match:
            self.start, self.end = match.start(match.lastindex or 0), match.end()
            self.kind = ("number", "name", "operator")[(match.lastindex or 1) - 1]
            self.word = match[match.lastindex or 0]
        elif not self.text[self.end :].strip():
            self.kind, self.word, self.start = "end", "", len(self.text)
        else:
            at = len(self.text) - len(self.text[self.end :].lstrip())
            raise ExpressionError(f"an expression cannot hold '{self.text[at]}'", at, at + 1, _MAY_HOLD)

    def wrong(self, message: str) -> ExpressionError:
        return ExpressionError(message, self.start, self.start + len(self.word), _MAY_HOLD)

    def sum(self) -> Tree:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"an expression nests at most {DEEPEST} deep")
        left = self.product()
        while self.word in ("+", "-"):
            left = self.binary(left, self.product)
        self.depth -= 1
        return left

    def product(self) -> Tree:
        left = self.power()
        while self.word in ("*", "/", "//", "%"):
            left = self.binary(left, self.power)
        return left

    def power(self) -> Tree:
        if self.word == "-":
            self.depth += 1
            if self.depth > DEEPEST:
                raise self.wrong(f"an expression nests at most {DEEPEST} deep")
            self.next()
            operand = self.power()
            self.depth -= 1
            return lambda names: -_number(operand(names), self.text)
        base = self.atom()
        return self.binary(base, self.power) if self.word == "**" else base

    def binary(self, left: Tree, read_right: Callable[[], Tree]) -> Tree:
        symbol, start, end = self.word, self.start, self.start + len(self.word)
        self.next()
        right = read_right()
        return lambda names: _apply(symbol, left(names), right(names), self.text, start, end)

    def atom(self) -> Tree:
        word, kind, start, end = self.word, self.kind, self.start, self.start + len(self.word)
        if kind == "number":
            self.next()
            value = int(word) if word.isdigit() else float(word)
            return lambda names: _bounded(value, start, end)
        if kind == "name":
            self.next()
            if word in ("min", "max") and self.word == "(":
                return self.extreme(word)
            self.names.add(word)
            return lambda names: _look_up(word, names, start, end)
        if word == "(":
            self.next()
            inner = self.sum()
            self.close()
            return inner
        raise self.wrong("expected a number or a name" + (f", found '{word}'" if word else " here"))

    def extreme(self, word: str) -> Tree:
        choose = min if word == "min" else max
        self.next()
        operands = [self.sum()]
        while self.word == ",":
            self.next()
            operands.append(self.sum())
        self.close()
        return lambda names: choose(_number(o(names), self.text) for o in operands)

    def close(self) -> None:
        if self.word != ")":
            raise self.wrong("expected ')'" + (f", found '{self.word}'" if self.word else ""))
        self.next()


_TOO_LARGE = "the result is larger than 2**53"
_MAY_HOLD = "an expression holds numbers, names, + - * / // % **, parentheses, min and max"


def _look_up(name: str, names: Mapping[str, Value], start: int, end: int) -> Value:
    if name in names:
        return names[name]
    guess = nearest(name, names)
    known = ", ".join(sorted(names)) or "none"
    raise ExpressionError(
        f"nothing here is called '{name}'",
        start,
        end,
        f"did you mean '{guess}'?" if guess else f"names in sight: {known}",
    )


def _apply(symbol: str, left: Value, right: Value, text: str, start: int, end: int) -> Value:
    left, right = _number(left, text), _number(right, text)
    if symbol in ("/", "//", "%") and right == 0:
        raise ExpressionError("division by zero", start, end)
    if symbol == "**" and (abs(right) > 64 or (left == 0 and right < 0)):
        raise ExpressionError("an exponent lies between -64 and 64, and zero has none below 0", start, end)
    try:
        result = _BINARY[symbol](left, right)
    except OverflowError:
        raise ExpressionError(_TOO_LARGE, start, end) from None
    if isinstance(result, complex):
        raise ExpressionError("a root of a negative number is not a number here", start, end)
    return _bounded(result, start, end)


def _bounded(value: float, start: int, end: int) -> float:
    if not abs(value) <= LARGEST:
        raise ExpressionError(_TOO_LARGE, start, end)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _number(value: Value, text: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError(f"only numbers can be counted with, and here one is {value!r}", 0, len(text))
    return value
