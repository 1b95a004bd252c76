"""Optimizers and parts of optimizers that Optax lacks, or that netspec needs in another form; made as Optax's are."""

from __future__ import annotations

from netspec.nn.optimizers.bounds import adabound, amsbound
from netspec.nn.optimizers.clipping import clip_by_norm
from netspec.nn.optimizers.conjugate_gradients import (
    conjugate_gradients,
    scale_by_conjugate_gradients,
)
from netspec.nn.optimizers.exponentiated_gradient import exponentiated_gradient
from netspec.nn.optimizers.lookahead import lookahead
from netspec.nn.optimizers.newton import newton, saddle_free_newton
from netspec.nn.optimizers.sharpness import sam

__all__ = [
    "adabound",
    "amsbound",
    "clip_by_norm",
    "conjugate_gradients",
    "exponentiated_gradient",
    "lookahead",
    "newton",
    "saddle_free_newton",
    "sam",
    "scale_by_conjugate_gradients",
]
