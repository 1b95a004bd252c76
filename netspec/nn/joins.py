"""What becomes of several values: functions of arrays [batch, …, channels].

A value with fewer axes, such as [batch, channels] beside [batch, height, width, channels], counts at every position.
"""

from __future__ import annotations

from functools import reduce

import jax
import jax.numpy as jnp

__all__ = ["add", "concat", "dot", "gated", "max", "mean", "multiply", "subtract"]


def concat(*values: jax.Array) -> jax.Array:
    """Side by side, along the channels."""
    shapes = [v.shape[:-1] for v in level(*values)]
    shape = jnp.broadcast_shapes(*shapes)
    return jnp.concatenate(
        [jnp.broadcast_to(v, (*shape, v.shape[-1])) for v in level(*values)], axis=-1
    )


def add(*values: jax.Array) -> jax.Array:
    """The sum."""
    return reduce(jnp.add, level(*values))


def subtract(a: jax.Array, b: jax.Array) -> jax.Array:
    """The first less the second."""
    a, b = level(a, b)
    return a - b


def multiply(*values: jax.Array) -> jax.Array:
    """The product, number by number."""
    return reduce(jnp.multiply, level(*values))


def mean(*values: jax.Array) -> jax.Array:
    """The mean, number by number."""
    return add(*values) / len(values)


def max(*values: jax.Array) -> jax.Array:  # noqa: A001  (named as the spec names it)
    """The largest, number by number."""
    return reduce(jnp.maximum, level(*values))


def dot(a: jax.Array, b: jax.Array) -> jax.Array:
    """The inner product over the channels: [..., C] and [..., C] to [..., 1]."""
    return jnp.sum(multiply(a, b), axis=-1, keepdims=True)


def gated(f: jax.Array, x: jax.Array, gate: jax.Array) -> jax.Array:
    """(1 - σ(gate)) x + σ(gate) f."""
    f, x, gate = level(f, x, jax.nn.sigmoid(gate))
    return (1.0 - gate) * x + gate * f


def level(*values: jax.Array) -> list[jax.Array]:
    """The values with as many axes as the one with most; the new ones stand after the batch."""
    most = sorted(v.ndim for v in values)[-1]
    return [
        v.reshape(v.shape[0], *(1,) * (most - v.ndim), *v.shape[1:]) for v in values
    ]
