"""Units that are no weighted sums: learned factors and shifts, radial bases, and the nodes of sum-product networks."""

from netspec.spec.call import Call, Mismatch, Shape, call
from netspec.spec.layer import Layer
from netspec.spec.layers.fitting import each, needs_axes, needs_channels
from netspec.spec.values import Count, Number, Positive, Size, Switch

__all__: list[str] = []


class Scale(Layer):
    """y = s x, with one learned factor a channel; at the end of a residual, LayerScale (Touvron et al., 2021).

    scale: where the factors begin.
    """

    padded = "kept"

    scale: Number = 1.0

    def lower(self, x: Shape) -> Call:
        return call("netspec.nn.units.Scale", needs_channels(x), self.scale)


class Shift(Layer):
    """y = x + b, with one learned number a channel.

    shift: where they begin.
    """

    padded = "kept"

    shift: Number = 0.0

    def lower(self, x: Shape) -> Call:
        return call("netspec.nn.units.Shift", needs_channels(x), self.shift)


class Rbf(Layer):
    """Radial basis functions: y_k = exp(-||x - c_k||² / (2 w_k²)) (Broomhead and Lowe, 1988).

    The centers c are the parameter `centers`; `init = { centers = "kmeans" }` finds them in the data, as Moody and
    Darken (1989) do. They begin as normal numbers with deviation 1, so the input should be of that size.

    rbf: how many.
    width: where the widths w begin.
    learn_widths: whether they are learned, as the parameter `widths`.
    """

    padded = "kept"

    rbf: Count
    width: Positive = 1.0
    learn_widths: Switch = True

    def lower(self, x: Shape) -> Call:
        width = needs_channels(x)
        return call("netspec.nn.units.RadialBasis", width, self.rbf, self.width, learn_widths=self.learn_widths)


class Leaves(Layer):
    """The leaves of a sum-product network: log-densities of every input under normal distributions of its own.

    [features] becomes [features, leaves], with the parameters `means` and `log_deviations`. A whole network that
    classifies four features, all in logarithms: `{ leaves = 4 }`, `{ product = 2 }`, `{ sum = 4 }`, `{ product = 2 }`,
    `"flatten"`, `{ sum = "$classes" }`, and the cross-entropy as its loss (Gens and Domingos, 2012).

    leaves: distributions for each input.
    """

    leaves: Count

    def lower(self, x: Shape) -> Call:
        if len(x) != 1:
            raise Mismatch(f"needs [features], and gets {x}", label=f"gets {x}", help="'flatten' makes one axis of all")
        return call("netspec.nn.units.Leaves", x.channels, self.leaves)


class Sum(Layer):
    """Sum nodes: y_k = log Σ_j w_kj exp(x_j), weights that are above 0 and sum to 1 (Poon and Domingos, 2011).

    They mix the channels of each position, which must be log-probabilities about the same numbers, as `leaves` and
    `product` give them; the result is log-probabilities, too. w is the softmax of the parameter `kernel`.

    sum: nodes at each position.
    """

    sum: Count

    def lower(self, x: Shape) -> Call:
        needs_channels(x)
        return call("netspec.nn.units.SumNodes", tuple(x), self.sum)


class Product(Layer):
    """Product nodes: the sum of log-probabilities over neighbouring positions (Poon and Domingos, 2011).

    Positions are about different numbers, so these are probabilities of all of them together.

    product: positions that meet in a node, one number or one for each axis; a divisor of the axis.
    """

    product: Size = 2

    def lower(self, x: Shape) -> Call:
        window = each(self.product, needs_axes(x, self.kind), self.kind, x)
        if any(n % w for n, w in zip(x.spatial, window, strict=True)):
            raise Mismatch(f"cannot part {Shape(x.spatial)} positions into {Shape(window)}", self.kind)
        return call("netspec.nn.units.product_nodes", window)
