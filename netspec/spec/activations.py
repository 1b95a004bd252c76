"""Activation functions: each a layer of its own, and a value of the `activation` key of others."""

from typing import Annotated, ClassVar

from netspec.spec.call import Call, Shape, call
from netspec.spec.kind import item_of
from netspec.spec.layer import Layer
from netspec.spec.values import Count, Number, Positive, Switch

__all__ = ["Activated", "Activation"]


class Activation(Layer, family="activation"):
    """A function of each number by itself, unless its page says otherwise."""

    padded = "kept"

    function: ClassVar[str]

    def lower(self, x: Shape) -> Call:
        return call(self.function)


class Identity(Activation):
    """x: what comes in goes out."""

    function = "jax.nn.identity"


class Sign(Activation):
    """1 above 0, -1 below, 0 at 0. Its gradient is 0, so it learns nothing; for networks set by hand."""

    function = "jax.numpy.sign"


class Step(Activation):
    """1 from 0 upwards, 0 below: the threshold neuron (McCulloch and Pitts, 1943). Its gradient is 0."""

    function = "netspec.nn.activations.step"


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    function = "jax.nn.sigmoid"


class Tanh(Activation):
    """The hyperbolic tangent."""

    function = "jax.nn.tanh"


class HardTanh(Activation):
    """x, cut off at -1 and 1."""

    function = "jax.nn.hard_tanh"


class HardSigmoid(Activation):
    """min(max(x + 3, 0), 6) / 6."""

    function = "jax.nn.hard_sigmoid"


class HardSilu(Activation):
    """x times `hard_sigmoid` of x (Howard et al., 2019)."""

    function = "jax.nn.hard_silu"


class Softsign(Activation):
    """x / (1 + |x|)."""

    function = "jax.nn.soft_sign"


class Relu(Activation):
    """max(x, 0) (Nair and Hinton, 2010)."""

    function = "jax.nn.relu"


class Relu6(Activation):
    """min(max(x, 0), 6)."""

    function = "jax.nn.relu6"


class LeakyRelu(Activation):
    """x from 0 upwards, slope times x below (Maas et al., 2013).

    leaky_relu: the slope.
    """

    leaky_relu: Number = 0.01

    def lower(self, x: Shape) -> Call:
        return call("jax.nn.leaky_relu", negative_slope=self.leaky_relu)


class Prelu(Activation):
    """x from 0 upwards, a learned slope times x below (He et al., 2015).

    prelu: the slope that it begins with.
    """

    prelu: Number = 0.25

    def lower(self, x: Shape) -> Call:
        return call("flax.nnx.PReLU", negative_slope_init=self.prelu)


class Elu(Activation):
    """x from 0 upwards, alpha (exp(x) - 1) below (Clevert et al., 2016).

    elu: alpha.
    """

    elu: Positive = 1.0

    def lower(self, x: Shape) -> Call:
        return call("jax.nn.elu", alpha=self.elu)


class Celu(Activation):
    """max(0, x) + min(0, alpha (exp(x / alpha) - 1)) (Barron, 2017).

    celu: alpha.
    """

    celu: Positive = 1.0

    def lower(self, x: Shape) -> Call:
        return call("jax.nn.celu", alpha=self.celu)


class Selu(Activation):
    """An `elu` scaled so that activations keep mean 0 and variance 1 (Klambauer et al., 2017)."""

    function = "jax.nn.selu"


class Gelu(Activation):
    """x Φ(x), with Φ the normal distribution's (Hendrycks and Gimpel, 2016).

    approximate: by a tanh, as GPT-2 has it.
    """

    approximate: Switch = True

    def lower(self, x: Shape) -> Call:
        return call("jax.nn.gelu", approximate=self.approximate)


class Silu(Activation):
    """x σ(x), also known as swish (Elfwing et al., 2018)."""

    function = "jax.nn.silu"


class Mish(Activation):
    """x tanh(softplus(x)) (Misra, 2019)."""

    function = "jax.nn.mish"


class Softplus(Activation):
    """log(1 + exp(x))."""

    function = "jax.nn.softplus"


class Gaussian(Activation):
    """exp(-x²)."""

    function = "netspec.nn.activations.gaussian"


class Softmax(Activation):
    """exp(x_i) / Σ_j exp(x_j) over the channels."""

    function = "jax.nn.softmax"


class Maxout(Activation):
    """The largest of every so many neighbouring channels (Goodfellow et al., 2013): 2 n become n.

    A layer of 64 maxout units is `{ dense = 128, activation = "maxout" }`; after a convolution it works likewise.

    maxout: how many channels, the pieces, become one.
    """

    maxout: Count = 2

    def lower(self, x: Shape) -> Call:
        return call("netspec.nn.activations.maxout", self.maxout)


class Glu(Activation):
    """The first half of the channels times σ of the second half (Dauphin et al., 2017): 2 n become n."""

    function = "netspec.nn.activations.glu"


class Swiglu(Activation):
    """The first half of the channels times `silu` of the second half (Shazeer, 2020): 2 n become n."""

    function = "netspec.nn.activations.swiglu"


Activated = Annotated[Activation | None, *item_of(Activation)]
"""An activation that follows a layer: `"relu"`, `{ leaky_relu = 0.2 }`."""
