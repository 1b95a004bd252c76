"""Expressions worked out: tables whose values are all plain, with every mistake at the place of its expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from netspec.diagnostics import Diagnostic, Place, SpecError
from netspec.document import Document, Path
from netspec.graph.facts import Facts
from netspec.spec.blocks import UserBlock
from netspec.spec.courses import Course
from netspec.spec.expression import ExpressionError
from netspec.spec.kind import Table
from netspec.spec.layer import Layer
from netspec.spec.mistakes import at_expression, described_errors
from netspec.spec.names import names_read
from netspec.spec.sections import Spec

__all__ = ["fill", "fill_sections", "needs_facts", "place_of", "within"]

T = TypeVar("T", bound=Table)


def needs_facts(spec: Spec) -> bool:
    """Whether the network cannot be known without a look at the data."""
    models = [spec.model] if spec.model is not None else spec.models.values()
    if any(model.input is None and model.inputs is None for model in models):
        return True
    return not names_read(spec).isdisjoint(("classes", "features", "targets", "vocabulary"))


def fill_sections(spec: Spec, facts: Facts | None, *, only_data: bool = False) -> Spec:
    """The spec with the expressions of all sections but the network's worked out.

    Args:
        only_data: stop at `[data]`, which comes before there are facts.

    Raises:
        SpecError: an expression cannot be worked out, or gives what its key cannot take.
    """
    names = {**spec.let, **(facts.constants if facts else {})}

    def filled(table: T | None, key: str, owner: str) -> T | None:
        return None if table is None else fill(table, names, spec.at(key), owner, spec.document, ())

    data = None if spec.data is None else fill(spec.data, spec.let, ("data",), "[data]", spec.document, ())
    if only_data:
        return replace(spec, data=data)
    return replace(
        spec,
        data=data,
        losses=tuple(
            fill(loss, names, spec.loss_path(i), loss.kind, spec.document, ()) for i, loss in enumerate(spec.losses)
        ),
        optimizer=filled(spec.optimizer, "optimizer", spec.optimizer.kind if spec.optimizer else ""),
        schedule=filled(spec.schedule, "schedule", spec.schedule.kind if spec.schedule else ""),
        train=filled(spec.train, "train", "[train]"),
        phases=tuple(
            fill(phase, names, ("phase", i), "[[phase]]", spec.document, ()) for i, phase in enumerate(spec.phases)
        ),
    )


def fill(table: T, names: Mapping[str, Any], path: Path, owner: str, document: Document, context: tuple[str, ...]) -> T:
    """A table, and those within it, with all expressions worked out; lists of layers are left for their turn."""
    inner: dict[str, Any] = {}
    for key, value in table.__dict__.items():
        if isinstance(value, Table):
            inner[key] = fill(value, names, (*path, key), getattr(value, "kind", owner), document, context)
        elif isinstance(value, dict) and all(isinstance(v, Table) for v in value.values()):
            inner[key] = {k: fill(v, names, (*path, key, k), v.kind, document, context) for k, v in value.items()}
        elif isinstance(value, tuple) and value and isinstance(value[0], Table) and not isinstance(value[0], Layer):
            inner[key] = tuple(
                fill(v, names, _listed(document, (*path, key), i), getattr(v, "kind", owner), document, context)
                for i, v in enumerate(value)
            )
    changed = {k: v for k, v in inner.items() if v is not table.__dict__[k]}
    whole = table.model_copy(update=changed) if changed else table
    try:
        filled = whole.filled(names)
        # The numbers of a course must be such as its key takes.
        courses = filled is whole and any(isinstance(v, Course) for v in changed.values())
        return type(whole).model_validate({k: whole.__dict__[k] for k in whole.model_fields_set}) if courses else filled
    except ExpressionError as error:
        field = getattr(error, "key", "")
        key = _key(table, field)
        if field not in table.model_fields_set:
            message = f"{owner} needs '{key}', which no [data] tells here"
            place = document.key_place(path if (*path, owner) not in document.keys else (*path, owner))
            diagnostic = Diagnostic("missing-key", message, place, note=within(context), help=f"add {key} = …")
            raise SpecError(diagnostic) from None
        place = at_expression(place_of(document, path, owner, key, table), error.start, error.end)
        note = within(context)
        raise SpecError(Diagnostic("expression", error.message, place, note=note, help=error.help)) from None
    except ValidationError as error:
        found = described_errors(error, document, path, owner)
        raise SpecError(*(replace(d, note=d.note or within(context)) for d in found)) from None


def _listed(document: Document, path: Path, i: int) -> Path:
    """Where one of several stands; of a single one, brackets may be left out."""
    return (*path, i) if (*path, i) in document.places else path


def _key(table: Table, field: str) -> str:
    """How a person writes a field's key."""
    return type(table).model_fields[field].alias or field


def place_of(document: Document, path: Path, owner: str, key: str, table: Table) -> Place:
    """Where the value of a key stands: under the key itself, or where a block's principal argument gives it."""
    if (*path, key) in document.places or not isinstance(table, UserBlock) or key not in table.arguments:
        return document.value_place((*path, key))
    listed = (*path, owner, table.arguments.index(key))
    return document.value_place(listed if listed in document.places else (*path, owner))


def within(context: tuple[str, ...]) -> str:
    """The blocks that something is inside of, in words: the innermost ones."""
    return "; ".join(context[:3]) + (f"; {len(context) - 3} more around" if len(context) > 3 else "")
