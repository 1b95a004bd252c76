"""Whether what a spec says of time fits into its training: warm-ups, delays, and when things change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netspec.diagnostics import Diagnostic, SpecError
from netspec.document import Path
from netspec.spec.clock import Clock
from netspec.spec.courses import Course, Deadline
from netspec.spec.kind import Table
from netspec.spec.names import names_in, nested
from netspec.spec.schedules import Schedule
from netspec.spec.sections import Spec

__all__ = ["check_times", "courses_of"]


def check_times(spec: Spec, clock: Clock) -> None:
    """Check that the schedule, and all that changes over time, does so within the training or the phase.

    Args:
        spec: its expressions worked out, but for those in blocks, which are not looked at.

    Raises:
        SpecError: something is over later than that.
    """
    timed: list[tuple[Schedule | Course, Path]] = list(courses_of(spec))
    if spec.schedule is not None:
        timed.append((spec.schedule, spec.at("schedule")))
    late = [(kind, path, found) for kind, path in timed if (found := _late(kind, clock)) is not None]
    if late:
        raise SpecError(*(_told(spec, *each) for each in late))


def _late(kind: Schedule | Course, clock: Clock) -> Deadline | None:
    """The first of what it says of time that is over too late."""
    if any(names_in(table) for table in nested(kind)):
        return None
    # Two durations that make up the whole, each rounded, may be a step longer.
    return next((d for d in kind.deadlines(clock) if d.step > d.limit + 1), None)


def _told(spec: Spec, kind: Schedule | Course, path: Path, deadline: Deadline) -> Diagnostic:
    key = next(k for k in reversed(deadline.keys) if isinstance(k, str))
    whole = "its piece has" if len(deadline.keys) > 2 else "the phase has" if spec.moved else "the training has"
    message = f"'{key}' of {kind.kind} comes to step {deadline.step:,}, and {whole} {deadline.limit:,}"
    place = spec.document.value_place((*path, *deadline.keys))
    return Diagnostic("time", message, place, help='less, or a share of it: "10%"')


def courses_of(spec: Spec) -> Iterator[tuple[Course, Path]]:
    """Every number of the spec that changes over time, and where it stands; the size of batches is none of them."""
    tables: list[tuple[Table | None, Path]] = [(loss, spec.loss_path(i)) for i, loss in enumerate(spec.losses)]
    tables += [(spec.data, spec.at("data")), (spec.optimizer, spec.at("optimizer")), (spec.model, spec.at("model"))]
    tables += [(model, ("models", name)) for name, model in spec.models.items()]
    for name, block in spec.blocks.items():
        tables += [(layer, ("block", name, "layers", i)) for i, layer in enumerate(block.layers)]
    for table, path in tables:
        yield from _courses_in(table, path)


def _courses_in(value: Any, path: Path) -> Iterator[tuple[Course, Path]]:
    if isinstance(value, Course):
        yield value, path
    elif isinstance(value, Table):
        for name, info in type(value).model_fields.items():
            yield from _courses_in(getattr(value, name), (*path, info.alias or name))
    elif isinstance(value, tuple):
        for i, part in enumerate(value):
            yield from _courses_in(part, (*path, i))
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _courses_in(part, (*path, key))
