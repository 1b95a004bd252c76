"""Rules about what the last layers give and what a loss holds it against."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, inf, prod
from typing import Any

from netspec.diagnostics import Diagnostic
from netspec.lint.calls import RANDOM, bounds, own_bounds
from netspec.lint.flow import Operation, back_from
from netspec.lint.subject import Judged, Subject, warning

__all__ = ["LOGITS", "logits", "out_of_range", "target"]

LOGITS = {
    "cross_entropy": "the softmax",
    "binary_cross_entropy": "the sigmoid",
    "focal": "the softmax",
    "dice": "the softmax",
    "ctc": "the softmax",
    "kl": "the softmax",
    "logistic": "the sigmoid",
    "hinge": "the margin",
    "squared_hinge": "the margin",
    "perceptron": "the side",
}
"""Losses that take numbers of any size, and what they work out of them."""

_PASSED_ON = RANDOM | {"jax.nn.identity", "netspec.nn.shapes.flatten", "netspec.nn.shapes.reshape"}
"""What leaves numbers as they are."""


def _form(judged: Judged, subject: Subject) -> str:
    """How a loss takes its target, as far as that is known."""
    program = subject.program
    return subject.spec.losses[judged.index].targets if program is None else program.objective.terms[judged.index].form


def _bounded(operation: Operation | None) -> Operation | None:
    """The activation that an output is the result of, where it bounds it."""
    last = next((o for o in back_from(operation) if o.name not in _PASSED_ON), None)
    return last if last is not None and bounds(last) is not None else None


def logits(subject: Subject) -> Iterator[Diagnostic]:
    """An activation between the last layer and a loss that takes numbers of any size."""
    for judged in subject.judged:
        loss, last = subject.spec.losses[judged.index], _bounded(judged.operation)
        if last is None or loss.kind not in LOGITS:
            continue
        low, high = bounds(last) or (-inf, inf)
        if loss.targets == "plus_minus" and low <= -1:
            continue  # on both sides of the boundary, as far as the margin
        name = last.name.rpartition(".")[2]
        yield warning(
            "logits",
            f"{loss.kind} takes logits, and {last.node.name} gives numbers {own_bounds(last)}",
            subject.place_of_call(last),
            note=f"{loss.kind} works out {LOGITS[loss.kind]} itself; {_consequence(low, high, judged, subject)}",
            help=f"leave {name} out: what predictions show are probabilities all the same"
            if loss.targets != "plus_minus"
            else f"leave {name} out",
        )


def _consequence(low: float, high: float, judged: Judged, subject: Subject) -> str:
    """What the bounds do to predictions."""
    form, classes = _form(judged, subject), judged.operation.gives.channels
    if form == "plus_minus":
        return "no number below 0, so one class is never predicted"
    if form == "zero_one":
        least, most = 100 / (1 + exp(-low)), 100 / (1 + exp(-high))
        what = "the probability of the second class would"
        return f"{what} never be under {least:.0f} %" + (f" or over {most:.0f} %" if most < 100 else "")
    if high == inf:
        return f"a class whose number is at its least, {low:g}, gets no gradient" if low == 0 else "none can fall far"
    return f"no class would ever get more than {100 / (1 + (classes - 1) * exp(low - high)):.0f} %"


# -- targets -------------------------------------------------------------------------------------------------------


def target(subject: Subject) -> Iterator[Diagnostic]:
    """Two classes taken for numbers; or as many classes as examples."""
    for judged in subject.judged:
        if judged.target is None or judged.of_input or subject.facts is None:
            continue
        known = subject.facts.targets[judged.target]
        if known.kind == "class" and not known.shape:
            yield from _many_classes(judged, subject)
        elif _form(judged, subject) == "distribution":
            yield from _no_distribution(judged, subject)
        elif known.kind == "number" and tuple(known.shape) == (1,):
            yield from _two_numbers(judged, subject)


def _many_classes(judged: Judged, subject: Subject) -> Iterator[Diagnostic]:
    assert subject.facts is not None
    assert judged.target is not None
    target = subject.facts.targets[judged.target]
    classes, examples = len(target.labels), sum(subject.facts.examples.values()) * prod(target.shape)
    if 2 * classes > examples:
        yield warning(
            "target",
            f"the target is one of {classes:,} classes, and there are {examples:,} examples",
            subject.spec.document.value_place(("data", "source", "target")),
            note="fewer than two examples of a class are nothing to learn it from: are these names, dates or numbers?",
            help='another target; or task = "regress", where they are numbers',
        )


def _no_distribution(judged: Judged, subject: Subject) -> Iterator[Diagnostic]:
    values = None if subject.targets is None else subject.targets.get(judged.target or "")
    if values is None or not len(values):
        return
    sums, loss = values.sum(axis=-1), subject.spec.losses[judged.index]
    wrong = (values < 0).any(axis=-1) | (abs(sums - 1) > 1e-3)
    if wrong.any():
        path = (*subject.spec.loss_path(judged.index), "kind")
        yield warning(
            "target",
            f"{loss.kind} is for probabilities, and those of {int(wrong.sum()):,} of {wrong.size:,} examples are none",
            subject.spec.document.value_place(path),
            note=f"their sums go from {sums.min():.4g} to {sums.max():.4g}; the least number is {values.min():.4g}",
            help="numbers of at least 0 whose sum is 1; or squared_error",
        )


def _two_numbers(judged: Judged, subject: Subject) -> Iterator[Diagnostic]:
    values = None if subject.targets is None else subject.targets.get(judged.target or "")
    source = None if subject.spec.data is None else subject.spec.data.source
    if values is None or len(values) < 10 or getattr(source, "task", None) is not None:
        return
    found = sorted({float(v) for v in values.reshape(-1)[:1000]})
    if found not in ([0.0, 1.0], [-1.0, 1.0]) or not _only(values, found):
        return
    loss = subject.spec.losses[judged.index]
    yield warning(
        "target",
        f"the target is {found[0]:g} or {found[1]:g}, and {loss.kind} takes it for a number",
        subject.spec.document.value_place((*subject.spec.loss_path(judged.index), "kind")),
        note=f"two numbers are two classes, most likely; all {len(values):,} training examples have one of them",
        help="save it as whole numbers, which are classes, and take binary_cross_entropy",
    )


def _only(values: Any, found: list[float]) -> bool:
    return bool(((values == found[0]) | (values == found[1])).all())


def out_of_range(subject: Subject) -> Iterator[Diagnostic]:
    """Numbers to be predicted that the last activation never gives."""
    for judged in subject.judged:
        last, loss = _bounded(judged.operation), subject.spec.losses[judged.index]
        wanted = _range(judged, subject)
        if last is None or wanted is None:
            continue
        (low, high), (least, most) = bounds(last) or (-inf, inf), wanted
        slack = 1e-3 * (1 if most - least == inf else most - least)
        if least >= low - slack and most <= high + slack:
            continue
        whole = "the input" if judged.of_input else "the target"
        goes = f"{whole} goes from {least:.4g} to {most:.4g}"
        if least == -inf:
            goes = f"{whole} is standardized, which has no bounds"
        yield warning(
            "out-of-range",
            f"{goes}; {last.node.name} gives numbers {own_bounds(last)}",
            subject.place_of_call(last),
            note=f"{loss.kind} holds the one against the other, and they cannot come together",
            help=f"end without {last.name.rpartition('.')[2]}"
            + (f"; or transform = [{{ scale = [{low:g}, {high:g}] }}]" if judged.of_input and high < inf else ""),
        )


def _range(judged: Judged, subject: Subject) -> tuple[float, float] | None:
    """The least and the largest number that is to be predicted, where that is known."""
    form = _form(judged, subject)
    if form == "plus_minus" and subject.spec.losses[judged.index].targets == "number":
        return -1.0, 1.0
    if form != "number":
        return None
    if judged.of_input:
        transforms = () if subject.spec.data is None else subject.spec.data.transform
        for transform in reversed(transforms):
            if transform.kind == "standardize":
                return -inf, inf
            if transform.kind == "scale":
                low, high = transform.scale  # type: ignore[attr-defined]
                return float(low), float(high)
        return None
    values = None if subject.targets is None else subject.targets.get(judged.target or "")
    return None if values is None or not values.size else (float(values.min()), float(values.max()))
