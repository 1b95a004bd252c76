"""From prepared inputs back to images that people can look at."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from netspec.data.format import Array
from netspec.data.preparation import Pipeline, Preparation, Prepared
from netspec.data.transforms import Flatten, Scale, Standardize

__all__ = ["Pixels", "beside_each_other", "image_shape", "images_in", "png", "taken_back"]

CHANNELS = (1, 3, 4)
"""Grey, colours, and colours with how opaque they are."""

SEEN = 256
"""Examples that tell what is black and what is white, where the data does not say it."""

ROUNDING = 1e-3

GAP = 1
"""Pixels between images that belong together."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """What makes images of prepared inputs, or of what a network gives in their place.

    Args:
        pipeline: what they were prepared by.
        black, white: the numbers of the darkest and of the brightest pixel before it.
    """

    pipeline: Pipeline
    black: float
    white: float

    def __call__(self, prepared: Array) -> Array:
        """Bytes `[n, height, width, channels]` of prepared ones `[n, *shape]`; what is beyond either end is cut off."""
        spread = self.white - self.black or 1.0
        share = (taken_back(np.asarray(prepared, np.float64), self.pipeline) - self.black) / spread
        # Half a grey level is rounded up even where preparing and taking back has lost a little of it.
        return np.floor(255.0 * np.clip(np.nan_to_num(share), 0.0, 1.0) + 0.5 + ROUNDING).astype(np.uint8)


def _pixels_of(preparation: Preparation, name: str, inputs: Array | Prepared) -> Pixels | None:
    """What makes images of an input; None where it is none.

    Args:
        name: of the input.
        inputs: some prepared ones, which tell the range of the pixels where the data does not say it.
    """
    known, pipeline = preparation.format.inputs[name], preparation.input(name)
    if image_shape(preparation, name) is None:
        return None
    if known.white is not None:
        return Pixels(pipeline, 0.0, known.white)
    some = taken_back(np.asarray(inputs[np.arange(min(SEEN, len(inputs)))], np.float64), pipeline)
    return Pixels(pipeline, float(some.min(initial=np.inf)), float(some.max(initial=-np.inf))) if some.size else None


def image_shape(preparation: Preparation, name: str) -> tuple[int, ...] | None:
    """Height, width and channels of an input that is an image, flattened or not; None of any other."""
    known = preparation.format.inputs[name]
    shape = _before_flattening(preparation.input(name))
    image = known.dtype == "float32" and not known.columns and not known.sequence
    return shape if image and len(shape) == 3 and shape[-1] in CHANNELS else None


def _before_flattening(pipeline: Pipeline) -> tuple[int, ...]:
    shape = pipeline.raw
    for transform in pipeline.transforms:
        shape = shape if isinstance(transform, Flatten) and len(shape) == 3 else transform.shape(shape)
    return shape


def taken_back(prepared: Array, pipeline: Pipeline) -> Array:
    """Prepared inputs in the measure and the shape of raw ones; their size and their channels stay as they are."""
    shapes = [pipeline.raw]
    for transform in pipeline.transforms:
        shapes.append(transform.shape(shapes[-1]))
    found = prepared
    for transform, shape in zip(reversed(pipeline.transforms), reversed(shapes[:-1]), strict=True):
        if isinstance(transform, Flatten):
            found = found.reshape(len(found), *shape)
        elif isinstance(transform, Standardize | Scale):
            found = transform.back(found)
    return found


def beside_each_other(images: Sequence[Array]) -> Array:
    """Images `[height, width, channels]` in a row, as far as they have the height and the channels of the first."""
    alike = [image for image in images if (image.shape[0], image.shape[2]) == (images[0].shape[0], images[0].shape[2])]
    gap = np.full((images[0].shape[0], GAP, images[0].shape[2]), 255, np.uint8)
    pieces = [piece for image in alike for piece in (gap, image)]
    return np.concatenate(pieces[1:], axis=1)


def png(image: Array) -> bytes:
    """An image of bytes `[height, width, channels]` as the content of a file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, format="PNG")
    return file.getvalue()


def images_in(preparation: Preparation, inputs: Mapping[str, Array | Prepared]) -> dict[str, Pixels]:
    """By input, what makes images of it, for those that are images."""
    found = {name: _pixels_of(preparation, name, array) for name, array in inputs.items()}
    return {name: pixels for name, pixels in found.items() if pixels is not None}
