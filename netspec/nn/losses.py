"""Losses: functions of outputs [batch, …] and targets that give one number an example [batch]; and penalties."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

__all__ = [
    "absolute_error",
    "binary_cross_entropy",
    "cross_entropy",
    "hinge",
    "huber",
    "l1",
    "l2",
    "perceptron",
    "sparsity",
    "squared_error",
]


def cross_entropy(logits: jax.Array, targets: jax.Array, *, smoothing: float = 0.0) -> jax.Array:
    """-log softmax(logits)[target], with a share of the target spread over all classes.

    Args:
        logits: [batch, classes].
        targets: class indices, [batch].
        smoothing: that share.
    """
    if smoothing == 0.0:
        return optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    spread = optax.smooth_labels(jax.nn.one_hot(targets, logits.shape[-1], dtype=logits.dtype), smoothing)
    return optax.softmax_cross_entropy(logits, spread)


def binary_cross_entropy(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """-log σ(logit) for targets 1, -log σ(-logit) for targets 0; logits and targets [batch, 1]."""
    return optax.sigmoid_binary_cross_entropy(logits, targets).mean(axis=-1)


def squared_error(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """(output - target)², the mean over an example's outputs."""
    return jnp.square(outputs - targets).mean(axis=_rest(outputs))


def absolute_error(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """|output - target|, the mean over an example's outputs."""
    return jnp.abs(outputs - targets).mean(axis=_rest(outputs))


def huber(outputs: jax.Array, targets: jax.Array, *, delta: float = 1.0) -> jax.Array:
    """Half the square of small errors, `delta` times the size of large ones less half of `delta` squared."""
    return optax.huber_loss(outputs, targets, delta=delta).mean(axis=_rest(outputs))


def hinge(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """max(0, 1 - y · output) with y in {-1, 1}; both [batch, 1]."""
    return jnp.maximum(0.0, 1.0 - targets * outputs).mean(axis=-1)


def perceptron(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """max(0, -y · output) with y in {-1, 1}; both [batch, 1].

    At 0 the gradient is a mistake's, so that weights of zero can learn.
    """
    margin = targets * outputs
    return jnp.where(margin <= 0.0, -margin, 0.0).mean(axis=-1)


def l1(strength: float) -> Callable[[jax.Array], jax.Array]:
    """The strength times Σ |w|."""
    return lambda w: strength * jnp.sum(jnp.abs(w))


def l2(strength: float) -> Callable[[jax.Array], jax.Array]:
    """Half the strength times Σ w²."""
    return lambda w: 0.5 * strength * jnp.sum(jnp.square(w))


def sparsity(strength: float, share: float) -> Callable[[jax.Array], jax.Array]:
    """The strength times Σ_j KL(share ‖ mean of unit j over the batch), of activities [batch, units] in [0, 1].

    The penalty of a whole batch is a single number; so that the mean over examples is that number, each gets it.
    """

    def penalty(activity: jax.Array) -> jax.Array:
        mean = jnp.clip(activity.reshape(-1, activity.shape[-1]).mean(axis=0), 1e-6, 1.0 - 1e-6)
        each = share * jnp.log(share / mean) + (1.0 - share) * jnp.log((1.0 - share) / (1.0 - mean))
        return strength * activity.shape[0] * jnp.sum(each)

    return penalty


def _rest(outputs: jax.Array) -> tuple[int, ...]:
    return tuple(range(1, outputs.ndim))
