"""What is done to every input, in turn.

A transform learns what it needs from the training part, and is plain data from then on. Each gives
the shape that it makes of a shape, so that networks can be checked before anything is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from netspec.data.format import Array, Dtype
from netspec.spec.call import Mismatch, Shape

__all__ = ["Flatten", "Measure", "Resize", "Rgb", "Scale", "Standardize", "Transform", "from_json", "to_json"]

LONGEST_SIDE = 16_384
"""Pixels of a resized image's side, at the most."""


class Transform(Protocol):
    """One step of the way from raw inputs to a network's."""

    kind: ClassVar[str]
    dtype: ClassVar[Dtype | None]
    """What numbers it gives; None for those that it gets."""

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that it makes of an input's.

        Raises:
            Mismatch: it cannot take such inputs.
        """
        ...

    def fit(self, batches: Iterable[Array]) -> Transform:
        """The same transform, knowing the training part, which comes in batches `[n, *shape]`."""
        ...

    def __call__(self, inputs: Array) -> Array:
        """Inputs `[n, *shape]` transformed."""
        ...


@dataclass(frozen=True, slots=True)
class Resize:
    """Images to another size, bilinearly (with a triangle as wide as the step where they shrink)."""

    kind: ClassVar[str] = "resize"
    dtype: ClassVar[Dtype | None] = "float32"
    size: tuple[int, int]

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) != 3:
            raise Mismatch(f"needs images [height, width, channels], and gets {Shape(shape)}")
        if max(self.size) > LONGEST_SIDE:
            raise Mismatch(f"makes images of {self.size[0]:,} × {self.size[1]:,} pixels; {LONGEST_SIDE:,} is the most")
        return (*self.size, shape[-1])

    def fit(self, batches: Iterable[Array]) -> Resize:
        return self

    def __call__(self, inputs: Array) -> Array:
        if inputs.shape[1:3] == self.size:
            return inputs.astype(np.float32, copy=False)
        resized = np.empty((len(inputs), *self.size, inputs.shape[-1]), np.float32)
        for image, result in zip(inputs, resized, strict=True):
            for channel in range(image.shape[-1]):
                result[..., channel] = _resized(image[..., channel], self.size)
        return resized


def _resized(pixels: Array, size: tuple[int, int]) -> Array:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels, np.float32))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR))


@dataclass(frozen=True, slots=True)
class Standardize:
    """(x − mean) / deviation, for every number of the last axis: a channel of images, a column of tables."""

    kind: ClassVar[str] = "standardize"
    dtype: ClassVar[Dtype | None] = "float32"
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    def fit(self, batches: Iterable[Array]) -> Standardize:
        mean, variance, varies = _moments(batches)
        deviations = np.where(varies & (variance > 0), np.sqrt(variance), 1.0)
        return Standardize(tuple(mean.tolist()), tuple(deviations.tolist()))

    def __call__(self, inputs: Array) -> Array:
        standardized: Array = (inputs - np.array(self.means)) / np.array(self.deviations)
        return standardized.astype(np.float32)

    def of_channel(self, channel: int) -> Standardize:
        return Standardize((self.means[channel],), (self.deviations[channel],))

    def back(self, outputs: Array) -> Array:
        raw: Array = outputs * np.array(self.deviations) + np.array(self.means)
        return raw


def _moments(batches: Iterable[Array]) -> tuple[Array, Array, Array]:
    """Mean and variance of each number of the last axis, and whether it varies at all.

    Batches are merged by the rule of Chan, Golub and LeVeque (1979), which loses no digits to a large mean.
    """
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    low, high = np.array(np.inf), np.array(-np.inf)
    for batch in batches:
        rows = batch.reshape(-1, batch.shape[-1]).astype(np.float64)
        rows = rows[~np.isnan(rows).any(axis=-1)]  # NaN is padding
        if not len(rows):
            continue
        here = rows.mean(axis=0)
        total = count + len(rows)
        squares = squares + ((rows - here) ** 2).sum(axis=0) + (here - mean) ** 2 * count * len(rows) / total
        mean = mean + (here - mean) * len(rows) / total
        low, high, count = np.minimum(low, rows.min(axis=0)), np.maximum(high, rows.max(axis=0)), total
    return np.where(low < high, mean, low), squares / count, low < high


@dataclass(frozen=True, slots=True)
class Scale:
    """To a range, linearly: what was the lowest and the highest becomes its ends.

    Args:
        low, high: the range's ends.
        lowest, highest: of the training part; one number over all pixels of images, one a channel or column otherwise.
    """

    kind: ClassVar[str] = "scale"
    dtype: ClassVar[Dtype | None] = "float32"
    low: float = 0.0
    high: float = 1.0
    lowest: tuple[float, ...] = ()
    highest: tuple[float, ...] = ()

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    def fit(self, batches: Iterable[Array]) -> Scale:
        lowest, highest = np.array(np.inf), np.array(-np.inf)
        for batch in batches:
            axis = None if batch.ndim > 3 else tuple(range(batch.ndim - 1))
            # Of NaN, which is padding, and a number, these give the number.
            lowest = np.fmin(lowest, np.fmin.reduce(batch, axis=axis))
            highest = np.fmax(highest, np.fmax.reduce(batch, axis=axis))
        ends = (tuple(np.atleast_1d(end).astype(float).tolist()) for end in (lowest, highest))
        return Scale(self.low, self.high, *ends)

    def __call__(self, inputs: Array) -> Array:
        lowest = np.array(self.lowest)
        spread = np.array(self.highest) - lowest
        part = (inputs - lowest) / np.where(spread > 0, spread, 1.0)
        scaled: Array = self.low + part * (self.high - self.low)
        return scaled.astype(np.float32)

    def of_channel(self, channel: int) -> Scale:
        return Scale(self.low, self.high, (self.lowest[channel],), (self.highest[channel],))

    def back(self, outputs: Array) -> Array:
        lowest = np.array(self.lowest)
        part = (outputs - self.low) / (self.high - self.low)
        raw: Array = lowest + part * (np.array(self.highest) - lowest)
        return raw


Measure = Standardize | Scale
"""What changes numbers one by one, and can be taken back."""


@dataclass(frozen=True, slots=True)
class Flatten:
    """All axes in one."""

    kind: ClassVar[str] = "flatten"
    dtype: ClassVar[Dtype | None] = None

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (math.prod(shape),)

    def fit(self, batches: Iterable[Array]) -> Flatten:
        return self

    def __call__(self, inputs: Array) -> Array:
        return inputs.reshape(len(inputs), math.prod(inputs.shape[1:]))


@dataclass(frozen=True, slots=True)
class Rgb:
    """Grey images with three channels, each the same."""

    kind: ClassVar[str] = "rgb"
    dtype: ClassVar[Dtype | None] = None

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) != 3 or shape[-1] != 1:
            raise Mismatch(f"needs grey images [height, width, 1], and gets {Shape(shape)}")
        return (*shape[:-1], 3)

    def fit(self, batches: Iterable[Array]) -> Rgb:
        return self

    def __call__(self, inputs: Array) -> Array:
        return np.repeat(inputs, 3, axis=-1)


_KINDS: Mapping[str, type[Any]] = {t.kind: t for t in (Resize, Standardize, Scale, Flatten, Rgb)}


def to_json(transforms: Sequence[Transform]) -> list[dict[str, Any]]:
    """The transforms with what they learned, exactly: JSON's numbers are written so that they read back the same."""
    return [{"kind": t.kind, **asdict(t)} for t in transforms]  # type: ignore[call-overload]


def from_json(data: Sequence[Mapping[str, Any]]) -> tuple[Transform, ...]:
    """The transforms that `to_json` wrote.

    Raises:
        ValueError: there is no such transform, or it lacks a number.
    """
    return tuple(_one_from_json(item) for item in data)


def _one_from_json(item: Mapping[str, Any]) -> Transform:
    kind = _KINDS.get(item.get("kind", ""))
    if kind is None:
        raise ValueError(f"no such transform: {item.get('kind')!r}")
    try:
        made: Transform = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in item.items() if k != "kind"})
    except TypeError as error:
        raise ValueError(str(error)) from error
    return made
