"""What is minimised: losses between outputs and targets, and penalties on weights.

The last layer gives logits, and the loss knows it: no softmax or sigmoid stands before one.
"""

from netspec.spec.losses import classes, landscapes, margins, numbers, similarity
from netspec.spec.losses.landscapes import Landscape
from netspec.spec.losses.loss import Encoding, Loss, OfClasses, Weighed
from netspec.spec.losses.penalties import Penalty

__all__ = [
    "Encoding",
    "Landscape",
    "Loss",
    "OfClasses",
    "Penalty",
    "Weighed",
    "classes",
    "landscapes",
    "margins",
    "numbers",
    "similarity",
]
