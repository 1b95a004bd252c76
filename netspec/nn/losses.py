"""Losses of one output: functions of outputs [batch, …] and targets that give one number an example [batch].

Where there is a class for each position, they give a number for each: [batch, …].
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

__all__ = [
    "absolute_error",
    "binary_cross_entropy",
    "cosine",
    "cross_entropy",
    "dice",
    "focal",
    "half_squared_error",
    "huber",
    "kl",
    "log_cosh",
    "squared_error",
]


def cross_entropy(
    logits: jax.Array, targets: jax.Array, *, smoothing: float | jax.Array = 0.0
) -> jax.Array:
    """-log softmax(logits)[target], with a share of the target spread over all classes.

    Args:
        logits: [batch, classes].
        targets: class indices, [batch].
        smoothing: that share.
    """
    if isinstance(smoothing, float) and smoothing == 0.0:
        return optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    spread = optax.smooth_labels(
        jax.nn.one_hot(targets, logits.shape[-1], dtype=logits.dtype), smoothing
    )
    return optax.softmax_cross_entropy(logits, spread)


def binary_cross_entropy(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """-log σ(logit) for targets 1, -log σ(-logit) for targets 0; logits and targets [batch, 1]."""
    return optax.sigmoid_binary_cross_entropy(logits, targets).mean(axis=-1)


def focal(logits: jax.Array, targets: jax.Array, *, gamma: float = 2.0) -> jax.Array:
    """-(1 - p)^γ log p, p the probability of the target's class: what is known already counts less.

    Args:
        logits: [batch, classes] with class indices [batch]; or one logit [batch, 1] with targets 0 and 1, [batch, 1].
        gamma: 0 is the cross-entropy.
    """
    if logits.shape[-1] == 1:
        logits = jnp.concatenate([jnp.zeros_like(logits), logits], axis=-1)
        targets = targets[..., 0].astype(jnp.int32)
    own = jax.nn.one_hot(targets, logits.shape[-1], dtype=bool)
    whole = jax.nn.logsumexp(logits, axis=-1)
    right = jnp.sum(jnp.where(own, logits, 0.0), axis=-1) - whole
    wrong = jax.nn.logsumexp(jnp.where(own, -jnp.inf, logits), axis=-1) - whole
    # As a power of 1 - p, the gradient would be 0 times infinity where p is 1 to rounding.
    return -jnp.exp(gamma * wrong) * right


def kl(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """KL(target ‖ softmax(logits)) = Σ t (log t - log p), of distributions along the last axis."""
    return optax.kl_divergence(jax.nn.log_softmax(logits), targets).mean(
        axis=tuple(range(1, logits.ndim - 1))
    )


def squared_error(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """(output - target)², the mean over an example's outputs."""
    return jnp.square(outputs - targets).mean(axis=_rest(outputs))


def half_squared_error(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """(output - target)² / 2, the mean over an example's outputs: the gradient is the error itself."""
    return 0.5 * jnp.square(outputs - targets).mean(axis=_rest(outputs))


def absolute_error(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """|output - target|, the mean over an example's outputs."""
    return jnp.abs(outputs - targets).mean(axis=_rest(outputs))


def huber(outputs: jax.Array, targets: jax.Array, *, delta: float = 1.0) -> jax.Array:
    """Half the square of small errors, `delta` times the size of large ones less half of `delta` squared."""
    return optax.huber_loss(outputs, targets, delta=delta).mean(axis=_rest(outputs))


def log_cosh(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Log cosh(output - target), the mean over an example's outputs."""
    error = outputs - targets
    size = jnp.abs(error)
    # Of a small error, |e| + log(1 + exp(-2 |e|)) - log 2 would be what rounding leaves of it.
    small = jnp.log1p(2.0 * jnp.square(jnp.sinh(jnp.clip(error, -1.0, 1.0) / 2.0)))
    large = size + jnp.log1p(jnp.exp(-2.0 * size)) - jnp.log(2.0).astype(size.dtype)
    return jnp.where(size < 1.0, small, large).mean(axis=_rest(outputs))


def cosine(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """1 - cos of the angle between output and target, vectors along the last axis; the mean over the others."""
    distance = optax.cosine_distance(outputs, targets, epsilon=1e-12)
    return distance.mean(axis=tuple(range(1, outputs.ndim - 1)))


def dice(logits: jax.Array, targets: jax.Array, *, smooth: float = 1.0) -> jax.Array:
    """1 - (2 Σ p t + smooth) / (Σ p + Σ t + smooth), summed over an example's positions, the mean over classes.

    Args:
        logits: [batch, …, classes] with class indices [batch, …]; or one logit [batch, …, 1] with targets 0 and 1,
            [batch, …, 1]. A position whose target is below 0 does not count.
        smooth: keeps the quotient from 0 / 0.
    """
    one = logits.shape[-1] == 1
    probabilities = jax.nn.sigmoid(logits) if one else jax.nn.softmax(logits, axis=-1)
    counts = targets >= 0 if one else (targets >= 0)[..., None]
    wanted = (
        targets
        if one
        else jax.nn.one_hot(targets, logits.shape[-1], dtype=logits.dtype)
    )
    positions = tuple(range(1, logits.ndim - 1))
    both, either = (
        jnp.sum(jnp.where(counts, x, 0.0), axis=positions)
        for x in (probabilities * wanted, probabilities + wanted)
    )
    return 1.0 - jnp.mean((2.0 * both + smooth) / (either + smooth), axis=-1)


def _rest(outputs: jax.Array) -> tuple[int, ...]:
    return tuple(range(1, outputs.ndim))
