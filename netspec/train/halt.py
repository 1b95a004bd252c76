"""Whether a training has learned enough, or all that it will: when a phase ends before its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netspec.build.program import Judge
from netspec.spec.training import Stop

__all__ = ["Halt"]


@dataclass(slots=True)
class Halt:
    """What `stop` of a phase asks for, and what it has seen so far.

    Args:
        judge: of the metric that patience and target look at.
        best: its best value so far.
        waited: evaluations since then.
        total, steps: the sum of the training loss since the last evaluation, and over how many steps.
        mean: of the training loss, between the two evaluations before.
        began: seconds that the training had taken when the phase began.
    """

    stop: Stop | None
    judge: Judge
    best: float | None = None
    waited: int = 0
    total: float = 0.0
    steps: int = 0
    mean: float | None = None
    began: float = 0.0

    def stepped(self, loss: float, count: int, gradient_norm: float, seconds: float) -> str:
        """Why the phase ends after some steps; empty where it goes on.

        Args:
            loss: the mean over these steps.
            gradient_norm: of the last of them.
            seconds: that the training has taken so far.
        """
        self.total, self.steps = self.total + loss * count, self.steps + count
        if self.stop is None:
            return ""
        if self.stop.gradient is not None and gradient_norm <= self.stop.gradient:
            return f"the gradient's norm is {gradient_norm:.3g}, at most {self.stop.gradient:g}"
        if self.stop.seconds is not None and seconds - self.began >= self.stop.seconds:
            return f"it has taken {self.stop.seconds:g} seconds"
        return ""

    def evaluated(self, metrics: Mapping[str, float]) -> str:
        """Why the phase ends after an evaluation; empty where it goes on.

        Args:
            metrics: by "part/metric".
        """
        before, self.mean = self.mean, self.total / max(1, self.steps)
        self.total, self.steps = 0.0, 0
        value = metrics[self.judge.metric]
        if self.judge.better(value, self.best):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return "" if self.stop is None else self._verdict(self.stop, value, before)

    def _verdict(self, stop: Stop, value: float, before: float | None) -> str:
        metric, target = self.judge.metric, stop.target
        if target is not None and (value >= target if self.judge.higher_is_better else value <= target):
            return f"{metric} is {value:.4g}, and {target:g} was to be reached"
        if stop.patience is not None and self.waited >= stop.patience:
            times = "once" if self.waited == 1 else f"for {self.waited} evaluations"
            return f"{metric} was {'no number' if self.best is None else f'no better than {self.best:.4g}'} {times}"
        if stop.change is not None and before is not None and self.mean is not None:
            change = abs(self.mean - before) / max(abs(before), 1e-30)
            if change <= stop.change:
                return f"the training loss changed by a share of {change:.2g}, at most {stop.change:g}"
        return ""

    def to_json(self) -> dict[str, Any]:
        """What it has seen."""
        return {n: getattr(self, n) for n in ("best", "waited", "total", "steps", "mean", "began")}

    def remember(self, seen: Mapping[str, Any]) -> None:
        """See again what `to_json` gave."""
        for name, value in seen.items():
            setattr(self, name, value)
