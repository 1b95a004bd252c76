"""The names that a spec's expressions read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from netspec.spec.blocks import Late
from netspec.spec.expression import Expression
from netspec.spec.kind import Table
from netspec.spec.sections import Spec

__all__ = ["names_in", "names_read", "nested", "tables"]


def names_read(spec: Spec) -> frozenset[str]:
    """Every name that an expression of the spec reads."""
    late = (d.expression for block in spec.blocks.values() for d in block.defaults.values() if isinstance(d, Late))
    return frozenset[str]().union(*(names_in(table) for table in tables(spec)), *(e.names for e in late))


def tables(spec: Spec) -> Iterable[Table]:
    sections = (spec.data, spec.model, *spec.models.values(), *spec.losses, spec.optimizer, spec.schedule, spec.train)
    for table in (*sections, *spec.phases):
        if table is not None:
            yield from nested(table)
    for block in spec.blocks.values():
        for layer in block.layers:
            yield from nested(layer)


def nested(table: Table) -> Iterable[Table]:
    yield table
    for value in table.__dict__.values():
        yield from _tables_in(value)


def _tables_in(value: Any) -> Iterable[Table]:
    if isinstance(value, Table):
        yield from nested(value)
    elif isinstance(value, tuple | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tables_in(part)


def names_in(value: Any) -> frozenset[str]:
    """The names that a table's own expressions read; not those of the tables within it."""
    if isinstance(value, Expression):
        return value.names
    inside = value.__dict__ if isinstance(value, Table) else value
    parts = inside.values() if isinstance(inside, dict) else inside if isinstance(inside, tuple | list) else ()
    return frozenset[str]().union(*(names_in(v) for v in parts if not isinstance(v, Table)))
