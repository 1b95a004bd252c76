"""What does not fit together, told in the user's names and numbers: why two shapes differ, and which layer did it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from math import prod
from typing import Any

from netspec.graph.graph import Node
from netspec.graph.scope import Written
from netspec.spec.activations import Activation
from netspec.spec.call import Mismatch, Shape

__all__ = ["cannot_add", "cannot_join", "cannot_merge", "check_reads", "join_fits", "some"]

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
    label = f"F(x) leaves as {out}"
    if why := _why(node.branches[""], spatial):
        label += f": {why}"
    if why := _why(node.branches["shortcut"], spatial):
        label += f"; in shortcut, {why}"
    help_ = 'shortcut = "projection" brings x to the same shape'
    if len(out) != len(x):
        help_ = "what is added must have as many axes as x"
    elif not shortcut:
        help_ = f"a shortcut that gives {out}, as F does"
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
    return Mismatch(f"cannot {_VERBS[kind]} {' and '.join(told)}", help=_JOIN_HELP[kind == "concat"])


_VERBS = {
    "concat": "put side by side",
    "add": "add",
    "subtract": "subtract",
    "multiply": "multiply",
    "mean": "take the mean of",
    "max": "take the largest of",
    "dot": "multiply",
}


def cannot_merge(node: Node, kind: str, shapes: Sequence[Shape]) -> Mismatch:
    """Branches whose results do not fit together.

    Args:
        node: with its branches.
        kind: of the join: "gated" for a residual under a gate.
    """
    spatial = len({s.spatial for s in shapes}) > 1
    found = (_why(nodes, spatial) for nodes in node.branches.values())
    label = ", ".join(f"in {name}, {why}" for name, why in zip(node.branches, found, strict=True) if why and name)
    if kind == "gated":
        f, _, gate = shapes
        help_ = f"a gate of [{f.channels}], one number a channel" + (f", or of {f}" if f.spatial else "")
        return Mismatch(f"has a gate of {gate}, and what it lets through is {f}", "gate", label, help_)
    told = [f"{name} {shape}" for name, shape in zip(node.branches, shapes, strict=True)]
    return Mismatch(f"cannot {_VERBS[kind]} {' and '.join(told)}", label=label, help=_JOIN_HELP[kind == "concat"])


def _why(nodes: Sequence[Node], spatial: bool) -> str:
    """The last layer that changes the size of a list's value, or its channels, and how."""
    leaves = [leaf for n in nodes for leaf in n.leaves()]
    blame = next((n for n in reversed(leaves) if _changes(n, spatial)), None)
    return "" if blame is None else f"{blame.name} (line {blame.place.line}) {_how(blame, spatial)}"


_JOIN_HELP = {
    True: "all axes but the channels must agree, or be 1, as in [1, 1, C], which counts at every position",
    False: "all axes must agree, or be 1: one of [C] or [1, 1, C] counts at every position of one of [H, W, C]",
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


_UNPADDED = dict.fromkeys(("batch_norm", "instance_norm"), '"layer_norm" works on each position by itself')
"""What takes the place of a layer that padding would leak into."""


def check_reads(item: Written) -> None:
    """See that a layer can read as many values as it is given, and what they are made of."""
    layer, x = item.layer, item.inputs[0]
    least, most = layer.takes
    if not least <= len(item.inputs) <= most:
        wants = "one value" if most == 1 else f"{least}" if least == most else f"{least} or more"
        help_ = '{ concat = ["a", "b"] } puts values side by side' if most == 1 else ""
        key = "from" if layer.from_ is not None else layer.kind
        raise Mismatch(f"reads {wants}, and is given {len(item.inputs)}", key, help=help_)
    if layer.consumes == "int32" and x.dtype != "int32":
        raise Mismatch(
            "looks up whole numbers, and gets fractions",
            help=f"'{layer.kind}' stands first, and its data is an array of whole numbers",
        )
    if isinstance(layer, Activation) and x.dtype == "int32":
        raise Mismatch(
            "counts with fractions, and gets whole numbers",
            help='"embed" looks whole numbers up; transform = ["scale"] in [data] makes fractions of them',
        )
    if layer.padded == "refused" and any(value.padded for value in item.inputs):
        raise Mismatch(
            "would mix the padding of shorter sequences into its result",
            help=_UNPADDED.get(
                layer.kind,
                '{ take = -1 } takes the last position, "global_avg_pool" the mean of all, and both know the padding',
            ),
        )
