"""Losses of classes that work with margins. Two classes are -1 and +1, in the order of their labels."""

from netspec.spec.call import Call, call
from netspec.spec.losses.loss import Weighed

__all__ = [
    "Hinge",
    "Logistic",
    "MulticlassHinge",
    "MulticlassPerceptron",
    "Perceptron",
    "SquaredHinge",
]


class Hinge(Weighed):
    """max(0, 1 - y output), y in {-1, +1}: a margin of one (Cortes and Vapnik, 1995)."""

    targets = "plus_minus"

    def lower(self) -> Call:
        return call("netspec.nn.margins.hinge")


class SquaredHinge(Weighed):
    """max(0, 1 - y output)², y in {-1, +1}: a margin of one, smooth at its edge."""

    targets = "plus_minus"

    def lower(self) -> Call:
        return call("netspec.nn.margins.squared_hinge")


class Perceptron(Weighed):
    """max(0, -y output), y in {-1, +1}: only mistakes count (Rosenblatt, 1958)."""

    targets = "plus_minus"

    def lower(self) -> Call:
        return call("netspec.nn.margins.perceptron")


class Logistic(Weighed):
    """log(1 + exp(-y output)), y in {-1, +1}: the binary cross-entropy, written as a loss of the margin."""

    targets = "plus_minus"

    def lower(self) -> Call:
        return call("netspec.nn.margins.logistic")


class MulticlassHinge(Weighed):
    """max(0, 1 + the best output of another class - the target's): one output for each class (Crammer and Singer,
    2001).
    """

    targets = "index"

    def lower(self) -> Call:
        return call("netspec.nn.margins.multiclass_hinge")


class MulticlassPerceptron(Weighed):
    """The best output less the target's: one output for each class; only mistakes count (Collins, 2002)."""

    targets = "index"

    def lower(self) -> Call:
        return call("netspec.nn.margins.multiclass_perceptron")
