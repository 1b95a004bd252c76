"""Which runs a picture shows as one, their curves, and their bars, against the same by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from netspec.diagnostics import RunError
from netspec.report.pictures.bars import finals
from netspec.report.pictures.groups import Group, grouped
from netspec.report.pictures.traces import MOST_POINTS, By, panels_of, smoothed, thinned
from netspec.runs.directory import create, prepare
from netspec.runs.events import Evaluated, Event, Finished, Started, Stepped
from netspec.runs.records import Recorder
from tests.report.made_runs import ENVIRONMENT, PER_EPOCH, SPEC, make_run

ACCURACIES = (0.90, 0.92, 0.97)


def seeds(parent: Path, spec: str = SPEC, accuracies: Sequence[float] = ACCURACIES) -> list[Path]:
    return [make_run(parent, spec, accuracy=a, seed=i) for i, a in enumerate(accuracies)]


def test_seeds_of_one_spec_are_one(tmp_path: Path) -> None:
    same = seeds(tmp_path)
    slower = seeds(tmp_path, SPEC.replace("1e-3", "1e-4"))
    again = make_run(tmp_path, seed=2)
    elsewhere = make_run(tmp_path, seed=7, data="sha256:2e")
    found = grouped([*same, again, *slower, elsewhere])
    assert [[one.path for one in group.runs] for group in found] == [same, [again], slower, [elsewhere]]
    assert [group.label for group in found] == [
        "lenet5, learning_rate 0.001 (3 seeds)",
        "lenet5-7, learning_rate 0.001",
        "lenet5, learning_rate 0.0001 (3 seeds)",
        "lenet5-8, learning_rate 0.001",
    ]


def test_what_differs_is_told_where_it_is_short(tmp_path: Path) -> None:
    other = SPEC.replace('"flatten", ', '"relu", "flatten", ')
    found = grouped([make_run(tmp_path), make_run(tmp_path, other)])
    assert [group.label for group in found] == ["lenet5-1", "lenet5-2"]
    assert [group.label for group in grouped(seeds(tmp_path))] == ["lenet5 (3 seeds)"]


# -- curves ------------------------------------------------------------------------------------------------------------


def test_smoothing_is_a_weighted_line_of_numpys() -> None:
    values = np.random.default_rng(0).normal(size=400)
    at = np.array([0, 9, 200, 390, 399])
    around = [(0, 1), (6, 13), (190, 211), (380, 400), (380, 400)]  # 20 of 400, fewer at the beginning
    by_hand = []
    for i, (start, stop) in zip(at, around, strict=True):
        x = np.arange(start, stop) - i
        weights = (1 - np.abs(x / (np.abs(x).max() + 1)) ** 3) ** 3
        by_hand.append(np.polyfit(x, values[start:stop], min(1, i), w=np.sqrt(weights))[-1])
    np.testing.assert_allclose(smoothed(values, at), by_hand)
    np.testing.assert_array_equal(smoothed(values[:60], np.arange(60)), values[:60])


@pytest.mark.parametrize("values", [np.exp(-np.arange(1000.0) / 80), 1e5 / (1 + np.arange(1000.0)), np.arange(900.0)])
def test_smoothing_what_has_no_noise_changes_nothing_that_is_seen(values: np.ndarray) -> None:
    np.testing.assert_allclose(smoothed(values, np.arange(len(values))), values, rtol=0.05)


def test_smoothing_stays_within_what_it_smooths() -> None:
    drop = np.where(np.arange(1000) < 500, 1e30, 1e-3)
    found = smoothed(drop, np.arange(1000))
    assert (found.min(), found.max()) == (1e-3, 1e30)
    np.testing.assert_array_equal(found[530:], drop[530:])


def test_thinning_loses_no_peak() -> None:
    values = np.random.default_rng(0).normal(size=100_000)
    values[[777, 54_321]] = 50.0, -50.0
    x, kept = thinned(np.arange(100_000.0), values)
    assert len(x) <= MOST_POINTS
    assert (np.diff(x) > 0).all()
    assert {777, 54_321} <= set(x.tolist())
    np.testing.assert_array_equal(kept, values[x.astype(int)])


def test_the_mean_and_the_range_of_seeds(tmp_path: Path) -> None:
    (group,) = grouped(seeds(tmp_path))
    loss, accuracy = panels_of([group], "step")
    assert [(t.label, t.raw) for t in loss.traces] == [("training, smoothed", None), ("validation", None)]
    (trace,) = accuracy.traces
    share = np.array([1 - 0.5 * math.exp(-epoch) for epoch in range(1, 6)])
    np.testing.assert_array_equal(trace.x, PER_EPOCH * np.arange(1, 6))
    np.testing.assert_allclose(trace.values, share * np.mean(ACCURACIES))
    assert trace.band is not None
    np.testing.assert_allclose(trace.band, [0.90 * share, 0.97 * share])
    assert accuracy.best is None


def test_a_mean_ends_where_the_shortest_run_ends(tmp_path: Path) -> None:
    (group,) = grouped([make_run(tmp_path, upto=120, reason="interrupted", seed=1), make_run(tmp_path, seed=2)])
    loss, accuracy = panels_of([group], "step")
    assert (loss.traces[0].x[-1], accuracy.traces[0].x[-1]) == (120, 120)


@pytest.mark.parametrize(("by", "factor"), [("step", 1.0), ("examples", 1280 / PER_EPOCH), ("time", 0.01)])
def test_what_is_along_the_axis(tmp_path: Path, by: By, factor: float) -> None:
    """A step of the made runs takes 10 ms, and 40 of them see 1,280 examples."""
    loss, accuracy = panels_of(grouped([make_run(tmp_path)]), by)
    np.testing.assert_allclose(loss.traces[0].x, factor * np.arange(10, 201, 10), atol=1e-6)
    np.testing.assert_allclose(accuracy.traces[0].x, factor * np.arange(40, 201, 40), atol=1e-6)
    assert accuracy.best == pytest.approx((factor * 200, 0.97 * (1 - 0.5 * math.exp(-5))))


def test_several_specs_have_a_curve_each(tmp_path: Path) -> None:
    runs = [*seeds(tmp_path), make_run(tmp_path, SPEC.replace("1e-3", "1e-4"))]
    loss, accuracy = panels_of(grouped(runs), "step")
    assert (loss.name, accuracy.name) == ("training loss, smoothed", "validation accuracy")
    assert [t.number for t in loss.traces] == [t.number for t in accuracy.traces] == [0, 1]
    assert [t.band is None for t in loss.traces] == [False, True]
    assert [t.raw is None for t in loss.traces] == [True, False]


def write_run(parent: Path, losses: Sequence[float], metric: str = "validation/loss", higher: bool = False) -> Group:
    run = create(parent, "made")
    prepare(run, spec=SPEC, resolved={}, environment=ENVIRONMENT)
    steps = len(losses)
    told: list[Event] = [Started(0.0, str(run), "made", 0, "cpu", 0, steps, 1, 1, {"train": 1}, 1, metric, higher)]
    for i, loss in enumerate(losses):
        told.append(Stepped(float(i), i + 1, i + 1.0, loss, None, 1.0, 1.0))
        told.append(Evaluated(float(i), i + 1, i + 1.0, {metric: 10.0 ** (i % 5 - 4)}, 0.0, i == 0))
    told.append(Finished(float(steps), str(run), steps, float(steps), "done"))
    with Recorder(run) as recorder:
        for event in told:
            recorder.record(event)
    return grouped([run])[0]


def test_decades_are_shown_by_logarithms(tmp_path: Path) -> None:
    (panel,) = panels_of([write_run(tmp_path, [10.0**-i for i in range(8)])], "step")
    assert (panel.name, panel.log) == ("loss", True)
    assert [trace.label for trace in panel.traces] == ["training, smoothed", "validation"]
    (panel,) = panels_of([write_run(tmp_path, [1.0, 0.0, 1e-3, 1e-6])], "step")
    assert panel.log
    loss, accuracy = panels_of([write_run(tmp_path, [2.0, 1.0, 0.5, 0.4, 0.3], "validation/accuracy", True)], "step")
    assert (loss.log, accuracy.log) == (False, False)


def test_what_is_not_finite_is_left_out_and_marked(tmp_path: Path) -> None:
    (panel,) = panels_of([write_run(tmp_path, [3.0, math.inf, 2.0, math.nan])], "step")
    trace = panel.traces[0]
    assert (trace.x.tolist(), trace.values.tolist(), trace.lost) == ([1, 3], [3, 2], (3, 2))
    (whole,) = panels_of([write_run(tmp_path, [3.0, math.inf, 2.0])], "step")
    assert whole.traces[0].lost is None


# -- bars --------------------------------------------------------------------------------------------------------------


def test_bars_have_students_interval(tmp_path: Path) -> None:
    single = make_run(tmp_path, SPEC.replace("1e-3", "1e-4"), accuracy=0.5)
    name, higher, (several, one) = finals(grouped([*seeds(tmp_path), single]))
    assert (name, higher) == ("test/accuracy", True)
    assert several.values == ACCURACIES
    assert several.mean == pytest.approx(np.mean(ACCURACIES))
    low, high = stats.ttest_1samp(ACCURACIES, 0).confidence_interval(0.95)
    assert (several.mean - several.half, several.mean + several.half) == pytest.approx((low, high))
    assert several.written() == "0.9300 ± 0.0896"
    assert (one.values, one.written()) == ((0.5,), "0.5000")


def test_bars_are_of_a_part_that_all_have(tmp_path: Path) -> None:
    other = SPEC.replace("1e-3", "1e-4")
    runs = [make_run(tmp_path), make_run(tmp_path, other, upto=120, reason="interrupted")]
    name, _, found = finals(grouped(runs))
    assert (name, [one.label.partition(", ")[2] for one in found]) == (
        "validation/accuracy",
        ["learning_rate 0.001", "learning_rate 0.0001, not done"],
    )
    with pytest.raises(RunError, match="lenet5-2: no test accuracy to compare"):
        finals(grouped(runs), "test")
    begun = make_run(tmp_path, other, upto=20, reason="", seed=2)
    with pytest.raises(RunError, match="lenet5-3: no test accuracy or validation accuracy or train accuracy"):
        finals(grouped([*runs, begun]))


def test_bars_are_of_the_runs_that_are_done(tmp_path: Path) -> None:
    runs = [*seeds(tmp_path), make_run(tmp_path, upto=120, reason="diverged", seed=3)]
    name, _, (one,) = finals(grouped(runs))
    assert (name, one.values, one.label) == ("test/accuracy", ACCURACIES, "lenet5 (4 seeds), 3 done")
