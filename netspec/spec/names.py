"""The names that a spec's expressions read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from netspec.spec.expression import Expression
from netspec.spec.kind import Table
from netspec.spec.sections import Spec

__all__ = ["names_in", "names_read", "nested", "tables"]


def names_read(spec: Spec) -> frozenset[str]:
    """Every name that an expression of the spec reads."""
    return frozenset[str]().union(*(names_in(table) for table in tables(spec)))


def tables(spec: Spec) -> Iterable[Table]:
    for table in (spec.data, spec.model, spec.loss, spec.optimizer, spec.schedule, spec.train):
        if table is not None:
            yield from nested(table)
    for block in spec.blocks.values():
        for layer in block.layers:
            yield from nested(layer)


def nested(table: Table) -> Iterable[Table]:
    yield table
    for value in table.__dict__.values():
        for part in value if isinstance(value, tuple) else value.values() if isinstance(value, dict) else (value,):
            if isinstance(part, Table):
                yield from nested(part)


def names_in(value: Any) -> frozenset[str]:
    if isinstance(value, Expression):
        return value.names
    if isinstance(value, Table):
        return frozenset[str]().union(*(names_in(v) for v in value.__dict__.values() if not isinstance(v, Table)))
    if isinstance(value, tuple | list):
        return frozenset[str]().union(*(names_in(v) for v in value if not isinstance(v, Table)))
    return frozenset()
