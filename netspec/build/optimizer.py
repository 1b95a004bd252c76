"""How parameters are updated: the Optax transformations that `[optimizer]` and `[schedule]` become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optax

from netspec.build.fitted import check_fit, made
from netspec.build.groups import Patterns, members_of, number_in
from netspec.diagnostics import Diagnostic, SpecError
from netspec.graph.calls import construct
from netspec.graph.graph import Graph
from netspec.nn.optimizers.newton import MOST_PARAMETERS
from netspec.nn.optimizers.state import evaluation_parameters, seeded, trained
from netspec.spec.call import Call
from netspec.spec.clock import Clock
from netspec.spec.optimizers import PER_EXAMPLE, RANDOM, WHOLE, Chain, Optimizer, Setting
from netspec.spec.schedules import Plateau
from netspec.spec.sections import Spec

__all__ = ["Updater", "build_optimizer"]


@dataclass(frozen=True, slots=True)
class Updater:
    """An optimizer, ready.

    Args:
        call: what makes it.
        transformation: what that makes; its update takes any keyword.
        rate: the learning rate as a function of the step; None where the optimizer sets its own.
        groups: of parameters that learn in another way, or not at all: the paths of each, in the order of the spec.
        evaluated: of its state and the parameters, those to evaluate and keep; None where they are the same.
        observe: of its state and the value of `metric` after an evaluation (the less, the better), its state after it;
            None where nothing is.
        metric: "part/metric" that `observe` is told.
        per_example: whether it takes a gradient for each example, [batch, …].
        seeded: of its state and a key, the state whose random numbers come from that key; None where none are.
    """

    call: Call
    transformation: optax.GradientTransformationExtraArgs
    rate: Callable[[Any], Any] | None
    groups: tuple[tuple[str, ...], ...] = ()
    evaluated: Callable[[Any, Any], Any] | None = None
    observe: Callable[[Any, Any], Any] | None = None
    metric: str | None = None
    per_example: bool = False
    seeded: Callable[[Any, Any], Any] | None = None

    @property
    def chain(self) -> tuple[Call, ...]:
        """The calls that it consists of, in turn."""
        return _in_turn(self.call)


def _in_turn(call: Call) -> tuple[Call, ...]:
    return tuple(c for part in call.arguments for c in _in_turn(part)) if call.name == "optax.chain" else (call,)


def build_optimizer(spec: Spec, clock: Clock, graph: Graph | None = None) -> Updater:
    """The optimizer of a spec.

    Args:
        graph: whose parameters it is for; without it nothing is known of them, and patterns mean none.

    Raises:
        SpecError: there is none, it refuses an argument, it cannot follow a schedule, or a pattern matches nothing.
    """
    optimizer = _optimizer(spec)
    calls = optimizer.calls().union(*(group.calls() for group in optimizer.group if not group.freeze))
    _check_parts(spec, optimizer, calls)
    patterns = Patterns(spec, {} if graph is None else graph.parameters, graph is None)
    frozen = frozenset() if graph is None else graph.frozen
    groups = tuple(tuple(p for p in paths if p not in frozen) for paths in members_of(patterns, optimizer))
    plateau = spec.schedule if isinstance(spec.schedule, Plateau) else None
    factors = () if spec.schedule is None else (spec.schedule.lower(clock),)
    setting = Setting(clock, patterns.meant, factors)
    if factors and optimizer.rate(setting) is None:
        raise SpecError(_unrated(spec, optimizer))
    call = optimizer.lower(setting, groups, () if plateau is None else (plateau.lower_observed(),))
    shapes = {path: shape for path, shape in patterns.shapes.items() if path not in frozen}
    held = {p for group, paths in zip(optimizer.group, groups, strict=True) if group.freeze for p in paths}
    _check_size(spec, calls, {path: shape for path, shape in shapes.items() if path not in held})
    if groups and not shapes.keys() - held - frozen and shapes:
        place = spec.document.key_place((*spec.at("optimizer"), "group"))
        message = "the groups leave no parameters to train: all of them are frozen"
        raise SpecError(Diagnostic("nothing-to-learn", message, place))
    check_fit(spec, call, shapes, groups, per_example=bool(calls & PER_EXAMPLE))
    return Updater(
        call,
        trained(made(call)),
        _rate(optimizer.rate(setting)),
        groups,
        evaluated=evaluation_parameters if calls & AVERAGES or AVERAGES & {*optimizer.wrappers} else None,
        observe=None if plateau is None else construct(plateau.lower_observer()),
        metric=None if plateau is None else plateau.metric,
        per_example=bool(calls & PER_EXAMPLE),
        seeded=seeded if calls & RANDOM else None,
    )


AVERAGES = frozenset({"lookahead", "schedule_free", "schedule_free_adamw", "schedule_free_sgd"})
"""What learns with other parameters than are evaluated."""


def _optimizer(spec: Spec) -> Optimizer:
    if spec.optimizer is None:
        place, help_ = spec.document.key_place(("model",)), 'add [optimizer] with kind = "adam", learning_rate = 1e-3'
        raise SpecError(Diagnostic("missing-key", "a spec needs an [optimizer] to be trained", place, help=help_))
    return spec.optimizer


def _rate(rate: float | Call | None) -> Callable[[Any], Any] | None:
    if isinstance(rate, Call):
        function: Callable[[Any], Any] = construct(rate)
        return function
    return None if rate is None else lambda step: rate


def _unrated(spec: Spec, optimizer: Optimizer) -> Diagnostic:
    message = f"{optimizer.kind} has no learning rate here that a [schedule] could change"
    help_ = "add { scale_by_learning_rate = … }" if isinstance(optimizer, Chain) else "give [optimizer] a learning_rate"
    return Diagnostic("schedule", message, spec.document.key_place(spec.at("schedule")), help=help_)


# -- what does not go together -----------------------------------------------------------------------------------------


def _check_parts(spec: Spec, optimizer: Optimizer, calls: frozenset[str]) -> None:
    """See that the parts of an optimizer can work on each other.

    Raises:
        SpecError: they cannot.
    """
    whole, each = sorted(calls & WHOLE), sorted(calls & PER_EXAMPLE)
    learning = any(not group.freeze for group in optimizer.group)
    first = not isinstance(optimizer, Chain) or not any(item.calls() & PER_EXAMPLE for item in optimizer.chain[1:])
    around = {name: getattr(optimizer, name) is not None for name in ("clip", *optimizer.wrappers)} | {
        "group": learning
    }
    loss, examples = "asks for the loss of all parameters together", "takes the gradient of each example"
    for key, names, why, help_ in (
        ("group", whole, loss, "groups with freeze = true alone, or another optimizer"),
        ("flatten", whole, loss, "leave it out"),
        ("sam", whole, "looks for its own steps, and sam asks for another gradient", "leave one of them out"),
        ("clip", each, f"{examples}, and clips that itself", "leave it out"),
        ("group", each, examples, "groups with freeze = true alone, or another optimizer"),
        *((key, each, examples, "leave it out") for key in ("flatten", "mechanize", "sam")),
    ):
        if names and around.get(key):
            raise SpecError(_unfit(spec, key, f"{names[0]} {why}: it goes with no '{key}'", help_))
    if optimizer.flatten is not None and learning:
        message = "flatten makes one vector of all parameters, and groups part them"
        raise SpecError(_unfit(spec, "flatten", message, "leave it out"))
    if not first:
        raise SpecError(_unfit(spec, "chain", f"{each[0]} {examples}, and stands first", ""))


def _unfit(spec: Spec, key: str, message: str, help: str) -> Diagnostic:  # noqa: A002
    return Diagnostic("optimizer", message, spec.document.key_place((*spec.at("optimizer"), key)), help=help)


def _check_size(spec: Spec, calls: frozenset[str], shapes: dict[str, Any]) -> None:
    names, number = sorted(calls & {"newton", "saddle_free_newton"}), number_in(shapes)
    if names and number > MOST_PARAMETERS:
        message = f"{names[0]} takes at most {MOST_PARAMETERS:,} parameters, and {number:,} learn here"
        note = "it works out all second derivatives: a matrix of that many rows and columns"
        place = spec.document.value_place((*spec.at("optimizer"), "kind"))
        raise SpecError(Diagnostic("too-large", message, place, note=note, help='"lbfgs", or "conjugate_gradients"'))
