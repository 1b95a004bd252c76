"""Initialisers: functions of key, shape and type."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["constant", "literal", "uniform"]


def constant(value: float) -> Any:
    """One number everywhere."""
    return lambda key, shape, dtype: jnp.full(shape, value, dtype)


def literal(values: Any) -> Any:
    """The given numbers, which have the parameter's shape."""
    return lambda key, shape, dtype: jnp.asarray(values, dtype).reshape(shape)


def uniform(bound: float) -> Any:
    """Evenly from between minus and plus the bound."""
    return lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, -bound, bound)
