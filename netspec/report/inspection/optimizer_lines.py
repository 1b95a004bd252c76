"""An optimizer in words: the chain that it becomes, and the groups that learn in another way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netspec.spec.call import Call
from netspec.spec.optimizers import Optimizer

if TYPE_CHECKING:
    from netspec.build.optimizer import Updater

__all__ = ["GroupPlan", "group_names", "groups_of", "lines"]

WIRING = "netspec.nn.optimizers.wiring"


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """Parameters that learn in another way.

    Args:
        name: "group1", "group2", …
        match: the patterns, as the spec has them.
        optimizer: what they learn by; empty where they stay as they are.
        paths: of the parameters.
    """

    name: str
    match: tuple[str, ...]
    optimizer: str
    paths: tuple[str, ...]


def lines(call: Call) -> tuple[str, ...]:
    """The transformations that an optimizer consists of, in turn; what goes around them comes after them."""
    if call.name == "optax.chain":
        return tuple(line for part in call.arguments for line in lines(part))
    if call.name in (f"{WIRING}.partition", f"{WIRING}.without"):
        return lines(call.arguments[0])
    inner = next((a for a in call.arguments if isinstance(a, Call)), None)
    return (_written(call),) if inner is None else (*lines(inner), f"inside {_written(call)}")


def _name(call: Call) -> str:
    changing = call.name == f"{WIRING}.over_time"
    return str(call.arguments[0] if changing else call.name).rpartition(".")[2]


def _written(call: Call) -> str:
    """A call, without what it goes around and without the learning rate's factor, which is shown on its own."""
    changing = call.name == f"{WIRING}.over_time"
    plain = [a for a in call.arguments[2 if changing else 0 :] if not isinstance(a, Call)]
    parts = [*map(_value, plain), *(f"{key}={_value(value)}" for key, value in call.keywords)]
    return f"{_name(call)}({', '.join(parts)})"


def _value(value: Any) -> str:
    if not isinstance(value, Call):
        return repr(value)
    if value.name == "netspec.nn.schedules.scaled":
        return f"{value.arguments[0]!r}"
    if value.name == f"{WIRING}.multiplied":
        return " × ".join(map(_value, value.arguments))
    return f"{len(value.arguments)} arrays" if value.name == f"{WIRING}.matching" else _written(value)


def groups_of(optimizer: Optimizer | None, updater: Updater | None) -> tuple[GroupPlan, ...]:
    """The groups of an optimizer."""
    if optimizer is None or updater is None:
        return ()
    calls = dict(_partitions(updater.call))
    return tuple(
        GroupPlan(name := f"group{i + 1}", group.match, "; ".join(lines(calls[name])) if name in calls else "", paths)
        for i, (group, paths) in enumerate(zip(optimizer.group, updater.groups, strict=True))
    )


def _partitions(call: Call) -> Sequence[tuple[str, Call]]:
    """The calls of the groups within an optimizer's call, by name."""
    if call.name == f"{WIRING}.partition":
        return [(name, made) for name, made, _ in call.arguments[1:]]
    return [found for part in call.arguments if isinstance(part, Call) for found in _partitions(part)]


def group_names(groups: Sequence[GroupPlan], paths: Mapping[str, Any]) -> tuple[str, ...]:
    """The groups that some parameters are in, in the order of the spec; "rest" of those that are in none."""
    found = [group.name for group in groups if set(group.paths) & paths.keys()]
    return (*found, *(["rest"] if found and paths.keys() - {p for g in groups for p in g.paths} else []))
