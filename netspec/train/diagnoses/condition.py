"""What an examination finds, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Health"]


@dataclass(frozen=True, slots=True)
class Health:
    """How a network is on one fixed batch.

    Args:
        examples: how many the batch has.
        loss: its loss, penalties included.
        gradient: the Euclidean norm of that loss's whole gradient.
        gradients: by layer that learns, the norm of the gradient with respect to its parameters.
        parameters: by layer that learns, the norm of its parameters.
        dead: by layer of rectified units, the share of units that are 0 for every example.
        saturated: by layer of sigmoids or tanhs, the share of its results that lie at the ends of their range.
    """

    examples: int
    loss: float
    gradient: float
    gradients: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    dead: Mapping[str, float] = field(default_factory=dict)
    saturated: Mapping[str, float] = field(default_factory=dict)
