"""What becomes a class: the blocks of a network, sorted into those that one class describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import relpath
from typing import Any

from netspec.graph.graph import Graph, Node
from netspec.spec.blocks import UserBlock
from netspec.spec.call import Branches
from netspec.spec.expression import Expression
from netspec.spec.layer import Layer
from netspec.spec.sections import Spec

__all__ = ["Item", "Key", "Plan", "Row", "branches_of", "every_item", "items", "optional", "plan_of"]

Key = tuple[Any, ...]
"""What all blocks that one class describes have in common."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list, and the nodes that it became.

    Args:
        written: as the spec has it, its expressions not worked out.
        nodes: one; of `times`, as many.
        repeated: whether the spec says `times`.
    """

    written: Layer
    nodes: tuple[Node, ...]
    repeated: bool

    @property
    def first(self) -> Node:
        """The only node, or the first."""
        return self.nodes[0]


@dataclass(frozen=True, slots=True)
class Row:
    """A block of the network that a class describes.

    Args:
        written: as the spec has it.
        names: what its expressions may use, besides `channels`.
        around: the block that holds it; None for a whole network.
    """

    node: Node
    written: Layer
    names: Mapping[str, Any]
    around: Row | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Which blocks become classes.

    Args:
        rows: by what they have in common, all blocks that a class describes.
        keys: by path, what a block belongs to.
        shared: the paths of layers that are applied again.
    """

    rows: dict[Key, list[Row]] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)


def plan_of(graph: Graph, models: Mapping[str, tuple[tuple[Layer, ...], tuple[Node, ...]]], spec: Spec) -> Plan:
    """Sort all blocks of a network.

    Args:
        models: by name, each list of layers as the spec has it, and the nodes that it became.
    """
    plan = Plan()
    plan.shared.update(node.owner for node in graph.every() if node.shared)
    for written, nodes in models.values():
        _sort(plan, items(nodes, written), spec.let, spec.let, None)
    return plan


def _sort(plan: Plan, found: list[Item], names: Mapping[str, Any], let: Mapping[str, Any], around: Row | None) -> None:
    for item in found:
        for node in item.nodes:
            if node.shared or not node.branches:
                continue
            inner, holds = names, around
            if _is_class(item, node, plan):
                inner = {**let, **node.layer.values()} if isinstance(node.layer, UserBlock) else names
                holds = Row(node, item.written, inner, around)
                key = (node.kind, node.layer.name if not isinstance(node.layer, UserBlock) else None, _content(node))
                plan.keys[node.path] = key
                plan.rows.setdefault(key, []).append(holds)
            for listed in branches_of(node).values():
                _sort(plan, listed, inner, let, holds)


def _is_class(item: Item, node: Node, plan: Plan) -> bool:
    """Whether a block is a class of its own, rather than lines of the class around it."""
    if isinstance(node.layer, UserBlock) or item.repeated or node.path in plan.shared:
        return True
    return node.kind == "block" and node.layer.name is not None


def items(nodes: tuple[Node, ...], written: tuple[Layer, ...]) -> list[Item]:
    """The items of a list, each with the nodes that it became."""
    found: list[Item] = []
    at = 0
    for layer in written:
        times = _times(nodes, at, layer)
        run = nodes[at : at + times]
        at += times
        repeated = isinstance(layer.times, Expression) or layer.times > 1
        if repeated and len({_outline(node) for node in run}) > 1:
            found += [Item(layer, (node,), False) for node in run]
        else:
            found.append(Item(layer, run, repeated))
    assert at == len(nodes), "every node comes of an item"
    return found


def _times(nodes: tuple[Node, ...], at: int, layer: Layer) -> int:
    if not isinstance(layer.times, Expression):
        return layer.times
    if layer.kind != "share":
        return nodes[at].layer.times
    return next((n for n in range(1, len(nodes) - at) if nodes[at + n].place != nodes[at].place), len(nodes) - at)


def branches_of(node: Node) -> dict[str, list[Item]]:
    """The items of each list that a block holds."""
    lowered = node.layer.lower(*(value.shape for value in node.inputs))
    assert isinstance(lowered, Branches)
    found = {}
    for name, nodes in node.branches.items():
        first = next(iter(node.branches.values()))
        result = first[-1].output.shape if first else node.inputs[0].shape
        layers = lowered.lists[name].layers
        found[name] = items(nodes, layers if isinstance(layers, tuple) else layers(result))
    return found


def optional(node: Node, branch: str) -> bool:
    """Whether a list is there only in those blocks whose shapes ask for it."""
    return branch == "shortcut" and isinstance(getattr(node.layer, "shortcut", None), str)


def _content(node: Node) -> Key:
    """What is inside a block, in names and kinds."""
    inside = [(name, _listed(found)) for name, found in branches_of(node).items() if not optional(node, name)]
    padded_cell = node.state is not None and node.inputs[0].padded
    return (tuple(inside), node.state is not None, padded_cell, tuple(step.call.name for step in node.steps))


def _listed(found: list[Item]) -> Key:
    return tuple((item.repeated or len(item.nodes), _outline(item.first)) for item in found)


def _outline(node: Node) -> Key:
    """What tells two layers apart for which one line of source will not do."""

    def from_here(path: str) -> str:
        return relpath(path, node.path)

    own = (node.kind, node.layer.name, node.aside, from_here(node.owner) if node.shared else "")
    calls = tuple((s.call.name, s.prefix, len(s.call.arguments), tuple(map(from_here, s.borrowed))) for s in node.steps)
    initial = tuple(sorted((name, str(call)) for name, call in node.initial.items()))
    return (*own, tuple(map(from_here, node.sources)), calls, initial, _content(node) if node.branches else ())


def every_item(found: list[Item], plan: Plan) -> Iterator[Item]:
    """All items that a class writes out itself, blocks before what they hold."""
    for item in found:
        yield item
        if item.first.branches and item.first.path not in plan.keys and not item.first.shared:
            for inner in branches_of(item.first).values():
                yield from every_item(inner, plan)
