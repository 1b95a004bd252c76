"""What is random in training, and still in evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

__all__ = ["DropConnect", "Dropout", "Noise"]


class Dropout(nnx.Module):
    """`flax.nnx.Dropout`, but for a rate that may change from step to step inside a compiled function.

    Args:
        rate: the probability p that a number becomes 0; from 0 to under 1.
        broadcast_dims: axes along which all numbers become 0 together.
        rngs: where the random numbers of calls without a key come from.
    """

    def __init__(
        self,
        rate: float,
        *,
        broadcast_dims: Sequence[int] = (),
        rngs: nnx.Rngs | None = None,
    ) -> None:
        self.rate = rate
        self.broadcast_dims = broadcast_dims
        self.deterministic = False
        self.rngs = nnx.data(None) if rngs is None else rngs["dropout"].fork()

    def __call__(
        self,
        x: jax.Array,
        *,
        deterministic: bool | None = None,
        rngs: nnx.Rngs | jax.Array | None = None,
    ) -> jax.Array:
        """Of any shape."""
        if self.deterministic if deterministic is None else deterministic:
            return x
        keep = 1.0 - self.rate
        shape = [
            1 if axis in self.broadcast_dims else size
            for axis, size in enumerate(x.shape)
        ]
        kept = jax.random.bernoulli(drawn(rngs, self.rngs), keep, shape)
        return jnp.where(kept, x / keep, 0.0).astype(x.dtype)


class Noise(nnx.Module):
    """y = x + σ ε with ε from a standard normal distribution, in training; y = x in evaluation.

    Args:
        deviation: σ.
        rngs: where the random numbers of calls without a key come from.
    """

    def __init__(self, deviation: float, *, rngs: nnx.Rngs | None = None) -> None:
        self.deviation = deviation
        self.deterministic = False
        self.rngs = nnx.data(None) if rngs is None else rngs["dropout"].fork()

    def __call__(
        self,
        x: jax.Array,
        *,
        deterministic: bool | None = None,
        rngs: nnx.Rngs | jax.Array | None = None,
    ) -> jax.Array:
        """Of any shape."""
        if self.deterministic if deterministic is None else deterministic:
            return x
        noise = jax.random.normal(drawn(rngs, self.rngs), x.shape, x.dtype)
        return (x + self.deviation * noise).astype(x.dtype)


class DropConnect(nnx.Linear):
    """y = x (M * W) / (1 - p) + b with each number of M 0 with probability p, in training; y = x W + b in evaluation.

    M is drawn once for a whole batch; Wan et al. (2013) draw one for each example, and drop numbers of b, too.

    Args:
        in_features, out_features: the widths.
        rate: p.
        use_bias: whether b is there.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rate: float,
        *,
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(in_features, out_features, use_bias=use_bias, rngs=rngs)
        self.rate = rate
        self.deterministic = False
        self.rngs = rngs["dropout"].fork() if "dropout" in rngs else nnx.data(None)

    def __call__(  # type: ignore[override]
        self,
        x: jax.Array,
        *,
        deterministic: bool | None = None,
        rngs: nnx.Rngs | jax.Array | None = None,
    ) -> jax.Array:
        """[..., in] to [..., out]."""
        kernel = self.kernel[...]
        if not (self.deterministic if deterministic is None else deterministic):
            kept = jax.random.bernoulli(
                drawn(rngs, self.rngs), 1.0 - self.rate, kernel.shape
            )
            kernel = jnp.where(kept, kernel / (1.0 - self.rate), 0.0).astype(
                kernel.dtype
            )
        y = x @ kernel
        return y if self.bias is None else y + self.bias[...]


def drawn(given: nnx.Rngs | jax.Array | None, kept: nnx.RngStream | None) -> jax.Array:
    """A key: the given one, or a new one from what is given or kept."""
    if isinstance(given, nnx.Rngs):
        return given.dropout()
    if given is not None:
        return given
    if kept is None:
        raise ValueError(
            "a layer that is random in training needs rngs, when it is made or when it is called"
        )
    return kept()
