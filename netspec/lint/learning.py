"""Rules about how a network begins, and about the training that it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod, sqrt
from typing import Any

from netspec.diagnostics import Diagnostic
from netspec.graph.graph import Node
from netspec.lint.calls import LINEAR, RANDOM, keyword
from netspec.lint.flow import Operation
from netspec.lint.subject import Subject, count, warning
from netspec.spec.call import Call

__all__ = [
    "constant_initial",
    "decay_twice",
    "learning_rate",
    "no_gradient",
    "not_judged",
    "overparametrised",
]


# -- initial values ------------------------------------------------------------------------------------------------


DEAD_AT_ZERO = {"jax.nn.relu": "relu", "jax.nn.relu6": "relu6"}
"""Activations whose slope at 0 is 0, as JAX has it."""


def constant_initial(subject: Subject) -> Iterator[Diagnostic]:
    """Units of a hidden layer that begin with the same weights."""
    if subject.spec.optimizer is None:
        return
    for operation in subject.flow:
        value, units = _alike(operation), operation.gives.channels
        after = None if value is None or units == 1 else _learned_after(operation)
        if value is None or after is None:
            continue
        node, next_one = operation.node, operation.after
        if value == "0" and next_one is not None and next_one.name in DEAD_AT_ZERO and "bias" not in node.initial:
            note = f"{DEAD_AT_ZERO[next_one.name]}'s slope at 0 is 0: no gradient ever moves them"
        elif _constant(after) and not _drawn_between(operation, after):
            note = f"{after.node.name} begins with equal ones, too: they stay equal, however long the training"
        else:
            note = f"they give the same numbers, and only the weights of {after.node.name} tell them apart"
        yield warning(
            "constant-initial",
            f"the {units:,} units of {node.name} begin as one: {_weights(value)}",
            subject.place(node, "init"),
            note=note,
            help="leave init out: the weights are drawn at random then"
            if value in ("0", "1", SAME)
            else f"init = {{ normal = {value.lstrip('-')} }} draws weights of that size at random",
        )


SAME = "the same"


def _weights(value: str) -> str:
    return "each has the same weights" if value == SAME else f"all their weights are {value}"


def _alike(operation: Operation) -> str | None:
    """What every unit's weights are, where they are all the same; None where units differ, or do not learn."""
    kernel = operation.parameters.get("kernel")
    one = operation.name in LINEAR and keyword(operation, "feature_group_count", 1) == 1
    if kernel is None or not one or operation.node.frozen or operation.step is not operation.node.steps[0]:
        return None
    initial = operation.node.initial
    bias = initial.get("bias")
    if bias is not None and _same(bias) is None:
        return None  # these tell the units apart
    return None if "kernel" not in initial else _same(initial["kernel"])


def _constant(operation: Operation) -> bool:
    kernel = operation.node.initial.get("kernel")
    return kernel is not None and _same(kernel) not in (None, SAME)


def _same(call: Call) -> str | None:
    """The number that an initial value is everywhere; "the same" where every column of an array is equal."""
    if call.name == "netspec.nn.initial.constant":
        return f"{call.arguments[0]:g}"
    if call.name != "netspec.nn.initial.literal":
        return None
    return SAME if _columns_equal(call.arguments[0]) else None


def _columns_equal(values: Any) -> bool:
    if values and isinstance(values[0], tuple):
        return all(_columns_equal(v) for v in values)
    return len(set(values)) == 1


def _learned_after(operation: Operation) -> Operation | None:
    """The next layer with weights, where it alone reads what this one gives."""
    found = operation.after
    while found is not None and len(found.inputs) == 1:
        if any(len(p.shape) > 1 for p in found.parameters.values()):
            return found
        found = found.after
    return None


def _drawn_between(first: Operation, second: Operation) -> bool:
    found = first.after
    while found is not None and found is not second:
        if found.name in RANDOM:
            return True
        found = found.after
    return second.name == "netspec.nn.noise.DropConnect"


# -- how much there is to learn from -------------------------------------------------------------------------------


REGULARISING = RANDOM | {"flax.nnx.BatchNorm", "netspec.nn.noise.DropConnect"}
"""What is random in training: batch norm, too, is so by the batch."""

_ELSEWHERE = (("train", "keep"), ("train", "stop"), ("data", "augment"), ("start",))
"""Keys that regularise: stopping early, or taking the best; more examples than there are; weights learned elsewhere."""


def overparametrised(subject: Subject) -> Iterator[Diagnostic]:
    """More parameters than a third of the numbers to be predicted, and nothing against learning them by heart."""
    program, facts = subject.program, subject.facts
    if program is None or facts is None or not facts.examples["validation"] + facts.examples["test"]:
        return
    frozen, parameters = subject.graph.frozen, subject.graph.parameters
    learned = sum(prod(s.shape) for p, s in parameters.items() if p not in frozen)
    each = max(prod(t.aim.facts.shape) for t in program.objective.terms)
    examples = facts.examples["train"]
    if 3 * learned <= examples * each or _regularised(subject):
        return
    leaf = max((leaf for leaf in subject.graph.leaves() if not leaf.frozen), key=_parameters)
    of = f" of {each:,} numbers" if each > 1 else ""
    yield warning(
        "overparametrised",
        f"{count(learned, 'parameter')} for {examples:,} training examples{of}, and nothing regularises them",
        leaf.place,
        f"{leaf.path} has {_parameters(leaf):,} of them",
        f"beyond a third of {'the numbers to predict' if each > 1 else 'the examples'}, {examples * each // 3:,}, "
        "parameters fit chance as well as what is general",
        f'penalties = [{{ l2 = 1e-4 }}] in [loss], dropout, or keep = {{ best = "{program.judge.metric}" }} in [train]',
    )


def _parameters(leaf: Node) -> int:
    return sum(prod(shape.shape) for _, shape in leaf.arrays("parameters"))


def _regularised(subject: Subject) -> bool:
    document = subject.spec.document
    return (
        any(loss.penalties or getattr(loss, "smoothing", 0) for loss in subject.spec.losses)
        or bool(_decay(subject))
        or any(path in document.keys or path in document.places for path in _ELSEWHERE)
        or any(o.name in REGULARISING for o in subject.flow)
    )


def _decay(subject: Subject) -> float:
    """By how much the optimizer itself decays weights."""
    settings: Mapping[str, Any] = {} if subject.spec.optimizer is None else subject.spec.optimizer.__dict__
    found = (settings.get(key) for key in ("weight_decay", "weight_decay_rate"))
    return next((float(d) for d in found if isinstance(d, int | float)), 0.0)


# -- optimizers ----------------------------------------------------------------------------------------------------


SIGNED = frozenset(
    {"adabelief", "adam", "adamax", "adamaxw", "adamw", "amsgrad", "lion", "nadam", "nadamw", "radam", "yogi"}
)
"""Optimizers whose steps are about as large as the learning rate, whatever the size of the gradient."""


def learning_rate(subject: Subject) -> Iterator[Diagnostic]:
    """A rate above 0.1 for an optimizer that steps that far with every weight."""
    optimizer = subject.spec.optimizer
    rate = getattr(optimizer, "learning_rate", None)
    if optimizer is None or optimizer.kind not in SIGNED or not isinstance(rate, int | float) or rate <= 0.1:
        return
    layers = [o for o in subject.flow if o.name in LINEAR and not o.node.frozen]
    if len(layers) < 2:
        return  # a single layer is a convex problem, on which far steps are no harm
    kernel = layers[-1].parameters["kernel"].shape
    size = 1 / sqrt(prod(kernel[:-1]))
    begin = f", and those of {layers[-1].node.name} begin at about {size:.1g}"
    yield warning(
        "learning-rate",
        f"a learning rate of {rate:g} is large for {optimizer.kind}",
        subject.spec.document.value_place((*subject.spec.at("optimizer"), "learning_rate")),
        note=f"its steps are about as large as the rate, whatever the gradient: every weight moves by {rate:g} a step"
        + (begin if "kernel" not in layers[-1].node.initial else ""),
        help="1e-3 is usual",
    )


def decay_twice(subject: Subject) -> Iterator[Diagnostic]:
    """An l2 penalty under an optimizer that decays weights itself."""
    optimizer, decay = subject.spec.optimizer, _decay(subject)
    if optimizer is None or not decay:
        return
    said = any(key in optimizer.model_fields_set for key in ("weight_decay", "weight_decay_rate"))
    for i, loss in enumerate(subject.spec.losses):
        for j, penalty in enumerate(loss.penalties):
            if penalty.kind == "l2" and penalty.of is None:
                yield warning(
                    "decay-twice",
                    f"{optimizer.kind} decays weights by {decay:g}, and this penalty decays them again",
                    subject.spec.document.value_place((*subject.spec.loss_path(i), "penalties", j)),
                    note="" if said else f"it does so where nothing is said: weight_decay = {decay:g}",
                    help="leave the penalty out, or weight_decay = 0.0 in [optimizer]",
                )


# -- gradients -----------------------------------------------------------------------------------------------------


SLOPELESS = frozenset({"jax.numpy.sign", "netspec.nn.activations.step"})
"""Activations whose slope is 0 everywhere."""


def no_gradient(subject: Subject) -> Iterator[Diagnostic]:
    """Layers that learn nothing since all that they give goes through a step."""
    reached = _reached(subject)
    learned, seen = {path for operation in reached for path in operation.paths}, set(reached)
    for end in reached:
        if end.name in SLOPELESS and (lost := _lost(end.inputs, learned, seen)):
            name = end.name.rpartition(".")[2]
            yield warning(
                "no-gradient",
                f"no gradient gets through {name}: {_listed(lost)} nothing",
                subject.place_of_call(end),
                note=f"the slope of {name} is 0 everywhere",
                help='a smooth activation, such as "tanh"; or freeze = true for what is meant to stay as it begins',
            )


def not_judged(subject: Subject) -> Iterator[Diagnostic]:
    """Layers that learn nothing since no loss is on the output that they are for."""
    reached = _reached(subject)
    learned, seen = {path for operation in reached for path in operation.paths}, set(reached)
    for name, end in subject.flow.outputs.items():
        if reached and end is not None and end not in reached and (lost := _lost([end], learned, seen)):
            yield warning(
                "not-judged",
                f"no loss judges the output '{name}': {_listed(lost)} nothing",
                end.node.place,
                help=f'a [[loss]] with output = "{name}"; or leave them out',
            )


def _reached(subject: Subject) -> dict[Operation, None]:
    """All operations that a gradient comes to; it goes no further than those whose slope is 0."""
    found: dict[Operation, None] = {}
    if subject.spec.optimizer is None or subject.spec.document.values.keys() & {"phase", "update"}:
        return found  # not trained, or not by the losses alone
    waiting = [*(j.operation for j in subject.judged), *subject.flow.penalised]
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found[operation] = None
            waiting += [] if operation.name in SLOPELESS else [i for i in operation.inputs if i is not None]
    return found


def _lost(ends: Sequence[Operation | None], learned: set[str], seen: set[Operation]) -> list[str]:
    """The paths of the layers at or before some operations that no gradient comes to.

    Args:
        learned: the paths of parameters that one comes to.
        seen: operations that need no second look; more are added.
    """
    found: dict[str, None] = {}
    waiting = list(ends)
    while waiting:
        operation = waiting.pop()
        if operation is not None and operation not in seen:
            seen.add(operation)
            if operation.parameters and not operation.node.frozen and learned.isdisjoint(operation.paths):
                found[operation.node.path] = None
            waiting += operation.inputs
    return list(reversed(found))


def _listed(names: list[str]) -> str:
    """The layers that learn nothing, in words: the first of them by name."""
    more = len(names) - 2
    few = " and ".join(names[:2])
    return f"{few} learn{'s' * (len(names) == 1)}" if more <= 0 else f"{', '.join(names[:2])} and {more:,} more learn"
