"""How parameters are updated: the chain of Optax transformations that `[optimizer]` and `[schedule]` become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optax

from netspec.diagnostics import Diagnostic, SpecError
from netspec.graph.calls import construct
from netspec.graph.facts import Facts
from netspec.spec.call import Call
from netspec.spec.schedules import Clock
from netspec.spec.sections import Spec

__all__ = ["Updater", "batch_of", "build_optimizer", "clock_of"]


@dataclass(frozen=True, slots=True)
class Updater:
    """An optimizer, ready.

    Args:
        chain: the calls that it consists of, in turn.
        transformation: what they make.
        rate: the learning rate as a function of the step; None where the optimizer sets its own.
    """

    chain: tuple[Call, ...]
    transformation: optax.GradientTransformation
    rate: Callable[[Any], Any] | None


def batch_of(spec: Spec, facts: Facts) -> int:
    """How many examples a step takes.

    Raises:
        SpecError: more than there are.
    """
    assert spec.train is not None
    examples = facts.examples["train"]
    batch = examples if spec.train.batch == "all" else spec.train.batch
    if batch > examples:
        place = spec.document.value_place((*spec.at("train"), "batch"))
        message = f"a batch of {batch} is more than the {examples} training examples"
        given = "batch" in spec.document.values["train"]
        label = 'fewer, or "all"' if given else '32 where nothing is said: add batch = "all", or fewer'
        raise SpecError(Diagnostic("batch", message, place, label=label))
    return batch


def clock_of(spec: Spec, facts: Facts) -> Clock:
    """How long a training is; an epoch leaves out the examples that do not fill a batch.

    Raises:
        SpecError: there is no `[train]`, or a batch is more than there is.
    """
    if spec.train is None:
        place = spec.document.key_place(("model",))
        raise SpecError(
            Diagnostic(
                "missing-key", "a spec needs a [train] to be trained", place, help="add [train] with epochs = 10"
            )
        )
    per_epoch = facts.examples["train"] // batch_of(spec, facts)
    steps = spec.train.steps if spec.train.epochs is None else spec.train.epochs * per_epoch
    assert steps is not None
    return Clock(steps, per_epoch)


def build_optimizer(spec: Spec, clock: Clock) -> Updater:
    """The optimizer of a spec.

    Raises:
        SpecError: there is none, it refuses an argument, or it cannot follow a schedule.
    """
    document = spec.document
    if spec.optimizer is None:
        place = document.key_place(("model",))
        raise SpecError(
            Diagnostic(
                "missing-key",
                "a spec needs an [optimizer] to be trained",
                place,
                help='add [optimizer] with kind = "adam", learning_rate = 1e-3',
            )
        )
    schedule = None if spec.schedule is None else spec.schedule.lower(clock)
    if schedule is not None and not spec.optimizer.takes_schedule:
        message = f"{spec.optimizer.kind} takes a learning rate that stays the same, and there is a [schedule]"
        raise SpecError(Diagnostic("schedule", message, document.key_place(spec.at("schedule"))))
    if schedule is not None and getattr(spec.optimizer, "learning_rate", None) is None:
        message = f"{spec.optimizer.kind} has no learning rate here that a [schedule] could change"
        raise SpecError(
            Diagnostic(
                "schedule", message, document.key_place(spec.at("schedule")), help="give [optimizer] a learning_rate"
            )
        )
    chain = spec.optimizer.lower(schedule)
    try:
        transformation = optax.chain(*(construct(c) for c in chain)) if len(chain) > 1 else construct(chain[0])
    except (TypeError, ValueError) as error:
        place = document.value_place((*spec.at("optimizer"), "kind"))
        raise SpecError(
            Diagnostic("optimizer", f"{spec.optimizer.kind} refuses its arguments: {error}", place)
        ) from error
    return Updater(chain, transformation, _rate(chain[-1]))


def _rate(call: Call) -> Callable[[Any], Any] | None:
    rate = dict(call.keywords).get("learning_rate")
    if isinstance(rate, Call):
        made: Callable[[Any], Any] = construct(rate)
        return made
    return None if rate is None else lambda step: rate
