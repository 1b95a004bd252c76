"""Initialisers: functions of key, shape and type."""

from __future__ import annotations

from math import prod
from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["constant", "identity", "literal", "sparse", "uniform"]


def constant(value: float) -> Any:
    """One number everywhere."""
    return lambda key, shape, dtype: jnp.full(shape, value, dtype)


def literal(values: Any) -> Any:
    """The given numbers, which have the parameter's shape."""
    return lambda key, shape, dtype: jnp.asarray(values, dtype).reshape(shape)


def uniform(bound: float) -> Any:
    """Evenly from between minus and plus the bound."""
    return lambda key, shape, dtype: jax.random.uniform(
        key, shape, dtype, -bound, bound
    )


def identity(gain: float) -> Any:
    """The gain where input and output have the same number, 0 elsewhere; for a window [..., in, out], in its middle."""

    def initial(key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
        middle = tuple((n - 1) // 2 for n in shape[:-2])
        return (
            jnp.zeros(shape, dtype)
            .at[middle]
            .set(gain * jnp.eye(shape[-2], shape[-1], dtype=dtype))
        )

    return initial


def sparse(connections: int, deviation: float) -> Any:
    """For each output so many weights from a normal distribution, and all others 0 (Martens, 2010).

    Args:
        connections: weights that lead to an output [..., out] and are not 0; all, where there are no more.
        deviation: the distribution's.
    """

    def initial(key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
        which, values = jax.random.split(key)
        inputs, outputs = prod(shape[:-1]), shape[-1]
        order = (
            jax.random.uniform(which, (outputs, inputs))
            .argsort(axis=-1)
            .argsort(axis=-1)
        )
        connected = (order < connections).T.reshape(shape)
        return jnp.where(
            connected, deviation * jax.random.normal(values, shape, dtype), 0
        )

    return initial
