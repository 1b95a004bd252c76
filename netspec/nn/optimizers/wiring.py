"""What holds the parts of an optimizer together: arguments that change over time, and parameters in groups."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import optax

__all__ = [
    "matching",
    "multiplied",
    "of_parameters",
    "over_time",
    "partition",
    "without",
]

REST = "rest"
"""The parameters in no group."""

OWN = "netspec.nn.optimizers"

_HOMES = {"optax": optax, "optax.contrib": optax.contrib}


def over_time(
    name: str, changing: Sequence[str], *arguments: Any, **keywords: Any
) -> optax.GradientTransformationExtraArgs:
    """What a function makes of arguments some of which change, though it takes numbers for them.

    Args:
        name: of the function, under `optax`, `optax.contrib` or `netspec.nn.optimizers`.
        changing: the names of those that are functions of the step.
    """
    home, _, function = name.rpartition(".")
    assert home in _HOMES or home.startswith(f"{OWN}."), home
    factory = getattr(_HOMES.get(home) or importlib.import_module(home), function)
    static = tuple(
        n for n in inspect.signature(factory).parameters if n not in changing
    )
    return optax.inject_hyperparams(factory, static_args=static)(*arguments, **keywords)


def multiplied(*factors: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Functions of the step, multiplied."""

    def at(step: Any) -> Any:
        value = factors[0](step)
        for factor in factors[1:]:
            value = value * factor(step)
        return value

    return at


def matching(*paths: str) -> Callable[[Any], Any]:
    """A mask: of parameters by path, whether each is one of these."""
    chosen = frozenset(paths)
    return lambda parameters: {path: path in chosen for path in parameters}


def partition(
    rest: optax.GradientTransformation,
    *groups: tuple[str, optax.GradientTransformation, tuple[str, ...]],
) -> optax.GradientTransformationExtraArgs:
    """Each parameter by the transformation of its group.

    Args:
        rest: for those in no group.
        groups: the name, the transformation and the paths of each.
    """
    labels = {path: name for name, _, paths in groups for path in paths}
    transformations = {
        REST: rest,
        **{name: transformation for name, transformation, _ in groups},
    }
    return optax.partition(
        transformations, lambda parameters: {p: labels.get(p, REST) for p in parameters}
    )


def without(
    inner: optax.GradientTransformation, *paths: str
) -> optax.GradientTransformationExtraArgs:
    """A transformation that never sees some parameters, which stay as they are.

    Args:
        inner: of the others.
        paths: of those that stay.
    """
    held = frozenset(paths)
    inside = optax.with_extra_args_support(inner)

    def others(arrays: Any) -> Any:
        return {path: array for path, array in arrays.items() if path not in held}

    def update(
        updates: Any, state: Any, parameters: Any = None, **keywords: Any
    ) -> tuple[Any, Any]:
        still = {
            path: array for path, array in (parameters or {}).items() if path in held
        }
        seen = {k: _of_others(v, k, still, others) for k, v in keywords.items()}
        steps, state = inside.update(
            others(updates), state, others(parameters or {}), **seen
        )
        return {
            p: steps[p] if p in steps else optax.tree.zeros_like(u)
            for p, u in updates.items()
        }, state

    return optax.GradientTransformationExtraArgs(
        lambda parameters: inside.init(others(parameters)), update
    )


def _of_others(
    value: Any, keyword: str, still: dict[str, Any], others: Callable[[Any], Any]
) -> Any:
    """A keyword of an update, for an optimizer that knows the other parameters alone."""
    if keyword in ("value_fn", "obj_fn"):
        return of_parameters(lambda parameters: value(parameters | still))
    if keyword == "grad_fn":
        return lambda parameters, *rest: others(value(parameters | still, *rest))
    return others(value) if keyword == "grad" else value


def of_parameters(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function of parameters that takes what an update is told besides, too, and leaves it alone.

    One of Optax's line searches refuses keywords that this function does not take.
    """

    def of(
        parameters: Any,
        loss: Any = None,
        value_fn: Any = None,
        obj_fn: Any = None,
        grad_fn: Any = None,
    ) -> Any:
        return function(parameters)

    return of
