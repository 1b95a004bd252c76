"""Penalties: functions of one array of weights, or of a layer's result, that give one number."""

from __future__ import annotations

import jax
import jax.numpy as jnp

__all__ = ["elastic", "l1", "l2", "lp", "sparsity"]


def l1(values: jax.Array, *, strength: float | jax.Array) -> jax.Array:
    """The strength times Σ |w|."""
    return strength * jnp.sum(jnp.abs(values))


def l2(values: jax.Array, *, strength: float | jax.Array) -> jax.Array:
    """Half the strength times Σ w²."""
    return 0.5 * strength * jnp.sum(jnp.square(values))


def lp(values: jax.Array, *, strength: float | jax.Array, p: float) -> jax.Array:
    """The strength times Σ |w|^p; at 0 the gradient is 0, as it has no other for p below 1."""
    size = jnp.abs(values)
    there = size > 0.0
    return strength * jnp.sum(jnp.where(there, jnp.where(there, size, 1.0) ** p, 0.0))


def elastic(
    values: jax.Array, *, strength: float | jax.Array, l1_ratio: float
) -> jax.Array:
    """The strength times Σ r |w| + (1 - r) w² / 2."""
    return strength * jnp.sum(
        l1_ratio * jnp.abs(values) + 0.5 * (1.0 - l1_ratio) * jnp.square(values)
    )


def sparsity(
    activity: jax.Array, *, strength: float | jax.Array, share: float
) -> jax.Array:
    """The strength times Σ_j KL(share ‖ mean of unit j over the batch), of activities [batch, units] in [0, 1].

    The penalty of a whole batch is a single number; so that the mean over examples is that number, each gets it.
    """
    mean = jnp.clip(
        activity.reshape(-1, activity.shape[-1]).mean(axis=0), 1e-6, 1.0 - 1e-6
    )
    each = share * jnp.log(share / mean) + (1.0 - share) * jnp.log(
        (1.0 - share) / (1.0 - mean)
    )
    return strength * activity.shape[0] * jnp.sum(each)
