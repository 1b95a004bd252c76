"""What runs reached, side by side: which is best, how sure that is, how each differs from a baseline, what it cost.

Knows nothing of how it is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from netspec.report.comparison.reading import Contender
from netspec.report.statistics import LEVEL, half_width, holm, paired, welch

__all__ = [
    "COSTS",
    "Contrast",
    "Cost",
    "CostKind",
    "Measurement",
    "contrasts_of",
    "cost_of",
    "higher_is_better",
    "measurements_of",
]

HIGHER = frozenset(
    {
        "accuracy",
        "area_under_curve",
        "auc",
        "average_precision",
        "balanced_accuracy",
        "bleu",
        "correlation",
        "dice",
        "explained_variance",
        "f1",
        "intersection_over_union",
        "iou",
        "kappa",
        "precision",
        "psnr",
        "r2",
        "recall",
        "reward",
        "sensitivity",
        "specificity",
        "ssim",
        "top_5_accuracy",
    }
)
"""Ends of names of metrics of which more is better; of the others, less is: losses, errors, perplexity."""

CostKind: TypeAlias = Literal["time", "parameters", "multiply-adds", "examples"]

COSTS: Mapping[CostKind, Callable[[Contender], float | None]] = {
    "time": lambda run: run.seconds,
    "parameters": lambda run: run.started.parameters if run.started else None,
    "multiply-adds": lambda run: run.multiply_adds,
    "examples": lambda run: run.examples,
}
"""What a run can be said to cost."""

LEAST_PAIRS = 2


@dataclass(frozen=True, slots=True)
class Measurement:
    """A metric of all rows.

    Args:
        metric: "part/metric".
        values: one a row, or the mean of several seeds; None where it was not measured.
        best: the indices of the rows that are best; empty where there is nothing to choose from.
        intervals: of means, half of the 95 % interval (Student's t); None for single runs.
        counts: how many runs each value is of.
    """

    metric: str
    higher_is_better: bool
    values: tuple[float | None, ...]
    best: frozenset[int]
    intervals: tuple[float | None, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Contrast:
    """What a row reached, held against the baseline.

    Args:
        difference: the row's mean less the baseline's; None where one of them has none.
        half: half of the difference's own 95 % interval, not corrected; None where there is none.
        p: of the test that there is no difference; None where there is no test.
        corrected: that, by Holm's correction over all rows that are held against the baseline; the verdict follows it.
        method: "paired" by seed, or "welch" where too few seeds are in both; "" where there is no test.
        pairs: how many seeds are in both, where it is paired.
        verdict: "better", "worse" or "not distinguishable"; where there is no test, why: "one seed", "no spread" (all
            differences are the same), "runs lost", "unlike" (other data, or another loss).
    """

    difference: float | None
    verdict: str
    half: float | None = None
    p: float | None = None
    corrected: float | None = None
    method: str = ""
    pairs: int | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What the rows cost, and which of them none beats.

    Args:
        kind: of cost.
        values: one a row.
        front: the rows to which no other is at least equal in both cost and quality, and better in one; by means.
        why_none: where there is no front, why.
    """

    kind: CostKind
    values: tuple[float | None, ...]
    front: frozenset[int]
    why_none: str = ""


# -- metrics -----------------------------------------------------------------------------------------------------------


def higher_is_better(metric: str, rows: Sequence[Contender]) -> bool:
    """Whether more of a "part/metric" is better: as a run that is judged by it says, else by its name."""
    name = metric.rpartition("/")[2]
    for row in rows:
        if row.started and row.started.metric.rpartition("/")[2] == name:
            return row.started.higher_is_better
    return any(name == end or name.endswith(f"_{end}") for end in HIGHER)  # "digit_accuracy", of one of two outputs


def measurements_of(
    rows: Sequence[Contender], metric: str, unlike: Callable[[str], bool], competing: int
) -> tuple[Measurement, ...]:
    """Every metric of the rows, what decides first.

    Args:
        metric: the "part/metric" that decides.
        unlike: whether a metric's values are of different things, so that none of them can be called the best.
        competing: how many rows may be the best: a mean of the others, at the end, is none of them.
    """
    names = sorted({name for row in rows for name in row.metrics}, key=lambda name: _rank(name, metric))
    return tuple(_measurement(name, rows, 0 if unlike(name) else competing) for name in names)


def _rank(name: str, metric: str) -> tuple[bool, bool, int, str]:
    """The metric that decides before the others and losses last; within one, the test part first."""
    part, _, measured = name.partition("/")
    order = ("test", "validation", "train")
    place = order.index(part) if part in order else len(order)
    return measured != metric.rpartition("/")[2], measured == "loss", place, measured


def _measurement(name: str, rows: Sequence[Contender], competing: int) -> Measurement:
    values = tuple(row.metrics.get(name) for row in rows)
    each = [list(row.values(name).values()) for row in rows]
    higher = higher_is_better(name, rows)
    best = _best(values, _fair(rows[:competing]), higher)
    halves = tuple(_half(row, known) for row, known in zip(rows, each, strict=True))
    return Measurement(name, higher, values, best, halves, tuple(map(len, each)))


def _fair(rows: Sequence[Contender]) -> list[int]:
    """The rows that may be called the best: no run of them is lost, and they are done if any are."""
    sound = [i for i, row in enumerate(rows) if not row.lost]
    return [i for i in sound if rows[i].is_done] or sound


def _best(values: Sequence[float | None], among: Sequence[int], higher: bool) -> frozenset[int]:
    known = {i: v for i in among if (v := values[i]) is not None and math.isfinite(v)}
    if len(known) < 2 or min(known.values()) == max(known.values()):
        return frozenset()
    target = (max if higher else min)(known.values())
    return frozenset(i for i, v in known.items() if v == target)


def _half(row: Contender, values: Sequence[float]) -> float | None:
    if not row.seeds or len(values) < 2 or not all(map(math.isfinite, values)):
        return None
    return float(half_width(values))


# -- against the baseline ----------------------------------------------------------------------------------------------


def contrasts_of(
    rows: Sequence[Contender], metric: str, baseline: int, higher: bool, unlike: bool
) -> tuple[Contrast | None, ...]:
    """Each row held against the baseline, which has None; Holm's correction is over all that are tested."""
    found = [None if i == baseline else _contrast(row, rows[baseline], metric, unlike) for i, row in enumerate(rows)]
    corrected = holm([math.nan if one is None or one.p is None else one.p for one in found])
    return tuple(one and _judged(one, q, higher) for one, q in zip(found, corrected, strict=True))


def _contrast(row: Contender, baseline: Contender, metric: str, unlike: bool) -> Contrast:
    values, others = row.values(metric), baseline.values(metric)
    both = [row.metrics.get(metric), baseline.metrics.get(metric)]
    if None in both:
        return Contrast(None, "")
    difference = both[0] - both[1]  # type: ignore[operator]
    if unlike or row.lost or baseline.lost:
        return Contrast(difference, "unlike" if unlike else "runs lost")
    if not all(map(math.isfinite, (*values.values(), *others.values()))):
        return Contrast(difference, "not finite")
    shared = [seed for seed in values if seed in others]
    # Fewer would throw most of the runs away.
    if len(shared) >= LEAST_PAIRS and 2 * len(shared) >= min(len(values), len(others)):
        test = paired([values[seed] for seed in shared], [others[seed] for seed in shared])
        method, pairs = "paired", len(shared)
    elif min(len(values), len(others)) > 1:
        test = welch(list(values.values()), list(others.values()))
        method, pairs = "welch", None
    else:
        return Contrast(difference, "one seed")
    if math.isnan(test.p):
        return Contrast(float(test.mean), "no spread", method=method, pairs=pairs)
    return Contrast(float(test.mean), "", float(test.half), float(test.p), None, method, pairs)


def _judged(contrast: Contrast, corrected: float, higher: bool) -> Contrast:
    if contrast.p is None or contrast.difference is None:
        return contrast
    sides = ("worse", "better") if higher else ("better", "worse")
    verdict = sides[contrast.difference > 0] if corrected < LEVEL else "not distinguishable"
    return replace(contrast, corrected=corrected, verdict=verdict)


# -- cost --------------------------------------------------------------------------------------------------------------


def cost_of(
    rows: Sequence[Contender], kind: CostKind, quality: Measurement | None, competing: int, unlike: str
) -> Cost:
    """What the rows cost, and the front of cost and quality.

    Args:
        quality: by which they are judged.
        unlike: why their costs or their qualities do not compare; empty where they do.
    """
    values = tuple(COSTS[kind](row) for row in rows)
    if unlike or quality is None:
        return Cost(kind, values, frozenset(), unlike)
    sign = 1.0 if quality.higher_is_better else -1.0
    points = {
        i: (cost, -sign * reached)
        for i in _fair(rows[:competing])
        if (cost := values[i]) is not None and (reached := quality.values[i]) is not None and math.isfinite(reached)
    }
    front = frozenset(i for i, point in points.items() if not any(_beats(p, point) for p in points.values()))
    return Cost(kind, values, front if len(points) > 1 else frozenset())


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] <= other[0] and one[1] <= other[1]
