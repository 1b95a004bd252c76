"""Optimizers tried on shapes before anything is trained: what Optax refuses, and what cannot change over time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from netspec.diagnostics import Diagnostic, SpecError
from netspec.graph.calls import construct, lookup
from netspec.nn.optimizers.state import trained
from netspec.spec.call import Call
from netspec.spec.optimizers import Chain, rates, signature
from netspec.spec.sections import Spec

__all__ = ["check_fit", "made"]

OVER_TIME = "netspec.nn.optimizers.wiring.over_time"

REFUSALS = (TypeError, ValueError, ArithmeticError, IndexError)
"""What Optax and JAX raise at arguments that they cannot take."""


def made(call: Call) -> optax.GradientTransformation:
    """The transformation that a call makes."""
    with warnings.catch_warnings():
        # How Optax calls its own functions is not the user's business.
        warnings.simplefilter("ignore", DeprecationWarning)
        transformation: optax.GradientTransformation = construct(call)
        return transformation


def check_fit(
    spec: Spec, call: Call, shapes: Mapping[str, Any], groups: Sequence[Sequence[str]], *, per_example: bool
) -> None:
    """See that an optimizer takes its arguments, and that those that change over time can.

    Raises:
        SpecError: it does not.
    """
    some = _some(shapes, groups)
    for inner in _calls(call):
        if inner.name == OVER_TIME:
            _check_changing(spec, inner)
    try:
        _traced(made(call), some, per_example)
    except REFUSALS as error:
        name = spec.optimizer.kind if spec.optimizer is not None else ""
        place = spec.document.value_place((*spec.at("optimizer"), "chain" if name == Chain.kind else "kind"))
        reason = str(error).partition("\n")[0].removesuffix(".")
        raise SpecError(Diagnostic("optimizer", f"{name} refuses its arguments: {reason}", place)) from error


def _some(shapes: Mapping[str, Any], groups: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A few parameters of each group, of each number of axes: what an optimizer may tell apart."""
    label = {path: i for i, paths in enumerate(groups) for path in paths}
    found = {(label.get(path), len(shape.shape)): path for path, shape in reversed(list(shapes.items()))}
    some = {path: shapes[path].shape for path in found.values()} or {"kernel": (3, 2), "bias": (2,)}
    return {path: jax.ShapeDtypeStruct(shape, jnp.float32) for path, shape in some.items()}


def _traced(transformation: optax.GradientTransformation, shapes: dict[str, Any], per_example: bool) -> Any:
    """What an update gives, as shapes."""
    lengths = {path: (1, *s.shape) if per_example else s.shape for path, s in shapes.items()}
    gradient = {path: jax.ShapeDtypeStruct(length, jnp.float32) for path, length in lengths.items()}
    return jax.eval_shape(lambda p, g: _step(transformation, p, g), shapes, gradient)


def _step(transformation: optax.GradientTransformation, parameters: Any, gradient: Any) -> Any:
    ready = trained(transformation)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numbers that are not there yet
        return ready.update(gradient, ready.init(parameters), parameters, **_keywords(parameters, gradient))


def _keywords(parameters: Any, gradient: Any) -> dict[str, Any]:
    """What the trainer tells an optimizer besides the gradient, of a loss that is a sum of squares."""

    def loss(parameters: Any, *_: Any) -> Any:
        return optax.tree.norm(parameters, squared=True)

    value = loss(parameters)
    functions = {"value_fn": loss, "obj_fn": loss, "grad_fn": jax.grad(loss)}
    return {"value": value, "grad": gradient, "loss": value, **functions}


def _calls(call: Call) -> Iterator[Call]:
    yield call
    for value in (*call.arguments, *(v for _, v in call.keywords)):
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Call):
                yield from _calls(part)


# -- numbers that change -----------------------------------------------------------------------------------------------


def _check_changing(spec: Spec, call: Call) -> None:
    """See that the numbers of a function that change over time matter at each step, and do not shape it.

    Raises:
        SpecError: one cannot change.
    """
    name, changing, *inner = call.arguments
    keywords = {k: construct(v) if isinstance(v, Call) else v for k, v in call.keywords}
    at_first = {k: float(v(0)) if k in changing else v for k, v in keywords.items()}
    arguments = [made(i) for i in inner]
    for key in changing:

        def transformation(value: Any, key: str = key) -> Any:
            return lookup(name)(*arguments, **{**at_first, key: value})

        if reason := _held(transformation, at_first[key]):
            raise SpecError(_unchanging(spec, name.rpartition(".")[2], key, reason))


def _held(transformation: Callable[[Any], optax.GradientTransformation], first: float) -> str:
    """Why a number cannot change; empty where it can."""
    parameters = {"kernel": jnp.ones((3, 2)), "bias": jnp.ones(2)}
    start = transformation(first).init(parameters)

    def step(value: Any) -> Any:
        return trained(transformation(value)).update(parameters, start, parameters, **_keywords(parameters, parameters))

    try:
        traced = jax.make_jaxpr(step)(first)
    except REFUSALS:
        return "it decides how it is built"
    return "" if _matters(traced.jaxpr) else "it is read once, at the beginning"


def _matters(jaxpr: Any) -> bool:
    """Whether anything that comes out depends on what goes in."""
    reached = {id(v) for v in jaxpr.invars}
    for equation in jaxpr.eqns:
        if any(id(v) in reached for v in equation.invars):
            reached |= {id(v) for v in equation.outvars}
    return any(id(v) in reached for v in jaxpr.outvars)


def _unchanging(spec: Spec, name: str, key: str, reason: str) -> Diagnostic:
    found = signature(name)
    at = spec.at("optimizer")
    if spec.schedule is not None and found is not None and key in rates(found):
        message = f"{name} takes a learning rate that stays the same, and there is a [schedule]"
        return Diagnostic("schedule", message, spec.document.key_place(spec.at("schedule")))
    place = spec.document.value_place(next((p for p in spec.document.places if _is_key(p, at, key)), at))
    return Diagnostic("value", f"'{key}' of {name} cannot change over time: {reason}", place, help="write a number")


def _is_key(path: tuple[Any, ...], at: tuple[Any, ...], key: str) -> bool:
    return path[: len(at)] == at and path[-1] == key
