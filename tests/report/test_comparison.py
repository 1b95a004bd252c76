from __future__ import annotations

import json
import math
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from made_runs import SPEC, START, make_run

from netspec.diagnostics import RunError
from netspec.report.comparison.compare import Comparison, compare, to_json
from netspec.report.comparison.words import summary
from netspec.runs.atomic import write_json
from netspec.runs.directory import create, prepare
from netspec.runs.events import Evaluated, Finished, Stepped
from netspec.runs.events import to_json as line_of
from netspec.runs.records import Recorder

OTHER = SPEC.replace("1e-3", "3e-4")


@pytest.fixture(autouse=True)
def _unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # no power fails here, and there are many runs


def seeds(runs: Path, spec: str, *accuracies: float, **options: Any) -> list[Path]:
    """Runs of one spec with the seeds 0, 1, …, that reached these accuracies."""
    return [make_run(runs, spec, seed=i, accuracy=a, **options) for i, a in enumerate(accuracies)]


def measured(runs: Path, *values: dict[str, float]) -> Comparison:
    """Runs whose last measurements were these."""
    paths = []
    for metrics in values:
        paths.append(make_run(runs, upto=0, reason=""))
        with Recorder(paths[-1]) as recorder:
            recorder.record(Evaluated(1_700_000_001.0, 40, 1.0, metrics, 0.1, True))
    return compare(paths)


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        ("validation/accuracy", [0.9, 0.95, 0.93], {1}),
        ("validation/error", [0.1, 0.05, 0.07], {1}),
        ("validation/digit_accuracy", [0.1, 0.05, 0.07], {0}),
        ("test/perplexity", [9.0, 7.0, 8.0], {1}),
        ("test/dice", [0.9, 0.7, 0.8], {0}),
        ("train/root_mean_squared_error", [3.0, 2.0, 2.0], {1, 2}),
        ("validation/loss", [math.nan, 0.2, 0.3], {1}),
        ("validation/loss", [math.inf, 0.2, math.nan], set()),
        ("validation/accuracy", [0.9, 0.9, 0.9], set()),
    ],
)
def test_the_best_is_known_by_the_metrics_direction(
    tmp_path: Path, metric: str, values: list[float], best: set[int]
) -> None:
    [found] = measured(tmp_path, *({metric: value} for value in values)).measurements
    assert (found.metric, found.best) == (metric, best)


def test_what_was_not_measured_is_nothing_to_be_best_at(tmp_path: Path) -> None:
    found = measured(tmp_path, {"test/loss": 0.1}, {"validation/accuracy": 0.9}).measurements
    assert [(m.metric, m.values, set(m.best)) for m in found] == [
        ("validation/accuracy", (None, 0.9), set()),
        ("test/loss", (0.1, None), set()),
    ]


@pytest.mark.parametrize(
    ("old", "new", "differences"),
    [
        ("learning_rate = 1e-3", "learning_rate=0.001 # the same", []),
        ("[data]\nsource =", "data.source =", []),
        ("1e-3", "3e-4", [("optimizer.learning_rate", (1e-3, 3e-4))]),
        ("kernel = 5", "kernel = 3", [("model.layers.0.kernel", (5, 3))]),
        ('"flatten", ', '"relu", "flatten", ', [("model.layers.1", (None, "relu"))]),
        ('"flatten", ', '"relu", "relu", "flatten", ', [("model.layers.1:3", (None, ["relu", "relu"]))]),
        ('"flatten", ', "", [("model.layers.1", ("flatten", None))]),
        ("[train]", '[schedule]\nkind = "cosine"\n[train]', [("schedule.kind", (None, "cosine"))]),
        ("epochs = 5", "steps = 200", [("train.epochs", (5, None)), ("train.steps", (None, 200))]),
        ("{ conv = 6, kernel = 5 }", '"relu"', [("model.layers.0", ({"conv": 6, "kernel": 5}, "relu"))]),
    ],
)
def test_specs_differ_in_what_they_say_not_in_how_they_are_written(
    tmp_path: Path, old: str, new: str, differences: list[tuple[str, tuple[Any, ...]]]
) -> None:
    assert SPEC.count(old) == 1
    found = compare([make_run(tmp_path), make_run(tmp_path, SPEC.replace(old, new))])
    assert [(d.path, d.values) for d in found.spec] == differences


def test_the_seed_is_the_one_that_was_trained_with(tmp_path: Path) -> None:
    found = compare([make_run(tmp_path, f"seed = 3\n{SPEC}", seed=7), make_run(tmp_path, seed=8)])
    assert [(d.path, d.values) for d in found.spec] == [("seed", (7, 8, None))]  # the last row is their mean


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    paths = [make_run(tmp_path / folder) for folder in ("a", "b")]
    assert [run.name for run in compare(paths).runs] == [str(path) for path in paths]


def test_a_run_that_has_not_begun_is_compared_by_its_spec(tmp_path: Path) -> None:
    waiting = create(tmp_path, "lenet5")
    prepare(waiting, spec=SPEC.replace("1e-3", "1e-2"), resolved={}, environment={})
    found = compare([waiting, make_run(tmp_path)])
    assert [d.path for d in found.spec] == ["optimizer.learning_rate"]
    assert [run.state for run in found.runs] == ["stopped", "done"]
    assert found.warnings == (
        "lenet5-1 stopped. Means are of runs that are done; where none is, of the last evaluations so far",
    )
    assert summary(found) == []


def test_the_whole_comparison_is_json(tmp_path: Path) -> None:
    broken = {"validation/loss": math.nan, "validation/accuracy": 0.1}
    found = measured(tmp_path, broken, {"validation/loss": 0.5, "validation/accuracy": 0.8})
    data = json.loads(json.dumps(to_json(found), allow_nan=False))
    single = {"intervals": [None, None], "counts": [1, 1]}
    assert data["metrics"] == [
        {"metric": "validation/accuracy", "higher_is_better": True, "values": [0.1, 0.8], "best": [1], **single},
        {"metric": "validation/loss", "higher_is_better": False, "values": ["nan", 0.5], "best": [], **single},
    ]
    assert data["curves"] == {"validation/accuracy": [[[40, 0.1]], [[40, 0.8]]]}
    assert (data["judged"], data["baseline"], data["contrasts"]) == ("validation/accuracy", None, [])
    assert data["runs"][1] == {
        "run": str(tmp_path / "lenet5-2"),
        "name": "lenet5-2",
        "state": "stopped",
        "states": {"stopped": 1},
        "step": 0,
        "steps": 200,
        "epoch": 0.0,
        "seconds": 1.0,
        "examples_per_second": None,
        "examples": 0.0,
        "parameters": 61706,
        "multiply_adds": None,
        "device": "cpu, 2 cores",
        "seed": 0,
        "seeds": [],
        "left_out": [],
        "best": {"metric": "validation/accuracy", "value": 0.8, "step": 40, "epoch": 1.0},
    }
    assert "same" not in data
    same = {one["path"]: one["value"] for one in to_json(found, whole=True)["same"]}
    assert (same["train.epochs"], same["model.layers"][1]) == (5, "flatten")


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    run, other, torn = (make_run(tmp_path) for _ in range(3))
    (torn / "environment.json").write_text("{")
    text = make_run(tmp_path)
    (text / "spec.toml").write_text("name = ")
    for runs, message in (
        ([run], "from 2 to 1,000 runs, and got 1"),
        ([run, other, tmp_path / "." / run.name], "is given twice"),
        ([run, tmp_path / "none"], "there is no run in"),
        ([run, torn], "environment.json is not JSON"),
        ([run, text], "error"),
    ):
        with pytest.raises(RunError, match=message):
            compare(runs)


def test_of_many_runs_those_that_are_damaged_are_named_and_left_out(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        compare([tmp_path / "a", make_run(tmp_path), tmp_path / "b"])
    assert [d.file for d in caught.value.diagnostics] == [str(tmp_path / "a"), str(tmp_path / "b")]
    found = compare([make_run(tmp_path), make_run(tmp_path, OTHER), tmp_path / "a"])
    assert len(found.runs) == 2
    assert found.warnings == (f"there is no run in {tmp_path / 'a'}; it is left out",)


def test_nothing_is_best_among_unlike_things(tmp_path: Path) -> None:
    def best(*runs: Path) -> dict[str, bool]:
        return {m.metric: bool(m.best) for m in compare(runs).measurements}

    loss = '[loss]\nkind = "cross_entropy"\n'
    first = make_run(tmp_path, SPEC + loss, accuracy=0.9)
    other_data = make_run(tmp_path, SPEC + loss, accuracy=0.95, data="another fingerprint")
    assert not any(best(first, other_data).values())
    unlike = compare([first, other_data])
    assert [c and c.verdict for c in unlike.contrasts] == [None, "unlike"]
    assert (unlike.cost.front, summary(unlike)[0][:27]) == (frozenset(), "They cannot be ranked by te")
    other_loss = make_run(tmp_path, SPEC + loss.replace("cross_entropy", "hinge"), accuracy=0.95)
    found = best(first, other_loss)
    assert any(found.values())
    assert not any(found[metric] for metric in found if metric.endswith("/loss"))


# -- seeds -------------------------------------------------------------------------------------------------------------


def test_seeds_of_one_spec_are_one_with_the_interval_of_their_mean(tmp_path: Path) -> None:
    runs = [*seeds(tmp_path, SPEC, 0.90, 0.92, 0.94, 0.93), *seeds(tmp_path, OTHER, 0.95, 0.97)]
    found = compare([*runs, *seeds(tmp_path, f"{OTHER}# again", 0.5)])
    assert [run.name for run in found.runs] == ["lenet5-1…4", "lenet5-6,7"]
    accuracy = found.quality
    assert accuracy is not None
    assert accuracy.metric == "test/accuracy"
    assert accuracy.values == (pytest.approx(0.9225), pytest.approx(0.735))
    # 3.182 is Student's t for 3 degrees of freedom at 97.5 %; the deviation of the four is 0.01708.
    assert accuracy.intervals[0] == pytest.approx(3.1824 * 0.017078 / 2, rel=1e-3)
    assert accuracy.counts == (4, 2)
    # Of two runs with the same spec and seed the later one counts, and it is said.
    assert [run.path.name for run in found.runs[1].left_out] == ["lenet5-5"]
    assert found.warnings[0].startswith("1 run has the spec and the seed of another")


def test_seeds_alone_have_a_row_each_and_their_mean_and_none_is_best(tmp_path: Path) -> None:
    found = compare(seeds(tmp_path, SPEC, 0.90, 0.92, 0.94))
    assert [run.name for run in found.runs] == ["lenet5-1", "lenet5-2", "lenet5-3", "lenet5-1…3"]
    assert [(d.path, d.values) for d in found.spec] == [("seed", (0, 1, 2, None))]
    assert not any(m.best for m in found.measurements)
    assert (found.baseline, found.contrasts, found.cost.front) == (None, (), frozenset())
    # 4.303 is Student's t for 2 degrees of freedom; the deviation is 0.02.
    assert summary(found) == ["3 runs of one spec: test accuracy 0.9200 ± 0.0497, the seeds from 0.9000 to 0.9400."]
    assert 4.303 * 0.02 / math.sqrt(3) == pytest.approx(0.0497, abs=5e-5)


def test_the_time_of_seeds_that_were_trained_at_once_is_of_all_of_them(tmp_path: Path) -> None:
    at_once = seeds(tmp_path, SPEC, 0.9, 0.92, together=["lenet5-1", "lenet5-2"])
    alone = seeds(tmp_path, OTHER, 0.95, 0.97)
    told = "trained at once, so that the time is of all together: lenet5-1,2 (2 runs)"
    assert compare([*at_once, *alone]).warnings == (told,)
    also = seeds(tmp_path, f"{OTHER}dropout = 1", 0.9, 0.8, together=["lenet5-5", "lenet5-6"])
    assert compare([*at_once, *also]).warnings == ()


def test_what_other_machines_trained_is_not_of_the_same_group(tmp_path: Path) -> None:
    here, there = seeds(tmp_path, SPEC, 0.9, 0.92), seeds(tmp_path, SPEC, 0.9, 0.92, device="gpu, H100")
    found = compare([*here, *there])
    assert [len(run.seeds) for run in found.runs] == [2, 2]
    assert found.warnings[0].startswith("they ran on different devices: the times do not compare")
    assert (found.cost.front, bool(found.cost.why_none)) == (frozenset(), True)
    assert compare([*here, *there], cost="parameters").cost.why_none == ""


@pytest.mark.parametrize(
    ("reasons", "accuracy", "share"),
    [
        (("done", "diverged", "done"), 0.92, (2, 1)),
        (("diverged", "diverged", "diverged"), 0.92, (3, 3)),
        (("done", "interrupted", ""), 0.90, (1, 0)),
    ],
)
def test_runs_that_are_lost_or_not_done_are_counted_and_said(
    tmp_path: Path, reasons: tuple[str, ...], accuracy: float, share: tuple[int, int]
) -> None:
    each = [0.90, 0.92, 0.94]
    ended = [make_run(tmp_path, OTHER, seed=i, accuracy=each[i], reason=r) for i, r in enumerate(reasons)]
    found = compare([*seeds(tmp_path, SPEC, 0.5, 0.52, 0.54), *ended], metric="validation/accuracy")
    row, quality = found.runs[1], found.quality
    assert quality is not None
    assert (quality.counts[1], row.lost) == share
    # Measured after 5 epochs.
    assert quality.values[1] == pytest.approx(accuracy * (1 - 0.5 * math.exp(-5)))
    assert quality.best == (frozenset() if row.lost else {1})
    contrast = found.contrasts[1]
    assert contrast is not None
    assert (contrast.verdict, contrast.p) == ("runs lost" if row.lost else "one seed", None)
    assert found.warnings[0].startswith(f"lenet5-1…3: {3 - share[0] if row.lost < 3 else 3} of 3 runs ")
    assert found.ranking == ([0, 1] if row.lost else [1, 0])


# -- against the baseline ----------------------------------------------------------------------------------------------


def test_differences_are_paired_by_seed(tmp_path: Path) -> None:
    found = compare([*seeds(tmp_path, SPEC, 0.90, 0.92, 0.94), *seeds(tmp_path, OTHER, 0.91, 0.94, 0.95)])
    none, contrast = found.contrasts
    assert (none, found.baseline) == (None, 0)
    assert contrast is not None
    # Differences 0.01, 0.02, 0.01: mean 0.01333, deviation 0.005774, t = 4, and 4.303 at 97.5 %.
    assert contrast.difference == pytest.approx(0.04 / 3)
    assert contrast.half == pytest.approx(4.3027 * 0.0057735 / math.sqrt(3), rel=1e-4)
    # Of Student's t with 2 degrees of freedom the tail beyond t is (1 - t / sqrt(2 + t²)) / 2.
    assert contrast.p == contrast.corrected == pytest.approx(1 - 4 / math.sqrt(18))
    assert (contrast.method, contrast.pairs, contrast.verdict) == ("paired", 3, "not distinguishable")


def test_a_loss_is_better_where_it_is_lower(tmp_path: Path) -> None:
    runs = [*seeds(tmp_path, SPEC, 0.90, 0.92, 0.94), *seeds(tmp_path, OTHER, 0.9501, 0.9702, 0.9903)]
    assert [c and c.verdict for c in compare(runs).contrasts] == [None, "better"]
    by_loss = compare(runs, metric="loss")
    assert by_loss.judged == "test/loss"
    assert [c and c.verdict for c in by_loss.contrasts] == [None, "better"]
    turned = compare(runs, metric="loss", baseline="lenet5-4")
    assert (turned.baseline, [c and c.verdict for c in turned.contrasts]) == (1, ["worse", None])


@pytest.mark.parametrize(
    ("first", "second", "method", "pairs"),
    [
        ((0, 1, 2, 3), (0, 1, 2, 3), "paired", 4),
        ((0, 1, 2, 3), (0, 1), "paired", 2),
        ((0, 1, 2, 3), (0, 1, 8, 9), "paired", 2),
        ((0, 1, 2, 3), (0, 7, 8, 9), "welch", None),
        ((0, 1, 2), (4, 5, 6), "welch", None),
        ((0, 1, 2), (4,), "", None),
    ],
)
def test_seeds_are_paired_where_enough_are_in_both(
    tmp_path: Path, first: tuple[int, ...], second: tuple[int, ...], method: str, pairs: int | None
) -> None:
    runs = [make_run(tmp_path, SPEC, seed=s, accuracy=0.9 + 0.001 * s * s) for s in first]
    runs += [make_run(tmp_path, OTHER, seed=s, accuracy=0.9 + 0.001 * s) for s in second]
    contrast = compare(runs).contrasts[1]
    assert contrast is not None
    assert (contrast.method, contrast.pairs) == (method, pairs)


def test_several_tests_are_corrected_by_holm(tmp_path: Path) -> None:
    specs = [SPEC.replace("1e-3", f"{i}e-3") for i in range(1, 4)]
    each = [(0.90, 0.92, 0.94), (0.91, 0.94, 0.95), (0.905, 0.935, 0.944)]
    found = compare([run for spec, values in zip(specs, each, strict=True) for run in seeds(tmp_path, spec, *values)])
    plain = [c.p for c in found.contrasts if c is not None and c.p is not None]
    assert [c and c.corrected for c in found.contrasts[1:]] == [
        pytest.approx(2 * min(plain)),
        pytest.approx(max(plain)),
    ]
    assert plain[0] < plain[1]


@pytest.mark.parametrize(
    ("text", "row"),
    [("lenet5-3", 1), ("lenet5-3,4", 1), ("lenet5-1", 0), ("runs/lenet5-4", 1), ("small", 1), (None, 0)],
)
def test_the_baseline_is_named_by_a_run_or_a_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, row: int
) -> None:
    monkeypatch.chdir(tmp_path)
    small = SPEC.replace('"lenet5"', '"small"')
    runs = [*seeds(Path("runs"), SPEC, 0.9, 0.91), *seeds(Path("runs"), small, 0.9, 0.92)]
    assert compare(runs, baseline=text).baseline == row


def test_names_that_there_are_not_are_refused(tmp_path: Path) -> None:
    runs = [make_run(tmp_path), make_run(tmp_path, OTHER)]
    for options, message in (
        ({"baseline": "lenet5-9"}, "did you mean 'lenet5-"),
        ({"baseline": "lenet5"}, "the name of 2 of the specs"),
        ({"metric": "accurracy"}, "did you mean 'accuracy'"),
    ):
        with pytest.raises(RunError, match=message):
            compare(runs, **options)  # type: ignore[arg-type]
    with pytest.raises(RunError, match="all of these runs are of one"):
        compare([make_run(tmp_path), make_run(tmp_path)], baseline="lenet5-3")


@pytest.mark.parametrize("values", [(math.inf, -math.inf), (math.nan, 0.5), (1e300, -1e300), (1e-300, 2e-300)])
def test_numbers_that_are_not_finite_have_no_verdict_and_stop_nothing(
    tmp_path: Path, values: tuple[float, ...]
) -> None:
    runs = [make_run(tmp_path, SPEC if i < 2 else OTHER, seed=i % 2, upto=40, reason="") for i in range(4)]
    for run, value in zip(runs, (*values, 0.5, 0.6), strict=True):
        with Recorder(run) as recorder:
            recorder.record(Stepped(START + 1, 50, 1.25, value, None, value, value))
            recorder.record(Finished(START + 2, "", 50, 1.25, "done", {"test/accuracy": value}, 50, 2.0))
    for by in ("step", "time"):
        found = compare(runs, by=by)
        contrast = found.contrasts[1]
        assert contrast is not None
        assert contrast.verdict == ("not distinguishable" if math.isfinite(sum(values)) else "not finite")
        json.dumps(to_json(found), allow_nan=False)


# -- what of a metric, and at what cost --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "of_validation", "of_test"),
    [
        ("result", 0.5, 0.7),
        ("last", 0.5, 0.7),
        ("best", 0.8, None),  # the parameters of the last step were kept
        ("min", 0.4, 0.7),
        ("max", 0.8, 0.7),
        ("mean", (0.4 + 0.8 + 0.5) / 3, 0.7),
    ],
)
def test_of_a_metric_what_is_asked_for_is_compared(
    tmp_path: Path, value: Any, of_validation: float, of_test: float | None
) -> None:
    runs = [make_run(tmp_path, upto=0, reason=""), make_run(tmp_path, OTHER)]
    with Recorder(runs[0]) as recorder:
        for i, (accuracy, best) in enumerate(((0.4, True), (0.8, True), (0.5, False)), 1):
            recorder.record(Evaluated(START + i, 40 * i, i, {"validation/accuracy": accuracy}, 0.1, best))
        ended = {"validation/accuracy": 0.5, "test/accuracy": 0.7}
        recorder.record(Finished(START + 4, "", 120, 3.0, "done", ended, 120, 4.0))
    compared = compare(runs, value=value, metric="test/accuracy" if of_test else None)
    said = [warning for warning in compared.warnings if "measured once" in warning]
    wanted = f"test accuracy was measured once in each run: {value} changes nothing"
    assert said == ([wanted] if of_test and value != "result" else [])
    found = {m.metric: m.values[0] for m in compared.measurements}
    assert found["validation/accuracy"] == pytest.approx(of_validation)
    assert found["test/accuracy"] == of_test


def test_what_none_beats_in_cost_and_quality(tmp_path: Path) -> None:
    # 200 steps take 2 s; by accuracy and time: (0.90, 1.2), (0.95, 2.0), (0.94, 2.0), (0.90, 1.6), (0.97, diverged).
    told = [(0.90, 120, "done"), (0.95, 200, "done"), (0.94, 200, "done"), (0.90, 160, "done"), (0.97, 40, "diverged")]
    runs = [
        make_run(tmp_path, SPEC.replace("1e-3", f"{i}e-3"), accuracy=accuracy, upto=steps, reason=reason)
        for i, (accuracy, steps, reason) in enumerate(told, 1)
    ]
    found = compare(runs)
    assert found.cost.front == {0, 1}
    assert found.cost.values == (1.2, 2.0, 2.0, 1.6, 0.4)
    assert compare(runs, cost="parameters").cost.front == {1}
    # 40 steps are an epoch of 1280 examples.
    assert compare(runs, cost="examples").cost.values == (3840, 6400, 6400, 5120, 1280)


def test_multiply_adds_are_those_of_the_resolved_spec(tmp_path: Path) -> None:
    spec = {"name": '"flops": {"forward": 7'}
    resolved = {"spec": spec, "network": {"name": "a", "flops": {"forward": 833040}, "layers": []}}
    runs = [make_run(tmp_path), make_run(tmp_path, OTHER)]
    write_json(runs[0] / "resolved.json", resolved)
    (runs[1] / "resolved.json").unlink()
    assert compare(runs, cost="multiply-adds").cost.values == (416520, None)


# -- curves ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "last"), [("step", 200.0), ("examples", 6400.0), ("time", 2.0)])
def test_curves_go_over_what_is_asked_for(tmp_path: Path, by: Any, last: float) -> None:
    curves = compare([make_run(tmp_path), make_run(tmp_path, OTHER)], by=by).curves
    assert list(curves.means) == ["training loss", "validation/accuracy"]
    for rows in curves.means.values():
        assert [row[-1][0] for row in rows] == [pytest.approx(last)] * 2
    assert len(curves.means["training loss"][0]) == 20
    assert curves.means["training loss"][0][-1][1] == pytest.approx(2.3 * math.exp(-5) + 0.05)


def test_the_curve_of_several_seeds_is_their_mean_between_the_lowest_and_the_highest(tmp_path: Path) -> None:
    runs = [*seeds(tmp_path, SPEC, 0.90, 0.92, 0.97), *seeds(tmp_path, OTHER, 0.5)]
    runs.append(make_run(tmp_path, SPEC, seed=7, accuracy=0.1, upto=80, reason="diverged"))
    curves = compare(runs).curves
    learned = 1 - 0.5 * math.exp(-5)
    assert curves.means["validation/accuracy"][0][-1] == (200, pytest.approx(0.93 * learned))
    assert curves.bands["validation/accuracy"][0][-1] == (
        200,
        pytest.approx(0.90 * learned),
        pytest.approx(0.97 * learned),
    )
    assert curves.bands["validation/accuracy"][1] == []


def test_a_long_curve_is_thinned_to_the_means_of_its_stretches(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, upto=0, reason=""), make_run(tmp_path, OTHER)]
    with Recorder(runs[0]) as recorder:
        for step in range(1, 1025):
            recorder.record(Stepped(START + step, step, step / 40, float(step % 2), 1e-3, 1.0, 3200.0))
    points = compare(runs).curves.means["training loss"][0]
    assert [x for x, _ in points] == [8 * i + 4.5 for i in range(128)]
    assert {y for _, y in points} == {0.5}


def test_of_many_rows_the_best_and_the_baseline_are_drawn(tmp_path: Path) -> None:
    specs = [SPEC.replace("1e-3", f"{i}e-3") for i in range(1, 14)]
    found = compare([make_run(tmp_path, spec, accuracy=0.9 + i / 1000) for i, spec in enumerate(specs)])
    assert found.drawn == (0, *range(4, 13))
    assert [bool(points) for points in found.curves.means["training loss"]] == [i in found.drawn for i in range(13)]
    assert found.ranking[0] == 12


def test_a_hundred_runs_are_compared_in_a_moment(tmp_path: Path) -> None:
    """Five hundred of 10,000 steps take some 1.5 s of one processor."""
    record = [Stepped(START + i, 20 * i, i / 5, 1.0 / i, 1e-3, 1 / 7, 3200 / 7) for i in range(1, 501)]
    first = make_run(tmp_path, upto=0, reason="")
    text = (first / "events.jsonl").read_text() + "".join(json.dumps(line_of(event)) + "\n" for event in record)
    runs = []
    for i in range(100):
        runs.append(shutil.copytree(first, tmp_path / f"wide-{i + 1}"))
        (runs[-1] / "spec.toml").write_text(SPEC.replace("1e-3", f"{i % 20 + 1}e-3"))
        (runs[-1] / "events.jsonl").write_text(text.replace('"seed": 0', f'"seed": {i // 20}'))
    begun = time.process_time()
    assert len(compare(runs).runs) == 20
    assert time.process_time() - begun < 2.0
