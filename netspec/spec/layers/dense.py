"""Layers that are matrix products, and tables of vectors."""

from netspec.spec.activations import Activated
from netspec.spec.call import Call, Mismatch, Parameter, Shape, call
from netspec.spec.expression import parse
from netspec.spec.layer import Layer, Lowered
from netspec.spec.layers.fitting import needs_channels, then
from netspec.spec.values import Count, Literally, Name, Switch

__all__: list[str] = []


class Dense(Layer):
    """Fully connected: y = x W + b, over the last axis of its input.

    dense: outputs.
    bias: whether b is there.
    tie: a layer whose W is used, transposed: that layer goes from n to m numbers, this one from m to n.
    norm: of W, not of the numbers: "weight" parts the length of each of its columns from its direction (Salimans and
    Kingma, 2016); "spectral" divides it by its largest singular value (Miyato et al., 2018).
    activation: what follows, such as "relu".
    """

    padded = "kept"

    dense: Count
    bias: Switch = True
    tie: Name | None = None
    norm: Literally("weight", "spectral") | None = None  # type: ignore[valid-type]
    activation: Activated = None

    def lower(self, x: Shape) -> Lowered:
        width = needs_channels(x)
        own = call(self._module, width, self.dense, use_bias=self.bias)
        return then(own if self.tie is None else self._tied(self.tie, width), self.activation, x)

    @property
    def _module(self) -> str:
        if self.norm is None:
            return "flax.nnx.Linear"
        return f"netspec.nn.normalisation.{self.norm.capitalize()}NormLinear"

    def _tied(self, other: str, width: int) -> Call:
        if self.norm is not None:
            raise Mismatch("cannot norm a kernel that is another layer's", "norm", label="'tie' borrows the kernel")
        borrowed = Parameter(other, "tie", "kernel", (self.dense, width))
        name = "netspec.nn.dense.TiedLinear" if self.bias else "netspec.nn.dense.tied"
        arguments = (self.dense, borrowed) if self.bias else (borrowed,)
        return call(name, *arguments)


class Embed(Layer):
    """Looks up a learned vector for each whole number: [length] becomes [length, embed].

    embed: the vectors' width.
    vocabulary: how many there are: the whole numbers go from 0 to one less; the data's unless said otherwise.
    """

    example = "{ embed = 16, vocabulary = 1000 }"

    consumes = "int32"
    padded = "kept"

    embed: Count
    vocabulary: Count = parse("$vocabulary")  # type: ignore[assignment]

    def lower(self, x: Shape) -> Call:
        return call("flax.nnx.Embed", self.vocabulary, self.embed)


class Unembed(Layer):
    """One logit for each vector of an embedding: their inner products with the input (Press and Wolf, 2017).

    unembed: the name of the `embed` layer.
    """

    padded = "kept"
    example = '{ unembed = "tokens" }'

    unembed: Name

    def lower(self, x: Shape) -> Call:
        if not x:
            raise Mismatch("needs at least one axis, and gets a single number")
        return call("netspec.nn.dense.unembed", Parameter(self.unembed, "unembed", "embedding", (None, x.channels)))
