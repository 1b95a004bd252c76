"""The state of a whole optimizer: where it begins, what it is evaluated with, what a metric tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from netspec.nn.optimizers.lookahead import SlowState
from netspec.nn.optimizers.wiring import of_parameters

__all__ = ["evaluation_parameters", "seeded", "trained"]

Parameters = dict[str, Any]


def trained(
    transformation: optax.GradientTransformation,
) -> optax.GradientTransformationExtraArgs:
    """The same, fit for the trainer.

    Its state shares no array with the parameters, since both are given away at each step; and the functions that an
    update is told of take any keyword.
    """
    inner = optax.with_extra_args_support(transformation)

    def update(
        updates: Any, state: Any, parameters: Any = None, **keywords: Any
    ) -> tuple[Any, Any]:
        told = {
            k: of_parameters(v) if k in ("value_fn", "obj_fn") else v
            for k, v in keywords.items()
        }
        return inner.update(updates, state, parameters, **told)

    return optax.GradientTransformationExtraArgs(
        lambda parameters: jax.tree.map(jnp.copy, inner.init(parameters)), update
    )


def evaluation_parameters(state: Any, parameters: Parameters) -> Parameters:
    """The parameters to evaluate, by path: the slow ones of `lookahead`, the averages of `schedule_free`.

    Args:
        state: of the whole optimizer; what is frozen, or in a group without such parameters, stays as it is.
    """
    found = _told(state, parameters)
    return parameters if found is None else parameters | found


def _told(state: Any, parameters: Parameters) -> Parameters | None:
    """Those that a part of the state tells; the outermost counts."""
    for kind, tell in _TELL.items():
        if isinstance(state, kind):
            return tell(state, parameters)
    if isinstance(state, optax.PartitionState):
        parts = [
            _told(inner, parameters) or {} for inner in state.inner_states.values()
        ]
        return {path: value for part in parts for path, value in part.items()} or None
    return next(
        (
            found
            for part in _inside(state)
            if (found := _told(part, parameters)) is not None
        ),
        None,
    )


def _inside(state: Any) -> tuple[Any, ...]:
    return tuple(
        state.values()
        if isinstance(state, dict)
        else state
        if isinstance(state, tuple | list)
        else ()
    )


def _slow(state: SlowState, parameters: Parameters) -> Parameters:
    return _seen(state.slow)


def _averages(state: Any, parameters: Parameters) -> Parameters:
    z = _seen(state.z)
    averages: Parameters = optax.contrib.schedule_free_eval_params(
        state._replace(z=z), {path: parameters[path] for path in z}
    )
    return averages


def _seen(arrays: Parameters) -> Parameters:
    """Those of a group that are not another group's."""
    return {
        path: array
        for path, array in arrays.items()
        if not isinstance(array, optax.MaskedNode)
    }


_TELL: dict[type, Callable[[Any, Parameters], Parameters]] = {
    SlowState: _slow,
    optax.contrib.ScheduleFreeState: _averages,
}

_KEYS = {
    optax.AddNoiseState: "rng_key",
    optax.contrib.DifferentiallyPrivateAggregateState: "rng_key",
    optax.contrib.HutchinsonState: "key",
}
"""The states that random numbers come from, and where they hold their key."""


def seeded(state: Any, key: jax.Array) -> Any:
    """The same state with random keys drawn from a key in the place of those that it began with."""
    keys = iter(jax.random.split(key, 100))

    def replaced(part: Any) -> Any:
        if type(part) in _KEYS:
            name, old = _KEYS[type(part)], getattr(part, _KEYS[type(part)])
            typed = jnp.issubdtype(old.dtype, jax.dtypes.prng_key)
            own = (jax.random.key_data(old) if typed else old)[-1]
            new = jax.random.fold_in(
                next(keys), own
            )  # the one that the spec gives counts, too
            return part._replace(**{name: new if typed else jax.random.key_data(new)})
        if isinstance(part, dict):
            return {k: replaced(v) for k, v in part.items()}
        if isinstance(part, tuple | list):
            parts = [replaced(p) for p in part]
            return type(part)(*parts) if hasattr(part, "_fields") else type(part)(parts)
        return part

    return replaced(state)
