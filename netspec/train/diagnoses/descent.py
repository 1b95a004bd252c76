"""How the loss falls, or does not: divergence, oscillation, crawl, plateau, convergence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import exp
from statistics import fmean, median

from netspec.train.diagnoses.condition import Health
from netspec.train.diagnoses.finding import Finding, all_of, larger, shown, smaller
from netspec.train.diagnoses.history import RECORDS, STRETCHES, History, Patient
from netspec.train.diagnoses.thresholds import (
    CONVERGED,
    GROWN,
    HIGH,
    LEARNED,
    LOST,
    NOTHING,
    PULLING,
    REVERSALS,
    SLOWED,
    STEADY,
    STILL,
    STOOD_STILL,
    SWING,
    UNLEARNED,
)

__all__ = ["convergence", "crawl", "divergence", "oscillation", "plateau"]

LOOKED_AT = 20
"""Stretches of the course, some third of the run, within which a loss that does not fall stands still."""

BLOCKS = 8
"""Parts into which the course is cut to see whether it falls steadily."""

LATEST = 0.8
"""The part of a run after which it is too late to say that nothing more is to be gained."""


def divergence(patient: Patient, history: History, health: Health | None) -> Iterator[Finding]:
    """The loss grows without bound: the learning rate is far too large.

    Three records in a row stand above the best loss by many times what the loss began with.
    """
    if len(history.losses) < RECORDS:
        return
    lowest = min(history.losses)
    best = min(history.start, history.level if history.lowest is None else history.lowest.value)
    scale = max(abs(history.start), history.start - best)
    if scale > 0.0:
        evidence = f"the loss has grown to {shown(history.losses[-1])}, from {shown(best)} at its best"
        yield Finding((lowest - best) / (GROWN * scale), evidence, _slower(patient, history))


def oscillation(patient: Patient, history: History, health: Health | None) -> Iterator[Finding]:
    """The loss goes up and down, or has gone up and stays there: the learning rate is too large.

    The means over the last turns swing back and forth by a large part of all that was gained, several times, and it is
    not at its best now; or their middle one stands far above the best of them.
    """
    means = history.turns.means
    if len(means) < BLOCKS or history.lowest is None:
        return
    gained, best = history.start - history.lowest.value, history.lowest
    scale = SWING * max(gained, abs(median(means)))
    swings = _reversals(means, scale)
    # One that has swung and arrived is well: Newton's method may leap up on its way down.
    above = (median(means[-4:]) - best.value) / (scale / 2.0) if scale else 0.0
    since = f"in the last {len(means) * patient.turn:,} steps"
    evidence = f"the loss went up and down {swings} times {since}, between {shown(min(means))} and {shown(max(means))}"
    level = median(means[-BLOCKS:])
    lost = (level - best.value) / (LOST * gained) if gained > UNLEARNED * abs(history.start) else 0.0
    degree = all_of(swings / REVERSALS, above)
    if lost > degree and history.step - best.step >= BLOCKS * patient.turn:
        evidence = f"the loss is at {shown(level)}, and was {shown(best.value)} at step {best.step:,}"
        degree = lost
    yield Finding(degree, evidence, _slower(patient, history))


def crawl(patient: Patient, history: History, health: Health | None) -> Iterator[Finding]:
    """The loss falls steadily, and by little: the learning rate is too small, or the training too short.

    In the second half of a run, what was gained is small, and the loss falls about as fast as at the start, for the
    same learning rate.
    """
    means, rates = history.course.means, history.rates.means
    if len(means) < STRETCHES // 2:
        return
    blocks = _blocks(means)
    pairs = list(combinations(blocks, 2))
    falling = sum(later < earlier for earlier, later in pairs) / len(pairs)
    fallen = (history.start - blocks[-1]) / abs(history.start) if history.start else 0.0
    if fallen <= 0.0:
        return
    paces = _paces(blocks, _blocks(rates))
    pace = median(paces[-3:]) / max(median(paces[:3]), 1e-30)
    degree = all_of(falling / STEADY, pace / SLOWED, LEARNED / fallen)
    evidence = (
        f"the loss falls steadily, but by no more than {shown(100.0 * fallen)} % in {history.step - patient.first:,} "
        f"steps, from {shown(history.start)} to {shown(blocks[-1])}, and as fast as at the start"
    )
    yield Finding(degree, evidence, f"{larger(history.rate)}, or more epochs")


def plateau(patient: Patient, history: History, health: Health | None) -> Iterator[Finding]:
    """The loss stands still at a high level, though its gradient does not vanish.

    For a third of the run, neither the loss nor the metric that steps are judged by has become better by more than a
    little, and the loss is not much lower than it was at first, while the gradient pulls on; or the loss is next to
    what it was at first.
    """
    means = history.course.means
    if len(means) <= STRETCHES // 2 + 1 or history.judged is None:
        return
    first, last = abs(history.start), median(means[-5:])
    fallen = (median(means[-LOOKED_AT : 5 - LOOKED_AT]) - last) / first if first else 1.0
    since = history.step_of(len(means) - LOOKED_AT)
    pull = _pull(history)
    level = last / first if first else 0.0
    stuck = max(all_of(level / HIGH, pull / PULLING), all_of(level / NOTHING, pull / CONVERGED))
    degree = all_of(fallen < STILL, history.judged.step <= since, stuck)
    evidence = (
        f"the loss has stood at {shown(last)} since step {since:,}, where it began at {shown(history.start)}; its "
        f"gradient is {shown(pull * _steepest(history))}, {shown(pull)} of the largest"
    )
    remedy = "a larger learning_rate, or a schedule that makes it smaller; momentum; other initial values"
    yield Finding(degree, evidence, remedy)


def convergence(patient: Patient, history: History, health: Health | None) -> Iterator[Finding]:
    """The training has arrived: its gradient is next to nothing and its loss stands still. No illness.

    It is told of while there is still some of the run to be saved.
    """
    means = history.course.means
    if len(means) < 5 or history.step - patient.first > LATEST * patient.steps:
        return
    recent, pull = means[-5:], _pull(history)
    changed = max(recent) - min(recent)
    degree = all_of(
        CONVERGED / max(pull, 1e-30),
        STOOD_STILL * abs(history.start) / max(changed, 1e-30),
        STILL * abs(recent[-1]) / max(changed, 1e-30),
    )
    since = history.step_of(len(means) - 5)
    evidence = (
        f"the loss has stood still at {shown(recent[-1])} since step {since:,}, and its gradient is "
        f"{shown(pull)} of what it was"
    )
    remedy = "the training has converged, and may end here: fewer epochs, or stop = { patience = 10 }"
    yield Finding(degree, evidence, remedy)


def _slower(patient: Patient, history: History) -> str:
    clip = "" if patient.clips else ", or clip = { global_norm = 1.0 }"
    return f"{smaller(history.rate)}{clip}"


def _pull(history: History) -> float:
    """The gradient beside the largest: those of the same examples where they were looked at."""
    if history.gradient is not None:
        return history.gradient / _steepest(history) if _steepest(history) else 0.0
    return exp(history.pulls.means[-1]) / max(history.pull, 1e-30) if history.pulls.means else 1.0


def _steepest(history: History) -> float:
    return max(history.steepest, history.pull)


def _reversals(values: Sequence[float], amplitude: float) -> int:
    """How often a curve turned back by at least so much.

    >>> _reversals([0.0, 3.0, 2.9, 3.1, 0.0, 2.0], 1.0)
    2
    """
    low = high = values[0]
    direction = count = 0
    for value in values[1:]:
        low, high = min(low, value), max(high, value)
        if direction >= 0 and high - value >= amplitude > 0.0:
            count += direction
            direction, low = -1, value
        elif direction <= 0 and value - low >= amplitude > 0.0:
            count -= direction
            direction, high = 1, value
    return count


def _blocks(means: Sequence[float]) -> list[float]:
    """A curve as means over a few parts of the same length."""
    size = len(means) / BLOCKS
    return [fmean(means[round(i * size) : round((i + 1) * size)]) for i in range(BLOCKS)]


def _paces(blocks: Sequence[float], rates: Sequence[float]) -> list[float]:
    """By how much the loss fell from each part to the next, for one unit of the learning rate where there is one."""
    weighed = all(rate > 0.0 for rate in rates)
    return [(a - b) / (rate if weighed else 1.0) for a, b, rate in zip(blocks, blocks[1:], rates[1:], strict=False)]
