"""Layers of units that are no weighted sums: factors, shifts, radial bases, and the nodes of sum-product networks."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

__all__ = ["Leaves", "RadialBasis", "Scale", "Shift", "SumNodes", "product_nodes"]


class Scale(nnx.Module):
    """y = s * x, with one learned s for each channel.

    Args:
        features: channels.
        value: where each s begins.
    """

    def __init__(self, features: int, value: float = 1.0, *, rngs: nnx.Rngs) -> None:
        self.scale = nnx.Param(jnp.full(features, value))

    def __call__(self, x: jax.Array) -> jax.Array:
        """[..., features], of the same shape after."""
        return x * self.scale[...]


class Shift(nnx.Module):
    """y = x + b, with one learned b for each channel.

    Args:
        features: channels.
        value: where each b begins.
    """

    def __init__(self, features: int, value: float = 0.0, *, rngs: nnx.Rngs) -> None:
        self.bias = nnx.Param(jnp.full(features, value))

    def __call__(self, x: jax.Array) -> jax.Array:
        """[..., features], of the same shape after."""
        return x + self.bias[...]


class RadialBasis(nnx.Module):
    """y_k = exp(-||x - c_k||² / (2 w_k²)) (Broomhead and Lowe, 1988; Moody and Darken, 1989).

    The centers c [units, in] are learned, and the widths w [units] are, too, unless they are fixed.

    Args:
        in_features, units: the widths of what comes in and of the result.
        width: where each w begins.
        learn_widths: whether they are learned.
    """

    def __init__(
        self,
        in_features: int,
        units: int,
        width: float = 1.0,
        *,
        learn_widths: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        self.centers = nnx.Param(jax.random.normal(rngs.params(), (units, in_features)))
        self.width = width
        self.widths = (
            nnx.Param(jnp.full(units, width)) if learn_widths else nnx.data(None)
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """[..., in] to [..., units]."""
        widths = self.width if self.widths is None else self.widths[...]
        return jnp.exp(
            -squared_distances(x, self.centers[...]) / (2.0 * jnp.square(widths))
        )


def squared_distances(x: jax.Array, centers: jax.Array) -> jax.Array:
    """||x - c_k||² = ||x||² - 2 x·c_k + ||c_k||²: [..., in] and [units, in] to [..., units]."""
    # A difference of large numbers: products of few bits would leave nothing of it.
    products = jnp.matmul(x, centers.T, precision=lax.Precision.HIGHEST)
    squares = jnp.sum(jnp.square(x), axis=-1, keepdims=True) + jnp.sum(
        jnp.square(centers), axis=-1
    )
    return jnp.maximum(squares - 2.0 * products, 0.0)


class Leaves(nnx.Module):
    """log N(x_i; μ_ik, σ_ik): log-densities of every number under normal distributions of its own.

    μ is the parameter `means` [features, leaves]; the logarithms of σ are `log_deviations`, and begin as 0.

    Args:
        features: numbers that come in.
        leaves: distributions for each.
    """

    def __init__(self, features: int, leaves: int, *, rngs: nnx.Rngs) -> None:
        self.means = nnx.Param(jax.random.normal(rngs.params(), (features, leaves)))
        self.log_deviations = nnx.Param(jnp.zeros((features, leaves)))

    def __call__(self, x: jax.Array) -> jax.Array:
        """[..., features] to [..., features, leaves]."""
        logs = self.log_deviations[...]
        distance = (x[..., None] - self.means[...]) * jnp.exp(-logs)
        return -0.5 * jnp.square(distance) - logs - 0.5 * log(2.0 * pi)


class SumNodes(nnx.Module):
    """y_k = log Σ_j w_jk exp(x_j), with w_k = softmax of the kernel's column k (Poon and Domingos, 2011).

    A mixture of distributions, in logarithms. Each position has weights of its own: `kernel` [..., in, units].

    Args:
        shape: of what comes in, the channels last.
        units: sums for each position.
    """

    def __init__(self, shape: Sequence[int], units: int, *, rngs: nnx.Rngs) -> None:
        self.kernel = nnx.Param(jax.random.normal(rngs.params(), (*shape, units)))

    def __call__(self, x: jax.Array) -> jax.Array:
        """[batch, ..., in] to [batch, ..., units]."""
        weights = jax.nn.softmax(self.kernel[...], axis=-2)
        largest = lax.stop_gradient(x.max(axis=-1, keepdims=True))
        mixed = jnp.einsum("b...i,...iu->b...u", jnp.exp(x - largest), weights)
        return largest + jnp.log(jnp.maximum(mixed, 1e-37))


def product_nodes(x: jax.Array, window: Sequence[int]) -> jax.Array:
    """Σ of the logarithms over windows that tile the spatial axes, channel by channel: products of distributions.

    Args:
        x: [batch, …, channels].
        window: for each spatial axis, of which it is a divisor.
    """
    split = [
        part for n, w in zip(x.shape[1:-1], window, strict=True) for part in (n // w, w)
    ]
    inner = tuple(2 + 2 * i for i in range(len(window)))
    return x.reshape(x.shape[0], *split, x.shape[-1]).sum(axis=inner)
