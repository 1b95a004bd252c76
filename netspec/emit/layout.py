"""Lines of Python broken as ruff breaks them, so that what is emitted needs no formatter.

A line that is too long is opened at its last bracket: what is inside goes on a line of its own; where that is too long,
too, each element does. Literal lists are never left on one line once they are open, as calls are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

__all__ = ["WIDTH", "elements", "lay_out", "paragraph"]

WIDTH = 120
"""Columns."""

STEP = 4
OPENING, CLOSING = "([{", ")]}"


def lay_out(line: str, indent: int = 0) -> Iterator[str]:
    """A logical line as the lines that are printed.

    >>> list(lay_out("x = f(1, 2)", 4))
    ['    x = f(1, 2)']
    """
    pair = _last_pair(line) if indent + len(line) > WIDTH else None
    if pair is None:
        yield " " * indent + line if line else ""
        return
    first, last = pair
    head, inside, tail = line[: first + 1], line[first + 1 : last], line[last:]
    yield " " * indent + head
    is_call = first > 0 and (line[first - 1].isalnum() or line[first - 1] in "_)]")
    inner = indent + STEP
    clauses, parts = _clauses(inside), elements(inside)
    if len(parts) == 1 and len(clauses) > 1:
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


def _last_pair(line: str) -> tuple[int, int] | None:
    """Where the last outermost brackets with something inside begin and end."""
    opened, found = 0, None
    for i, character, depth in _scan(line):
        if depth == 0 and character in OPENING:
            opened = i
        elif depth == 0 and character in CLOSING and i > opened + 1:
            found = opened, i
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
