"""What differs between tables of values, such as specs: by path, and no more of it than has to be said.

Knows nothing of specs or runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Difference", "agreements", "differences"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not the same everywhere.

    Args:
        path: its dotted key; a number is the index of a list's element, and "3:5" are the elements from 3 to before 5.
        values: one a table; None where a table has none.
    """

    path: str
    values: tuple[Any, ...]


_ABSENT: Any = object()


def differences(values: Sequence[Any], path: str = "") -> Iterator[Difference]:
    """What is not the same in all of some values: tables by key, lists by element, everything else as a whole.

    Args:
        values: two or more.
        path: where they stand.
    """
    if all(value == values[0] for value in values):
        return
    if all(isinstance(value, Mapping) or value is _ABSENT for value in values):
        keys = dict.fromkeys(key for value in values if value is not _ABSENT for key in value)
        for key in keys:
            inner = [_ABSENT if value is _ABSENT else value.get(key, _ABSENT) for value in values]
            yield from differences(inner, f"{path}.{key}" if path else key)
    elif all(isinstance(value, list) for value in values):
        yield from _list_differences(values, path)
    else:
        yield Difference(path, tuple(None if value is _ABSENT else value for value in values))


def agreements(values: Sequence[Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """What is the same in all of some values, by path; a list as a whole.

    Args:
        values: one or more.
        path: where they stand.
    """
    if all(isinstance(value, Mapping) for value in values):
        for key in values[0]:
            if all(key in value for value in values):
                yield from agreements([value[key] for value in values], f"{path}.{key}" if path else key)
    elif all(value == values[0] for value in values):
        yield path, values[0]


def _list_differences(lists: Sequence[list[Any]], path: str) -> Iterator[Difference]:
    """What differs between lists, without the elements that all of them begin and end with.

    So one layer that was put in is one difference, and not one for every layer after it.
    """
    shortest = min(map(len, lists))
    start = next((i for i in range(shortest) if any(one[i] != lists[0][i] for one in lists)), shortest)
    room = range(shortest - start)
    end = next((i for i in room if any(one[-1 - i] != lists[0][-1 - i] for one in lists)), len(room))
    middles = [one[start : len(one) - end] for one in lists]
    longest = max(map(len, middles))
    if min(map(len, middles)) == longest:
        for i, elements in enumerate(zip(*middles, strict=True), start):
            yield from differences(elements, f"{path}.{i}")
    elif longest == 1:
        yield Difference(f"{path}.{start}", tuple(middle[0] if middle else None for middle in middles))
    else:
        yield Difference(f"{path}.{start}:{start + longest}", tuple(middle or None for middle in middles))
