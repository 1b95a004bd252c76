"""Normalisation that Flax lacks, or has in a form that cannot be trained: local response, weight and spectral norm."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

__all__ = [
    "SpectralNormConv",
    "SpectralNormLinear",
    "WeightNormConv",
    "WeightNormLinear",
    "local_response_norm",
]


def local_response_norm(
    x: jax.Array, *, size: int, alpha: float, beta: float, k: float
) -> jax.Array:
    """y_c = x_c / (k + α Σ_j x_j²)^β, the sum over the `size` channels around c (Krizhevsky et al., 2012).

    Args:
        x: [..., channels].
    """
    before = size // 2
    axes = (1,) * (x.ndim - 1)
    padding = [(0, 0)] * (x.ndim - 1) + [(before, size - 1 - before)]
    nearby = lax.reduce_window(
        jnp.square(x), 0.0, lax.add, (*axes, size), (*axes, 1), padding
    )
    # XLA's CPU backend takes half as long over this as over a power.
    return x * jnp.exp(-beta * jnp.log(k + alpha * nearby))


class WeightNormLinear(nnx.Linear):
    """y = x W + b with column j of W = g_j v_j / ||v_j|| (Salimans and Kingma, 2016).

    v is the parameter `kernel` [in, out], g is `scale` [out]; g begins as 1.

    Args:
        in_features, out_features: the widths.
        use_bias: whether b is there.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(in_features, out_features, use_bias=use_bias, rngs=rngs)
        self.scale = nnx.Param(jnp.ones(out_features))

    def __call__(self, x: jax.Array) -> jax.Array:  # type: ignore[override]
        """[..., in] to [..., out]."""
        return nnx.Linear.__call__(
            with_kernel(self, of_norm(self.kernel[...], self.scale[...])), x
        )


class WeightNormConv(nnx.Conv):
    """A convolution whose kernel for output j is g_j v_j / ||v_j|| (Salimans and Kingma, 2016).

    v is the parameter `kernel` [..., in, out], g is `scale` [out]; g begins as 1.

    Args:
        in_features, out_features, settings: as `flax.nnx.Conv` takes them.
    """

    def __init__(
        self, in_features: int, out_features: int, *, rngs: nnx.Rngs, **settings: Any
    ) -> None:
        super().__init__(in_features, out_features, rngs=rngs, **settings)
        self.scale = nnx.Param(jnp.ones(out_features))

    def __call__(self, x: jax.Array) -> jax.Array:  # type: ignore[override]
        """[batch, ..., in] to [batch, ..., out]."""
        return nnx.Conv.__call__(
            with_kernel(self, of_norm(self.kernel[...], self.scale[...])), x
        )


class SpectralNormLinear(nnx.Linear):
    """y = x W / σ(W) + b, with σ the largest singular value of W [in, out] (Miyato et al., 2018).

    Each call in training makes one step of the power iteration towards it.

    Args:
        in_features, out_features: the widths.
        use_bias: whether b is there.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(in_features, out_features, use_bias=use_bias, rngs=rngs)
        self.direction = nnx.BatchStat(
            unit(jax.random.normal(rngs.params(), (out_features,)))
        )
        self.use_running_average = False

    def __call__(  # type: ignore[override]
        self, x: jax.Array, *, use_running_average: bool | None = None
    ) -> jax.Array:
        """[..., in] to [..., out]."""
        still = (
            self.use_running_average
            if use_running_average is None
            else use_running_average
        )
        sigma, direction = largest_singular_value(
            self.kernel[...], self.direction[...], still
        )
        self.direction.set_value(direction)
        return nnx.Linear.__call__(with_kernel(self, self.kernel[...] / sigma), x)


class SpectralNormConv(nnx.Conv):
    """A convolution with W / σ(W), σ the largest singular value of W as [window * in, out] (Miyato et al., 2018).

    Each call in training makes one step of the power iteration towards it.

    Args:
        in_features, out_features, settings: as `flax.nnx.Conv` takes them.
    """

    def __init__(
        self, in_features: int, out_features: int, *, rngs: nnx.Rngs, **settings: Any
    ) -> None:
        super().__init__(in_features, out_features, rngs=rngs, **settings)
        self.direction = nnx.BatchStat(
            unit(jax.random.normal(rngs.params(), (out_features,)))
        )
        self.use_running_average = False

    def __call__(  # type: ignore[override]
        self, x: jax.Array, *, use_running_average: bool | None = None
    ) -> jax.Array:
        """[batch, ..., in] to [batch, ..., out]."""
        still = (
            self.use_running_average
            if use_running_average is None
            else use_running_average
        )
        sigma, direction = largest_singular_value(
            self.kernel[...], self.direction[...], still
        )
        self.direction.set_value(direction)
        return nnx.Conv.__call__(with_kernel(self, self.kernel[...] / sigma), x)


def with_kernel(layer: Any, kernel: jax.Array) -> Any:
    """The layer with another kernel; its own parameter stays as it is."""
    other = nnx.clone(layer)
    other.kernel.set_value(kernel)
    return other


def of_norm(kernel: jax.Array, scale: jax.Array) -> jax.Array:
    """The kernel [..., out] with the norm of what leads to each output set to `scale` [out]."""
    axes = tuple(range(kernel.ndim - 1))
    return kernel * (scale * lax.rsqrt(jnp.sum(jnp.square(kernel), axis=axes) + 1e-12))


def largest_singular_value(
    kernel: jax.Array, direction: jax.Array, still: bool
) -> tuple[jax.Array, jax.Array]:
    """σ ≈ vᵀ W u with v = W u / ||W u||, and the next u = Wᵀ v / ||Wᵀ v||.

    Args:
        kernel: [..., out], all its axes but the last as one.
        direction: u, [out].
        still: whether u stays as it is.
    """
    matrix = kernel.reshape(-1, kernel.shape[-1])
    fixed = lax.stop_gradient(matrix)
    v = unit(fixed @ direction)
    u = direction if still else unit(v @ fixed)
    return v @ (matrix @ u), u


def unit(vector: jax.Array) -> jax.Array:
    """A vector of length 1 in the same direction."""
    return vector * lax.rsqrt(jnp.sum(jnp.square(vector)) + 1e-12)
