"""How what is learned carries over to other examples: overfitting."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from netspec.train.diagnoses.condition import Health
from netspec.train.diagnoses.finding import Finding, all_of, shown
from netspec.train.diagnoses.history import History, Patient
from netspec.train.diagnoses.thresholds import OVERFITTED, WORSE

__all__ = ["overfitting"]

SINCE = 0.1
"""The part of a run that must have passed since the best evaluation: momentum may overshoot at the start."""


def overfitting(patient: Patient, history: History, health: Health | None) -> Iterator[Finding]:
    """The validation loss rises while the training loss falls: what is learned no longer carries over.

    Each of the last five evaluations stands above the best by a large part of what the validation loss had gained,
    and the training loss has fallen since then.
    """
    best = history.smoothed
    if best is None or history.first_validation is None or history.step - best.step < SINCE * patient.steps:
        return
    validation, training = min(history.validations), median(history.trainings)
    gained = max(history.first_validation, history.start) - best.value
    fallen = best.training - training
    enough = max(WORSE * abs(best.training), WORSE * OVERFITTED * gained)
    degree = all_of(
        (validation - best.value) / (OVERFITTED * gained) if gained > 0.0 else 0.0,
        (validation - best.value) / (WORSE * abs(best.value)) if best.value else True,
        fallen / enough if enough > 0.0 else 0.0,
    )
    evidence = (
        f"the validation loss rose from {shown(best.value)} at step {best.step:,} to {shown(validation)}, while the "
        f"training loss fell from {shown(best.training)} to {shown(training)}"
    )
    keep = 'keep = { best = "validation/loss" }'
    yield Finding(degree, evidence, f"{keep}, a penalty such as l2 = 1e-4, dropout, more data, or a smaller network")
