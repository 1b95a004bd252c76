"""The comparison as text: what is read first, at every width, whatever names the runs have."""

from __future__ import annotations

import csv
import doctest
import math
from pathlib import Path
from typing import Any

import pytest
from made_runs import SPEC, make_run

from netspec.report import statistics
from netspec.report.comparison import charts, reading, table, words
from netspec.report.comparison import view as view_module
from netspec.report.comparison.compare import Comparison, compare
from netspec.report.comparison.table import as_csv, as_markdown
from netspec.report.comparison.view import view
from netspec.report.comparison.words import summary

EXPECTED = Path(__file__).parent / "expected"
KERNEL = SPEC.replace("1e-3", "3e-3").replace("kernel = 5", "kernel = 3")


@pytest.fixture(autouse=True)
def _unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # no power fails here, and there are many runs


def shown(comparison: Comparison, width: int, **options: Any) -> list[str]:
    lines = view(comparison, width, **{"colour": False, **options}).lines
    assert all(line.cell_len <= width for line in lines)
    return [line.plain.rstrip() for line in lines]


def of_seeds(runs: Path, spec: str, *accuracies: float, **options: Any) -> list[Path]:
    return [make_run(runs, spec, seed=i, accuracy=a, **options) for i, a in enumerate(accuracies)]


@pytest.fixture
def four(tmp_path: Path) -> Comparison:
    """Four specs with five seeds each: one better, one worse, and one of which nobody can tell; one run is lost."""
    first, better = (0.950, 0.953, 0.949, 0.955, 0.951), (0.962, 0.964, 0.962, 0.968, 0.965)
    worse, same = (0.91, 0.92, 0.93, 0.90, 0.91), (0.953, 0.951, 0.952, 0.956, 0.950)
    runs = of_seeds(tmp_path, SPEC, *first)
    runs += of_seeds(tmp_path, KERNEL, *better, versions={"netspec": "0.1.0", "jax": "0.10.1"})
    runs += of_seeds(tmp_path, SPEC.replace("1e-3", "1e-4"), *worse)
    runs += of_seeds(tmp_path, SPEC.replace("epochs = 5", "epochs = 9"), *same)
    lost = SPEC.replace("1e-3", "3e-2")
    runs += [*of_seeds(tmp_path, lost, 0.97, 0.98), make_run(tmp_path, lost, seed=2, upto=80, reason="diverged")]
    return compare(runs)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_which_is_better_and_how_sure_that_is_stands_first(four: Comparison, width: int) -> None:
    assert "\n".join(shown(four, width)) + "\n" == (EXPECTED / f"comparison-{width}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 60, 80, 120, 160])
@pytest.mark.parametrize("number", [2, 3, 11])
def test_it_fits_and_keeps_to_ascii_where_asked(tmp_path: Path, width: int, number: int) -> None:
    text = SPEC.replace('name = "lenet5"', 'name = "lenet5"\nnote = "[red]\\u001b[31m é %d"')
    found = compare([make_run(tmp_path, text % i, accuracy=0.9 + i / 1000) for i in range(number)])
    lines = shown(found, width, ascii=True, colour=True, whole=True)
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert any("[red]" in line for line in lines) or width < 60


def test_nothing_that_is_called_oddly_steers_anything(tmp_path: Path) -> None:
    odd = "a\x1b]0;title\x07[bold]x|<script>&=1+1"
    folders = [make_run(tmp_path, SPEC.replace('"digits"', f'"=1+{i}"'), accuracy=0.9 + i / 10) for i in range(2)]
    runs = [folder.rename(tmp_path / f"{odd}-{i}") for i, folder in enumerate(folders, 1)]
    found = compare(runs)
    for text in ("\n".join(shown(found, 120)), as_csv(found), as_markdown(found)):
        assert all(line.isprintable() for line in text.split("\n"))
        assert "[bold]x" in text.replace("\\", "")
    assert "<" not in as_markdown(found)
    assert len({line.replace("\\|", "").count("|") for line in as_markdown(found).splitlines() if line[:1] == "|"}) == 1
    assert [row["data.source"] for row in csv.DictReader(as_csv(found).splitlines())] == ["'=1+0", "'=1+1"]


def test_more_rows_than_ten_have_the_best_first(tmp_path: Path) -> None:
    specs = [SPEC.replace("1e-3", f"{i}e-3") for i in range(1, 14)]
    found = compare([make_run(tmp_path, spec, accuracy=0.9 + i / 1000) for i, spec in enumerate(specs)])
    lines = shown(found, 80)
    at = next(i for i, line in enumerate(lines) if line.startswith("   run"))
    assert lines[at : at + 3] == [
        "   run        learning_rate  test accuracy  against 1",
        "13 lenet5-13  0.013          0.9120 ★       +0.0120",
        "12 lenet5-12  0.012          0.9110         +0.0110",
    ]
    assert lines[at + 13] == " 1 lenet5-1   0.001          0.9000         baseline"
    assert any(line.startswith("training loss  ⠤⠤ 1  oo 5  xx 6") for line in lines)
    assert sum(line.startswith(" 3 lenet5-3 ") for line in lines) == 1  # the other numbers are of the best ten


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 0.0, 3e34], True),
        ([1.0, 0.0, 0.0, 0.0, 3e34], True),
        ([1.0, 0.0, 0.0, 0.0, 300.0], None),
        ([1.0, 0.0, 2.0], None),
        ([-1.0, 0.0, 1.0, 3e34], None),
        ([1e-3, 3e34, math.nan], None),
        ([], None),
    ],
)
def test_a_loss_that_was_nothing_once_may_span_decades(values: list[float], expected: bool | None) -> None:
    assert charts._log(values) is expected


def test_what_is_the_same_is_shown_where_asked(four: Comparison) -> None:
    assert not any("train.steps" in line or "data.source" in line for line in shown(four, 100))
    assert any(line.split() == ["data.source", "digits"] for line in shown(four, 100, whole=True))


def test_what_differs_and_has_no_column_is_told_with_its_rows(tmp_path: Path) -> None:
    layers = 'layers = [{ conv = 6, kernel = 5 }, "relu", "relu", "max_pool", '
    deeper = SPEC.replace("layers = [{ conv = 6, kernel = 5 }, ", layers)
    found = compare([make_run(tmp_path, text) for text in (SPEC, SPEC.replace("1e-3", "1e-2"), deeper)])
    lines = shown(found, 80)
    at = next(i for i, line in enumerate(lines) if line.startswith("differs"))
    assert lines[at : at + 3] == [
        "differs           value                         runs",
        "model.layers.1:4  –                             1, 2",
        '                  ["relu", "relu", "max_pool"]  3',
    ]


def test_runs_of_one_network_by_time(tmp_path: Path) -> None:
    lines = shown(compare([make_run(tmp_path), make_run(tmp_path, KERNEL)], by="time"), 140)
    assert any(line.endswith("seconds") for line in lines)
    [legend] = [line for line in lines if "training loss   ⠤" in line]
    assert "validation accuracy   ⠤⠤ lenet5-1   oo lenet5-2" in legend  # side by side


def test_the_summary_says_what_can_be_said(tmp_path: Path, four: Comparison) -> None:
    assert summary(four) == [
        "lenet5-6…10 has the best test accuracy, 0.9642 ± 0.0031 (5 seeds); better than the baseline, lenet5-1…5: "
        "+0.0126 ± 0.0014, p < 0.001.",
        "Of 3 held against the baseline: 1 better, 1 worse, 1 not distinguishable (p < 0.05 by Holm's correction).",
    ]
    single = compare([make_run(tmp_path, accuracy=0.9), make_run(tmp_path, KERNEL, accuracy=0.92)])
    assert summary(single) == [
        "lenet5-25 has the best test accuracy, 0.9200; +0.0200 against the baseline, lenet5-24, and with one seed "
        "nothing tells whether that is luck."
    ]
    best_first = compare([make_run(tmp_path, accuracy=0.92), make_run(tmp_path, KERNEL, accuracy=0.9)])
    assert summary(best_first) == [
        "lenet5-26 has the best test accuracy, 0.9200; it is the baseline, and with one seed nothing tells whether "
        "that is luck."
    ]
    seeds = compare([*of_seeds(tmp_path, SPEC, 0.95, 0.96, 0.97), *of_seeds(tmp_path, KERNEL, 0.94, 0.97, 0.95)])
    assert summary(seeds)[0].endswith(
        "it is the baseline, and lenet5-31…33 is not distinguishable from it: -0.0067 ± 0.0379, p = 0.53."
    )
    alike = compare([make_run(tmp_path, accuracy=0.9), make_run(tmp_path, KERNEL, accuracy=0.9)])
    assert summary(alike) == ["All have the same test accuracy, 0.9000."]


def test_a_table_holds_every_number(four: Comparison) -> None:
    rows = list(csv.DictReader(as_csv(four).splitlines()))
    assert [row["name"] for row in rows] == [run.name for run in four.runs]
    assert [row["optimizer.learning_rate"] for row in rows] == ["0.001", "0.003", "0.0001", "0.001", "0.03"]
    assert [row["verdict"] for row in rows] == ["", "better", "worse", "not distinguishable", "runs lost"]
    assert float(rows[1]["test/accuracy difference from baseline"]) == pytest.approx(0.0126)
    assert (rows[1]["seeds"], rows[1]["test/accuracy runs"], rows[4]["states"]) == (
        "0 1 2 3 4",
        "5",
        "done done diverged",
    )
    page = as_markdown(four)
    assert "| lenet5-6…10 | 3 | 0.003 | 5 |" in page
    assert "| **0.9642 ± 0.0031 (5)** | +0.0126 ± 0.0014 | &lt;0.001 | better |" in page
    assert "- lenet5-21…23: 1 of 3 runs diverged." in page


@pytest.mark.parametrize(
    ("module", "least"),
    [(statistics, 2), (reading, 1), (table, 1), (words, 3), (view_module, 1)],
)
def test_the_examples_in_the_docstrings_hold(module: Any, least: int) -> None:
    failed, tried = doctest.testmod(module)
    assert (failed, tried >= least) == (0, True)
