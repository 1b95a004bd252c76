"""What changes over time, in words and as points: the learning rate's schedule, and every other number that does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from netspec.report.drawing.wording import setting
from netspec.spec.call import Call
from netspec.spec.clock import Clock
from netspec.spec.courses import Course
from netspec.spec.kind import Kind
from netspec.spec.schedules import Plateau, Schedule
from netspec.spec.sections import Spec

if TYPE_CHECKING:
    from netspec.graph.graph import Graph

__all__ = ["Change", "Plan", "changes_of", "corners", "plan_of"]

SAMPLES = 256
"""Steps at which a schedule is drawn, besides its corners."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the learning rate changes.

    Args:
        written: as the spec says it: "cosine, warmup = 5%".
        calls: the functions of the step that the factor on the rate consists of, in turn; empty while the length of
            the training is unknown.
        rates: (step, learning rate), from the first step to the end; empty likewise.
        follows: the metric by which it falls besides; empty where it follows none.
    """

    written: str
    calls: tuple[str, ...] = ()
    rates: tuple[tuple[int, float], ...] = ()
    follows: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A number that changes over time.

    Args:
        what: the path of the layer, or the place in the spec.
        numbers: in turn: "0.5 → 0.9".
        how: "linear, over = 50%".
    """

    what: str
    numbers: str
    how: str


def plan_of(schedule: Schedule, rate: Callable[[Any], Any] | None, clock: Clock | None) -> Plan:
    """A schedule as it is drawn.

    Args:
        rate: the learning rate with it, as a function of the step, where there is one.
        clock: how long the training, or the phase, is, where that is known.
    """
    written, follows = _said(schedule, ""), schedule.metric if isinstance(schedule, Plateau) else ""
    if rate is None or clock is None:
        return Plan(written, follows=follows)
    factor = schedule.lower(clock)
    pieces = factor.arguments[0] if factor.name == JOIN else (factor,)
    return Plan(written, tuple(map(str, pieces)), _rates(rate, clock, corners(factor, clock.steps)), follows)


def changes_of(spec: Spec, graph: Graph) -> Iterator[Change]:
    """Every number that changes over time but the learning rate's factor: of layers, then of sections."""
    from netspec.build.times import courses_of

    for leaf in graph.leaves():
        for key, value in leaf.layer.__dict__.items():
            if isinstance(value, Course):
                yield _change(leaf.path if key == leaf.layer.kind else f"{leaf.path} {key}", value)
    for course, path in courses_of(replace(spec, model=None, models={}, blocks={})):
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        yield _change("".join(parts).removeprefix("."), course)


def _change(what: str, course: Course) -> Change:
    return Change(what, " → ".join(map(setting, course.numbers)), _said(course, course.kind))


def _said(kind: Kind, without: str) -> str:
    """A kind and what the spec says of it, one key left out."""
    keys = [key for key in type(kind).model_fields if key in kind.model_fields_set and key != without]
    return ", ".join([kind.kind, *(f"{key} = {_written(getattr(kind, key))}" for key in keys)])


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    return setting(value) if isinstance(value, float) else str(value)


# -- as points ---------------------------------------------------------------------------------------------------------


JOIN = "optax.join_schedules"

CYCLES: Mapping[str, tuple[int, float]] = {
    "netspec.nn.schedules.cyclic": (1, 0.5),
    "netspec.nn.schedules.restarts": (0, 1.0),
    "netspec.nn.schedules.triangles": (2, 0.5),
    "optax.exponential_decay": (1, 1.0),
}
"""By function, which of its arguments is the length of a cycle, and after what share of one a corner comes."""


def corners(factor: Call, steps: int) -> frozenset[int]:
    """The steps of a training so long at which a schedule turns or jumps, and those just before."""
    if factor.name == JOIN:
        pieces, starts = factor.arguments
        spans = zip(pieces, (0, *starts), (*starts, steps), strict=True)
        inside = (start + at for piece, start, end in spans for at in corners(piece, end - start))
        return frozenset((*inside, *_beside(starts, steps)))
    if factor.name in CYCLES:
        position, share = CYCLES[factor.name]
        every = factor.arguments[position] * share
        return _beside((round(i * every) for i in range(1, min(SAMPLES, int(steps / every)) + 1)), steps)
    return _beside((t for a in factor.arguments if isinstance(a, tuple) for t in a if isinstance(t, int)), steps)


def _beside(times: Iterable[int], steps: int) -> frozenset[int]:
    return frozenset(t for time in times for t in (time - 1, time) if 0 <= t <= steps)


def _rates(rate_at: Callable[[Any], Any], clock: Clock, also: frozenset[int]) -> tuple[tuple[int, float], ...]:
    import jax
    import jax.numpy as jnp

    steps = sorted({round(i * clock.steps / SAMPLES) for i in range(SAMPLES + 1)} | also)
    rates = jax.jit(jax.vmap(rate_at))(jnp.asarray(steps))
    # Seven digits: what float32 holds of them, without the noise of writing it in binary.
    return tuple((step, float(f"{rate:.7g}")) for step, rate in zip(steps, rates.tolist(), strict=True))
