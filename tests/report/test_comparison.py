from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from made_runs import SPEC, make_run

from netspec.diagnostics import RunError
from netspec.report.comparison import Comparison, compare, to_json
from netspec.report.comparison_view import view
from netspec.runs.directory import create, prepare
from netspec.runs.events import Evaluated
from netspec.runs.records import Recorder


def shown(comparison: Comparison, width: int, **options: Any) -> list[str]:
    lines = view(comparison, width, **{"colour": False, **options}).lines
    assert all(line.cell_len <= width for line in lines)
    return [line.plain.rstrip() for line in lines]


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
    assert [(d.path, d.values) for d in found.spec] == [("seed", (7, 8))]


def test_two_runs_side_by_side(tmp_path: Path) -> None:
    first = make_run(tmp_path)
    versions = {"netspec": "0.1.0", "jax": "0.10.1"}
    second = make_run(
        tmp_path, SPEC.replace("1e-3", "3e-4"), accuracy=0.98, upto=120, reason="interrupted", versions=versions
    )
    lines = shown(compare([first, second]), 80)
    assert lines[:19] == [
        "                          lenet5-1      lenet5-2",
        "optimizer.learning_rate   0.001         0.0003",
        "",
        "jax version               0.10.2        0.10.1",
        "",
        "state                     done          interrupted",
        "step                      200, epoch 5  120 of 200, epoch 3",
        "test accuracy             0.9700        –",
        "validation accuracy       0.9667 ★      0.9556",
        "test loss                 0.0300        –",
        "validation loss           0.0333 ★      0.0444",
        "best validation accuracy  0.9667        0.9556",
        "  at step                 200           120",
        "",
        "time                      0:02          0:01",
        "examples/s                3,200         3,200",
        "parameters                61,706        61,706",
        "device                    cpu, 2 cores  cpu, 2 cores",
        "",
    ]
    assert lines[19] == "▲ they ran on different versions: the same seed may give other bits"
    assert lines[21] == "training loss   ⠤⠤ lenet5-1   oo lenet5-2"
    assert "validation accuracy   ⠤⠤ lenet5-1   oo lenet5-2" in lines


def test_ten_runs_have_a_row_each_and_numbers(tmp_path: Path) -> None:
    specs = [SPEC, *[SPEC.replace("epochs = 5", "epochs = 9")] * 9]
    found = compare([make_run(tmp_path, s, accuracy=0.9 + i / 200) for i, s in enumerate(specs)])
    lines = shown(found, 80)
    assert lines[:2] == [
        "run           state  step          test accuracy  validation accuracy  test loss",
        " 1 lenet5-1   done   200, epoch 5  0.9000         0.8970               0.1000",
    ]
    assert lines[10] == "10 lenet5-10  done   200, epoch 5  0.9450 ★       0.9418 ★             0.0550 ★"
    at = lines.index("differs       value  runs")
    assert lines[at + 1 : at + 3] == ["train.epochs  5      1", "              9      2–10"]
    assert any(line.startswith("accuracy   ⠤⠤ 1   oo 2") and line.endswith("== 10") for line in lines)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 160])
@pytest.mark.parametrize("number", [2, 3, 10])
def test_it_fits_and_keeps_to_ascii_where_asked(tmp_path: Path, width: int, number: int) -> None:
    text = SPEC.replace('name = "lenet5"', 'name = "lenet5"\nnote = "[red]\\u001b[31m é %d"')
    found = compare([make_run(tmp_path, text % i) for i in range(number)])
    lines = shown(found, width, ascii=True, colour=True)
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert any("[red]" in line for line in lines)


def test_curves_stand_side_by_side_where_there_is_room(tmp_path: Path) -> None:
    found = compare([make_run(tmp_path), make_run(tmp_path)])
    [legend] = [line for line in shown(found, 140) if "training loss" in line]
    assert "validation accuracy   ⠤⠤ lenet5-1   oo lenet5-2" in legend
    assert len(shown(found, 140)) < len(shown(found, 100))


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    paths = [make_run(tmp_path / folder) for folder in ("a", "b")]
    assert [run.name for run in compare(paths).runs] == [str(path) for path in paths]


def test_a_run_that_has_not_begun_is_compared_by_its_spec(tmp_path: Path) -> None:
    waiting = create(tmp_path, "lenet5")
    prepare(waiting, spec=SPEC.replace("1e-3", "1e-2"), resolved={}, environment={})
    found = compare([waiting, make_run(tmp_path)])
    assert [d.path for d in found.spec] == ["optimizer.learning_rate"]
    rows = [line.split() for line in shown(found, 80)]
    assert ["state", "stopped", "done"] in rows
    assert ["jax", "version", "–", "0.10.2"] in rows
    assert not any(row[:1] == ["▲"] for row in rows)


def test_the_whole_comparison_is_json(tmp_path: Path) -> None:
    broken = {"validation/loss": math.nan, "validation/accuracy": 0.1}
    found = measured(tmp_path, broken, {"validation/loss": 0.5, "validation/accuracy": 0.8})
    data = json.loads(json.dumps(to_json(found), allow_nan=False))
    single = {"intervals": [None, None]}
    assert data["metrics"] == [
        {"metric": "validation/accuracy", "higher_is_better": True, "values": [0.1, 0.8], "best": [1], **single},
        {"metric": "validation/loss", "higher_is_better": False, "values": ["nan", 0.5], "best": [], **single},
    ]
    assert data["curves"] == {"validation/accuracy": [[[40, 0.1]], [[40, 0.8]]]}
    assert data["runs"][1] == {
        "run": str(tmp_path / "lenet5-2"),
        "name": "lenet5-2",
        "state": "stopped",
        "step": 0,
        "steps": 200,
        "epoch": 0.0,
        "seconds": 1.0,
        "examples_per_second": None,
        "parameters": 61706,
        "device": "cpu, 2 cores",
        "seed": 0,
        "seeds": [],
        "best": {"metric": "validation/accuracy", "value": 0.8, "step": 40, "epoch": 1.0},
    }


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


def test_more_runs_than_can_be_told_apart_are_refused(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, SPEC.replace("1e-3", f"{i}e-3")) for i in range(1, 12)]
    with pytest.raises(RunError, match="from 2 to 10 different specs or runs, and got 11"):
        compare(runs)


def test_seeds_of_one_spec_are_one_with_the_interval_of_their_mean(tmp_path: Path) -> None:
    def runs(spec: str, *accuracies: float) -> list[Path]:
        return [make_run(tmp_path, spec, seed=i, accuracy=a) for i, a in enumerate(accuracies)]

    other = SPEC.replace("1e-3", "3e-4")
    found = compare([*runs(SPEC, 0.90, 0.92, 0.94, 0.93), *runs(other, 0.95, 0.97), *runs(f"{other}# again", 0.5)])
    assert [run.name for run in found.runs] == ["lenet5-1…4", "lenet5-5", "lenet5-6", "lenet5-7"]
    accuracy = next(m for m in found.measurements if m.metric == "test/accuracy")
    assert accuracy.values[0] == pytest.approx(0.9225)
    # 3.182 is Student's t for 3 degrees of freedom at 97.5 %; the deviation of the four is 0.01708.
    assert accuracy.intervals[0] == pytest.approx(3.1824 * 0.017078 / 2, rel=1e-3)
    assert accuracy.intervals[1:] == (None, None, None)


def test_every_damaged_run_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        compare([tmp_path / "a", make_run(tmp_path), tmp_path / "b"])
    assert [d.file for d in caught.value.diagnostics] == [str(tmp_path / "a"), str(tmp_path / "b")]


def test_nothing_is_best_among_unlike_things(tmp_path: Path) -> None:
    def best(*runs: Path) -> dict[str, bool]:
        return {m.metric: bool(m.best) for m in compare(runs).measurements}

    loss = '[loss]\nkind = "cross_entropy"\n'
    first = make_run(tmp_path, SPEC + loss, accuracy=0.9)
    other_data = make_run(tmp_path, SPEC + loss, accuracy=0.95, data="another fingerprint")
    assert not any(best(first, other_data).values())
    other_loss = make_run(tmp_path, SPEC + loss.replace("cross_entropy", "hinge"), accuracy=0.95)
    found = best(first, other_loss)
    assert any(found.values())
    assert not any(found[metric] for metric in found if metric.endswith("/loss"))
