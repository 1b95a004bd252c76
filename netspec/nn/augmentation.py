"""What is done to the images of a training batch at random: pure functions of a key and images.

Each draws for every image of a batch by itself, and looks at no other one; `mixup` and `cutmix`, which mix each image
with another one of the batch, draw once for all of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

__all__ = [
    "Mixed",
    "colour",
    "cutmix",
    "cutout",
    "flip",
    "mixup",
    "moved",
    "random_crop",
    "rotate",
    "shift",
    "sometimes",
    "zoom",
]


def flip(key: jax.Array, x: jax.Array, *, axis: str = "horizontal") -> jax.Array:
    """Images mirrored, left and right or top and bottom ("vertical"); nothing about it is random.

    Args:
        x: [n, height, width, channels].
    """
    return x[:, :, ::-1] if axis == "horizontal" else x[:, ::-1]


def random_crop(
    key: jax.Array, x: jax.Array, *, padding: int, fill: str = "zeros"
) -> jax.Array:
    """Images padded on all sides, and a part of the old size of each, anywhere with equal chance (He et al., 2015).

    Args:
        x: [n, height, width, channels].
        padding: pixels on each side, under the height and the width.
        fill: what is padded with: "zeros", or the image's mirror image ("reflect").
    """
    sides = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    padded = jnp.pad(x, sides, mode="constant" if fill == "zeros" else "reflect")
    first = jax.random.randint(key, (len(x), 2), 0, 2 * padding + 1)

    def part(image: jax.Array, start: jax.Array) -> jax.Array:
        return jax.lax.dynamic_slice(image, (start[0], start[1], 0), x.shape[1:])

    return jax.vmap(part)(padded, first)


def rotate(
    key: jax.Array, x: jax.Array, *, degrees: float, fill: str = "zeros"
) -> jax.Array:
    """Images turned about their middle by an angle from [-degrees, degrees].

    Args:
        x: [n, height, width, channels].
    """
    angle = jax.random.uniform(key, (len(x),), minval=-degrees, maxval=degrees) * (
        jnp.pi / 180
    )
    turn = jnp.stack(
        [jnp.cos(angle), jnp.sin(angle), -jnp.sin(angle), jnp.cos(angle)], axis=-1
    )
    return moved(x, turn.reshape(-1, 2, 2), fill=fill)


def zoom(key: jax.Array, x: jax.Array, *, by: float, fill: str = "zeros") -> jax.Array:
    """Images enlarged about their middle by a factor from [1 - by, 1 + by].

    Args:
        x: [n, height, width, channels].
    """
    factor = jax.random.uniform(key, (len(x),), minval=1.0 - by, maxval=1.0 + by)
    return moved(x, jnp.eye(2) / factor[:, None, None], fill=fill)


def shift(key: jax.Array, x: jax.Array, *, by: float, fill: str = "zeros") -> jax.Array:
    """Images moved by at most a share of their height, up or down, and of their width, left or right.

    Args:
        x: [n, height, width, channels].
    """
    sides = jnp.asarray(x.shape[1:3], jnp.float32)
    steps = jax.random.uniform(key, (len(x), 2), minval=-by, maxval=by) * sides
    return moved(x, jnp.broadcast_to(jnp.eye(2), (len(x), 2, 2)), steps, fill=fill)


def moved(
    x: jax.Array,
    matrix: jax.Array,
    steps: jax.Array | None = None,
    *,
    fill: str = "zeros",
) -> jax.Array:
    """Images whose pixels are fetched from elsewhere, between pixels bilinearly: that at p from A p + b.

    Places are told in pixels from the middle, rows downwards first.

    Args:
        x: [n, height, width, channels].
        matrix: A of each image, [n, 2, 2].
        steps: b of each image, [n, 2]; none unless given.
        fill: what lies beyond the edges: "zeros", or the image's mirror image ("reflect").
    """
    height, width = x.shape[1:3]
    middle = jnp.asarray([(height - 1) / 2, (width - 1) / 2])
    grid = (
        jnp.stack(jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij"))
        - middle[:, None, None]
    )
    places = jnp.einsum("nij,jhw->nihw", matrix, grid, precision="highest")
    places += (middle if steps is None else middle + steps).reshape(-1, 2, 1, 1)
    mode = "constant" if fill == "zeros" else "mirror"

    def fetch(channel: jax.Array, at: jax.Array) -> jax.Array:
        return map_coordinates(channel, [at[0], at[1]], order=1, mode=mode)

    found = jax.vmap(jax.vmap(fetch, (2, None), 2))(x, places)
    return found.astype(x.dtype)


def cutout(key: jax.Array, x: jax.Array, *, side: int) -> jax.Array:
    """Images with a square of zeros, its middle any pixel, so part of it may lie outside (DeVries and Taylor, 2017).

    Args:
        x: [n, height, width, channels].
        side: of the square, in pixels.
    """
    height, width = x.shape[1:3]
    rows, columns = jax.random.split(key)
    down = _within(
        jax.random.randint(rows, (len(x), 1), 0, height) - side // 2, side, height
    )
    across = _within(
        jax.random.randint(columns, (len(x), 1), 0, width) - side // 2, side, width
    )
    return jnp.where(
        (down[:, :, None] & across[:, None, :])[..., None], jnp.zeros((), x.dtype), x
    )


def _within(first: Any, length: Any, size: int) -> jax.Array:
    """Which of so many pixels in a row are among the `length` from `first` on."""
    pixels = jnp.arange(size)
    return (pixels >= first) & (pixels < first + length)


LUMA = (0.299, 0.587, 0.114)
"""How bright red, green and blue are to the eye (ITU-R BT.601)."""


def colour(
    key: jax.Array,
    x: jax.Array,
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
) -> jax.Array:
    """Images lighter or darker, of more or less contrast, and of stronger or paler colours.

    brightness: x + b s with b from [-brightness, brightness] and s the standard deviation of the image's numbers;
    contrast: m + c (x - m) with c from [1 - contrast, 1 + contrast] and m their mean; saturation: g + f (x - g) with f
    from [1 - saturation, 1 + saturation] and g each pixel's grey. All is measured by the image itself, so that images
    from 0 to 1 and standardised ones change alike; no number is clipped.

    Args:
        x: [n, height, width, channels]; the saturation is that of 3 channels, red, green and blue.
    """
    lighter, starker, stronger = jax.random.uniform(
        key, (3, len(x), 1, 1, 1), x.dtype, -1.0, 1.0
    )
    if brightness:
        x = x + brightness * lighter * jnp.std(x, axis=(1, 2, 3), keepdims=True)
    if contrast:
        mean = jnp.mean(x, axis=(1, 2, 3), keepdims=True)
        x = mean + (1.0 + contrast * starker) * (x - mean)
    if saturation and x.shape[-1] == 3:
        grey = jnp.sum(x * jnp.asarray(LUMA, x.dtype), axis=-1, keepdims=True)
        x = grey + (1.0 + saturation * stronger) * (x - grey)
    return x


class Mixed(NamedTuple):
    """A batch in which each image holds some of another one.

    Args:
        x: [n, height, width, channels].
        share: how much of each is its own, from 0 to 1.
        order: whose the rest is, [n].
    """

    x: jax.Array
    share: jax.Array
    order: jax.Array


def mixup(key: jax.Array, x: jax.Array, *, alpha: float) -> Mixed:
    """λ x + (1 - λ) x' with x' the batch in another order and λ from Beta(α, α) (Zhang et al., 2018).

    Args:
        x: [n, height, width, channels].
        alpha: α, above 0; near 0 hardly anything is mixed, and 1 draws λ evenly from [0, 1].
    """
    amount, order = jax.random.split(key)
    share = _symmetric_beta(amount, alpha)
    other = jax.random.permutation(order, len(x))
    return Mixed((share * x + (1.0 - share) * x[other]).astype(x.dtype), share, other)


def cutmix(key: jax.Array, x: jax.Array, *, alpha: float) -> Mixed:
    """A box of another image of the batch in the place of each one's own pixels (Yun et al., 2019).

    The box has √(1 - λ) of the height and of the width, λ from Beta(α, α), and its middle anywhere; what lies outside
    the image is cut off, and the share is that of the pixels which are left.

    Args:
        x: [n, height, width, channels].
        alpha: α, above 0.
    """
    height, width = x.shape[1:3]
    amount, down, across, order = jax.random.split(key, 4)
    side = jnp.sqrt(1.0 - _symmetric_beta(amount, alpha))
    rows = _stretch(down, side, height)
    box = rows[:, None] & _stretch(across, side, width)[None, :]
    other = jax.random.permutation(order, len(x))
    mixed = jnp.where(box[None, :, :, None], x[other], x)
    return Mixed(mixed, 1.0 - jnp.mean(box, dtype=jnp.float32), other)


def _symmetric_beta(key: jax.Array, alpha: float) -> jax.Array:
    """A number from Beta(α, α): (1 + T / √(2α + T²)) / 2 with T of Student's t of 2α degrees (Bailey, 1994).

    In closed form, as `jax.random.beta`, which draws until something fits, takes seconds to compile.
    """
    radius, angle = jax.random.uniform(key, (2,), minval=1e-37)
    near, cosine = radius ** (1.0 / alpha), jnp.cos(jnp.pi * angle)
    return 0.5 * (
        1.0 + cosine * jnp.sqrt((1.0 - near) / (near + (1.0 - near) * cosine**2))
    )


def _stretch(key: jax.Array, share: Any, size: int) -> jax.Array:
    """Which of so many pixels in a row lie in a stretch of some share of them, its middle anywhere."""
    length = jnp.floor(size * share).astype(jnp.int32)
    return _within(jax.random.randint(key, (), 0, size) - length // 2, length, size)


def sometimes(
    key: jax.Array, x: jax.Array, changed: jax.Array, chance: float
) -> jax.Array:
    """Of each image the changed one with some chance, and else the one as it was.

    Args:
        x, changed: [n, height, width, channels].
    """
    return jnp.where(jax.random.bernoulli(key, chance, (len(x), 1, 1, 1)), changed, x)
