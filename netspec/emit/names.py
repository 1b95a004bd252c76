"""Names for what is emitted: those of the spec, where Python and Flax let them be."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable
from functools import cache
from itertools import count

__all__ = ["camel", "free", "member", "plural"]

_PLURALS = {"dense": "dense_layers", "batch_norm": "batch_norms"}


def camel(name: str) -> str:
    """A class's name: `conv_norm` is `ConvNorm`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def plural(name: str) -> str:
    """A list's name: `conv` is `convs`."""
    if name in _PLURALS:
        return _PLURALS[name]
    return f"{name}es" if name.endswith(("s", "x", "ch", "sh")) else f"{name}s"


def member(name: str) -> str:
    """A name that may be an attribute of a module."""
    return f"{name}_" if name in _members() or keyword.iskeyword(name) else name


@cache
def _members() -> frozenset[str]:
    from flax import nnx

    return frozenset(dir(nnx.Module))


def free(name: str, taken: Iterable[str]) -> str:
    """The name, or that with a number behind it, which nothing else has."""
    used = set(taken)
    plain = f"{name}_" if keyword.iskeyword(name) or name in dir(builtins) else name
    between = "_" if plain[-1].isdigit() else ""
    return plain if plain not in used else next(n for i in count(2) if (n := f"{plain}{between}{i}") not in used)
