"""Layers that hold layers: blocks, residuals, branches, side heads, cells; and layers used again."""

from typing import Annotated, ClassVar

from netspec.spec.call import Branch, Branches, Mismatch, Shape, Shared, call
from netspec.spec.kind import items_of
from netspec.spec.layer import Layer, Layers, ListsOfLayers
from netspec.spec.layers.convolution import Conv
from netspec.spec.layers.dense import Dense
from netspec.spec.layers.normalisation import BatchNorm
from netspec.spec.layers.shapes import Reverse, Subsample
from netspec.spec.values import Count, Literally, Name

__all__: list[str] = []


class Block(Layer):
    """Layers in turn, as one thing with a name.

    block: the layers.
    """

    example = '{ block = [{ dense = 64 }, "relu"], name = "head" }'

    padded = "kept"

    block: Layers

    def lower(self, x: Shape) -> Branches:
        return Branches({"": Branch(self.block, ("block",))})


class Residual(Layer):
    """y = F(x) + x (He et al., 2015); with a gate, y = (1 - σ(g(x))) x + σ(g(x)) F(x) (Srivastava et al., 2015).

    residual: the layers of F.
    shortcut: how x gets to the sum. "identity": as it is, and the shapes must agree. Where they don't, "projection" is
    a 1 × 1 convolution and batch norm; "pad" takes every so manieth position and adds channels of zeros. Or a list of
    layers.
    gate: the layers of g, which give one number for each of F(x), or one a channel.
    """

    example = '{ residual = [{ conv = 16 }, "relu", { conv = 16 }], shortcut = "projection" }'

    padded = "kept"

    residual: Layers
    shortcut: Annotated[str | tuple[Layer, ...], *items_of(Layer, "identity", "projection", "pad")] = "identity"
    gate: Annotated[tuple[Layer, ...] | None, *items_of(Layer)] = None

    def lower(self, x: Shape) -> Branches:
        f = Branch(self.residual, ("residual",))
        written = self.shortcut if isinstance(self.shortcut, tuple) else lambda out: self._to_sum(x, out)
        lists = {"": f, "shortcut": Branch(written, ("shortcut",))}
        if self.gate is None:
            return Branches(lists, call("jax.numpy.add"))
        return Branches({**lists, "gate": Branch(self.gate, ("gate",))}, call("netspec.nn.joins.gated"))

    def _to_sum(self, x: Shape, out: Shape) -> tuple[Layer, ...]:
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


class Parallel(Layer):
    """Branches of one input, side by side; `[]` among them is the input itself.

    parallel: a list of lists of layers.
    merge: what becomes of their results: "concat" along the channels, or their sum, product, mean or largest numbers.
    """

    example = "{ parallel = [[{ conv = 16, kernel = 1 }], [{ conv = 16, kernel = 3 }]] }"

    padded = "kept"

    parallel: ListsOfLayers
    merge: Literally("concat", "add", "multiply", "mean", "max") = "concat"  # type: ignore[valid-type]

    def lower(self, x: Shape) -> Branches:
        lists = {f"branch{i}": Branch(layers, ("parallel", i - 1)) for i, layers in enumerate(self.parallel, 1)}
        return Branches(lists, call(f"netspec.nn.joins.{self.merge}"))


class Side(Layer):
    """A head that reads here and leaves the main path alone: its result is an output, or is read by name.

    side: the layers of the head.
    """

    example = '{ side = [{ dense = 10 }], output = "early" }'

    padded = "kept"

    side: Layers

    def lower(self, x: Shape) -> Branches:
        return Branches({"": Branch(self.side, ("side",))}, aside=True)


class Share(Layer):
    """An earlier layer once more, with the same parameters.

    share: its name.
    """

    padded = "kept"

    share: Name

    def lower(self, x: Shape) -> Shared:
        return Shared(self.share)


class Cell(Layer):
    """Any layers as the cell of a recurrent network: s_t = F([x_t, s_(t-1)]), s_0 = 0; the states are the result.

    cell: the layers of F, which read the width of the input and of the state together, and give the state.
    state: numbers of the state.
    """

    example = '{ cell = [{ dense = 32, activation = "tanh" }], state = 32 }'

    padded = "kept"

    cell: Layers
    state: Count

    def lower(self, x: Shape) -> Branches:
        if len(x) < 2:
            raise Mismatch(f"needs [length, channels], and gets {x}", label=f"gets {x}")
        return Branches({"": Branch(self.cell, ("cell",))}, state=self.state)


class Bidirectional(Layer):
    """Layers over a sequence, and the same layers with parameters of their own over it backwards (Schuster, 1997).

    bidirectional: the layers, such as `[{ lstm = 64 }]`.
    merge: what becomes of both results: "concat" along the channels, or their sum, product, mean or largest numbers.
    """

    example = "{ bidirectional = [{ lstm = 32 }] }"

    padded = "kept"

    directions: ClassVar[tuple[str, ...]] = ("forward", "backward")

    bidirectional: Layers
    merge: Literally("concat", "add", "multiply", "mean", "max") = "concat"  # type: ignore[valid-type]

    def lower(self, x: Shape) -> Branches:
        if len(x) < 2:
            raise Mismatch(f"needs [length, channels], and gets {x}", label=f"gets {x}")
        backward = (Reverse(), *self.bidirectional, Reverse())
        lists = {
            "forward": Branch(self.bidirectional, ("bidirectional",)),
            "backward": Branch(lambda _: backward, ("bidirectional",)),
        }
        return Branches(lists, call(f"netspec.nn.joins.{self.merge}"))
