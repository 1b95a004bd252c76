"""How large a gradient may be, where Optax has no such bound."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax

__all__ = ["clip_by_norm"]


def clip_by_norm(max_norm: float) -> optax.GradientTransformation:
    """Each array's gradient g becomes g · min(1, max_norm / ‖g‖).

    Args:
        max_norm: the bound on the Euclidean norm of one array, above 0.
    """

    def clipped(g: Any) -> Any:
        norm = jnp.sqrt(jnp.sum(g * g))
        return jnp.where(
            norm > max_norm, g * (max_norm / jnp.where(norm > 0, norm, 1.0)), g
        )

    return optax.stateless(lambda updates, _: jax.tree.map(clipped, updates))
