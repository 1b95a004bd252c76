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

__all__ = ["Arrays", "apply", "construct", "initialise", "is_module", "lookup", "module_of"]

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


def _module(call: Call, rngs: nnx.Rngs, **defaults: Any) -> nnx.Module:
    target = lookup(call.name)
    takes = _arguments(target)
    # A module that takes its key at the call (dropout) keeps none of its own: every state is the trainer's.
    own = {} if "rngs" not in takes or "rngs" in _flags(target) else {"rngs": rngs}
    module: nnx.Module = target(*call.arguments, **{**defaults, **dict(call.keywords), **own})
    return module


@cache
def _arguments(target: type) -> frozenset[str]:
    return frozenset(inspect.signature(target.__init__).parameters)  # type: ignore[misc]


@cache
def _flags(target: type) -> frozenset[str]:
    return frozenset(inspect.signature(target.__call__).parameters)


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


def apply(
    call: Call,
    inputs: Sequence[Any],
    parameters: Mapping[str, Any],
    statistics: Mapping[str, Any],
    key: jax.Array | None,
    training: bool,
    convolve: Callable[..., Any] | None = None,
) -> tuple[Any, Arrays]:
    """What the call gives for its inputs, and its statistics after.

    Args:
        inputs: arrays with a batch axis in front.
        key: for whatever is random in training; needed by modules that take one.
        training: whether dropout drops and batch norm follows its batch.
        convolve: what convolutions are done with, in place of `jax.lax.conv_general_dilated`.
    """
    if not is_module(call):
        return lookup(call.name)(*inputs, *call.arguments, **dict(call.keywords)), {}
    module = nnx.merge(module_of(call).definition, _state(parameters), _state(statistics))
    if convolve is not None and isinstance(module, nnx.Conv):
        module.conv_general_dilated = convolve
    flags = _flags(lookup(call.name))
    modes: dict[str, Any] = {}
    if "deterministic" in flags:
        modes["deterministic"] = not training
    if "use_running_average" in flags:
        modes["use_running_average"] = not training
    if "rngs" in flags and training:
        modes["rngs"] = key
    y = module(*inputs, **modes)
    return y, _parted(nnx.state(module))[1] if statistics else {}


def _parted(state: Any) -> tuple[Arrays, Arrays]:
    """What is learned, and what is not, by path."""
    parted: tuple[Arrays, Arrays] = {}, {}
    for path, variable in nnx.to_flat_state(state):
        parted[not isinstance(variable, nnx.Param)]["/".join(map(str, path))] = variable.get_value()
    return parted


def _state(arrays: Mapping[str, Any]) -> Any:
    return nnx.from_flat_state([(tuple(path.split("/")), value) for path, value in arrays.items()])
