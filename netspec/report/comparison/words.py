"""A comparison in words: what was found in a sentence or two, and how its numbers are written."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from netspec.report.comparison.measured import Contrast, Measurement
from netspec.report.drawing.wording import measure, measured_name

if TYPE_CHECKING:
    from netspec.report.comparison.compare import Comparison

__all__ = ["change", "probability", "summary", "with_half"]


LUCK = ", and with one seed nothing tells whether that is luck"


def with_half(value: float, half: float | None) -> str:
    """A mean and half of its interval, to the same place: where two digits of the half stand, or more of the mean.

    >>> with_half(0.97889, 0.0043), with_half(0.97889, 0.000043), with_half(48.5, None)
    ('0.9789 ± 0.0043', '0.978890 ± 0.000043', '48.50')
    """
    if half is None or not math.isfinite(value):
        return measure(value)
    text = measure(value)
    if "e" in text or not math.isfinite(half):
        return f"{text} ± {measure(half)}"
    decimals = _decimals(text, half)
    return f"{value:,.{decimals}f} ± {half:,.{decimals}f}"


def change(difference: float, half: float | None) -> str:
    """A difference with its sign, and half of its interval.

    >>> change(0.0044, 0.0031), change(-12.25, None), change(0.0, 0.0)
    ('+0.0044 ± 0.0031', '-12.25', '0.0000 ± 0.0000')
    """
    sign = "+" if difference > 0 else ""
    return sign + with_half(difference, half)


def probability(p: float) -> str:
    """A p-value, with no more digits than it is worth.

    >>> [probability(p) for p in (0.00004, 0.00412, 0.294, 1.0)]
    ['<0.001', '0.004', '0.29', '1']
    """
    if p < 0.001:
        return "<0.001"
    return f"{p:.3f}" if p < 0.0995 else f"{p:.2g}"


def _decimals(text: str, half: float) -> int:
    shown = len(text.partition(".")[2])
    needed = 1 - math.floor(math.log10(half)) if half > 0 else 0
    return max(shown, min(needed, 8))


def summary(comparison: Comparison) -> list[str]:
    """What was found, a sentence each: which is best and how sure that is, then how the others are."""
    quality = comparison.quality
    if quality is None:
        return ["None of them has been measured yet."]
    name = measured_name(quality.metric)
    if comparison.baseline is None:
        return list(_of_seeds(comparison, quality, name))
    if any(one is not None and one.verdict == "unlike" for one in comparison.contrasts):
        return [f"They cannot be ranked by {name}: what they learned from, or what it measures, is not the same."]
    return [*_of_best(comparison, quality, name), *_of_all(comparison)]


def _of_seeds(comparison: Comparison, quality: Measurement, name: str) -> Iterator[str]:
    """Of runs of one spec."""
    mean = comparison.runs[-1]
    value, half = quality.values[-1], quality.intervals[-1]
    if mean.seeds and value is not None:
        known = list(mean.values(quality.metric).values())
        between = f", the seeds from {measure(min(known))} to {measure(max(known))}"
        yield f"{len(known)} runs of one spec: {name} {with_half(value, half)}{between}."


def _of_best(comparison: Comparison, quality: Measurement, name: str) -> Iterator[str]:
    if not quality.best:
        known = {value for value in quality.values if value is not None}
        if len(quality.values) > 1 and len(known) == 1 and None not in quality.values:
            yield f"All have the same {name}, {measure(known.pop())}."
        return
    first = comparison.ranking[0]
    baseline = comparison.baseline
    assert baseline is not None, "rows of several specs have a baseline"
    equals = len(quality.best) - 1
    row, value = comparison.runs[first], quality.values[first]
    reached = (
        f"{with_half(value, quality.intervals[first])}{_seeds(quality.counts[first])}" if value is not None else ""
    )
    also = f", as {equals} other{'s have' if equals > 1 else ' has'}" if equals else ""
    yield f"{row.name} has the best {name}, {reached}{also}{_held(comparison, first, baseline)}."


def _held(comparison: Comparison, first: int, baseline: int) -> str:
    contrast = comparison.contrasts[first]
    if contrast is None:
        return f"; it is the baseline{_how_sure(comparison)}"
    against = f"the baseline, {comparison.runs[baseline].name}"
    if contrast.difference is None:
        return LUCK if comparison.runs[first].seeds == () else ""
    moved = change(contrast.difference, contrast.half)
    if contrast.corrected is None:
        return f"; {moved} against {against}{_why_no_test(contrast)}"
    p = f"p = {probability(contrast.corrected)}".replace("= <", "< ")
    verdict = "better than" if contrast.verdict == "better" else contrast.verdict + " from"
    return f"; {verdict} {against}: {moved}, {p}"


def _how_sure(comparison: Comparison) -> str:
    """What can be said of the others where the baseline is best; of several tests, the next sentence does that."""
    others = [c for c in comparison.contrasts if c is not None and c.difference is not None]
    tested = [c for c in others if c.corrected is not None]
    if others and not tested:
        return _why_no_test(others[0])
    if len(tested) != 1 or tested[0].corrected is None:
        return ""
    name = comparison.runs[comparison.contrasts.index(tested[0])].name
    verdict = "not distinguishable from it" if tested[0].verdict == "not distinguishable" else tested[0].verdict
    p = f"p = {probability(tested[0].corrected)}".replace("= <", "< ")
    return f", and {name} is {verdict}: {change(tested[0].difference or 0.0, tested[0].half)}, {p}"


def _why_no_test(contrast: Contrast) -> str:
    return {
        "one seed": LUCK,
        "no spread": ", the same for every seed, so that there is no spread to judge it by",
        "runs lost": ", of which runs are lost",
    }.get(contrast.verdict, "")


def _seeds(count: int) -> str:
    return f" ({count} seeds)" if count > 1 else ""


def _of_all(comparison: Comparison) -> Iterator[str]:
    """How many are better and worse, where there are more than one to be counted."""
    tested = Counter(c.verdict for c in comparison.contrasts if c is not None and c.corrected is not None)
    if tested.total() < 2:
        return
    said = [f"{n} {verdict}" for verdict in ("better", "worse", "not distinguishable") if (n := tested[verdict])]
    yield f"Of {tested.total()} held against the baseline: {', '.join(said)} (p < 0.05 by Holm's correction)."
