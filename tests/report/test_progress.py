from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_progress import in_phases

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


def test_each_phase_is_remembered_and_begins_anew():
    progress = in_phases(3)
    first, second = progress.passed
    assert [(p.number, p.name, p.step, p.metric) for p in (first, second)] == [
        (1, "first", 100, "validation/squared_error"),
        (2, "second", 200, "validation/squared_error"),
    ]
    assert first.seconds == second.seconds == pytest.approx(1.0)
    assert (first.best.value, first.best.step) == (pytest.approx(math.exp(-100 / 40)), 100)
    assert second.best.value == pytest.approx(2 * math.exp(-100 / 40))
    assert progress.entered.phase == "all of it"
    begun = [value for step, value in progress.smoothed_loss.points() if step in (105, 205)]
    assert begun == [2 * math.exp(-5 / 40), 3 * math.exp(-5 / 40)]


def test_a_phase_that_goes_on_after_a_stop_is_the_same_one():
    before = in_phases(2)
    resumed = advance(before, dataclasses.replace(before.started, time=1000.0, step=before.step))
    after = advance(resumed, dataclasses.replace(before.entered, time=1000.5, step=before.step))
    assert after.passed == before.passed
    assert after.best == before.best
    assert after.smoothings == before.smoothings
    cut = advance(before, dataclasses.replace(before.started, time=1000.0, step=60))
    assert (cut.entered, cut.passed) == (None, ())
    assert max(cut.gradient_norms.points())[0] <= 60


@pytest.mark.parametrize(("after", "spans"), [(50, (10.0, 50.0)), (10_000, (20.0, 100.0))])
def test_a_step_up_is_followed_at_the_pace_of_the_run_or_of_its_beginning(after, spans):
    progress = advance(Progress(), STARTED)
    for step in range(0, after + 1, 10):
        progress = advance(progress, stepped(step / 10, step, loss=4.0))
    progress = advance(progress, stepped(after / 10 + 1, after + 0.001, loss=1.0))
    moved = [curve.last[1] for curve in (progress.smoothed_loss, progress.smoother_loss)]
    assert moved == pytest.approx([1 + 3 * math.exp(-0.001 / span) for span in spans], rel=1e-7)


def test_compilations_are_counted():
    progress = advance(Progress(), STARTED)
    for step, seconds in enumerate((2.5, 0.0, 0.0, 0.7, 0.0), 1):
        progress = advance(progress, stepped(3 * step, step, compiling=seconds))
    assert progress.compilations == 2
    assert progress.spent.compiling == pytest.approx(3.2)


def test_only_the_newest_alerts_are_kept():
    progress = advance(Progress(), STARTED)
    for step in range(50):
        progress = advance(progress, Alerted(1.0, step, "slow", "slow"))
    assert [a.step for a in progress.alerts][-1] == 49
    assert len(progress.alerts) < 20
