"""The numbers at which an illness is told of, each with the reason why it is that one.

They were chosen so that no shipped spec that trains as it should is told of any.
"""

from __future__ import annotations

from typing import Any, Self

from netspec.train.diagnoses.finding import shown

__all__ = [
    "BEGINNING",
    "BEGUN",
    "CEASED",
    "CONVERGED",
    "DEAD",
    "ENOUGH",
    "FEWEST_LAYERS",
    "GROWN",
    "HIGH",
    "LEARNED",
    "LOST",
    "MOST_ALERTS",
    "MOST_TIMES",
    "NOTHING",
    "ORDERS",
    "OVERFITTED",
    "PULLING",
    "REVERSALS",
    "SATURATED_UNITS",
    "SLOWED",
    "STEADY",
    "STILL",
    "STOOD_STILL",
    "SWING",
    "UNLEARNED",
    "WORSE",
    "Threshold",
]


class Threshold(float):
    """A number, and why it is that one."""

    why: str
    unit: str

    def __new__(cls, value: float, why: str, unit: str = "") -> Self:
        made = super().__new__(cls, value)
        made.why, made.unit = " ".join(why.split()), unit
        return made

    def __str__(self) -> str:
        return f"{shown(100.0 * self)} %" if self.unit == "%" else f"{shown(float(self))}{self.unit}"

    def __reduce__(self) -> Any:
        return type(self), (float(self), self.why, self.unit)


# The loss ------------------------------------------------------------------------------------------------------------

GROWN = Threshold(
    10.0,
    """How many times what it began with the loss must stand above its best: noise never takes it there, while what
    grows without bound passes this on the way to infinity.""",
    " times",
)

SWING = Threshold(
    0.25,
    """How much of what was gained a swing must lose or win back to count: the noise of a mean over an epoch's batches
    stays under a tenth.""",
    "%",
)

REVERSALS = Threshold(
    4,
    """How many swings, each against the one before, are no accident: one bad stretch makes two.""",
)

LOST = Threshold(
    0.5,
    """How much of what was gained must be lost again for good: half of it is more than any schedule's restart costs
    for long.""",
    "%",
)

UNLEARNED = Threshold(
    0.1,
    """How much of its first value the loss must have fallen by before losing that is worth a word.""",
    "%",
)

STEADY = Threshold(
    0.9,
    """How many of all pairs of stretches must fall from the earlier to the later: what merely wavers gives half.""",
    "%",
)

SLOWED = Threshold(
    0.5,
    """How much of its first pace the loss must have kept, for the same learning rate: one that comes near to its
    minimum has slowed to a tenth.""",
    "%",
)

LEARNED = Threshold(
    0.33,
    """By how much of its first value the loss may have fallen at the most: what has lost a third of it learns.""",
    "%",
)

STILL = Threshold(
    0.01,
    """By how much of its first value (near convergence: of what it is) the loss may still change while it is said to
    stand still.""",
    "%",
)

HIGH = Threshold(
    0.5,
    """How much of its first value the loss must still have: below, it may well be as low as the noise of the data
    lets it be.""",
    "%",
)

PULLING = Threshold(
    0.05,
    """How much of the largest gradient there must still be: less may be the last of the way to a minimum.""",
    "%",
)

NOTHING = Threshold(
    0.8,
    """How much of its first value the loss has where next to nothing was learned, whatever the gradient.""",
    "%",
)

CONVERGED = Threshold(
    1e-6,
    """How small the gradient must be beside the largest: near a minimum the loss goes with its square, so what is left
    to gain is far below the rounding of 32 bits; and the weights themselves have next to nowhere to go.""",
)

STOOD_STILL = Threshold(
    1e-5,
    """By how much of its first value the loss may change within the stretch that is looked at: a few times the rounding
    of 32 bits.""",
)

OVERFITTED = Threshold(
    0.2,
    """How much of what it had gained the validation loss must have lost again: some rise is usual where a network grows
    surer of what it gets wrong, its accuracy unharmed.""",
    "%",
)

WORSE = Threshold(
    0.1,
    """By how much of its best the validation loss must have risen, and the training loss have fallen since.""",
    "%",
)

# Layers --------------------------------------------------------------------------------------------------------------

ORDERS = Threshold(
    3.0,
    """Over how many orders of magnitude the gradients of the first and last layers, each beside its parameters, must
    differ: healthy ones of up to twenty layers differ by one and a half at the most.""",
    " orders of magnitude",
)

FEWEST_LAYERS = Threshold(
    3,
    """How many layers with a kernel a network must have for its first and last third to be compared.""",
)

DEAD = Threshold(
    0.6,
    """How many of a layer's units must be 0 for every example: networks that train well have up to four in ten.""",
    "%",
)

ENOUGH = Threshold(
    64,
    """How many examples must be looked at, or all that there are: a unit may fire for few of them.""",
    " examples",
)

SATURATED_UNITS = Threshold(
    0.75,
    """How many of a layer's results must lie at the ends of their range: in networks that train well, a quarter
    does.""",
    "%",
)

BEGINNING = Threshold(
    0.1,
    """How much of its first value the loss must still have for saturation to be an illness: a network that has learned
    is sure of itself, and may be saturated.""",
    "%",
)

# Alerts --------------------------------------------------------------------------------------------------------------

BEGUN = Threshold(1.0, """Where an illness begins, in parts of its threshold.""")

CEASED = Threshold(
    0.5,
    """Where it ceases: well below where it begins, so that what wavers around the threshold is told of once.""",
)

MOST_TIMES = Threshold(3, """How often one illness of one layer is told of in a run, at the most.""")

MOST_ALERTS = Threshold(20, """How many alerts a run has at the most: more are not read.""")
