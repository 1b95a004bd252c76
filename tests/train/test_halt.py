"""When a phase ends before its time."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from netspec.build.program import Judge
from netspec.spec.training import Stop
from netspec.train.halt import Halt

LOSS = Judge("validation/loss", higher_is_better=False, keep=False)
ACCURACY = Judge("validation/accuracy", higher_is_better=True, keep=False)


def halt(judge: Judge = LOSS, **stop: Any) -> Halt:
    return Halt(Stop(**stop), judge)


def told(halt: Halt, values: Sequence[float]) -> list[str]:
    """What is said after each evaluation."""
    return [halt.evaluated({halt.judge.metric: value}) for value in values]


def ended(halt: Halt, values: Sequence[float]) -> int | None:
    """After which evaluation, from 1, the phase ends."""
    return next((i for i, why in enumerate(told(halt, values), 1) if why), None)


NAN = math.nan


@pytest.mark.parametrize(
    ("judge", "patience", "values", "expected"),
    [
        (LOSS, 1, [3.0, 2.0, 2.0], 3),
        (LOSS, 1, [3.0, 2.0, 1.0], None),
        (LOSS, 2, [3.0, 4.0, 2.0, 2.5, 2.1, 2.0], 5),
        (LOSS, 3, [3.0, 4.0, 2.0, 2.5, 2.1, 1.9], None),
        (ACCURACY, 2, [0.5, 0.6, 0.6, 0.6], 4),
        (ACCURACY, 2, [0.5, 0.4, 0.6, 0.5, 0.61], None),
        (LOSS, 2, [3.0, NAN, NAN], 3),
        (LOSS, 2, [NAN, NAN, 3.0], 2),
        (LOSS, 2, [NAN, 3.0, 4.0, 2.0], None),
    ],
)
def test_patience(judge: Judge, patience: int, values: list[float], expected: int | None) -> None:
    assert ended(halt(judge, patience=patience), values) == expected


@pytest.mark.parametrize(
    ("judge", "target", "values", "expected"),
    [
        (LOSS, 0.5, [0.9, 0.51, 0.5], 3),
        (LOSS, 0.5, [0.9, 0.51, NAN], None),
        (ACCURACY, 0.9, [0.3, 0.89, 0.95], 3),
        (ACCURACY, 0.9, [0.3, 0.2, NAN], None),
        (ACCURACY, 0.9, [0.9], 1),
    ],
)
def test_target(judge: Judge, target: float, values: list[float], expected: int | None) -> None:
    assert ended(halt(judge, target=target), values) == expected


@pytest.mark.parametrize(
    ("stop", "norm", "seconds", "ends"),
    [
        ({"gradient": 0.1}, 0.11, 1e9, False),
        ({"gradient": 0.1}, 0.1, 0.0, True),
        ({"seconds": 60.0}, 0.0, 59.9, False),
        ({"seconds": 60.0}, 1.0, 60.0, True),
        ({"patience": 1}, 0.0, 1e9, False),
    ],
)
def test_what_is_seen_after_steps(stop: dict[str, float], norm: float, seconds: float, ends: bool) -> None:
    assert bool(halt(**stop).stepped(1.0, 3, norm, seconds)) == ends


def test_change_is_of_the_mean_loss_between_evaluations() -> None:
    looked = halt(change=0.1)
    losses = [[(4.0, 1), (1.0, 3)], [(1.5, 2)], [(1.3, 4)], [(1.2, 5), (1.5, 1)]]
    means = [1.75, 1.5, 1.3, 1.25]
    changes = [abs(b - a) / a for a, b in pairwise(means)]
    assert [change <= 0.1 for change in changes] == [False, False, True]
    why = []
    for windows in losses:
        for loss, count in windows:
            assert looked.stepped(loss, count, 1.0, 0.0) == ""
        why += told(looked, [1.0])
    assert [bool(w) for w in why] == [False, False, False, True]
    assert why[-1] == "the training loss changed by a share of 0.038, at most 0.1"


def test_change_of_a_loss_that_is_and_stays_nothing() -> None:
    looked = halt(change=0.1)
    looked.stepped(0.0, 1, 1.0, 0.0)
    assert told(looked, [1.0]) == [""]
    looked.stepped(0.0, 1, 1.0, 0.0)
    assert told(looked, [1.0])[0]


def test_whichever_comes_first() -> None:
    both = {"patience": 2, "target": 0.5}
    assert ended(halt(**both), [0.9, 0.8, 0.4]) == 3
    assert ended(halt(**both), [0.9, 1.0, 1.0, 0.4]) == 3
    assert told(halt(**both), [0.9, 0.4]) == ["", "validation/loss is 0.4, and 0.5 was to be reached"]
    assert told(halt(patience=2), [NAN, NAN])[1] == "validation/loss was no number for 2 evaluations"
    assert told(halt(ACCURACY, patience=1), [0.9, 0.4]) == ["", "validation/accuracy was no better than 0.9 once"]


def test_nothing_asked_for_ends_nothing() -> None:
    looked = Halt(None, LOSS)
    assert looked.stepped(0.0, 1, 0.0, 1e9) == ""
    assert told(looked, [1.0] * 50) == [""] * 50


VALUES = [3.0, 2.0, NAN, 2.5, 2.2, 1.9, 2.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize("cut", range(1, 9))
@pytest.mark.parametrize("stop", [{"patience": 4}, {"change": 0.01}])
def test_what_it_has_seen_survives_json(stop: dict[str, float], cut: int) -> None:
    def follow(looked: Halt, values: Sequence[float]) -> list[str]:
        why = []
        for value in values:
            looked.stepped(abs(value) if value == value else 2.4, 3, 1.0, 0.0)
            why += told(looked, [value])
        return why

    whole = follow(halt(**stop), VALUES)
    assert any(whole)
    before, after = halt(**stop), halt(**stop)
    first = follow(before, VALUES[:cut])
    before.stepped(7.0, 2, 1.0, 0.0)
    after.remember(json.loads(json.dumps(before.to_json())))
    assert after == before
    after.total, after.steps = 0.0, 0
    assert first + follow(after, VALUES[cut:]) == whole
