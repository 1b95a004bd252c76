"""What is known of calls by their names: which are linear, which normalise, where activations end."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from netspec.lint.flow import Operation

__all__ = [
    "BOUNDS",
    "CONVOLUTIONS",
    "DENSE",
    "FLAT",
    "LINEAR",
    "NORMS",
    "RANDOM",
    "SAME_SHAPE",
    "bounds",
    "keyword",
    "own_bounds",
]

DENSE = frozenset(
    {
        "flax.nnx.Linear",
        "netspec.nn.normalisation.SpectralNormLinear",
        "netspec.nn.normalisation.WeightNormLinear",
        "netspec.nn.noise.DropConnect",
    }
)
CONVOLUTIONS = frozenset(
    {
        "flax.nnx.Conv",
        "netspec.nn.normalisation.SpectralNormConv",
        "netspec.nn.normalisation.WeightNormConv",
        "netspec.nn.sequence_convolution.SequenceConv",
    }
)
LINEAR = DENSE | CONVOLUTIONS
"""Learned matrices, by which one set of channels becomes another."""

RANDOM = frozenset({"flax.nnx.Dropout", "netspec.nn.noise.Dropout", "netspec.nn.noise.Noise"})
"""Random in training; in evaluation what comes in goes out."""

SAME_SHAPE = RANDOM | {
    "flax.nnx.BatchNorm",
    "jax.nn.identity",
    "netspec.nn.units.Scale",
    "netspec.nn.units.Shift",
}
"""Linear in evaluation, each channel by itself."""

FLAT = frozenset(
    {
        "jax.numpy.mean",
        "netspec.nn.pooling.avg_pool",
        "netspec.nn.pooling.global_avg_pool",
        "netspec.nn.shapes.flatten",
    }
)
"""Linear, and fewer positions."""

NORMS = frozenset(
    {
        "flax.nnx.BatchNorm",
        "flax.nnx.GroupNorm",
        "flax.nnx.InstanceNorm",
        "flax.nnx.LayerNorm",
        "flax.nnx.RMSNorm",
        "netspec.nn.normalisation.local_response_norm",
    }
)
"""What brings numbers back to one size."""

BOUNDS: Mapping[str, tuple[float, float]] = {
    "jax.nn.softmax": (0, 1),
    "jax.nn.sigmoid": (0, 1),
    "jax.nn.hard_sigmoid": (0, 1),
    "netspec.nn.activations.step": (0, 1),
    "netspec.nn.activations.gaussian": (0, 1),
    "jax.numpy.sign": (-1, 1),
    "jax.nn.tanh": (-1, 1),
    "jax.nn.hard_tanh": (-1, 1),
    "jax.nn.soft_sign": (-1, 1),
    "jax.nn.relu6": (0, 6),
    "jax.nn.relu": (0, inf),
    "jax.nn.softplus": (0, inf),
    # Their least values, rounded down: x Φ(x), x σ(x), x tanh(softplus(x)), x min(max(x + 3, 0), 6) / 6.
    "jax.nn.gelu": (-0.18, inf),
    "jax.nn.silu": (-0.28, inf),
    "jax.nn.mish": (-0.31, inf),
    "jax.nn.hard_silu": (-0.375, inf),
    "jax.nn.selu": (-1.76, inf),
}
"""Between which numbers the results of activations are."""


def keyword(operation: Operation, name: str, default: object = None) -> object:
    """An argument of an operation's call, by name."""
    call = operation.call
    return default if call is None else dict(call.keywords).get(name, default)


def bounds(operation: Operation) -> tuple[float, float] | None:
    """Between which numbers an operation's results are; None where anything is possible, or nothing known."""
    if operation.name in ("jax.nn.elu", "jax.nn.celu"):
        alpha = keyword(operation, "alpha", 1.0)
        return (-alpha, inf) if isinstance(alpha, int | float) else None
    return BOUNDS.get(operation.name)


def own_bounds(operation: Operation) -> str:
    """The same in words: "from 0 to 1", "from 0 up"."""
    low, high = bounds(operation) or (-inf, inf)
    return f"from {low:g} up" if high == inf else f"from {low:g} to {high:g}"
