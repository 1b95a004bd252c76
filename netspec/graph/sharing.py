"""Parameters that layers have in common: borrowed ones (tied weights), and layers that are applied again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from netspec.diagnostics import nearest
from netspec.graph.graph import Node
from netspec.graph.scope import Known, Scope, Written
from netspec.spec.call import Call, Mismatch, Parameter, Shape

__all__ = ["borrowed", "check_same", "owned"]


def borrowed(call: Call, scope: Scope) -> tuple[Call, dict[str, Any]]:
    """A call without the parameters of other layers among its arguments, and those: their shapes by path."""
    found: dict[str, Any] = {}
    for wanted in (a for a in call.arguments if isinstance(a, Parameter)):
        known = scope.find(wanted.layer)
        node = None if known is None else known.node
        arrays = {} if node is None else {p: s for p, s in node.arrays("parameters") if not node.branches}
        path = None if node is None else f"{node.owner}/{wanted.name}"
        if path not in arrays:
            what = "has no such parameter" if node else "is no layer before this one"
            near = nearest(wanted.layer, {n for n, k in scope.everything().items() if k.node is not None})
            label = f"did you mean '{near}'?" if near and node is None else ""
            raise Mismatch(f"takes the {wanted.name} of '{wanted.layer}', which {what}", wanted.key, label)
        if node is not None and getattr(node.layer, "norm", None) is not None:
            raise Mismatch(f"takes the {wanted.name} of '{wanted.layer}', which norms it at each use", wanted.key)
        shape = arrays[path].shape
        if not _fits(shape, wanted.shape):
            needs = f"[{', '.join('any' if n is None else str(n) for n in wanted.shape)}]"
            message = f"takes the {wanted.name} of '{wanted.layer}', which is {Shape(shape)}, and needs {needs}"
            raise Mismatch(message, wanted.key, f"{wanted.layer} is on line {known.line}" if known else "")
        found[path] = shape
    arguments = tuple(a for a in call.arguments if not isinstance(a, Parameter))
    return (replace(call, arguments=arguments) if found else call), found


def check_same(again: Node, known: Known, item: Written) -> None:
    """See that a layer needs the parameters that it shares in the shapes that they have."""
    leaves = () if known.node is None else known.node.leaves()
    before = {p: s.shape for leaf in leaves for p, s in leaf.arrays("parameters")}
    for leaf in again.leaves():
        for path, array in leaf.arrays("parameters"):
            if before.get(path) != array.shape:
                made = Shape(before[path]) if path in before else "not there"
                message = f"would need {path} to be {Shape(array.shape)}, and it is {made}"
                reads = known.node.inputs[0].shape if known.node else ""
                raise Mismatch(message, "share", f"reads {item.inputs[0].shape}; the layer itself {reads}")


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(w in (None, n) for n, w in zip(shape, wanted, strict=True))


def owned(node: Node, original: Node) -> Node:
    """A node whose parameters, and those of all within it, are another's."""
    branches = {
        name: tuple(owned(n, o) for n, o in zip(nodes, original.branches[name], strict=True))
        for name, nodes in node.branches.items()
    }
    return replace(node, owner=original.owner, branches=branches, frozen=original.frozen)
