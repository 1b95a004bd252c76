"""Functions of a point that optimizers are watched on: points [batch, axes], one number for each [batch]."""

from __future__ import annotations

import jax
import jax.numpy as jnp

__all__ = ["beale", "cliff", "himmelblau", "quadratic", "rosenbrock", "saddle"]


def quadratic(points: jax.Array, *, condition: float = 10.0) -> jax.Array:
    """½ Σ λ x², the λ from 1 on the first axis to `condition` on the last, at even factors."""
    axes = points.shape[-1]
    curvatures = condition ** (jnp.arange(axes, dtype=points.dtype) / max(axes - 1, 1))
    return 0.5 * jnp.sum(curvatures * jnp.square(points), axis=-1)


def saddle(points: jax.Array) -> jax.Array:
    """x² - y²."""
    x, y = points[..., 0], points[..., 1]
    return x**2 - y**2


def rosenbrock(points: jax.Array) -> jax.Array:
    """Σ 100 (xᵢ₊₁ - xᵢ²)² + (1 - xᵢ)² (Rosenbrock, 1960)."""
    x, y = points[..., :-1], points[..., 1:]
    return jnp.sum(100.0 * (y - x**2) ** 2 + (1.0 - x) ** 2, axis=-1)


def beale(points: jax.Array) -> jax.Array:
    """(1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)² (Beale, 1958)."""
    x, y = points[..., 0], points[..., 1]
    return (
        (1.5 - x + x * y) ** 2
        + (2.25 - x + x * y**2) ** 2
        + (2.625 - x + x * y**3) ** 2
    )


def himmelblau(points: jax.Array) -> jax.Array:
    """(x² + y - 11)² + (x + y² - 7)² (Himmelblau, 1972)."""
    x, y = points[..., 0], points[..., 1]
    return (x**2 + y - 11.0) ** 2 + (x + y**2 - 7.0) ** 2


def cliff(points: jax.Array) -> jax.Array:
    """(σ(h₅₀) - 0.7)² with hₜ = w σ(hₜ₋₁) + b and h₀ = 0.5, at the point (w, b) (Pascanu et al., 2013)."""
    weight, bias = points[..., 0], points[..., 1]

    def step(_: int, state: jax.Array) -> jax.Array:
        return weight * jax.nn.sigmoid(state) + bias

    last = jax.lax.fori_loop(0, 50, step, jnp.full_like(weight, 0.5))
    return (jax.nn.sigmoid(last) - 0.7) ** 2
