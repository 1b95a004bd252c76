"""Pooling: windows and whole maps to one number each."""

from typing import ClassVar

from netspec.spec.call import Call, Mismatch, Shape, call
from netspec.spec.layer import Layer
from netspec.spec.layers.fitting import each, needs_axes, window_padding
from netspec.spec.values import Padding, Size

__all__: list[str] = []


class _Pool(Layer, abstract=True):
    function: ClassVar[str]

    def pooled(
        self,
        x: Shape,
        window: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None,
        padding: str | int | tuple[int, ...],
    ) -> Call:
        axes = needs_axes(x, self.kind)
        windows = each(window, axes, self.kind, x)
        strides = windows if stride is None else each(stride, axes, "stride", x)
        zeros = window_padding(padding, axes, x)
        if not isinstance(zeros, str) and any(p >= w for (p, _), w in zip(zeros, windows, strict=True)):
            raise Mismatch("has windows that hold nothing but padding", "padding", label="must be less than the window")
        return call(self.function, window_shape=windows, strides=strides, padding=zeros)


class MaxPool(_Pool):
    """The largest number of each window, channel by channel.

    max_pool: the window.
    stride: steps between windows; the window itself unless said otherwise.
    padding: "valid" (none), "same", or a number for both ends of each axis.
    """

    function = "netspec.nn.pooling.max_pool"

    max_pool: Size = 2
    stride: Size | None = None
    padding: Padding = "valid"

    def lower(self, x: Shape) -> Call:
        return self.pooled(x, self.max_pool, self.stride, self.padding)


class AvgPool(_Pool):
    """The mean of each window, channel by channel; what padding added does not count.

    avg_pool: the window.
    stride: steps between windows; the window itself unless said otherwise.
    padding: "valid" (none), "same", or a number for both ends of each axis.
    """

    function = "netspec.nn.pooling.avg_pool"

    avg_pool: Size = 2
    stride: Size | None = None
    padding: Padding = "valid"

    def lower(self, x: Shape) -> Call:
        return self.pooled(x, self.avg_pool, self.stride, self.padding)


class _GlobalPool(Layer, abstract=True):
    padded = "used"

    function: ClassVar[str]

    def lower(self, x: Shape) -> Call:
        axes = needs_axes(x, self.kind)
        if axes == 1:
            return call(f"netspec.nn.pooling.{self.kind}")
        return call(self.function, axis=tuple(range(1, 1 + axes)))


class GlobalAvgPool(_GlobalPool):
    """The mean of each channel over all positions; the padding of a sequence does not count."""

    function = "jax.numpy.mean"


class GlobalMaxPool(_GlobalPool):
    """The largest number of each channel over all positions; the padding of a sequence does not count."""

    function = "jax.numpy.max"
