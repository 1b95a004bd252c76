"""What an optimizer's arguments become: calls, with numbers that change over time as functions of the step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from netspec.spec.call import Call, call
from netspec.spec.clock import Clock
from netspec.spec.courses import Course
from netspec.spec.kind import Table
from netspec.spec.optimizers.arguments import form, rates
from netspec.spec.optimizers.signatures import Signature

__all__ = ["Factor", "Setting", "given", "lowered", "rate_of"]

Factor = float | Course | Call
"""What a learning rate is multiplied by: a number, one that changes over time, or the call of a schedule."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What an optimizer is lowered for.

    Args:
        clock: how long the training, or the phase, is.
        meant: the paths of the parameters that some patterns mean.
        factors: of the learning rate.
    """

    clock: Clock
    meant: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda patterns: patterns
    factors: tuple[Factor, ...] = ()

    def times(self, *factors: Factor) -> Setting:
        """The same with more factors of the learning rate."""
        return replace(self, factors=(*factors, *self.factors))


def given(table: Table, signature: Signature) -> dict[str, Any]:
    """The arguments that a table gives; those that random numbers come from, always."""
    named = {a.name: form(a) for a in signature.arguments}
    told = {n for n, which in named.items() if n in table.model_fields_set or (which == "key" and hasattr(table, n))}
    return {n: getattr(table, n) for n in named if n in told and getattr(table, n) is not None}


def lowered(signature: Signature, values: Mapping[str, Any], setting: Setting, inner: Sequence[Call] = ()) -> Call:
    """The call of a function with the values that a spec gives.

    Args:
        inner: the calls of the transformations that it goes around.
    """
    keywords: dict[str, Any] = {}
    changing = []
    for argument in signature.arguments[len(inner) :]:
        name, which = argument.name, form(argument)
        rate = rate_of(signature, values, setting, name)
        if rate is not None and (setting.factors or name in values):
            keywords[name] = rate
        elif name in values:
            keywords[name] = _value(values[name], which, setting)
        if which == "number" and not argument.scheduled and isinstance(keywords.get(name), Call):
            changing.append(name)
    if changing:
        return call("netspec.nn.optimizers.wiring.over_time", signature.dotted, tuple(changing), *inner, **keywords)
    return call(signature.dotted, *inner, **keywords)


def _value(value: Any, which: str | None, setting: Setting) -> Any:
    if isinstance(value, Course):
        return value.lower(setting.clock)
    if which == "transformation":
        return value.lower(replace(setting, factors=()))
    if which == "patterns":
        return call("netspec.nn.optimizers.wiring.matching", *setting.meant(value))
    return _hashable(value)


def _hashable(value: Any) -> Any:
    return tuple(_hashable(v) for v in value) if isinstance(value, list | tuple) else value


def rate_of(signature: Signature, values: Mapping[str, Any], setting: Setting, name: str) -> float | Call | None:
    """A learning rate times its factors: a number, or the call of what makes a function of the step.

    Args:
        name: of the argument; None where that is no rate, or is none unless it is given.
    """
    value = values.get(name, signature.argument(name).default) if name in rates(signature) else None
    if not isinstance(value, int | float | Course):
        return None
    if isinstance(value, int | float) and not setting.factors:
        return value
    parts = [p.lower(setting.clock) if isinstance(p, Course) else p for p in (value, *setting.factors)]
    # As it would be written: 0.01, where multiplied binary numbers give 0.010000000000000002.
    number = float(f"{prod(p for p in parts if not isinstance(p, Call)):.15g}")
    functions = [p for p in parts if isinstance(p, Call)]
    if not functions:
        return number
    factor = functions[0] if len(functions) == 1 else call("netspec.nn.optimizers.wiring.multiplied", *functions)
    plain = isinstance(value, Course) and number == 1
    return factor if plain else call("netspec.nn.schedules.scaled", number, factor)
