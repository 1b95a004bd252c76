"""Convolutions."""

from netspec.spec.activations import Activated
from netspec.spec.call import Mismatch, Shape, call
from netspec.spec.layer import Layer, Lowered
from netspec.spec.layers.fitting import each, needs_axes, then, window_padding
from netspec.spec.values import Count, Literally, Padding, Size, Switch

__all__: list[str] = []


class Conv(Layer):
    """Convolution over the spatial axes of a channels-last input, in 1, 2 or 3 dimensions as the input has.

    conv: output channels.
    kernel: the window, one number or one for each axis.
    stride: steps between windows.
    padding: "same" (output = input / stride), "valid" (none), or zeros at both ends of each axis.
    causal: over a sequence, all zeros before it: no position reads a later one (van den Oord et al., 2016).
    dilation: steps between the taps of a window.
    groups: parts of the channels that are convolved apart; as many as channels is a depthwise convolution.
    bias: whether a number is added to each output channel.
    norm: of the kernel, not of the numbers: "weight" parts its length for each output from its direction (Salimans and
    Kingma, 2016); "spectral" divides it by its largest singular value (Miyato et al., 2018).
    activation: what follows, such as "relu".
    """

    conv: Count
    kernel: Size = 3
    stride: Size = 1
    padding: Padding = "same"
    causal: Switch = False
    dilation: Size = 1
    groups: Count = 1
    bias: Switch = True
    norm: Literally("weight", "spectral") | None = None  # type: ignore[valid-type]
    activation: Activated = None

    def lower(self, x: Shape) -> Lowered:
        axes = needs_axes(x, self.kind)
        for width, what in ((x.channels, "input"), (self.conv, "output")):
            if width % self.groups:
                raise Mismatch(f"cannot split {width} {what} channels into {self.groups} groups", "groups")
        keywords: dict[str, object] = {
            "kernel_size": each(self.kernel, axes, "kernel", x),
            "strides": each(self.stride, axes, "stride", x),
            "padding": self._causal_padding(axes, x) if self.causal else window_padding(self.padding, axes, x),
            "use_bias": self.bias,
        }
        if self.dilation != 1:
            keywords["kernel_dilation"] = each(self.dilation, axes, "dilation", x)
        if self.groups != 1:
            keywords["feature_group_count"] = self.groups
        return then(call(self._module(axes), x.channels, self.conv, **keywords), self.activation, x)

    @property
    def padded(self) -> str:  # type: ignore[override]
        """Kept where each position of the result stands for one of the input."""
        return "kept" if self.norm is None and self.stride in (1, (1,)) and self.padding == "same" else "refused"

    def _module(self, axes: int) -> str:
        if self.norm is not None:
            return f"netspec.nn.normalisation.{self.norm.capitalize()}NormConv"
        masked = axes == 1 and self.padded == "kept"
        return "netspec.nn.sequence_convolution.SequenceConv" if masked else "flax.nnx.Conv"

    def _causal_padding(self, axes: int, x: Shape) -> str:
        if axes != 1:
            raise Mismatch(f"is causal over a sequence, and gets {x}", "causal", label="needs [length, channels]")
        if self.padding != "same":
            raise Mismatch("says twice how it is padded", "padding", label="'causal' says it already")
        return "CAUSAL"


class DepthwiseConv(Layer):
    """Convolution of each channel by itself (Chollet, 2017); `{ conv = …, kernel = 1 }` after it mixes the channels.

    depthwise_conv: the window, one number or one for each axis.
    multiplier: output channels for each input channel.
    stride: steps between windows.
    padding: "same" (output = input / stride), "valid" (none), or zeros at both ends of each axis.
    dilation: steps between the taps of a window.
    bias: whether a number is added to each output channel.
    activation: what follows, such as "relu".
    """

    depthwise_conv: Size = 3
    multiplier: Count = 1
    stride: Size = 1
    padding: Padding = "same"
    dilation: Size = 1
    bias: Switch = True
    activation: Activated = None

    def lower(self, x: Shape) -> Lowered:
        axes = needs_axes(x, self.kind)
        keywords: dict[str, object] = {
            "kernel_size": each(self.depthwise_conv, axes, self.kind, x),
            "strides": each(self.stride, axes, "stride", x),
            "padding": window_padding(self.padding, axes, x),
            "feature_group_count": x.channels,
            "use_bias": self.bias,
        }
        if self.dilation != 1:
            keywords["kernel_dilation"] = each(self.dilation, axes, "dilation", x)
        return then(call("flax.nnx.Conv", x.channels, x.channels * self.multiplier, **keywords), self.activation, x)


class ConvTransposed(Layer):
    """Transposed convolution: every number spreads over a window, `stride` apart (Zeiler et al., 2010).

    Output sizes: "same" gives input * stride; "valid" (input - 1) * stride + max(kernel, stride), all that the windows
    reach; a number p (input - 1) * stride + kernel - 2 p, with p cut off at both ends.

    conv_transposed: output channels.
    kernel: the window, one number or one for each axis.
    stride: positions of the output for each of the input.
    padding: "same", "valid", or how much is cut off at both ends of each axis.
    dilation: steps between the taps of a window, so that it is (kernel - 1) * dilation + 1 wide.
    bias: whether a number is added to each output channel.
    activation: what follows, such as "relu".
    """

    conv_transposed: Count
    kernel: Size = 3
    stride: Size = 1
    padding: Padding = "same"
    dilation: Size = 1
    bias: Switch = True
    activation: Activated = None

    def lower(self, x: Shape) -> Lowered:
        axes = needs_axes(x, self.kind)
        keywords: dict[str, object] = {"padding": self._around(axes, x), "use_bias": self.bias}
        if self.dilation != 1:
            keywords["kernel_dilation"] = each(self.dilation, axes, "dilation", x)
        kernel, stride = each(self.kernel, axes, "kernel", x), each(self.stride, axes, "stride", x)
        first = call(
            "netspec.nn.transposed_convolution.ConvTranspose",
            x.channels,
            self.conv_transposed,
            kernel,
            stride,
            **keywords,
        )
        return then(first, self.activation, x)

    def _around(self, axes: int, x: Shape) -> str | tuple[tuple[int, int], ...]:
        """What JAX pads the spread-out input by: what the windows reach beyond it, less what is cut off."""
        if isinstance(self.padding, str):
            return self.padding.upper()
        cut = each(self.padding, axes, "padding", x)
        taps = zip(each(self.kernel, axes, "kernel", x), each(self.dilation, axes, "dilation", x), strict=True)
        reach = [(kernel - 1) * dilation for kernel, dilation in taps]
        if any(c > r for c, r in zip(cut, reach, strict=True)):
            raise Mismatch("cuts off more than its windows add", "padding", label="must be less than the window")
        return tuple((r - c, r - c) for r, c in zip(reach, cut, strict=True))
