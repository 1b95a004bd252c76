"""Splits: exact sizes, nothing twice, every class its share, and the same every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.data.files import Where
from netspec.data.split import Sizes, parts, sizes
from netspec.diagnostics import DataError
from netspec.spec.data import Split

WHERE = Where(Path(), lambda path: None)


@given(
    counts=st.tuples(st.integers(1, 60), st.integers(0, 30), st.integers(0, 30)),
    classes=st.none() | st.integers(1, 5),
    seed=st.integers(-5, 5),
)
@settings(max_examples=60, deadline=None)
def test_every_row_is_in_one_part_and_every_class_has_its_share(counts, classes, seed):
    wanted = Sizes(*counts)
    total = sum(wanted)
    labels = None if classes is None else np.arange(total) % classes
    found = parts(wanted, labels, seed)
    assert tuple(map(len, found)) == wanted
    assert sorted(np.concatenate(found).tolist()) == list(range(total))
    if labels is not None:
        of_class = np.bincount(labels)
        in_test = np.bincount(labels[found[2]], minlength=len(of_class))
        assert (abs(in_test - of_class * wanted.test / total) < 1).all()


def test_splits_differ_by_seed_and_stay_the_same():
    first, again, other = (parts(Sizes(60, 20, 20), None, seed)[2].tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != other
    # Recorded once: a split must be the same with any version of NumPy.
    assert parts(Sizes(6, 2, 2), None, 0)[2].tolist() == [0, 3]


def test_chance_is_fair():
    """Over many seeds, each row of a class is in the test part about as often as any other."""
    labels = np.repeat([0, 1], [5, 15])
    often = sum(np.bincount(parts(Sizes(15, 0, 5), labels, seed)[2], minlength=20) for seed in range(800))
    assert (abs(often / 800 - 0.25) < 0.08).all()


@pytest.mark.parametrize(
    ("split", "examples", "tests", "expected"),
    [
        (Split(), 150, None, (120, 15, 15)),
        (Split(validation=0, test=0), 4, None, (4, 0, 0)),
        (Split(), 100, 30, (63, 7, 30)),
        (Split(test=0), 100, 30, (63, 7, 30)),
        (Split(validation=0.5, test=0.26), 10, None, (2, 5, 3)),
    ],
)
def test_sizes(split, examples, tests, expected):
    assert sizes(split, examples, tests, WHERE) == expected


@pytest.mark.parametrize(
    ("split", "tests", "message"),
    [
        (Split(), None, r"validation = 0\.1 of 4 examples is less than one"),
        (Split(validation=0, test=0.2), None, None),
        (Split(validation=0, test=0.1), None, r"test = 0\.1 of 4 examples is less than one"),
        (Split(validation=0.5, test=0.5), None, "leave none to train with"),
        (Split(validation=1, test=0.75), None, "leave none to train with"),
        (Split(test=0.5), 2, "a test part of its own"),
    ],
)
def test_shares_that_leave_a_part_empty(split, tests, message):
    if message is None:
        assert sizes(split, 4, tests, WHERE) == (3, 0, 1)
        return
    with pytest.raises(DataError, match=message):
        sizes(split, 4, tests, WHERE)
