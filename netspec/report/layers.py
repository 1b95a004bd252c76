"""How a network's layers fare, as an examination found them: folded into blocks, worst first.

Knows nothing of how it is shown.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Block", "blocks", "ratio_of", "worst_dead"]

Layer = Mapping[str, float]
"""What an examination says of a layer: see `Examined`."""

DEAD, SATURATED, ORDERS = 0.6, 0.75, 3.0
"""What is ill: shares of units, and orders of magnitude under the other gradients, as the diagnoses have it."""

USUAL_RATIO, RATIO_ORDERS = 1e-3, 2.0
"""What a step adds to weights, by rule of thumb, as a share of them, and how many orders from there are ill."""

SOUND = 0.5
"""How bad a layer may be and still stand in the network's order: small changes do not put it in another place."""


@dataclass(frozen=True, slots=True)
class Block:
    """A layer, or layers that stand together.

    Args:
        path: the layer's, or what the paths of the layers begin with.
        layers: how many there are.
        gradient: the norm of the gradient of all their parameters.
        update: the norm of what a step adds, as a share of that of the weights.
        dead, saturated: the largest share among the layers. None is what does not apply, here as above.
        ills: by the names above, how bad each is: 1 and more is ill.
    """

    path: str
    layers: int
    gradient: float | None
    update: float | None
    dead: float | None
    saturated: float | None
    ills: Mapping[str, float]

    @property
    def ill(self) -> float:
        """How bad the worst of it is."""
        return max(self.ills.values(), default=0.0)


def blocks(layers: Mapping[str, Layer], unfolded: bool = False) -> list[Block]:
    """The layers, worst first; those that are sound follow in the network's order.

    Args:
        layers: by path, what was found.
        unfolded: each layer alone, rather than those together that begin with the same part of the path.
    """
    groups: dict[str, list[str]] = {}
    depth = _depth(list(layers))
    for path in layers:
        groups.setdefault(path if unfolded else "/".join(path.split("/")[:depth]), []).append(path)
    found = {name: {path: layers[path] for path in paths} for name, paths in groups.items()}
    usual = {name: _median([_of(name, each) for each in found.values()]) for name in ("gradient", "update")}
    shown = [_block(name, each, usual) for name, each in found.items()]
    return sorted(shown, key=lambda block: 0.0 if block.ill < SOUND else -block.ill)


def ratio_of(layers: Mapping[str, Layer]) -> float | None:
    """The norm of what a step adds to all weights, divided by theirs; None where that was not worked out."""
    found = [(layer["update"] * layer["weights"], layer["weights"]) for layer in layers.values() if _moves(layer)]
    weights = math.hypot(*(w for _, w in found))
    return math.hypot(*(u for u, _ in found)) / weights if weights else None


def worst_dead(layers: Mapping[str, Layer]) -> tuple[str, float]:
    """The layer with the largest share of dead units, and that share; an empty name where none has rectified units."""
    shares = {path: layer["dead"] for path, layer in layers.items() if "dead" in layer}
    worst = max(shares, key=lambda path: shares[path], default="")
    return worst, shares.get(worst, 0.0)


def _depth(paths: Sequence[str]) -> int:
    """How many parts of the paths tell blocks apart: one, unless all layers stand in one block."""
    parts = [path.split("/") for path in paths]
    depth = 1
    while len({tuple(p[:depth]) for p in parts}) == 1 and any(len(p) > depth for p in parts):
        depth += 1
    return depth


def _block(name: str, layers: Mapping[str, Layer], usual: Mapping[str, float | None]) -> Block:
    found = {measure: _of(measure, layers) for measure in _JUDGES}
    ills = {
        measure: judge(value, usual.get(measure))
        for measure, judge in _JUDGES.items()
        if (value := found[measure]) is not None
    }
    return Block(name, len(layers), **found, ills=ills)


def _of(measure: str, layers: Mapping[str, Layer]) -> float | None:
    """One number of several layers."""
    if measure == "update":
        return ratio_of(layers)
    found = [layer[measure] for layer in layers.values() if measure in layer]
    if not found:
        return None
    return math.hypot(*found) if measure == "gradient" else max(found)


def _moves(layer: Layer) -> bool:
    return "update" in layer and "weights" in layer


def _median(values: Sequence[float | None]) -> float | None:
    """Of those that are positive: what does not learn is no measure for what does."""
    positive = [v for v in values if v is not None and math.isfinite(v) and v > 0]
    return statistics.median(positive) if positive else None


def _gradient_ill(value: float, usual: float | None) -> float:
    """How many orders of magnitude it is under the others; what is no number is as bad as can be."""
    if not math.isfinite(value):
        return math.inf
    if usual is None:
        return 0.0
    return max(0.0, _orders(usual, value)) / ORDERS


def _update_ill(value: float, usual: float | None) -> float:
    """How many orders of magnitude it is from what is usual, here or anywhere: a schedule may end with small ones."""
    if not math.isfinite(value):
        return math.inf
    if usual is None:
        return 0.0
    return min(abs(_orders(USUAL_RATIO, value)), abs(_orders(usual, value))) / RATIO_ORDERS


def _orders(usual: float, value: float) -> float:
    return math.log10(usual / value) if value > 0 else math.inf


_JUDGES: Mapping[str, Callable[[float, float | None], float]] = {
    "gradient": _gradient_ill,
    "update": _update_ill,
    "dead": lambda value, usual: value / DEAD,
    "saturated": lambda value, usual: value / SATURATED,
}
