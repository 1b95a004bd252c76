from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.report.progress import CAPACITY, Curve, Progress, advance
from netspec.runs.events import Alerted, Started, Stepped

STARTED = Started(0.0, "runs/a-1", "a", 0, "cpu", 0, 1000, 10, 8, {"training": 80}, 3, "validation/loss", False)


def stepped(time, step, loss=1.0, speed=80.0, compiling=0.0):
    return Stepped(time, step, step / 10, loss, 0.1, 1.0, speed, compiling)


def curve_of(values):
    curve = Curve()
    for step, value in enumerate(values):
        curve = curve.append(step, value)
    return curve


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40), st.integers(0, 5000))
def test_a_curve_stays_bounded_and_keeps_its_extremes_and_its_end(values, repeats):
    many = (values * (repeats // len(values) + 1))[: max(repeats, 1)]
    points = curve_of(many).points()
    heights = [y for _, y in points]
    assert len(points) <= 2 * CAPACITY + 3
    assert (min(heights), max(heights), points[-1]) == (min(many), max(many), (len(many) - 1, many[-1]))
    assert [x for x, _ in points] == sorted({x for x, _ in points})
    assert all(many[int(x)] == y for x, y in points)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_curve_leaves_out_what_is_not_finite(value):
    assert curve_of([1.0, value, 2.0]).points() == [(0, 1.0), (2, 2.0)]


@pytest.mark.parametrize("size", [10, 5000])
def test_a_curve_can_be_cut_back(size):
    points = curve_of(range(size)).until(size // 2).points()
    assert size // 2 - 16 <= points[-1][0] <= size // 2
    assert points[0] == (0, 0)


def test_the_smoothed_loss_lies_between_and_survives_a_loss_that_is_not_finite():
    progress = advance(advance(advance(Progress(), STARTED), stepped(1, 10, loss=4.0)), stepped(2, 20, loss=2.0))
    smoothed = progress.smoothed
    assert 2.0 < smoothed < 4.0
    progress = advance(progress, stepped(3, 30, loss=math.nan))
    assert progress.smoothed == smoothed
    assert math.isnan(progress.stepped.loss)


def test_time_is_split_and_adds_up(training):
    progress = training(480)
    shares = progress.shares()
    total = progress.time - progress.started.time
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["compiling"] * total == pytest.approx(2.5)
    assert shares["evaluating"] * total == pytest.approx(12 * 0.2)
    assert shares["steps"] * total == pytest.approx(480 * 32 / 2000)


def test_the_time_left_counts_steps_and_evaluations_but_no_compilation(training):
    progress = training(480)
    truth = 720 * 0.02 + 18 * 0.2
    assert progress.left(progress.time) == pytest.approx(truth, rel=0.02)
    assert progress.left(progress.time + 5) == pytest.approx(truth - 5, rel=0.02)
    assert training(0).left(0) is None
    assert training(1200, "done").left(0) is None


def test_the_best_is_where_the_events_say(training):
    best = training(492).best
    curve = training(492).measured["validation/accuracy"]
    assert (best.step, best.value) == max(curve.points(), key=lambda p: p[1])


def test_a_resumed_training_goes_on_from_its_checkpoint(training):
    before = training(492)
    resumed = dataclasses.replace(before.started, time=before.time + 1000, step=480)
    after = advance(before, resumed)
    assert after.step == 480
    assert after.loss.last[0] == 480
    assert after.best == before.best
    assert after.elapsed(after.time + 3) == pytest.approx(before.elapsed(before.time) + 3)
    assert not after.shares()


def test_only_the_newest_alerts_are_kept():
    progress = advance(Progress(), STARTED)
    for step in range(50):
        progress = advance(progress, Alerted(1.0, step, "slow", "slow"))
    assert [a.step for a in progress.alerts][-1] == 49
    assert len(progress.alerts) < 20
