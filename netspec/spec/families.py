"""Every family of kinds, by the word that people call many of them by."""

from __future__ import annotations

from collections.abc import Mapping

import netspec.spec.layers  # noqa: F401  (its kinds enter the family of layers)
from netspec.spec.activations import Activation
from netspec.spec.augmentations import Augmentation
from netspec.spec.courses import Course
from netspec.spec.initial import Initial
from netspec.spec.kind import Kind
from netspec.spec.layer import Layer
from netspec.spec.losses import Loss, Penalty
from netspec.spec.optimizers import OPEN, Clip, Optimizer, Transformation, Wrapper, transformation_names
from netspec.spec.schedules import Schedule
from netspec.spec.sources import Source
from netspec.spec.transforms import Transform

__all__ = ["FAMILIES", "members"]

FAMILIES: Mapping[str, type[Kind]] = {
    "layers": Layer,
    "activations": Activation,
    "losses": Loss,
    "penalties": Penalty,
    "optimizers": Optimizer,
    "wrappers": Wrapper,
    "transformations": Transformation,
    "clips": Clip,
    "schedules": Schedule,
    "courses": Course,
    "initial values": Initial,
    "sources": Source,
    "transforms": Transform,
    "augmentations": Augmentation,
}
"""By plural word. Activations are layers, too."""


def members(family: type[Kind]) -> Mapping[str, type[Kind]]:
    """The kinds of a family, in the order of their names; of layers, those that are no activations."""
    if family in OPEN:
        names, kind_of = OPEN[family]
        # A whole optimizer may be a part of a chain, and is told of as an optimizer.
        kinds = {name: kind_of(name) for name in (transformation_names if family is Transformation else names)()}
        return {name: kind for name, kind in kinds.items() if kind is not None}
    if family is Layer:
        return {name: kind for name, kind in sorted(Layer.kinds.items()) if name not in Activation.kinds}
    return dict(sorted(family.kinds.items()))
