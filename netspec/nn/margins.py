"""Losses of margins: how far an output is on the right side of a boundary. Functions as in `netspec.nn.losses`."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

__all__ = [
    "hinge",
    "logistic",
    "multiclass_hinge",
    "multiclass_perceptron",
    "perceptron",
    "squared_hinge",
]


def hinge(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """max(0, 1 - y · output) with y in {-1, 1}; both [batch, 1]."""
    return jnp.maximum(0.0, 1.0 - targets * outputs).mean(axis=-1)


def squared_hinge(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """max(0, 1 - y · output)² with y in {-1, 1}; both [batch, 1]."""
    return jnp.square(jnp.maximum(0.0, 1.0 - targets * outputs)).mean(axis=-1)


def logistic(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """log(1 + exp(-y · output)) with y in {-1, 1}; both [batch, 1]."""
    return jax.nn.softplus(-targets * outputs).mean(axis=-1)


def perceptron(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """max(0, -y · output) with y in {-1, 1}; both [batch, 1].

    At 0 the gradient is a mistake's, so that weights of zero can learn.
    """
    margin = targets * outputs
    return jnp.where(margin <= 0.0, -margin, 0.0).mean(axis=-1)


def multiclass_hinge(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """max(0, 1 + the best output of another class - the target's output).

    Args:
        outputs: [batch, classes].
        targets: class indices, [batch].
    """
    return optax.losses.multiclass_hinge_loss(outputs, targets)


def multiclass_perceptron(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """The best output - the target's output.

    Args:
        outputs: [batch, classes].
        targets: class indices, [batch].
    """
    return optax.losses.multiclass_perceptron_loss(outputs, targets)
