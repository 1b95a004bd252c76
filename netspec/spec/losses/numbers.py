"""Losses of numbers."""

from netspec.spec.call import Call, Shape, call
from netspec.spec.losses.loss import Encoding, Loss
from netspec.spec.values import Positive

__all__ = ["AbsoluteError", "Cosine", "HalfSquaredError", "Huber", "Kl", "LogCosh", "SquaredError"]


class OfErrors(Loss, abstract=True):
    """A loss of the difference between output and target; a target of two classes is -1 and +1 to it."""

    targets = "number"

    def form(self, outputs: tuple[Shape, ...], classes: int) -> Encoding:
        return "plus_minus" if classes == 2 else "number"


class SquaredError(OfErrors):
    """(output - target)², the mean over the outputs of an example.

    A target of two classes is -1 and +1 to it (Widrow and Hoff, 1960).
    """

    def lower(self) -> Call:
        return call("netspec.nn.losses.squared_error")


class HalfSquaredError(OfErrors):
    """(output - target)² / 2, the mean over the outputs of an example: its gradient is the error itself."""

    def lower(self) -> Call:
        return call("netspec.nn.losses.half_squared_error")


class AbsoluteError(OfErrors):
    """|output - target|, the mean over the outputs of an example."""

    def lower(self) -> Call:
        return call("netspec.nn.losses.absolute_error")


class Huber(OfErrors):
    """Half the squared error up to `delta`, linear beyond (Huber, 1964).

    delta: where the parabola turns into a line.
    """

    delta: Positive = 1.0

    def lower(self) -> Call:
        return call("netspec.nn.losses.huber", delta=self.delta)


class LogCosh(OfErrors):
    """log cosh(output - target), the mean over the outputs of an example: a smooth kin of Huber's."""

    def lower(self) -> Call:
        return call("netspec.nn.losses.log_cosh")


class Cosine(Loss):
    """1 - cos of the angle between output and target: directions count, lengths do not."""

    targets = "number"

    def lower(self) -> Call:
        return call("netspec.nn.losses.cosine")


class Kl(Loss):
    """KL(target ‖ softmax(output)) = Σ t (log t - log p): the target is a probability for each class (Kullback and
    Leibler, 1951).
    """

    targets = "distribution"

    def lower(self) -> Call:
        return call("netspec.nn.losses.kl")
