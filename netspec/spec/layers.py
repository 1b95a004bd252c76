"""The kinds of layer. Each says its keys, what it is, and which call it becomes."""

from typing import ClassVar

from netspec.spec.activations import Activated, Activation
from netspec.spec.call import Branches, Call, Mismatch, Shape, call
from netspec.spec.layer import Layer, Layers, Lowered
from netspec.spec.values import Count, Literally, Padding, Positive, Rate, Size, Switch

__all__: list[str] = []

_AXES = (2, 3, 4)
_FORMS = "[length, channels], [height, width, channels] or [depth, height, width, channels]"


def _then(first: Call, activation: Activation | None, x: Shape) -> Lowered:
    return first if activation is None else (first, activation.lower(x))


def _needs_axes(x: Shape, kind: str) -> int:
    """How many spatial axes an input has, if it has any."""
    if len(x) not in _AXES:
        lost = f"'flatten' and global pooling take the axes away: '{kind}' stands before them" if len(x) == 1 else ""
        raise Mismatch(f"needs {_FORMS}, and gets {x}", label=f"gets {x}", help=lost)
    return len(x) - 1


def _each(value: int | tuple[int, ...], axes: int, key: str, x: Shape) -> tuple[int, ...]:
    """One number for each spatial axis."""
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        given = "one number" if len(value) == 1 else f"{len(value)} numbers"
        there = "one spatial axis" if axes == 1 else f"{axes} spatial axes"
        message = f"has {given} for {key}, and its input {x} has {there}"
        raise Mismatch(message, key, label="one number for each axis, or one for all")
    return value


def _window_padding(value: str | int | tuple[int, ...], axes: int, x: Shape) -> str | tuple[tuple[int, int], ...]:
    if isinstance(value, str):
        return value.upper()
    return tuple((p, p) for p in _each(value, axes, "padding", x))


class Dense(Layer):
    """Fully connected: y = x W + b, over the last axis of its input.

    dense: outputs.
    bias: whether b is there.
    activation: what follows, such as "relu".
    """

    dense: Count
    bias: Switch = True
    activation: Activated = None

    def lower(self, x: Shape) -> Lowered:
        if not x:
            raise Mismatch("needs at least one axis, and gets a single number")
        return _then(call("flax.nnx.Linear", x.channels, self.dense, use_bias=self.bias), self.activation, x)


class Conv(Layer):
    """Convolution over the spatial axes of a channels-last input, in 1, 2 or 3 dimensions as the input has.

    conv: output channels.
    kernel: the window, one number or one for each axis.
    stride: steps between windows.
    padding: "same" (output = input / stride), "valid" (none), or zeros at both ends of each axis.
    dilation: steps between the taps of a window.
    groups: parts of the channels that are convolved apart; as many as channels is a depthwise convolution.
    bias: whether a number is added to each output channel.
    activation: what follows, such as "relu".
    """

    conv: Count
    kernel: Size = 3
    stride: Size = 1
    padding: Padding = "same"
    dilation: Size = 1
    groups: Count = 1
    bias: Switch = True
    activation: Activated = None

    def lower(self, x: Shape) -> Lowered:
        axes = _needs_axes(x, self.kind)
        for width, what in ((x.channels, "input"), (self.conv, "output")):
            if width % self.groups:
                raise Mismatch(f"cannot split {width} {what} channels into {self.groups} groups", "groups")
        keywords: dict[str, object] = {
            "kernel_size": _each(self.kernel, axes, "kernel", x),
            "strides": _each(self.stride, axes, "stride", x),
            "padding": _window_padding(self.padding, axes, x),
            "use_bias": self.bias,
        }
        if self.dilation != 1:
            keywords["kernel_dilation"] = _each(self.dilation, axes, "dilation", x)
        if self.groups != 1:
            keywords["feature_group_count"] = self.groups
        return _then(call("flax.nnx.Conv", x.channels, self.conv, **keywords), self.activation, x)


class _Pool(Layer, abstract=True):
    function: ClassVar[str]

    def pooled(
        self,
        x: Shape,
        window: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None,
        padding: str | int | tuple[int, ...],
    ) -> Call:
        axes = _needs_axes(x, self.kind)
        windows = _each(window, axes, self.kind, x)
        strides = windows if stride is None else _each(stride, axes, "stride", x)
        zeros = _window_padding(padding, axes, x)
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
    function: ClassVar[str]

    def lower(self, x: Shape) -> Call:
        return call(self.function, axis=tuple(range(1, 1 + _needs_axes(x, self.kind))))


class GlobalAvgPool(_GlobalPool):
    """The mean of each channel over all positions."""

    function = "jax.numpy.mean"


class GlobalMaxPool(_GlobalPool):
    """The largest number of each channel over all positions."""

    function = "jax.numpy.max"


class Flatten(Layer):
    """All axes in one, in row-major order."""

    def lower(self, x: Shape) -> Call:
        return call("netspec.nn.shapes.flatten")


class Dropout(Layer):
    """In training, each number becomes 0 with the given probability; the others grow (Srivastava et al., 2014)."""

    dropout: Rate = 0.5

    def lower(self, x: Shape) -> Call:
        return call("flax.nnx.Dropout", self.dropout)


class BatchNorm(Layer):
    """Each channel to mean 0 and variance 1 over the batch, then scaled and shifted (Ioffe and Szegedy, 2015).

    momentum: of the running averages that evaluation uses: new = momentum * old + (1 - momentum) * batch's.
    epsilon: added to the variance.
    scale, bias: whether the learned factor and shift are there.
    """

    momentum: Rate = 0.9
    epsilon: Positive = 1e-5
    scale: Switch = True
    bias: Switch = True

    def lower(self, x: Shape) -> Call:
        if not x:
            raise Mismatch("needs at least one axis, and gets a single number")
        return call(
            "flax.nnx.BatchNorm",
            x.channels,
            momentum=self.momentum,
            epsilon=self.epsilon,
            use_scale=self.scale,
            use_bias=self.bias,
        )


class LayerNorm(Layer):
    """Each position to mean 0 and variance 1 over its channels, then scaled and shifted (Ba et al., 2016).

    epsilon: added to the variance.
    scale, bias: whether the learned factor and shift are there.
    """

    epsilon: Positive = 1e-5
    scale: Switch = True
    bias: Switch = True

    def lower(self, x: Shape) -> Call:
        if not x:
            raise Mismatch("needs at least one axis, and gets a single number")
        return call("flax.nnx.LayerNorm", x.channels, epsilon=self.epsilon, use_scale=self.scale, use_bias=self.bias)


class Embed(Layer):
    """Looks up a learned vector for each whole number: [length] becomes [length, embed].

    embed: the vectors' width.
    vocabulary: how many there are: the whole numbers go from 0 to one less.
    """

    consumes = "int32"

    embed: Count
    vocabulary: Count

    def lower(self, x: Shape) -> Call:
        return call("flax.nnx.Embed", self.vocabulary, self.embed)


class Block(Layer):
    """Layers in turn, as one thing with a name."""

    block: Layers

    def lower(self, x: Shape) -> Branches:
        return Branches({"": self.block})


class Residual(Layer):
    """F(x) + x (He et al., 2015).

    residual: the layers of F.
    shortcut: how x gets to the sum. "identity": as it is, and the shapes must agree. Where they don't, "projection" is
    a 1 × 1 convolution and batch norm; "pad" takes every so manieth position and adds channels of zeros.
    """

    residual: Layers
    shortcut: Literally("identity", "projection", "pad") = "identity"  # type: ignore[valid-type]

    def lower(self, x: Shape) -> Branches:
        return Branches({"": self.residual, "shortcut": lambda out: self._to_sum(x, out)}, call("jax.numpy.add"))

    def _to_sum(self, x: Shape, out: Shape) -> Layers:
        """The layers that bring `x` to the shape `out`: none where it has that shape already."""
        if self.shortcut == "identity" or x == out or len(x) != len(out):
            return ()
        if self.shortcut == "pad" and out.channels < x.channels:
            message = f"adds {out} to {x}, which has more channels: no padding helps"
            raise Mismatch(message, "shortcut", help='shortcut = "projection" brings x to the same shape')
        if len(x) == 1 and self.shortcut == "projection":
            return (Dense(dense=out.channels, bias=False),)
        stride = tuple(-(-a // b) for a, b in zip(x.spatial, out.spatial, strict=True))
        if self.shortcut == "pad":
            return (Subsample(stride=stride, channels=out.channels),)
        return (Conv(conv=out.channels, kernel=1, stride=stride, padding=0, bias=False), BatchNorm())


class Subsample(Layer, abstract=True):
    """Every so manieth position, and channels of zeros at the end: what `shortcut = "pad"` becomes."""

    stride: tuple[int, ...]
    channels: int

    def lower(self, x: Shape) -> Call:
        return call("netspec.nn.shapes.subsample", self.stride, self.channels)
