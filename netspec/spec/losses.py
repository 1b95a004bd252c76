"""What is minimised: losses between outputs and targets, and penalties on weights.

The last layer gives logits, and the loss knows it: no softmax or sigmoid stands before one.
"""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from netspec.spec.call import Call, call
from netspec.spec.kind import Kind, items_of
from netspec.spec.values import Fraction, Name, Number, Positive, Share

__all__ = ["Loss", "Penalty"]

Encoding = Literal["index", "zero_one", "plus_minus", "number"]
"""How the loss wants targets: a class's index, two classes as 0 and 1, two classes as -1 and 1, or numbers."""


class Penalty(Kind, family="penalty"):
    """A term on the parameters whose paths match `on`; or on what a layer gives.

    on: a pattern over parameter paths: `*` within a part, `**` across parts; `"**/kernel"` unless `of` is given.
    of: the name of a layer: the term is on its result, the mean over a batch's examples.
    """

    on: str | None = None
    of: Name | None = None

    @abstractmethod
    def lower(self) -> Call:
        """The call that makes a function of one array."""

    @classmethod
    def universal(cls) -> tuple[str, ...]:
        return ("on", "of")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.on is not None and self.of is not None:
            raise PydanticCustomError("choice", "has both 'on' (parameters) and 'of' (a layer's result)")
        return self


class L1(Penalty):
    """Strength times the sum of absolute values (the lasso).

    l1: the strength.
    """

    example = "{ l1 = 1e-4 }"

    l1: Positive

    def lower(self) -> Call:
        return call("netspec.nn.losses.l1", self.l1)


class L2(Penalty):
    """Half the strength times the sum of squares: its gradient is strength times the weight (ridge, weight decay).

    l2: the strength.
    """

    example = "{ l2 = 1e-4 }"

    l2: Positive

    def lower(self) -> Call:
        return call("netspec.nn.losses.l2", self.l2)


class Sparsity(Penalty):
    """Σ KL(ρ ‖ mean activity of each unit over the batch): units that are active a share ρ of the time (Ng, 2011).

    sparsity: the strength.
    share: ρ; activities are between 0 and 1, as a sigmoid's.
    """

    sparsity: Positive
    share: Share = 0.05

    def lower(self) -> Call:
        return call("netspec.nn.losses.sparsity", self.sparsity, self.share)


class Loss(Kind, family="loss"):
    """The mean over a batch's examples of one number for each.

    output: the output of the network that is judged; the main one unless said otherwise.
    target: the target that it is held against, or "input"; the data's only one unless said otherwise.
    weight: what the loss is multiplied by in the sum of several.
    penalties: terms on weights or on activity, such as `[{ l2 = 1e-4 }]`.
    """

    targets: ClassVar[Encoding]
    output: Name | None = None
    target: Name | None = None
    weight: Number = 1.0
    penalties: Annotated[tuple[Penalty, ...], *items_of(Penalty)] = ()

    @abstractmethod
    def lower(self) -> Call:
        """The function of outputs and targets that gives one number an example."""

    @classmethod
    def universal(cls) -> tuple[str, ...]:
        return ("output", "target", "weight", "penalties")


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
