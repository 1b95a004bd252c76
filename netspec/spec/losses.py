"""What is minimised: losses between outputs and targets, and penalties on weights.

The last layer gives logits, and the loss knows it: no softmax or sigmoid stands before one.
"""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

from netspec.spec.call import Call, call
from netspec.spec.kind import Kind, items_of
from netspec.spec.values import Fraction, Positive

__all__ = ["Loss", "Penalty"]

Encoding = Literal["index", "zero_one", "plus_minus", "number"]
"""How the loss wants targets: a class's index, two classes as 0 and 1, two classes as -1 and 1, or numbers."""


class Penalty(Kind, family="penalty"):
    """A term on the parameters whose paths match `on`.

    on: a pattern over parameter paths: `*` within a part, `**` across parts.
    """

    on: str = "**/kernel"

    @abstractmethod
    def lower(self) -> Call:
        """The call that makes a function of one parameter."""


class L1(Penalty):
    """Strength times the sum of absolute values (the lasso)."""

    l1: Positive

    def lower(self) -> Call:
        return call("netspec.nn.losses.l1", self.l1)


class L2(Penalty):
    """Half the strength times the sum of squares: its gradient is strength times the weight (ridge, weight decay)."""

    l2: Positive

    def lower(self) -> Call:
        return call("netspec.nn.losses.l2", self.l2)


class Loss(Kind, family="loss"):
    """The mean over a batch's examples of one number for each.

    penalties: terms on weights, such as `[{ l2 = 1e-4 }]`.
    """

    targets: ClassVar[Encoding]
    penalties: Annotated[tuple[Penalty, ...], *items_of(Penalty)] = ()

    @abstractmethod
    def lower(self) -> Call:
        """The function of outputs and targets that gives one number an example."""


class CrossEntropy(Loss):
    """-log softmax(output)[class]: one logit for each class.

    smoothing: the share of the target spread evenly over all classes (label smoothing; Szegedy et al., 2016).
    """

    targets = "index"
    smoothing: Fraction = 0.0

    def lower(self) -> Call:
        return call("netspec.nn.losses.cross_entropy", smoothing=self.smoothing)


class BinaryCrossEntropy(Loss):
    """-log σ(output) where the target is 1, -log σ(-output) where it is 0: one logit."""

    targets = "zero_one"

    def lower(self) -> Call:
        return call("netspec.nn.losses.binary_cross_entropy")


class SquaredError(Loss):
    """(output - target)², the mean over the outputs of an example."""

    targets = "number"

    def lower(self) -> Call:
        return call("netspec.nn.losses.squared_error")


class AbsoluteError(Loss):
    """|output - target|, the mean over the outputs of an example."""

    targets = "number"

    def lower(self) -> Call:
        return call("netspec.nn.losses.absolute_error")


class Huber(Loss):
    """Half the squared error up to `delta`, linear beyond (Huber, 1964).

    delta: where the parabola turns into a line.
    """

    targets = "number"
    delta: Positive = 1.0

    def lower(self) -> Call:
        return call("netspec.nn.losses.huber", delta=self.delta)


class Hinge(Loss):
    """max(0, 1 - y output), y in {-1, +1}: a margin of one (Cortes and Vapnik, 1995)."""

    targets = "plus_minus"

    def lower(self) -> Call:
        return call("netspec.nn.losses.hinge")


class Perceptron(Loss):
    """max(0, -y output), y in {-1, +1}: only mistakes count (Rosenblatt, 1958)."""

    targets = "plus_minus"

    def lower(self) -> Call:
        return call("netspec.nn.losses.perceptron")
