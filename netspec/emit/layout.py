"""Lines of Python broken as ruff breaks them, so that what is emitted needs no formatter.

A line that is too long is opened at its last bracket: what is inside goes on a line of its own; where that is too long,
too, each element does. Literal lists are never left on one line once they are open, as calls are. What has
operators outside of all brackets is broken before these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

__all__ = ["WIDTH", "elements", "lay_out", "paragraph"]

WIDTH = 88
"""Columns, of which ruff makes as many unless told otherwise."""

STEP = 4
OPENING, CLOSING = "([{", ")]}"


def lay_out(line: str, indent: int = 0) -> Iterator[str]:
    """A logical line as the lines that are printed.

    >>> list(lay_out("x = f(1, 2)", 4))
    ['    x = f(1, 2)']
    """
    if _fits(line, indent):
        yield " " * indent + line if line else ""
        return
    if broken := _at_result(line, indent) or _at_operators(line, indent):
        yield from broken
        return
    pair = _opened(line, indent)
    if pair is None:
        yield " " * indent + line
        return
    first, last = pair
    head, inside, tail = line[: first + 1], line[first + 1 : last], line[last:]
    yield " " * indent + head
    is_call = first > 0 and (line[first - 1].isalnum() or line[first - 1] in "_)]")
    inner = indent + STEP
    clauses, parts = _clauses(inside), elements(inside)
    if len(clauses) > 1 and len(elements(clauses[0])) == 1:
        for part in [inside] if _fits(inside, inner) else clauses:
            yield from lay_out(part, inner)
    elif is_call and (len(parts) == 1 or _fits(inside, inner)):
        yield from lay_out(inside, inner)
    else:
        for part in parts:
            yield from lay_out(f"{part},", inner)
    yield from lay_out(tail, indent)


def paragraph(text: str, indent: int) -> Iterator[str]:
    """A docstring of one paragraph, in lines that fit."""
    import textwrap

    room = WIDTH - indent
    if len(text) + 6 <= room:
        yield f'{" " * indent}"""{text}"""'
        return
    # Six columns less: on a line of its own, the end of one that just fits would be put behind it.
    for line in [*textwrap.wrap(f'"""{text}', room - 6), '"""']:
        yield " " * indent + line


def _fits(text: str, indent: int) -> bool:
    return indent + len(text) <= WIDTH


def _scan(text: str) -> Iterator[tuple[int, str, int]]:
    """Position, character and depth, strings left out; an opening bracket has the depth that is around it."""
    depth, quote, escaped = 0, "", False
    for i, character in enumerate(text):
        if quote:
            escaped, ends = character == "\\" and not escaped, character == quote and not escaped
            quote = "" if ends else quote
        elif character in "\"'":
            quote = character
        elif character in CLOSING:
            depth -= 1
            yield i, character, depth
        else:
            yield i, character, depth
            depth += character in OPENING


def _at_result(line: str, indent: int) -> list[str]:
    """A definition without arguments, the type of its result put in brackets; nothing where it is none."""
    head, arrow, result = line.partition("() -> ")
    if not arrow or not line.startswith("def "):
        return []
    return [" " * indent + f"{head}{arrow}(", " " * (indent + STEP) + result.removesuffix(":"), " " * indent + "):"]


def _at_operators(line: str, indent: int) -> list[str]:
    """A line broken before its operators: an element of something that is open, or a statement, put in brackets.

    Nothing where it has none, or is a statement whose last operand is a call, which is opened there.
    """
    head = re.match(r"return |[\w.]+ = |", line)
    assert head is not None
    terms = _terms(line[head.end() :])
    if len(terms) == 1 or (head[0] and line.endswith(")") and not terms[1].startswith("if ")):
        return []
    if not head[0]:
        return [part for term in terms for part in lay_out(term, indent)]
    whole = line[head.end() :]
    inside = [whole] if _fits(whole, indent + STEP) else terms
    laid = [part for term in inside for part in lay_out(term, indent + STEP)]
    return [" " * indent + head[0] + "(", *laid, " " * indent + ")"]


def _terms(text: str) -> list[str]:
    """What the outermost operators that bind least stand between, each operator with what is behind it."""
    for signs in ((" if ", " else "), (" + ", " - "), (" * ", " / ")):
        cuts = [i for i, _, depth in _scan(text) if depth == 0 and i and text[i:].startswith(signs)]
        if cuts and not re.match(r"lambda |def |for |@", text) and " for " not in text[cuts[0] :]:
            return [text[a:b].strip() for a, b in pairwise([0, *cuts, len(text)])]
    return [text]


def _opened(line: str, indent: int) -> tuple[int, int] | None:
    """Where the brackets that a line is opened at begin and end; None where there are none with something inside.

    They are those of a definition's arguments; elsewhere the last ones, or, where what is before them is too long
    itself, the last ones for which it is not.
    """
    pairs = _pairs(line)
    fitting = [pair for pair in pairs if _fits(line[: pair[0] + 1], indent)]
    if line.startswith("def "):
        return next(iter(pairs), None)
    return next(reversed(fitting or pairs), None)


def _pairs(line: str) -> list[tuple[int, int]]:
    """Where the outermost brackets with something inside begin and end."""
    opened, found = 0, []
    for i, character, depth in _scan(line):
        if depth == 0 and character in OPENING:
            opened = i
        elif depth == 0 and character in CLOSING and i > opened + 1:
            found.append((opened, i))
    return found


def elements(inside: str) -> list[str]:
    """What stands between the outermost commas."""
    cuts = [i for i, character, depth in _scan(inside) if character == "," and depth == 0]
    parts = [inside[a:b].strip() for a, b in zip([0, *(c + 1 for c in cuts)], [*cuts, len(inside)], strict=True)]
    return [part for part in parts if part]


def _clauses(inside: str) -> list[str]:
    """A comprehension's element, and what it is for."""
    cuts = [i for i, _, depth in _scan(inside) if depth == 0 and inside[i:].startswith((" for ", " if ")) and i]
    starts = [i for i in cuts if any(inside[c:].startswith(" for ") for c in cuts if c <= i)]
    bounds = [0, *starts, len(inside)]
    return [inside[a:b].strip() for a, b in pairwise(bounds)]
