"""What is random in training and still in evaluation."""

from typing import Any

from netspec.spec.activations import Activated
from netspec.spec.call import Call, Mismatch, Shape, call
from netspec.spec.changing import ChangingPositive, ChangingRate
from netspec.spec.courses import Course
from netspec.spec.layer import Layer, Lowered
from netspec.spec.layers.fitting import needs_channels, then
from netspec.spec.values import Count, Switch

__all__: list[str] = []


class Dropout(Layer):
    """In training, each number becomes 0 with the given probability; the others grow (Srivastava et al., 2014).

    dropout: the probability p; what is kept is divided by 1 - p.
    channels: whether whole channels become 0, at all positions of an example (Tompson et al., 2015).
    """

    padded = "kept"

    dropout: ChangingRate = 0.5
    channels: Switch = False

    def lower(self, x: Shape) -> Call:
        if not self.channels:
            return _dropout(self.dropout)
        if len(x) < 2:
            raise Mismatch(f"drops channels at all positions, and gets {x}, which has none", "channels")
        return _dropout(self.dropout, broadcast_dims=tuple(range(1, len(x))))


def _dropout(rate: float | Course, **keywords: Any) -> Call:
    if isinstance(rate, Course):
        return call("netspec.nn.noise.Dropout", rate=rate, **keywords)
    return call("flax.nnx.Dropout", rate, **keywords)


class StochasticDepth(Layer):
    """In training, the whole of an example becomes 0 with the given probability; others grow (Huang et al., 2016).

    Stands last in a residual's layers, so that a block is left out of some examples' way at a time.

    stochastic_depth: the probability p; what is kept is divided by 1 - p.
    """

    padded = "kept"

    stochastic_depth: ChangingRate = 0.2

    def lower(self, x: Shape) -> Call:
        return _dropout(self.stochastic_depth, broadcast_dims=tuple(range(1, 1 + len(x))))


class Noise(Layer):
    """In training, a number from a normal distribution around 0 is added to each (Sietsma and Dow, 1991).

    noise: its standard deviation.
    """

    padded = "kept"

    noise: ChangingPositive = 0.1

    def lower(self, x: Shape) -> Call:
        if isinstance(self.noise, Course):
            return call("netspec.nn.noise.Noise", deviation=self.noise)
        return call("netspec.nn.noise.Noise", self.noise)


class Dropconnect(Layer):
    """A dense layer whose weights each become 0 with some probability in training; the others grow (Wan et al., 2013).

    They are drawn once for each batch; the paper draws them for each example.

    dropconnect: outputs.
    rate: the probability p; what is kept is divided by 1 - p.
    bias: whether a number is added to each output.
    activation: what follows, such as "relu".
    """

    padded = "kept"

    dropconnect: Count
    rate: ChangingRate = 0.5
    bias: Switch = True
    activation: Activated = None

    def lower(self, x: Shape) -> Lowered:
        widths = (needs_channels(x), self.dropconnect)
        if isinstance(self.rate, Course):
            made = call("netspec.nn.noise.DropConnect", *widths, rate=self.rate, use_bias=self.bias)
        else:
            made = call("netspec.nn.noise.DropConnect", *widths, self.rate, use_bias=self.bias)
        return then(made, self.activation, x)
