"""Convolution in the forms that XLA's CPU backend runs well; the same sums, in another order, as Flax's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

__all__ = ["Convolve", "convolution"]

Convolve = Callable[..., jax.Array]
"""A function with the arguments of `jax.lax.conv_general_dilated`."""

_WIDEST_BAND = 48
"""Up to here the zeros of a band cost less than what they save; measured on x86 with jaxlib 0.10.2."""


def convolution(one: Any) -> Convolve | None:
    """The convolution for this backend; None where JAX's own is the one.

    Args:
        one: a 1.0 that XLA cannot know to be one (see `_once`); or 1.0 where no gradient is taken.
    """
    if jax.default_backend() != "cpu":
        return None

    def convolve(x: jax.Array, kernel: jax.Array, strides: Sequence[int], padding: Any, **settings: Any) -> jax.Array:
        plain = settings["feature_group_count"] == 1 and {*strides, *settings["rhs_dilation"]} == {1}
        if plain and len(strides) == 2:
            around = padding
            if isinstance(padding, str):
                around = lax.padtype_to_pads(x.shape[1:3], kernel.shape[:2], strides, padding)
            if _suits_band(x.shape[2] + sum(around[1]), kernel.shape):
                return _banded(x, kernel, around)
        return lax.conv_general_dilated(_once(x, one), kernel, strides, padding, **settings)

    return convolve


def _suits_band(width: int, kernel: Sequence[int]) -> bool:
    _, across, channels, outputs = kernel
    return outputs * width <= _WIDEST_BAND * across and bool(channels % 8 or outputs % 8)


def _banded(x: jax.Array, kernel: jax.Array, padding: Sequence[tuple[int, int]]) -> jax.Array:
    """A convolution over two axes as one matrix product: whole rows times a matrix with the kernel along its diagonals.

    Few and odd channels, as in LeNet-5, are what the windowed kernels are slow at, some ten times in the forward pass.
    """
    x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
    down, _, _, outputs = kernel.shape
    batch, height, width, channels = x.shape
    band = _band(kernel, width)
    rows = x.reshape(batch, height, width * channels)
    high = height - down + 1
    windows = jnp.concatenate([rows[:, i : i + high] for i in range(down)], axis=-1)
    return (windows.reshape(batch * high, -1) @ band).reshape(batch, high, -1, outputs)


def _band(kernel: jax.Array, width: int) -> jax.Array:
    """[down * width * channels, columns * outputs]: column q of a row meets column p of the result by kernel[:, q - p].

    A row of length width + 1, repeated and cut into rows of length width, moves one to the right from each to the next.
    """
    down, across, channels, outputs = kernel.shape
    columns = width - across + 1
    row = jnp.pad(kernel, ((0, 0), (0, width + 1 - across), (0, 0), (0, 0)))
    rows = jnp.broadcast_to(row[:, None], (down, columns, *row.shape[1:])).reshape(down, -1, channels, outputs)
    shifted = rows[:, : columns * width].reshape(down, columns, width, channels, outputs)
    return shifted.transpose(0, 2, 3, 1, 4).reshape(down * width * channels, columns * outputs)


@jax.custom_vjp
def _once(x: jax.Array, one: Any) -> jax.Array:
    """`x`, worked out once.

    A weight gradient reads the input transposed, and XLA fuses into that whatever made the input: in a residual network
    the sums of all blocks before it, again and again. It drops optimization barriers before it fuses, but never repeats
    a division. A number divided by 1 is the same bits.
    """
    return x / one


_once.defvjp(lambda x, one: (x / one, None), lambda _, gradient: (gradient, None))
