"""Transposed convolution in the form that XLA's CPU backend runs well; the same sums, in another order, as Flax's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

__all__ = ["ConvTranspose"]


class ConvTranspose(nnx.ConvTranspose):
    """The sums of `flax.nnx.ConvTranspose`, with the same parameters.

    JAX puts zeros between the numbers of the input, and then convolves. XLA's CPU backend takes some forty times as
    long over the gradients of that as over itself; so there, one matrix product spreads every number, and what falls on
    one place is added up.
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        """[batch, …, in] to [batch, …, out], over the spatial axes of the kernel."""
        strides, dilated = self.strides, self.kernel_dilation is not None
        if (
            jax.default_backend() != "cpu"
            or dilated
            or not isinstance(strides, tuple)
            or max(strides) == 1
        ):
            return super().__call__(x)
        taken = positions(x.shape[1:-1], self.kernel_size, strides, self.padding)
        whole = spread(x, self.kernel[...], strides)
        y = whole[(slice(None), *(slice(first, first + n) for first, n in taken))]
        return y if self.bias is None else y + self.bias[...]


def spread(x: jax.Array, kernel: jax.Array, strides: Sequence[int]) -> jax.Array:
    """All that the windows reach, rounded up to whole strides: y[i s + t] is the sum of x[i] kernel[k - 1 - t].

    Args:
        x: [batch, n, …, in].
        kernel: [k, …, in, out]; JAX slides it over the input, so to spread the input by it, it is turned round.
        strides: s, for each spatial axis.
    """
    axes = len(strides)
    sizes, window = x.shape[1:-1], kernel.shape[:axes]
    reach = [-(-k // s) for k, s in zip(window, strides, strict=True)]
    missing = [(0, q * s - k) for q, s, k in zip(reach, strides, window, strict=True)]
    taps = jnp.pad(jnp.flip(kernel, tuple(range(axes))), [*missing, (0, 0), (0, 0)])
    # Of tap a s + r, the axes a stand first, so that all that goes one way is cut out together.
    parted = taps.reshape(
        *(n for pair in zip(reach, strides, strict=True) for n in pair),
        *taps.shape[axes:],
    )
    order = (2 * axes, *range(0, 2 * axes, 2), *range(1, 2 * axes, 2), 2 * axes + 1)
    columns = parted.transpose(order).reshape(taps.shape[axes], -1)
    products = (x.reshape(-1, x.shape[-1]) @ columns).reshape(
        x.shape[0], *sizes, prod(reach), *strides, -1
    )
    total = jnp.zeros((), x.dtype)
    for i, steps in enumerate(product(*map(range, reach))):
        around = [(step, q - 1 - step) for step, q in zip(steps, reach, strict=True)]
        total = total + jnp.pad(
            products[(slice(None),) * (1 + axes) + (i,)],
            [(0, 0), *around, *[(0, 0)] * (axes + 1)],
        )
    order = (
        0,
        *(axis for i in range(axes) for axis in (1 + i, 1 + axes + i)),
        1 + 2 * axes,
    )
    ends = ((n + q - 1) * s for n, q, s in zip(sizes, reach, strides, strict=True))
    return total.transpose(order).reshape(x.shape[0], *ends, -1)


def positions(
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: str | Any,
) -> list[tuple[int, int]]:
    """For each axis the first position of all that the windows reach that is taken, and how many are."""
    if padding == "SAME":
        # As JAX has it: of k - s positions too many, the odd one goes at the end.
        firsts = [max(k - s, 0) // 2 for k, s in zip(kernel, strides, strict=True)]
        return [
            (first, n * s) for first, n, s in zip(firsts, sizes, strides, strict=True)
        ]
    if padding == "VALID":
        return [
            (0, (n - 1) * s + max(k, s))
            for n, k, s in zip(sizes, kernel, strides, strict=True)
        ]
    cut = [
        (k - 1 - before, k - 1 - after)
        for k, (before, after) in zip(kernel, padding, strict=True)
    ]
    reached = [(n - 1) * s + k for n, k, s in zip(sizes, kernel, strides, strict=True)]
    return [
        (before, n - before - after)
        for n, (before, after) in zip(reached, cut, strict=True)
    ]
