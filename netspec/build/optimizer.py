"""How parameters are updated: the chain of Optax transformations that `[optimizer]` and `[schedule]` become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optax

from netspec.diagnostics import Diagnostic, SpecError
from netspec.graph.calls import construct
from netspec.spec.call import Call
from netspec.spec.clock import Clock
from netspec.spec.sections import Spec

__all__ = ["Updater", "build_optimizer"]


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
