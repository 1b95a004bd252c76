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
        found: by "gradient", "update", "dead" and "saturated", where it applies: the norm of the gradient of all their
            parameters, the norm of what a step adds as a share of that of the weights, the largest share of units; but
            where one of the layers is ill, what was found of that one.
        ills: by the same names, how bad the worst of the layers is: 1 and more is ill.
    """

    path: str
    layers: int
    found: Mapping[str, float]
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
    usual = {name: _median([layer[name] for layer in layers.values() if name in layer]) for name in _JUDGES}
    groups: dict[str, list[str]] = {}
    depth = _depth(list(layers))
    for path in layers:
        groups.setdefault(path if unfolded else "/".join(path.split("/")[:depth]), []).append(path)
    shown = [_block(name, [layers[path] for path in paths], usual) for name, paths in groups.items()]
    return sorted(shown, key=lambda block: 0.0 if block.ill < SOUND else -block.ill)


def ratio_of(layers: Mapping[str, Layer]) -> float | None:
    """The norm of what a step adds to all weights, divided by theirs; None where that was not worked out."""
    return _ratio(list(layers.values()))


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


def _block(name: str, layers: Sequence[Layer], usual: Mapping[str, float | None]) -> Block:
    found, ills = {}, {}
    for measure, judge in _JUDGES.items():
        values = [layer[measure] for layer in layers if measure in layer]
        if values:
            judged = [judge(value, usual[measure]) for value in values]
            ills[measure] = worst = max(judged)
            whole = _TOGETHER[measure](layers) if len(values) > 1 and worst < 1 else None
            found[measure] = values[judged.index(worst)] if whole is None else whole
    return Block(name, len(layers), found, ills)


def _ratio(layers: Sequence[Layer]) -> float | None:
    moving = [layer for layer in layers if "update" in layer and "weights" in layer]
    weights = math.hypot(*(layer["weights"] for layer in moving))
    return math.hypot(*(layer["update"] * layer["weights"] for layer in moving)) / weights if weights else None


def _norm(layers: Sequence[Layer]) -> float:
    return math.hypot(*(layer["gradient"] for layer in layers if "gradient" in layer))


def _largest(name: str) -> Callable[[Sequence[Layer]], float]:
    return lambda layers: max(layer[name] for layer in layers if name in layer)


_TOGETHER: Mapping[str, Callable[[Sequence[Layer]], float | None]] = {
    "gradient": _norm,
    "update": _ratio,
    "dead": _largest("dead"),
    "saturated": _largest("saturated"),
}
"""What is said of several layers that are all sound."""


def _median(values: Sequence[float]) -> float | None:
    """Of those that are positive: what does not learn is no measure for what does."""
    positive = [v for v in values if math.isfinite(v) and v > 0]
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
