"""Normalisation."""

from netspec.spec.call import Call, Mismatch, Shape, call
from netspec.spec.layer import Layer
from netspec.spec.layers.fitting import needs_axes, needs_channels
from netspec.spec.values import Count, Positive, Rate, Switch

__all__: list[str] = []


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
        return call(
            "flax.nnx.BatchNorm",
            needs_channels(x),
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

    padded = "kept"

    epsilon: Positive = 1e-5
    scale: Switch = True
    bias: Switch = True

    def lower(self, x: Shape) -> Call:
        return call(
            "flax.nnx.LayerNorm", needs_channels(x), epsilon=self.epsilon, use_scale=self.scale, use_bias=self.bias
        )


class RmsNorm(Layer):
    """Each position divided by the root of the mean square of its channels, then scaled (Zhang and Sennrich, 2019).

    epsilon: added to the mean square.
    scale: whether the learned factor is there.
    """

    padded = "kept"

    epsilon: Positive = 1e-5
    scale: Switch = True

    def lower(self, x: Shape) -> Call:
        return call("flax.nnx.RMSNorm", needs_channels(x), epsilon=self.epsilon, use_scale=self.scale)


class GroupNorm(Layer):
    """Each group of channels of an example to mean 0 and variance 1, then scaled and shifted (Wu and He, 2018).

    group_norm: how many groups the channels part into.
    epsilon: added to the variance.
    scale, bias: whether the learned factor and shift, one a channel, are there.
    """

    group_norm: Count = 32
    epsilon: Positive = 1e-5
    scale: Switch = True
    bias: Switch = True

    def lower(self, x: Shape) -> Call:
        if needs_channels(x) % self.group_norm:
            raise Mismatch(f"cannot split {x.channels} channels into {self.group_norm} groups", self.kind)
        return call(
            "flax.nnx.GroupNorm",
            x.channels,
            self.group_norm,
            epsilon=self.epsilon,
            use_scale=self.scale,
            use_bias=self.bias,
        )


class InstanceNorm(Layer):
    """Each channel of an example to mean 0 and variance 1 over its positions, then scaled and shifted.

    Ulyanov et al., 2016.

    epsilon: added to the variance.
    scale, bias: whether the learned factor and shift, one a channel, are there.
    """

    epsilon: Positive = 1e-5
    scale: Switch = True
    bias: Switch = True

    def lower(self, x: Shape) -> Call:
        needs_axes(x, self.kind)
        return call("flax.nnx.InstanceNorm", x.channels, epsilon=self.epsilon, use_scale=self.scale, use_bias=self.bias)


class LocalResponseNorm(Layer):
    """y_c = x_c / (k + alpha Σ x_j²)^beta, over the channels j around c (Krizhevsky et al., 2012).

    The constants are theirs. Caffe, and the GoogLeNet trained in it, divide alpha by size and have k = 1.

    size: channels that a sum goes over.
    alpha, beta, k: as in the equation.
    """

    padded = "kept"

    size: Count = 5
    alpha: Positive = 1e-4
    beta: Positive = 0.75
    k: Positive = 2.0

    def lower(self, x: Shape) -> Call:
        # What a sum reaches beyond all the channels is zeros.
        size = min(self.size, 2 * needs_channels(x) - 1)
        return call(
            "netspec.nn.normalisation.local_response_norm", size=size, alpha=self.alpha, beta=self.beta, k=self.k
        )
