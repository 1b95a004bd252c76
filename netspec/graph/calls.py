"""Calls, looked up and run: as live modules and functions of plain arrays, for tracing and for training alike."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
from flax import nnx

from netspec.spec.call import Call
from netspec.spec.clock import Clock
from netspec.spec.courses import Course

__all__ = [
    "Arrays",
    "Mode",
    "apply",
    "at_step",
    "construct",
    "draws",
    "initialise",
    "is_module",
    "lookup",
    "module_of",
    "takes_mask",
]

Arrays = dict[str, Any]
"""Arrays (or their shapes) by path."""


@cache
def lookup(name: str) -> Any:
    """What a call's dotted name stands for.

    >>> lookup("jax.nn.relu") is jax.nn.relu
    True
    """
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def is_module(call: Call) -> bool:
    """Whether the call makes a Flax module, rather than being a function of its inputs."""
    target = lookup(call.name)
    return isinstance(target, type) and issubclass(target, nnx.Module)


def construct(call: Call) -> Any:
    """The call's result, the calls among its arguments made first: an optimizer, a schedule, an initialiser."""
    arguments = [_constructed(a) for a in call.arguments]
    return lookup(call.name)(*arguments, **{k: _constructed(v) for k, v in call.keywords})


def _constructed(value: Any) -> Any:
    if isinstance(value, Call):
        return construct(value)
    return tuple(_constructed(v) for v in value) if isinstance(value, tuple) else value


def at_step(course: Course, step: Any, clock: Clock | None) -> Any:
    """What a number that changes over time is at a step (a traced one, too); where there is none, in the end.

    Args:
        clock: how long the training, or the phase, is.
    """
    return course.ends[1] if step is None or clock is None else construct(course.lower(clock))(step)


def _module(call: Call, rngs: nnx.Rngs, **defaults: Any) -> nnx.Module:
    target = lookup(call.name)
    # One that can be made without (dropout) takes its key at the call, and keeps none: every state is the trainer's.
    needed = _arguments(target).get("rngs")
    own = {"rngs": rngs} if needed is not None and needed.default is inspect.Parameter.empty else {}
    given = {name: v.ends[0] if isinstance(v, Course) else v for name, v in call.keywords}
    module: nnx.Module = target(*call.arguments, **{**defaults, **given, **own})
    return module


@cache
def _arguments(target: type) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(target.__init__).parameters  # type: ignore[misc]


@cache
def _flags(name: str) -> frozenset[str]:
    """The arguments of what runs: a module's call, or the function itself."""
    target = lookup(name)
    runs: Any = target.__call__ if isinstance(target, type) else target
    try:
        return frozenset(inspect.signature(runs).parameters)
    except ValueError:  # a function of NumPy's kind has no signature
        return frozenset()


def draws(call: Call) -> bool:
    """Whether the call draws random numbers in training."""
    return is_module(call) and "rngs" in _flags(call.name)


def takes_mask(call: Call) -> bool:
    """Whether the call can be told which positions of a sequence are padding."""
    return call.name.startswith("netspec.nn.") and "mask" in _flags(call.name)


@dataclass(frozen=True, slots=True)
class Template:
    """A module without its arrays: their shapes by path, and what puts them together again."""

    definition: Any
    parameters: Arrays
    statistics: Arrays


@cache
def module_of(call: Call) -> Template:
    """The module that a call makes, without allocating it."""
    # Shapes do not depend on initial values, and tracing how those are drawn takes most of the time.
    plain = {name: jax.nn.initializers.zeros for name in _arguments(lookup(call.name)) if name.endswith("_init")}
    module = nnx.eval_shape(lambda: _module(call, nnx.Rngs(0), **plain))
    definition, state = nnx.split(module)
    return Template(definition, *_parted(state))


def initialise(call: Call, key: jax.Array) -> tuple[Arrays, Arrays]:
    """Parameters and statistics of a call's module, freshly drawn."""
    return _parted(nnx.state(_module(call, nnx.Rngs(key))))


@dataclass(frozen=True, slots=True)
class Mode:
    """How a network is run.

    Args:
        training: whether dropout drops and batch norm follows its batch.
        convolve: what convolutions are done with, in place of `jax.lax.conv_general_dilated`, on a backend that runs
            other forms of the same sums better; dense layers take theirs, too.
        step: of the training or the phase, for what changes over time; traced.
        clock: how long that is.
    """

    training: bool = False
    convolve: Callable[..., Any] | None = None
    step: Any = None
    clock: Clock | None = None


def apply(
    call: Call,
    inputs: Sequence[Any],
    parameters: Mapping[str, Any],
    statistics: Mapping[str, Any],
    mode: Mode,
    key: jax.Array | None = None,
    mask: Any = None,
) -> tuple[Any, Arrays]:
    """What the call gives for its inputs, and its statistics after.

    Args:
        inputs: arrays with a batch axis in front; then other layers' parameters, where it takes some.
        key: for whatever is random in training; needed by modules that take one.
        mask: [batch, length], true where a sequence is no padding; for calls that take one.
    """
    masks = {} if mask is None or not takes_mask(call) else {"mask": mask}
    if not is_module(call):
        return lookup(call.name)(*inputs, *call.arguments, **dict(call.keywords), **masks), {}
    module = nnx.merge(module_of(call).definition, _state(parameters), _state(statistics))
    for name, value in call.keywords:
        if isinstance(value, Course):
            setattr(module, name, nnx.data(at_step(value, mode.step, mode.clock)))
    if mode.convolve is not None and isinstance(module, nnx.Conv):
        module.conv_general_dilated = mode.convolve
    if mode.convolve is not None and type(module) is nnx.Linear:
        return _over_rows(module, inputs[0]), {}
    y = module(*inputs, **_modes(call, mode, key), **masks)
    return y, _parted(nnx.state(module))[1] if statistics else {}


def _over_rows(module: nnx.Linear, x: Any) -> Any:
    """A dense layer over [..., channels] as one matrix product of rows.

    XLA's CPU backend takes almost twice as long over the gradients of a product with a batch of matrices.
    """
    return module(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], -1) if x.ndim > 2 else module(x)


def _modes(call: Call, mode: Mode, key: jax.Array | None) -> dict[str, Any]:
    flags = _flags(call.name)
    known = {"deterministic": not mode.training, "use_running_average": not mode.training}
    given: dict[str, Any] = {name: value for name, value in known.items() if name in flags}
    return given | ({"rngs": key} if mode.training and "rngs" in flags else {})


def _parted(state: Any) -> tuple[Arrays, Arrays]:
    """What is learned, and what is not, by path."""
    parted: tuple[Arrays, Arrays] = {}, {}
    for path, variable in nnx.to_flat_state(state):
        parted[not isinstance(variable, nnx.Param)]["/".join(map(str, path))] = variable.get_value()
    return parted


def _state(arrays: Mapping[str, Any]) -> Any:
    return nnx.from_flat_state([(tuple(path.split("/")), value) for path, value in arrays.items()])
