"""Optimizers: Optax's own, by Optax's names, with the arguments of Optax's own signatures."""

from __future__ import annotations

from netspec.spec.optimizers.arguments import RANDOM, rates
from netspec.spec.optimizers.clips import Clip
from netspec.spec.optimizers.kinds import (
    PER_EXAMPLE,
    WHOLE,
    WRAPPERS,
    Chain,
    Group,
    Groups,
    Optimizer,
    Transformation,
    Wrapped,
    Wrapper,
)
from netspec.spec.optimizers.lowering import Setting
from netspec.spec.optimizers.named import (
    OPEN,
    group_of,
    optimizer_kind,
    optimizer_names,
    transformation_kind,
    transformation_names,
    wrapper_kind,
)
from netspec.spec.optimizers.signatures import Signature, signature

__all__ = [
    "OPEN",
    "PER_EXAMPLE",
    "RANDOM",
    "WHOLE",
    "WRAPPERS",
    "Chain",
    "Clip",
    "Group",
    "Groups",
    "Optimizer",
    "Setting",
    "Signature",
    "Transformation",
    "Wrapped",
    "Wrapper",
    "group_of",
    "optimizer_kind",
    "optimizer_names",
    "rates",
    "signature",
    "transformation_kind",
    "transformation_names",
    "wrapper_kind",
]
