"""How long a training is: what durations are measured by."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.spec.values import LARGEST_COUNT, Duration

__all__ = ["Clock", "Stretch"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps in a row with batches of one size.

    Args:
        step: steps made before it.
        epoch: passes over the training examples begun before it.
        batch: examples a step.
        per_epoch: steps of one pass.
    """

    step: int
    epoch: int
    batch: int
    per_epoch: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The steps of a training, or of one phase of it.

    Args:
        steps: of the whole.
        per_epoch: steps of one pass over the training examples; where batches grow, of the first.
        stretches: in turn, at least one where batches have a size.
    """

    steps: int
    per_epoch: int
    stretches: tuple[Stretch, ...] = ()

    def steps_of(self, duration: Duration) -> int:
        """A duration in steps, at least one, and no more than an int32 counts."""
        if duration.unit == "epochs" and len(self.stretches) > 1:
            return min(max(1, round(self.step_at(duration.amount))), LARGEST_COUNT)
        return min(max(1, duration.steps(self.steps, self.per_epoch)), LARGEST_COUNT)

    def stretch_at(self, step: int) -> Stretch:
        """The stretch that the step after so many is of."""
        return [s for s in self.stretches or (Stretch(0, 0, 1, self.per_epoch),) if s.step <= step][-1]

    def epoch_at(self, step: int) -> float:
        """Passes over the training examples after so many steps."""
        here = self.stretch_at(max(0, step - 1))
        return here.epoch + (step - here.step) / here.per_epoch

    def step_at(self, epoch: float) -> float:
        """Steps after so many passes."""
        here = [s for s in self.stretches if s.epoch <= epoch][-1]
        return here.step + (epoch - here.epoch) * here.per_epoch

    def ends(self, step: int) -> tuple[int, ...]:
        """Where the pass that the step after so many is of ends, at the least: after it, or with its stretch."""
        here = self.stretch_at(step)
        later = [s.step for s in self.stretches if s.step > step]
        return (here.step + ((step - here.step) // here.per_epoch + 1) * here.per_epoch, *later[:1], self.steps)
