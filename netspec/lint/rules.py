"""All the rules, and what becomes of what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from netspec.diagnostics import Diagnostic, Place
from netspec.document import SETTING
from netspec.lint import batches, layers, learning, objective
from netspec.lint.subject import Subject, warning

__all__ = ["RULES", "lint"]

RULES: Mapping[str, Callable[[Subject], Iterator[Diagnostic]]] = {
    "linear-chain": layers.linear_chain,
    "logits": objective.logits,
    "bias-before-norm": layers.bias_before_norm,
    "constant-initial": learning.constant_initial,
    "vanishing": layers.vanishing,
    "overparametrised": learning.overparametrised,
    "target": objective.target,
    "out-of-range": objective.out_of_range,
    "dropout-last": layers.dropout_last,
    "remainder": batches.remainder,
    "no-shuffling": batches.no_shuffling,
    "lone-bootstrap": batches.lone_bootstrap,
    "learning-rate": learning.learning_rate,
    "decay-twice": learning.decay_twice,
    "no-gradient": learning.no_gradient,
    "not-judged": learning.not_judged,
    "constant-result": layers.constant_result,
}

MOST_WARNINGS = 100
"""Warnings that are given at once, at the most."""


def lint(subject: Subject) -> tuple[Diagnostic, ...]:
    """What is legal and most likely wrong, in the order of the places; less what `[lint] allow` names."""
    found = [one for rule in RULES.values() for one in islice(_once_a_place(rule(subject)), MOST_WARNINGS)]
    allowed = subject.spec.lint.allow
    codes = {one.code for one in found}
    kept = [one for one in found if one.code not in allowed]
    unused = (_unused(code, i, subject) for i, code in enumerate(allowed) if code not in codes)
    kept += [one for one in unused if not _inherited(one.place, subject)]
    return tuple(sorted(kept, key=_position)[:MOST_WARNINGS])


def _once_a_place(found: Iterator[Diagnostic]) -> Iterator[Diagnostic]:
    """One warning for all layers that one line of the spec makes."""
    by_place: dict[tuple[str, Place | None], list[Diagnostic]] = {}
    for one in found:
        by_place.setdefault((one.code, one.place), []).append(one)
    for first, *more in by_place.values():
        again = f"; and likewise {len(more):,} more from this line" if more else ""
        yield replace(first, note=first.note + again)


def _unused(code: str, i: int, subject: Subject) -> Diagnostic:
    place = subject.spec.document.value_place(("lint", "allow", i))
    return warning("unused", f"there is no warning '{code}' to be allowed here", place, "leave it out")


def _inherited(place: Place | None, subject: Subject) -> bool:
    """Whether it stands in a spec that this one starts from, where it has its use."""
    return place is not None and place.source.name not in (subject.spec.document.source.name, SETTING)


def _position(diagnostic: Diagnostic) -> tuple[str, int, int]:
    place = diagnostic.place
    return ("", 0, 0) if place is None else (place.source.name, place.line, place.column)
