"""Sharpness-aware minimisation, with both gradients in one step of the trainer."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax

__all__ = ["sam"]


def sam(
    optimizer: optax.GradientTransformation, rho: float = 0.05, sync_period: int = 2
) -> optax.GradientTransformationExtraArgs:
    """The optimizer follows the gradient at the point nearby where the loss is highest, to the first order.

        w' = w + rho · g / ‖g‖,    and the gradient at w' in the place of g

    Args:
        optimizer: follows that gradient.
        rho: how far away w' is.
        sync_period: gradients a step: one at the parameters, and the others on the way up, `rho` further each time.

    References:
        Foret et al., `Sharpness-Aware Minimization for Efficiently Improving Generalization
        <https://arxiv.org/abs/2010.01412>`_, 2021
    """
    inside = optax.with_extra_args_support(optimizer)
    upwards = optax.chain(
        optax.stateless(lambda updates, _: _normalised(updates)), optax.scale(-rho)
    )

    def with_keywords(
        keywords: dict[str, Any],
    ) -> optax.GradientTransformationExtraArgs:
        def update(updates: Any, state: Any, parameters: Any = None) -> Any:
            return inside.update(updates, state, parameters, **keywords)

        outer = optax.GradientTransformation(inside.init, update)
        return optax.contrib.sam(outer, upwards, sync_period, opaque_mode=True)

    def init(parameters: Any) -> Any:
        return with_keywords({}).init(parameters)

    def update(
        updates: Any, state: Any, parameters: Any = None, **keywords: Any
    ) -> tuple[Any, Any]:
        return with_keywords(keywords).update(
            updates, state, parameters, grad_fn=keywords["grad_fn"]
        )

    return optax.GradientTransformationExtraArgs(init, update)


def _normalised(updates: Any) -> Any:
    norm = optax.tree.norm(updates)
    # A gradient of 0 leads nowhere, and must not become NaN.
    return jax.tree.map(lambda g: g / jnp.where(norm > 0, norm, 1.0), updates)
