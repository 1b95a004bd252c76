"""Convolution in the forms that XLA's CPU backend runs well; the same sums, in another order, as Flax's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from netspec.nn.depthwise_convolution import depthwise_convolution

__all__ = ["Convolve", "convolution"]

Convolve = Callable[..., jax.Array]
"""A function with the arguments of `jax.lax.conv_general_dilated`."""

_WIDEST_BAND = 48
"""Up to here the zeros of a band cost less than what they save; measured on x86 with jaxlib 0.10.2."""

_PARTS = (*range(8, 0, -1), *range(9, 65))
"""Into how many a grouped convolution is cut, the best first: each takes time to compile, and few channels are slow."""

_MOST_BLOCKS = 32
"""Groups in such a part, whose kernel is so many times as large as theirs."""

_MOST_TAPS = 64
"""Every tap of a depthwise convolution is a pass over the input, and longer to compile."""


def convolution(one: Any) -> Convolve | None:
    """The convolution for this backend; None where JAX's own is the one.

    Args:
        one: a 1.0 that XLA cannot know to be one (see `_once`); or 1.0 where no gradient is taken.
    """
    if jax.default_backend() != "cpu":
        return None

    def convolve(
        x: jax.Array,
        kernel: jax.Array,
        strides: Sequence[int],
        padding: Any,
        **settings: Any,
    ) -> jax.Array:
        groups, dilation, axes = (
            settings["feature_group_count"],
            settings["rhs_dilation"],
            len(strides),
        )
        if {*settings["lhs_dilation"]} == {1}:
            around = _around(x, kernel, strides, padding, dilation)
            if groups == x.shape[-1] > 1 and _suits_taps(kernel.shape, around):
                return depthwise_convolution(
                    x, kernel, one, tuple(strides), around, tuple(dilation)
                )
            if 1 < groups < x.shape[-1] and axes < 3 and (parts := _parts(groups)):
                dense = _dense_parts(x, kernel, groups // parts, parts)
                settings["feature_group_count"] = 1
                return jnp.concatenate(
                    [convolve(a, k, strides, around, **settings) for a, k in dense],
                    axis=-1,
                )
            plain = groups == 1 and axes == 2 and {*strides, *dilation} == {1}
            if plain and _suits_band(x.shape[2] + sum(around[1]), kernel.shape):
                return _banded(x, kernel, around)
        return lax.conv_general_dilated(
            _once(x, one), kernel, strides, padding, **settings
        )

    return convolve


def _around(
    x: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: Any,
    dilation: Sequence[int],
) -> tuple[tuple[int, int], ...]:
    """Zeros before and after each axis."""
    if isinstance(padding, str):
        reach = [
            (taps - 1) * apart + 1
            for taps, apart in zip(kernel.shape[:-2], dilation, strict=True)
        ]
        padding = lax.padtype_to_pads(x.shape[1:-1], reach, strides, padding)
    return tuple((before, after) for before, after in padding)


def _suits_taps(kernel: Sequence[int], padding: Sequence[tuple[int, int]]) -> bool:
    return 1 < math.prod(kernel[:-2]) <= _MOST_TAPS and min(map(min, padding)) >= 0


def _parts(groups: int) -> int | None:
    return next(
        (n for n in _PARTS if groups % n == 0 and groups // n <= _MOST_BLOCKS), None
    )


def _dense_parts(
    x: jax.Array, kernel: jax.Array, blocks: int, parts: int
) -> Iterator[tuple[jax.Array, jax.Array]]:
    """Channels, and the dense kernel for them, with zeros between the groups where a part has some.

    The gradients of JAX's own grouped convolution take up to some hundred times as long.
    """
    apart = jnp.eye(blocks, dtype=kernel.dtype)[:, None, :, None]
    for some, own in zip(
        jnp.split(x, parts, axis=-1), jnp.split(kernel, parts, axis=-1), strict=True
    ):
        *window, channels, outputs = own.shape
        spread = own.reshape(*window, 1, channels, blocks, outputs // blocks) * apart
        yield some, spread.reshape(*window, blocks * channels, outputs)


def _suits_band(width: int, kernel: Sequence[int]) -> bool:
    _, across, channels, outputs = kernel
    return outputs * width <= _WIDEST_BAND * across and bool(
        channels % 8 or outputs % 8
    )


def _banded(
    x: jax.Array, kernel: jax.Array, padding: Sequence[tuple[int, int]]
) -> jax.Array:
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
    rows = jnp.broadcast_to(row[:, None], (down, columns, *row.shape[1:])).reshape(
        down, -1, channels, outputs
    )
    shifted = rows[:, : columns * width].reshape(
        down, columns, width, channels, outputs
    )
    return shifted.transpose(0, 2, 3, 1, 4).reshape(
        down * width * channels, columns * outputs
    )


@jax.custom_vjp
def _once(x: jax.Array, one: Any) -> jax.Array:
    """`x`, worked out once.

    A weight gradient reads the input transposed, and XLA fuses into that whatever made the input: in a residual network
    the sums of all blocks before it, again and again. It drops optimization barriers before it fuses, but never repeats
    a division. A number divided by 1 is the same bits.
    """
    return x / one


_once.defvjp(lambda x, one: (x / one, None), lambda _, gradient: (gradient, None))
