"""A cell: layers that run once for each position of a sequence."""

from __future__ import annotations

from dataclasses import replace

from netspec.graph.graph import Node, Value
from netspec.spec.call import Mismatch, Shape

__all__ = ["at_one_position", "over_time"]


def at_one_position(x: Value, state: int) -> Value:
    """What a cell reads: one position, and the state beside its channels."""
    around = x.shape[1:]
    return Value(Shape((*around[:-1], around[-1] + state)), x.dtype)


def over_time(node: Node, state: int) -> Node:
    x, found = node.inputs[0], node.output.shape
    wanted = Shape((*x.shape[1:-1], state))
    if found != wanted:
        raise Mismatch(f"has a state of {wanted}, and its layers give {found}", "state", f"gives {found}")
    if any(dict(leaf.arrays("statistics")) for leaf in node.leaves()):
        raise Mismatch("holds running statistics, which a cell cannot keep", help="layer_norm needs none")
    output = Value(Shape((x.shape[0], *wanted)), node.output.dtype, x.padded)
    return replace(node, output=output, state=state)
