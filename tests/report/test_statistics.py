"""Intervals that hold what they say they hold, and tests that are wrong as seldom as they say."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from netspec.report.statistics import LEVEL, Difference, half_width, holm, paired, welch

RUNS = 20_000


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def test_the_interval_of_a_mean_is_that_of_the_tables() -> None:
    # Student's table: t at 97.5 % with 4 degrees of freedom is 2.776; the deviation of 1, …, 5 is the root of 2.5.
    assert half_width([1, 2, 3, 4, 5]) == pytest.approx(2.776 * math.sqrt(2.5) / math.sqrt(5), rel=1e-3)
    assert half_width([0.5, 0.5, 0.5]) == 0
    assert half_width([0.97, 0.97, 0.97]) == 0  # whose mean is another number
    assert math.isnan(half_width([1.0]))


@pytest.mark.parametrize("count", [3, 5, 10])
def test_an_interval_holds_the_mean_95_times_in_a_hundred(count: int) -> None:
    values = 0.9 + 0.01 * drawn(RUNS, count)
    held = np.abs(values.mean(axis=-1) - 0.9) <= half_width(values)
    assert 0.93 <= held.mean() <= 0.97
    normal = 1.96 * values.std(axis=-1, ddof=1) / math.sqrt(count)
    assert (np.abs(values.mean(axis=-1) - 0.9) <= normal).mean() < held.mean() - 0.01  # what t is there for


@pytest.mark.parametrize("count", [3, 5, 10])
def test_an_interval_of_a_difference_holds_it_95_times_in_a_hundred(count: int) -> None:
    of_seed, own, other = (drawn(RUNS, count, seed=i) for i in range(3))
    first, second = 0.02 + 3 * of_seed + own, 3 * of_seed + 2 * other  # the seed does most to both
    found = paired(first, second)
    assert 0.93 <= (np.abs(found.mean - 0.02) <= found.half).mean() <= 0.97
    assert np.median(found.half) < np.median(welch(first, second).half) / 1.5  # what pairing is there for


@pytest.mark.parametrize(("counts", "deviations"), [((3, 3), (1, 1)), ((3, 10), (4, 1)), ((5, 10), (1, 3))])
def test_seeds_that_are_others_have_an_interval_that_holds_too(
    counts: tuple[int, int], deviations: tuple[float, float]
) -> None:
    first, second = (d * drawn(RUNS, n, seed=i) for i, (n, d) in enumerate(zip(counts, deviations, strict=True)))
    found = welch(first, second)
    assert 0.93 <= (np.abs(found.mean) <= found.half).mean() <= 0.98  # Welch's errs on the safe side for 3 and 3


@pytest.mark.parametrize(
    ("test", "counts", "reference"),
    [
        (paired, (5, 5), stats.ttest_rel),
        (welch, (5, 5), partial(stats.ttest_ind, equal_var=False)),
        (welch, (5, 7), partial(stats.ttest_ind, equal_var=False)),
    ],
)
def test_differences_are_those_of_scipy(
    test: Callable[..., Difference], counts: tuple[int, int], reference: Callable[..., Any]
) -> None:
    first, second = drawn(50, counts[0]), 2 * drawn(50, counts[1], seed=1)
    expected, found = reference(first, second, axis=-1), test(first, second)
    np.testing.assert_allclose(found.p, expected.pvalue)
    interval = expected.confidence_interval()
    np.testing.assert_allclose(found.half, (interval.high - interval.low) / 2)
    np.testing.assert_allclose(found.mean, (interval.high + interval.low) / 2, atol=1e-12)


@pytest.mark.parametrize("test", [paired, welch])
def test_the_verdict_is_that_of_the_interval(test: Callable[..., Difference]) -> None:
    found = test(0.5 + drawn(2000, 4), drawn(2000, 4, seed=1))
    np.testing.assert_array_equal(found.p < LEVEL, np.abs(found.mean) > found.half)


@pytest.mark.parametrize(
    ("test", "values", "others", "half", "p"),
    [
        (paired, [0.9, 0.95], [0.9, 0.95], 0.0, 1.0),
        (paired, [0.9778, 0.9889, 0.9667], [0.9667, 0.9778, 0.9556], math.nan, math.nan),  # 0.0111 in floats, thrice
        (welch, [0.9, 0.9], [0.9, 0.9, 0.9], 0.0, 1.0),
        (welch, [0.9, 0.9], [0.8, 0.8], math.nan, math.nan),
        (welch, [0.9], [0.8, 0.7], math.nan, math.nan),
        (paired, [0.9], [0.8], math.nan, math.nan),
    ],
)
def test_without_a_spread_nothing_is_sure(
    test: Callable[..., Difference], values: list[float], others: list[float], half: float, p: float
) -> None:
    found = test(values, others)
    np.testing.assert_array_equal([found.half, found.p], [half, p])
    assert found.mean == pytest.approx(np.mean(values) - np.mean(others), abs=1e-15)


@pytest.mark.parametrize(
    ("p", "corrected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # 3 · 0.01, then 2 · 0.03, no less after it, 4 · 0.005
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
        ([0.6, 0.5], [1.0, 1.0]),
        ([0.04], [0.04]),
        ([0.03, math.nan, 0.02], [0.04, math.nan, 0.04]),
        ([], []),
    ],
)
def test_holms_correction_by_hand(p: list[float], corrected: list[float]) -> None:
    np.testing.assert_allclose(holm(p), corrected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holms_correction_rejects_what_its_steps_reject(p: list[float]) -> None:
    """Holm's own procedure: the least of m against 0.05 / m, the next against 0.05 / (m - 1), …."""
    rejected = set()
    for rank, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if not p[i] * (len(p) - rank) < LEVEL:
            break
        rejected.add(i)
    assert {i for i, q in enumerate(holm(p)) if q < LEVEL} == rejected


@pytest.mark.parametrize("others", [2, 6])
def test_where_nothing_differs_hardly_ever_any_of_all_is_told_apart(others: int) -> None:
    runs = 4000
    baseline, rest = drawn(runs, 1, 5), drawn(runs, others, 5)
    p = paired(rest, np.broadcast_to(baseline, rest.shape)).p
    corrected = np.array([holm(row) for row in p.tolist()])
    error = math.sqrt(0.05 * 0.95 / runs)
    assert (corrected < LEVEL).any(axis=-1).mean() <= 0.05 + 3 * error
    assert (p < LEVEL).any(axis=-1).mean() > 0.07  # what the correction is there for
