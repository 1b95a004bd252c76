from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from made_runs import START, make_run

from netspec.report.run_list import RunList, list_runs, to_json, view
from netspec.runs.directory import create, lock, prepare


@pytest.fixture
def runs(tmp_path: Path) -> RunList:
    """One run that is done, one that was interrupted, one that trains now, one without a word, one damaged."""
    make_run(tmp_path, started="2023-11-14T22:13:20+00:00")
    make_run(tmp_path, started="2023-11-14T22:13:30+00:00", accuracy=0.93, upto=120, reason="interrupted")
    now = make_run(tmp_path, started="2023-11-14T22:13:40+00:00", upto=20, reason="")
    prepare(create(tmp_path, "silent"), spec="", resolved={}, environment={"started": "?"})
    damaged = make_run(tmp_path, name="damaged")
    (damaged / "resolved.json").unlink()
    with lock(now):
        return list_runs(tmp_path)


def shown(runs: RunList, width: int, **options: Any) -> list[str]:
    lines = view(runs, START + 9000, width, **{"colour": False, **options}).lines
    assert all(line.cell_len <= width for line in lines)
    return [line.plain for line in lines]


def test_the_table(runs: RunList) -> None:
    assert shown(runs, 120)[:6] == [
        "run       state          best  metric                     step     epoch     time  device          begun",
        "silent-1  stopped           –                                0         0        –                      –",
        "lenet5-3  running           –  validation accuracy   20 of 200  0.5 of 5  2:30:00  cpu, 2 cores  2 h ago",
        "lenet5-2  interrupted  0.9068  validation accuracy  120 of 200    3 of 5     0:01  cpu, 2 cores  2 h ago",
        "lenet5-1  done         0.9667  validation accuracy         200         5     0:02  cpu, 2 cores  2 h ago",
        "",
    ]
    assert shown(runs, 400)[6].startswith("▲ damaged-1 lacks its resolved.json (")


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_what_matters_most_stays_in_a_narrow_terminal(runs: RunList, width: int) -> None:
    lines = shown(runs, width, ascii=True)
    assert all(line.isascii() for line in lines)
    assert lines[4].split()[:3] == ["lenet5-1", "done", "0.9667"]


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    [line] = shown(list_runs(tmp_path / "runs"), 400)
    assert line.endswith("runs holds no runs yet: netspec train SPEC makes one")


def test_it_is_json(runs: RunList) -> None:
    data = json.loads(json.dumps(to_json(runs, START + 9000), allow_nan=False))
    assert [one["state"] for one in data] == ["stopped", "running", "interrupted", "done"]
    assert data[2] == {
        "run": str(runs.parent / "lenet5-2"),
        "state": "interrupted",
        "metric": "validation/accuracy",
        "best": pytest.approx(0.93 * (1 - 0.5 * math.exp(-3))),
        "best_step": 120,
        "step": 120,
        "steps": 200,
        "epoch": 3.0,
        "seconds": 1.2,
        "device": "cpu, 2 cores",
        "started": "2023-11-14T22:13:30+00:00",
    }
