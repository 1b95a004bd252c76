"""The loss around a trained network, over two directions that are random but of the weights' own size."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.graph.calls import Arrays

__all__ = ["Landscape", "direction", "landscape"]


@dataclass(frozen=True, slots=True)
class Landscape:
    """Losses on a grid.

    Args:
        steps: along each direction, from -radius to radius; 0 is the network itself.
        losses: [len(steps), len(steps)], the second direction first.
    """

    steps: np.ndarray[Any, Any]
    losses: np.ndarray[Any, Any]

    @property
    def centre(self) -> float:
        """The loss of the network itself."""
        middle = len(self.steps) // 2
        return float(self.losses[middle, middle])


def landscape(
    risk: Callable[[Arrays], float],
    parameters: Arrays,
    size: int,
    radius: float,
    seed: int,
    progress: Callable[[int], None] = lambda done: None,
) -> Landscape:
    """R(w + a d + b e) for a and b in [-radius, radius], d and e as of `direction`.

    Args:
        size: points of the grid along each direction; odd, so that the network itself is one.
        progress: is told how many points of the grid are done.
    """
    first, second = (direction(parameters, jax.random.fold_in(jax.random.key(seed), i)) for i in range(2))
    steps = np.linspace(-radius, radius, size)
    losses = np.zeros((size, size))
    for i, b in enumerate(steps):
        for j, a in enumerate(steps):
            losses[i, j] = risk(_moved(parameters, first, second, a, b))
            progress(i * size + j + 1)
    return Landscape(steps, losses)


@jax.jit
def _moved(parameters: Arrays, first: Arrays, second: Arrays, a: Any, b: Any) -> Arrays:
    return jax.tree.map(lambda w, d, e: (w + a * d + b * e).astype(w.dtype), parameters, first, second)  # type: ignore[no-any-return]


def direction(parameters: Arrays, key: jax.Array) -> Arrays:
    """A random direction, filter by filter as long as the weights (Li et al., 2018): d ← d ‖w‖ / ‖d‖.

    A filter is what leads to one unit or channel: all of a kernel with one index of its last axis; of an embedding, one
    row. Biases, and the factors and shifts of normalisations, have one axis and stay as they are, as in the paper.
    """
    return {
        path: _filtered(w, jax.random.fold_in(key, zlib.crc32(path.encode())), path) for path, w in parameters.items()
    }


def _filtered(w: Any, key: jax.Array, path: str) -> Any:
    if w.ndim < 2:
        return jnp.zeros_like(w)
    kept = 0 if path.endswith("embedding") else w.ndim - 1
    axes = tuple(axis for axis in range(w.ndim) if axis != kept)
    d = jax.random.normal(key, w.shape, w.dtype)
    lengths = [jnp.sqrt(jnp.sum(jnp.square(x), axis=axes, keepdims=True)) for x in (w, d)]
    return d * lengths[0] / jnp.maximum(lengths[1], 1e-30)
