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
        updates: by layer that learns, the norm of what a step on this batch adds to its parameters; empty where that
            was not worked out.
    """

    examples: int
    loss: float
    gradient: float
    gradients: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    dead: Mapping[str, float] = field(default_factory=dict)
    saturated: Mapping[str, float] = field(default_factory=dict)
    updates: Mapping[str, float] = field(default_factory=dict)

    def by_layer(self) -> dict[str, dict[str, float]]:
        """What there is of each layer, in the words of `Examined`; four digits are more than anyone reads."""
        shares = {
            layer: self.updates[layer] / norm
            for layer, norm in self.parameters.items()
            if layer in self.updates and norm > 0.0
        }
        tables = {
            "gradient": self.gradients,
            "weights": self.parameters,
            "update": shares,
            "dead": self.dead,
            "saturated": self.saturated,
        }
        layers = dict.fromkeys(layer for table in tables.values() for layer in table)
        return {
            layer: {name: float(f"{table[layer]:.4g}") for name, table in tables.items() if layer in table}
            for layer in layers
        }
