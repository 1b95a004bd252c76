"""What the numbers among the arguments of Optax's functions may be, by name, where some are surely a mistake."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from netspec.spec.optimizers.signatures import Argument

__all__ = ["FROM_ZERO", "Range", "range_of"]


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from one to another.

    Args:
        least, most: its ends.
        above, below: whether the least, and the most, is itself outside.
    """

    least: float = -math.inf
    most: float = math.inf
    above: bool = False
    below: bool = False

    def __contains__(self, value: float) -> bool:
        high_enough = value > self.least if self.above else value >= self.least
        return high_enough and (value < self.most if self.below else value <= self.most)

    @property
    def words(self) -> str:
        """It, for a person."""
        if self.most == math.inf:
            return f"above {self.least:g}" if self.above else f"{self.least:g} or more"
        low, high = "above" if self.above else "at least", "below" if self.below else "at most"
        return f"{low} {self.least:g} and {high} {self.most:g}"

    @property
    def schema(self) -> dict[str, Any]:
        """It, in the words of JSON Schema."""
        ends = {("minimum", "exclusiveMinimum")[self.above]: self.least}
        ends[("maximum", "exclusiveMaximum")[self.below]] = self.most
        return {word: end for word, end in ends.items() if math.isfinite(end)}


FROM_ZERO, FROM_ONE, ABOVE_ZERO = Range(0), Range(1), Range(0, above=True)

_BY_NAME: Mapping[Range, str] = {
    # Shares of the past in an average. At 1 nothing new would come in, and the bias of its beginning is divided by 0.
    Range(0, 1, below=True): "b1 b2 b3 adam_b1 adam_b2 beta3",
    Range(0, 1): "decay slow_step_size",
    # Below 0 it damps the turning of games (Gidel et al., 2019); beyond 1 steps grow without end.
    Range(-1, 1): "momentum",
    Range(0, 1, above=True, below=True): "eta_minus factor decrease_factor",
    FROM_ZERO: "eps eps_root epsilon reps_rel rho damping weight_decay adam_weight_decay weight_decay_rate decay_rate"
    " noise_multiplier eta trust_coefficient initial_accumulator_value initial_scale min_norm min_scale min_step_size"
    " max_step_size atol rtol estim_lr0",
    ABOVE_ZERO: "clipping clipping_threshold clip_threshold l2_norm_clip max_delta max_norm threshold",
    FROM_ONE: "eta_plus increase_factor accumulation_size k max_backtracking_steps max_linesearch_steps memory_size"
    " num_betas rank sync_period update_interval update_proj_gap",
}

_RANGES = {name: found for found, names in _BY_NAME.items() for name in names.split()}


def range_of(argument: Argument, whole: bool) -> Range:
    """What a number may be; any, where none is surely wrong.

    Args:
        whole: whether it is a whole number: all of those count something.
    """
    if argument.name.endswith("learning_rate"):
        return FROM_ZERO
    found = _RANGES.get(argument.name, FROM_ZERO if whole else Range())
    # SM3's sum of squares is an average with b2 = 1.
    return replace(found, below=False) if found.below and argument.default == found.most else found
