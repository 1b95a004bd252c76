from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from made_runs import SPEC, START, make_run
from rich.console import Console

from netspec.diagnostics import RunError
from netspec.report.run_list import RunList, Wanted, list_runs, to_json, view
from netspec.runs.directory import create, lock, prepare
from netspec.runs.labels import retag


@pytest.fixture
def runs(tmp_path: Path) -> RunList:
    """One run that is done, one that was interrupted, one that trains now, one without a word, one damaged."""
    make_run(tmp_path, started="2023-11-14T22:13:20+00:00")
    make_run(tmp_path, started="2023-11-14T22:13:30+00:00", accuracy=0.93, upto=120, reason="interrupted")
    now = make_run(tmp_path, started="2023-11-14T22:13:40+00:00", upto=20, reason="")
    prepare(create(tmp_path, "silent"), spec="", resolved={}, environment={"started": "?"})
    damaged = make_run(tmp_path, name="damaged", started="2023-11-14T22:13:10+00:00")
    (damaged / "resolved.json").unlink()
    retag(tmp_path / "lenet5-2", add=["draft", "slow"])
    with lock(now):
        return list_runs(tmp_path)


def shown(runs: RunList, width: int, **options: Any) -> list[str]:
    lines = view(runs, START + 9000, width, **{"colour": False, **options}).lines
    assert all(line.cell_len <= width for line in lines)
    return [line.plain for line in lines]


def test_the_table(runs: RunList) -> None:
    assert shown(runs, 120)[:7] == [
        "run        state          best  metric               tags              step     epoch     time  device"
        "          begun",
        "lenet5-3   running           –  validation accuracy               20 of 200  0.5 of 5  2:30:00  cpu, 2 cores"
        "  2 h ago",
        "lenet5-2   interrupted  0.9068  validation accuracy  draft slow  120 of 200    3 of 5     0:01  cpu, 2 cores"
        "  2 h ago",
        "lenet5-1   done         0.9667  validation accuracy                     200         5     0:02  cpu, 2 cores"
        "  2 h ago",
        "damaged-1  done         0.9667  validation accuracy                     200         5     0:02  cpu, 2 cores"
        "  2 h ago",
        "silent-1   stopped           –                                            0         0        –"
        "                      –",
        "",
    ]
    assert shown(runs, 400)[7].startswith("▲ damaged-1 lacks its resolved.json (")


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_what_matters_most_stays_in_a_narrow_terminal(runs: RunList, width: int) -> None:
    lines = shown(runs, width, ascii=True)
    assert all(line.isascii() for line in lines)
    assert lines[3].split()[:3] == ["lenet5-1", "done", "0.9667"]
    assert ("draft" in lines[2]) == (width >= 60)


def test_no_column_of_tags_where_there_are_none(tmp_path: Path) -> None:
    make_run(tmp_path)
    assert "tags" not in shown(list_runs(tmp_path), 400)[0]


def test_it_is_json(runs: RunList) -> None:
    data = json.loads(json.dumps(to_json(runs, START + 9000), allow_nan=False))
    assert [one["state"] for one in data] == ["running", "interrupted", "done", "done", "stopped"]
    reached = 0.93 * (1 - 0.5 * math.exp(-3))
    assert data[1] == {
        "run": str(runs.parent / "lenet5-2"),
        "name": "lenet5-2",
        "state": "interrupted",
        "tags": ["draft", "slow"],
        "metric": "validation/accuracy",
        "higher_is_better": True,
        "best": pytest.approx(reached),
        "best_step": 120,
        "metrics": {"validation/accuracy": pytest.approx(reached), "validation/loss": pytest.approx(1 - reached)},
        "step": 120,
        "steps": 200,
        "epoch": 3.0,
        "seconds": 1.2,
        "device": "cpu, 2 cores",
        "seed": 0,
        "started": "2023-11-14T22:13:30+00:00",
    }


# -- picked and sorted -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def various(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven runs, the first one the oldest: a to d of one metric, e that has no end, f and g that never began."""
    folder = tmp_path_factory.mktemp("runs")
    sgd = SPEC.replace("adam", "sgd")
    made = [
        make_run(folder, name="a", accuracy=0.9, seed=3),
        make_run(folder, sgd, name="b", accuracy=0.99, seed=1),
        make_run(folder, sgd.replace("1e-3", "0.1"), name="c", accuracy=0.5, upto=120, reason="interrupted"),
        make_run(folder, name="d", accuracy=0.7, upto=80, reason="diverged"),
        make_run(folder, name="e", accuracy=0.95, upto=160, reason=""),
    ]
    for name in ("f", "g"):
        made.append(create(folder, name))
        prepare(made[-1], spec=SPEC if name == "f" else "name = [", resolved={}, environment={})
    for i, run in enumerate(made[:5]):
        path = run / "environment.json"
        path.write_text(path.read_text().replace("22:13:20", f"22:13:{20 + i}"))
    retag(made[0], add=["paper", "best"])
    retag(made[1], add=["paper"])
    return folder


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Wanted(), "edcbagf"),
        (Wanted(reverse=True), "abcdegf"),
        (Wanted(sort="name"), "abcdefg"),
        (Wanted(sort="name", reverse=True), "gfedcba"),
        (Wanted(sort="best"), "beadcgf"),
        (Wanted(sort="best", reverse=True), "cdaebgf"),
        (Wanted(sort="time"), "dcebagf"),
        (Wanted(sort="state"), "bacdegf"),
        (Wanted(sort="test/accuracy"), "baedcgf"),
        (Wanted(sort="loss"), "beadcgf"),
        (Wanted(sort="best", limit=2), "be"),
        (Wanted(name="[a-c]-?", sort="name"), "abc"),
        (Wanted(states=("done", "interrupted"), sort="name"), "abc"),
        (Wanted(tags=("paper",), sort="name"), "ab"),
        (Wanted(tags=("paper", "best")), "a"),
        (Wanted(metrics=("accuracy>0.8", "test/loss<0.05")), "b"),
        (Wanted(values=("optimizer.kind=sgd", "optimizer.learning_rate<0.1")), "b"),
        (Wanted(values=("seed=3",)), "a"),
        (Wanted(name="a*", tags=("never",)), ""),
    ],
)
def test_runs_are_picked_and_sorted(various: Path, wanted: Wanted, names: str) -> None:
    found = list_runs(various, wanted)
    assert "".join(run.name[0] for run in found.runs) == names


def test_a_spec_that_is_damaged_is_warned_of_where_specs_are_asked(various: Path) -> None:
    assert list_runs(various).damages == ()
    [damage] = list_runs(various, Wanted(values=("optimizer.kind=adam",))).damages
    assert (damage.severity, Path(damage.place.source.name if damage.place else "").parent.name) == ("warning", "g-1")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(states=("running",)), ["holds 7 runs", "none of them are running"]),
        (
            Wanted(name="[ab]*", tags=("best",), states=("failed",)),
            ["holds 7 runs", "2 of them are named '[ab]*'", "none of these are failed"],
        ),
        (Wanted(metrics=("accuracy>0.9999",)), ["holds 7 runs", "none of them have accuracy > 0.9999"]),
        (Wanted(values=("optimizer.kind=lion",)), ["holds 7 runs", "none of them have optimizer.kind=lion"]),
    ],
)
def test_an_empty_list_says_why(various: Path, wanted: Wanted, said: Sequence[str]) -> None:
    lines = shown(list_runs(various, wanted), 400)
    assert [line.removeprefix(f"{various} ") for line in lines[: len(said)]] == said


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    [line] = shown(list_runs(tmp_path / "runs"), 400)
    assert line.endswith("runs holds no runs yet: netspec train SPEC makes one")


def test_a_list_that_was_cut_says_so(various: Path) -> None:
    assert shown(list_runs(various, Wanted(limit=3)), 100)[-1] == "and 4 more"


def test_what_no_run_can_be_sorted_by_is_refused(various: Path) -> None:
    with pytest.raises(RunError, match=r"did you mean 'name'\?"):
        list_runs(various, Wanted(sort="nam"))
    with pytest.raises(RunError, match=r"did you mean 'test/accuracy'\?"):
        list_runs(various, Wanted(sort="test/acuracy"))


def test_nothing_in_a_name_a_tag_or_a_record_steers_the_terminal(tmp_path: Path) -> None:
    evil = "\x1b]0;title\x07\x1b[2J[red]x[red]\n\r\u202e"
    run = make_run(tmp_path)
    (run / "tags.json").write_text(json.dumps([evil]))
    for name in ("environment.json", "events.jsonl"):
        path = run / name
        text = path.read_text().replace('"cpu, 2 cores"', json.dumps(evil))
        path.write_text(text.replace('"validation/accuracy"', json.dumps(f"validation/{evil}")))
    run.rename(tmp_path / evil)
    other = make_run(tmp_path, name="other")
    (other / "tags.json").write_text(json.dumps(evil))
    for wanted in (Wanted(), Wanted(tags=(evil,)), Wanted(tags=(f"{evil}x",), name=f"*{evil}")):
        frame = view(list_runs(tmp_path, wanted), START, 400)
        assert all(c.isprintable() for line in frame.lines for c in line.plain)
        console = Console(width=400, color_system="truecolor", force_terminal=True)
        with console.capture() as drawn:
            console.print(frame)
        assert not [c for c in ("\x1b]", "\x1b[2J", "\x07", "\r", "\u202e") if c in drawn.get()]
    assert "[red]x[red]" in "\n".join(shown(list_runs(tmp_path), 400))
