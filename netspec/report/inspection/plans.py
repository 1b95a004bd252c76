"""How a spec is going to be trained, phase by phase: the optimizer's chain, the schedule, the steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

from netspec.report.drawing.wording import setting
from netspec.report.inspection.optimizer_lines import GroupPlan, groups_of, lines
from netspec.report.inspection.schedule_lines import Change, Plan, changes_of, plan_of
from netspec.spec.clock import Clock
from netspec.spec.sections import Spec
from netspec.spec.training import phase_specs

if TYPE_CHECKING:
    from netspec.build.optimizer import Updater
    from netspec.graph.facts import Facts
    from netspec.graph.graph import Graph

__all__ = ["PhasePlan", "Plan", "phase_to_json", "plans_of"]


@dataclass(frozen=True, slots=True)
class PhasePlan:
    """How a phase is trained.

    Args:
        name: empty where there is only one.
        batch: examples a step, at the most.
        accumulate: parts that a batch is worked through in.
        clock: how long it is; None without a `[train]` or without a look at the data.
        learned: numbers that are learned in it.
        held: the patterns of what it leaves as it is, or of what alone it trains, as the spec has them.
        losses: what is minimised, a word each.
        optimizer: the chain of Optax transformations, in turn; empty where the spec has none.
        groups: parameters that learn in another way.
        schedule: None where the learning rate stays.
        changes: the other numbers that change over time.
        also: what else is not as usual: how batches are drawn and changed, what is averaged, kept, when it stops.
        gradients, state: bytes of the gradients, and of what the optimizer remembers.
    """

    name: str
    batch: int
    accumulate: int
    clock: Clock | None
    learned: int
    held: str
    losses: tuple[str, ...]
    optimizer: tuple[str, ...]
    groups: tuple[GroupPlan, ...]
    schedule: Plan | None
    changes: tuple[Change, ...]
    also: tuple[str, ...]
    gradients: int
    state: int


def plans_of(spec: Spec, graph: Graph, facts: Facts | None) -> tuple[PhasePlan, ...]:
    """How each phase is trained.

    Args:
        spec: its expressions worked out.
        facts: what the data tells, where it was read.

    Raises:
        SpecError: an optimizer, a schedule or a pattern does not fit.
    """
    return tuple(_phase(one, i, spec, graph, facts) for i, one in enumerate(phase_specs(spec)))


def _phase(spec: Spec, i: int, whole: Spec, graph: Graph, facts: Facts | None) -> PhasePlan:
    section = whole.phases[i] if whole.phases else None
    batch, clock = _batch(spec, facts)
    frozen, held = graph.frozen, ""
    if section is not None:
        from netspec.build.program import held_in

        frozen = frozen | held_in(section, i, whole, graph)
        keys = (("freeze", section.freeze), ("train", section.train))
        held = "; ".join(f"{key} {', '.join(patterns)}" for key, patterns in keys if patterns)
    learned = {path: array for path, array in graph.parameters.items() if path not in frozen}
    updater = _updater(spec, clock, graph.holding(frozen))
    rate = None if updater is None else updater.rate
    return PhasePlan(
        name="" if section is None else section.name or f"phase{i + 1}",
        batch=batch,
        accumulate=1 if spec.train is None else spec.train.accumulate,
        clock=clock,
        learned=sum(prod(array.shape) for array in learned.values()),
        held=held,
        losses=tuple(loss.kind for loss in spec.losses),
        optimizer=() if updater is None else lines(updater.call),
        groups=groups_of(spec.optimizer, updater),
        schedule=None if spec.schedule is None else plan_of(spec.schedule, rate, clock),
        changes=tuple(changes_of(spec, graph)),
        also=tuple(_also(spec)),
        gradients=sum(prod(array.shape) * array.dtype.itemsize for array in learned.values()),
        state=_optimizer_bytes(updater, learned),
    )


def _also(spec: Spec) -> Iterator[str]:
    """What is said of a training besides its length, loss and optimizer, in words."""
    train = spec.train
    if spec.data is not None and spec.data.augment:
        yield f"augmented: {', '.join(one.kind for one in spec.data.augment)}"
    if train is None:
        return
    if train.draw != "without_replacement":
        yield f"drawn {train.draw.replace('_', ' ')}"
    if train.bootstrap:
        yield "each learns from examples of its own, drawn with replacement"
    if train.accumulate > 1:
        yield f"each batch in {train.accumulate} parts"
    if train.ema is not None:
        yield f"parameters averaged at {setting(train.ema)}"
    if train.keep is not None:
        yield f"the best {train.keep.best}'s step is kept"
    if train.stop is not None:
        given = {key: getattr(train.stop, key) for key in sorted(train.stop.model_fields_set)}
        yield f"stops early: {', '.join(f'{key} {value}' for key, value in given.items())}"


def phase_to_json(phase: PhasePlan) -> dict[str, Any]:
    """A phase as plain data; the shape is public (see `netspec inspect --json`)."""
    clock, schedule = phase.clock, phase.schedule
    return {
        "name": phase.name,
        "batch": phase.batch,
        "steps": clock.steps if clock else None,
        "steps_per_epoch": clock.per_epoch if clock else None,
        "parameters": phase.learned,
        "held": phase.held,
        "also": list(phase.also),
        "losses": list(phase.losses),
        "optimizer": list(phase.optimizer),
        "groups": [
            {"name": g.name, "match": list(g.match), "optimizer": g.optimizer or None, "parameters": list(g.paths)}
            for g in phase.groups
        ],
        "schedule": schedule
        and {
            "written": schedule.written,
            "calls": list(schedule.calls),
            "learning_rate": [list(point) for point in schedule.rates],
            "follows": schedule.follows or None,
        },
        "changes": [asdict(change) for change in phase.changes],
    }


def _batch(spec: Spec, facts: Facts | None) -> tuple[int, Clock | None]:
    """Examples a step, and how long the training is where that is known."""
    if spec.train is None:
        return 1, None
    if facts is None:
        return spec.train.batch if isinstance(spec.train.batch, int) else 1, None
    from netspec.build.clock import clock_of

    clock = clock_of(spec, facts)
    return max(stretch.batch for stretch in clock.stretches), clock


def _updater(spec: Spec, clock: Clock | None, graph: Graph) -> Updater | None:
    """The optimizer; where the length of the training is unknown, with a learning rate that stays."""
    if spec.optimizer is None:
        return None
    # Optax takes a while to import: a spec that is only a network is inspected without it.
    from netspec.build.optimizer import build_optimizer

    if clock is None:
        return build_optimizer(replace(spec, schedule=None), Clock(1, 1), graph)
    return build_optimizer(spec, clock, graph)


def _optimizer_bytes(updater: Updater | None, trainable: Mapping[str, Any]) -> int:
    import jax

    if updater is None:
        return 0
    state = jax.eval_shape(updater.transformation.init, dict(trainable))
    return sum(prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
