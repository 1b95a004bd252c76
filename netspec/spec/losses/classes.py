"""Losses of classes that work with probabilities."""

from netspec.spec.call import Call, Shape, call
from netspec.spec.changing import ChangingFraction
from netspec.spec.losses.loss import Encoding, Loss, OfClasses, Weighed
from netspec.spec.values import Positive

__all__ = ["BinaryCrossEntropy", "CrossEntropy", "Ctc", "Dice", "Focal"]


class CrossEntropy(Weighed):
    """-log softmax(output)[class]: one logit for each class.

    smoothing: the share of the target spread evenly over all classes (label smoothing; Szegedy et al., 2016).
    """

    targets = "index"
    smoothing: ChangingFraction = 0.0

    def lower(self) -> Call:
        return call("netspec.nn.losses.cross_entropy", smoothing=self.smoothing)


class BinaryCrossEntropy(Weighed):
    """-log σ(output) where the target is 1, -log σ(-output) where it is 0: one logit."""

    targets = "zero_one"

    def lower(self) -> Call:
        return call("netspec.nn.losses.binary_cross_entropy")


def _one_or_each(outputs: tuple[Shape, ...], classes: int) -> Encoding:
    """One logit for two classes, or one for each."""
    return "zero_one" if classes == 2 and outputs[0].channels == 1 else "index"


class Focal(Weighed):
    """-(1 - p)^γ log p, p the probability of the target's class (Lin et al., 2017): what is known counts less.

    One logit for each class, of which p is the softmax; or one logit for two classes, of which it is σ.

    gamma: γ; the nearer to 0, the nearer to the cross-entropy.
    """

    targets = "index"
    gamma: Positive = 2.0

    def lower(self) -> Call:
        return call("netspec.nn.losses.focal", gamma=self.gamma)

    def form(self, outputs: tuple[Shape, ...], classes: int) -> Encoding:
        return _one_or_each(outputs, classes)


class Dice(OfClasses):
    """1 - (2 Σ p t + smooth) / (Σ p + Σ t + smooth) over an example's positions, the mean over classes (Milletari et
    al., 2016): how far two regions overlap.

    One logit for each class and position, of which p is the softmax; or one logit for two classes, of which it is σ.

    smooth: keeps the quotient from 0 / 0.
    """

    targets = "index"
    whole = True
    smooth: Positive = 1.0

    def lower(self) -> Call:
        return call("netspec.nn.losses.dice", smooth=self.smooth)

    def form(self, outputs: tuple[Shape, ...], classes: int) -> Encoding:
        return _one_or_each(outputs, classes)


class Ctc(Loss):
    """-log of the probability of all paths over the frames that come to the target's labels (Graves et al., 2006).

    The output is [frames, classes + 1], the last logit the blank's; the target is a row of classes, shorter than the
    frames. A path comes to its labels when repetitions and then blanks are left out.
    """

    targets = "symbols"
    whole = True

    def lower(self) -> Call:
        return call("netspec.nn.ctc.ctc")
