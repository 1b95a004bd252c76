"""Small images in rows and columns: the kernels of a layer, or what an autoencoder makes of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.report.drawing.wording import measure
from netspec.report.pictures.canvas import named, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MOST", "as_tiles", "draw_filters", "draw_reconstructions", "laid_out"]

Array = np.ndarray[Any, Any]

MOST = 144
"""Tiles, at the most."""

LEAST = 24
"""Dots of a tile's longer side, about; the gap between two is of two."""

BACKGROUND = 1.0

COLUMNS = 10
"""Of originals over reconstructions."""


def as_tiles(kernels: Array) -> Array:
    """Kernels [units, height, width, channels] as images from 0 to 1, [tiles, height, width] or [tiles, …, 3].

    0 is grey, and all have one scale, to the largest weight of all. With three channels a kernel is one image in
    colours; with other numbers of them each channel is an image of its own, those of a unit in turn.
    """
    scaled = 0.5 + 0.5 * kernels / (float(np.abs(kernels).max(initial=0.0)) or 1.0)
    channels = kernels.shape[-1]
    if channels == 3:
        return np.asarray(scaled)
    return np.moveaxis(scaled, -1, 1).reshape(-1, *kernels.shape[1:3])


def laid_out(tiles: Array, columns: int) -> Array:
    """Tiles [n, height, width, …] in one image, row by row, with white between them; small ones are enlarged."""
    larger = max(1, round(LEAST / max(tiles.shape[1:3])))
    tiles, gap = tiles.repeat(larger, axis=1).repeat(larger, axis=2), 2
    count, height, width = tiles.shape[:3]
    rows = -(-count // columns)
    whole = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, *tiles.shape[3:]), BACKGROUND, np.float64
    )
    for i, tile in enumerate(tiles):
        y, x = (i // columns) * (height + gap), (i % columns) * (width + gap)
        whole[y : y + height, x : x + width] = tile
    return whole


def draw_filters(kernels: Array, title: str, form: str) -> bytes:
    """The picture of a layer's kernels.

    Args:
        kernels: [units, height, width, channels].
        title: what they are of.
        form: "png" or "svg".
    """
    tiles = as_tiles(kernels)
    channels = 1 if kernels.shape[-1] in (1, 3) else kernels.shape[-1]
    units = max(1, MOST // channels)
    shown = tiles[: units * channels]
    count = len(shown) // channels
    columns = channels if channels > 1 else int(np.ceil(np.sqrt(len(shown) * 1.4)))
    note = "" if count == len(kernels) else f", {count} of {len(kernels)}"
    sides = f"{kernels.shape[1]} × {kernels.shape[2]}"
    largest = measure(float(np.abs(kernels).max(initial=0.0)))
    told = f"{title}\nkernels of {sides}{note}" + (", a row a unit, a column a channel" if channels > 1 else "")
    told += f"; black −{largest}, grey 0, white {largest}" if kernels.shape[-1] != 3 else f"; grey 0, ends ±{largest}"
    return _image(laid_out(shown, columns), told, form)


def draw_reconstructions(originals: Sequence[Array], made: Sequence[Array], title: str, form: str) -> bytes:
    """The picture of images over what an autoencoder makes of them.

    Args:
        originals, made: bytes [height, width, channels].
        form: "png" or "svg".
    """
    pairs: list[Array] = []
    for start in range(0, len(originals), COLUMNS):
        for images in (originals, made):
            row = list(images[start : start + COLUMNS])
            blank = np.full_like(row[0], 255)
            pairs += row + [blank] * (min(COLUMNS, len(originals)) - len(row))
    tiles = np.stack(pairs) / 255.0
    tiles = tiles[..., 0] if tiles.shape[-1] == 1 else tiles
    return _image(laid_out(tiles, min(COLUMNS, len(originals))), f"{title}\neach input over what is made of it", form)


def _image(image: Array, title: str, form: str) -> bytes:
    height, width = image.shape[:2]
    wide = 6.4
    high = min(12.0, wide * height / width)
    wide = min(wide, high * width / height)

    def onto(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set_title(title, fontsize=10)
        axes.imshow(image, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
        axes.set_axis_off()

    longest = max(len(line) for line in title.splitlines())
    return picture(onto, (max(wide + 0.3, 0.085 * longest), high + 0.75), form)


def named_run(run: str, step: int) -> str:
    """What a picture of one run's network begins its title with."""
    return f"{named(run)}, step {step:,}"
