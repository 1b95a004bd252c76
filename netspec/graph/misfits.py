"""What does not fit together, told in the user's names and numbers: why two shapes differ, and which layer did it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from math import prod
from typing import Any

from netspec.graph.graph import Node
from netspec.spec.call import Mismatch, Shape

__all__ = ["cannot_add", "cannot_join", "join_fits", "some"]

MOST_NAMES = 20
"""Names that a message lists, at the most."""


def some(names: Iterable[str]) -> str:
    """A list of names, the first ones of many."""
    known = sorted(names)
    return ", ".join(known[:MOST_NAMES]) + (", …" if len(known) > MOST_NAMES else "")


def cannot_add(node: Node, shortcut: str, out: Shape, x: Shape) -> Mismatch:
    """A residual whose two sides differ.

    Args:
        node: with its branches.
        shortcut: how x gets to the sum, in the spec's word; "" for layers of the user's own.
        out, x: what F and the shortcut give.
    """
    spatial = out.spatial != x.spatial
    leaves = [leaf for n in node.branches[""] for leaf in n.leaves()]
    blame = next((n for n in reversed(leaves) if _changes(n, spatial)), None)
    label = f"F(x) leaves as {out}"
    if blame is not None:
        label += f": {blame.name} (line {blame.place.line}) {_how(blame, spatial)}"
    help_ = 'shortcut = "projection" brings x to the same shape'
    if len(out) != len(x):
        help_ = "what is added must have as many axes as x"
    elif shortcut != "identity" or not _strides_lead(x.spatial, out.spatial):
        help_ = 'padding = "same" in F keeps the size of x'
    return Mismatch(f"adds {out} to {x}", label=label, help=help_)


def join_fits(shapes: Sequence[Shape], *, concat: bool) -> bool:
    """Whether values can be joined: their axes agree, or are 1 where one counts at every position.

    Args:
        concat: whether they stand side by side along the channels, which may differ then.
    """
    most = max(len(s) for s in shapes)
    level = [(1,) * (most - len(s)) + tuple(s) for s in shapes]
    axes = list(zip_longest(*level))
    return all(len({n for n in axis if n != 1}) <= 1 for axis in (axes[:-1] if concat else axes))


def cannot_join(kind: str, given: Sequence[tuple[str, Shape, int]]) -> Mismatch:
    """Values that do not fit together.

    Args:
        kind: of the join.
        given: of each value, its name, shape, and line of the spec (0 for an input).
    """
    told = [f"{name} {shape}" + (f" (line {line})" if line else "") for name, shape, line in given]
    what = "all axes but the channels" if kind == "concat" else "all axes"
    help_ = f"{what} must agree, or be 1: one of [C] or [1, 1, C] counts at every position of one of [H, W, C]"
    return Mismatch(f"cannot {_VERBS.get(kind, 'join')} {' and '.join(told)}", help=help_)


_VERBS = {
    "concat": "put side by side",
    "add": "add",
    "subtract": "subtract",
    "multiply": "multiply",
    "mean": "take the mean of",
    "max": "take the largest of",
    "dot": "multiply",
}


def _changes(node: Node, spatial: bool) -> bool:
    before, after = node.inputs[0].shape, node.output.shape
    return before.spatial != after.spatial if spatial else before.channels != after.channels


def _strides_lead(x: tuple[int, ...], out: tuple[int, ...]) -> bool:
    """Whether some stride of a 1 × 1 convolution makes the one size of the other."""
    return all(b <= a and -(-a // -(-a // b)) == b for a, b in zip(x, out, strict=True))


def _how(node: Node, spatial: bool) -> str:
    """Why a layer's result has another shape than its input."""
    keywords: dict[str, Any] = dict(node.steps[0].call.keywords) if node.steps else {}
    before, after = node.inputs[0].shape, node.output.shape
    if not spatial:
        return f"gives {after.channels} channels"
    strides = set(keywords.get("strides") or ())
    if strides - {1}:
        return f"has stride {strides.pop() if len(strides) == 1 else list(keywords['strides'])}"
    unpadded = keywords.get("padding") == "VALID" or not any(sum(p) for p in keywords.get("padding", "") if p)
    shrinks = prod(after.spatial) < prod(before.spatial)
    return "has no padding" if "padding" in keywords and unpadded and shrinks else f"gives {after}"
