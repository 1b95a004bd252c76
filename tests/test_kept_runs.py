"""The runs that are kept, as a person lists, removes, renames and tags them."""

from __future__ import annotations

import json
import os
import pty
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from command import Result, netspec, stopped_after
from report.made_runs import SPEC, make_run

from netspec import commands
from netspec.runs.directory import create, load, lock, prepare
from netspec.runs.events import Finished
from netspec.runs.labels import read_tags
from netspec.runs.records import read_events


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three runs of one spec, one of which has notes in it, and one that begins with another one's weights."""
    runs = tmp_path / "runs"
    for i in range(3):
        make_run(runs, accuracy=0.9 - i / 10, started=f"2024-01-0{i + 1}")
    make_run(runs, f'{SPEC}[start]\nrun = "lenet5-1"\n', name="tuned", accuracy=0.95, started="2024-01-04")
    (runs / "lenet5-2" / "notes.txt").write_text("mine")
    return tmp_path


def names(folder: Path, *options: str) -> list[str]:
    return [run["name"] for run in netspec(folder, "runs", *options, "--json").json()]


def test_a_list_into_a_pipe_is_whole(folder: Path) -> None:
    make_run(folder / "runs", name="x" * 98, device="one, " * 30)
    result = netspec(folder, "runs")
    assert (result.code, result.err) == (0, "")
    titles, *lines = result.out.splitlines()
    assert titles.split() == ["run", "state", "best", "metric", "step", "epoch", "time", "device", "begun"]
    assert len(lines) == 5
    assert "x" * 98 in lines[-1]
    assert "one, " * 30 in lines[-1]


def test_lists_are_picked_and_sorted(folder: Path) -> None:
    assert names(folder) == ["tuned-1", "lenet5-3", "lenet5-2", "lenet5-1"]
    assert names(folder, "--sort", "best", "--limit", "2") == ["tuned-1", "lenet5-1"]
    assert names(folder, "--name", "lenet5-*", "--metric", "accuracy>0.75", "--reverse") == ["lenet5-1", "lenet5-2"]
    assert names(folder, "--where", "start.run=lenet5-1", "--state", "done", "--state", "failed") == ["tuned-1"]
    assert netspec(folder, "runs", "--state", "running", "--json").json() == []
    none = netspec(folder, "runs", "--state", "running")
    assert (none.code, none.out) == (0, "runs holds 4 runs\nnone of them are running\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--state", "dne"], "state"),
        (["--metric", "accuracy"], "metric"),
        (["--metric", "acuracy>1"], "no-metric"),
        (["--where", "optimizer.kin=adam"], "no-key"),
        (["--where", "optimizer"], "where"),
        (["--sort", "size"], "sort"),
        (["--state", "done", "remove", "lenet5-1"], "choice"),
        (["remove", "lenet5-9", "--yes"], "no-run"),
        (["remove", "*", "--out", "elsewhere", "--yes"], "no-run"),  # and not those in `runs`
        (["remove", "lenet5-1"], "not-asked"),
        (["rename", "lenet5-9", "x"], "no-run"),
        (["rename", "lenet5-1", "lenet5-2"], "run-taken"),
        (["rename", "lenet5-1", "a/b"], "run-name"),
        (["tag", "lenet5-1"], "choice"),
        (["tag", "lenet5-1", "--add", "a b"], "run-name"),
        (["tag", "lenet5-*", "--drop", "best"], "no-tag"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_changed(folder: Path, arguments: list[str], code: str) -> None:
    before = sorted(str(path) for path in folder.rglob("*"))
    result = netspec(folder, "runs", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error[{code}]: ")
    assert sorted(str(path) for path in folder.rglob("*") if path.name != "lock") == before
    if arguments[0] != "--state" or "remove" not in arguments:
        as_json = netspec(folder, "runs", *arguments, "--json")
        assert (as_json.code, as_json.json()["diagnostics"][0]["code"]) == (2, code)


def test_runs_are_removed(folder: Path) -> None:
    removed = netspec(folder, "runs", "remove", "lenet5-[12]", "--yes", "--json").json()
    assert [Path(one["run"]).name for one in removed["removed"]] == ["lenet5-1", "lenet5-2"]
    assert removed["references"] == [{"run": "runs/tuned-1", "how": "start", "of": "runs/lenet5-1"}]
    assert names(folder) == ["tuned-1", "lenet5-3"]
    assert sorted(os.listdir(folder / "runs")) == ["lenet5-3", "tuned-1"]
    said = netspec(folder, "runs", "remove", "newest", "--yes")
    assert said.out.startswith("removed tuned-1, ")


def test_a_name_is_of_the_folder_that_is_given(folder: Path) -> None:
    for other in (folder, folder / "archive"):
        shutil.copytree(folder / "runs" / "lenet5-3", other / "lenet5-3")
    removed = netspec(folder, "runs", "remove", "lenet5-3", "--out", "archive", "--yes", "--json").json()
    assert [one["run"] for one in removed["removed"]] == ["archive/lenet5-3"]
    assert (folder / "lenet5-3").is_dir()


def test_a_run_that_is_trained_is_neither_removed_nor_renamed_and_may_be_tagged(folder: Path) -> None:
    with lock(folder / "runs" / "lenet5-1"):
        for arguments in (["remove", "lenet5-*", "--yes"], ["rename", "lenet5-1", "x"]):
            assert netspec(folder, "runs", *arguments).err.startswith("error[run-busy]: lenet5-1 is being trained")
        assert netspec(folder, "runs", "tag", "lenet5-1", "--add", "now").code == 0
        assert names(folder, "--state", "running", "--tag", "now") == ["lenet5-1"]
    assert len(names(folder)) == 4


def test_runs_are_renamed(folder: Path) -> None:
    renamed = netspec(folder, "runs", "rename", "lenet5-1", "first")
    assert (renamed.code, renamed.out) == (0, "runs/lenet5-1 is first now\n")
    assert "warning[old-name]: tuned-1 begins with the weights of lenet5-1 by its old name" in renamed.err
    found = netspec(folder, "runs", "rename", "runs/first/", "one", "--json").json()
    assert found == {"run": "runs/one", "before": "runs/first", "references": []}
    assert "one" in names(folder)


def test_runs_are_tagged(folder: Path) -> None:
    tagged = netspec(folder, "runs", "tag", "lenet5-1", "tuned-1", "--add", "best", "--add", "paper")
    assert tagged.out == "lenet5-1: best, paper\ntuned-1: best, paper\n"
    assert netspec(
        folder, "runs", "tag", "tag:best", "lenet5-2", "--drop", "paper", "--add", "good", "--json"
    ).json() == [
        {"run": "runs/lenet5-1", "tags": ["best", "good"]},
        {"run": "runs/tuned-1", "tags": ["best", "good"]},
        {"run": "runs/lenet5-2", "tags": ["good"]},
    ]
    assert netspec(folder, "runs", "tag", "lenet5-2", "--drop", "good").out == "lenet5-2: no tags\n"
    assert names(folder, "--tag", "best") == ["tuned-1", "lenet5-1"]


def test_tags_of_a_stranger_are_printed_as_text(folder: Path) -> None:
    (folder / "runs" / "lenet5-1" / "tags.json").write_text(json.dumps(["\x1b[2J"]))
    result = netspec(folder, "runs", "tag", "lenet5-1", "--add", "x")
    assert result.out == "lenet5-1: \\x1b[2J, x\n"


def asked(folder: Path, answer: str, *arguments: str) -> Result:
    """What `netspec` does in a terminal, where its question is answered."""
    mine, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", *arguments],
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"},
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    seen, deadline = b"", time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            ready, _, _ = select.select([mine], [], [], 0.1)
            try:
                seen += os.read(mine, 4096) if ready else b""
            except OSError:  # it has left
                break
            if answer and b"[y/N]: " in seen:
                if answer == "Ctrl-C":
                    time.sleep(0.3)  # no hand is fast enough to come before Python waits for an answer
                    process.send_signal(signal.SIGINT)
                else:
                    os.write(mine, answer.encode())
                answer = ""
        return Result(process.wait(timeout=60), seen.decode().replace("\r\n", "\n"), "")
    finally:
        process.kill()
        process.wait(timeout=60)
        os.close(mine)


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("\n", 1), ("Ctrl-C", 130), ("y\n", 0)])
def test_a_person_is_asked_before_anything_is_lost(folder: Path, answer: str, code: int) -> None:
    result = asked(folder, answer, "runs", "remove", "lenet5-1", "lenet5-2")
    assert result.code == code
    lines = result.out.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["lenet5-1", "done"], ["lenet5-2", "done"]]
    assert "▲ lenet5-2 also holds what is not the run's: notes.txt" in lines
    assert "▲ tuned-1 begins with the weights of lenet5-1: it could not be begun anew" in lines
    assert len(names(folder)) == (4 if code else 2)


# -- runs that were trained at once ------------------------------------------------------------------------------------

POINT = """
[model]
point = [-1.5, 2.0]
[loss]
kind = "rosenbrock"
[optimizer]
kind = "adam"
learning_rate = 0.05
[train]
steps = 8
"""


def reached(run: Path) -> Mapping[str, Any]:
    finished = read_events(run)[-1]
    assert isinstance(finished, Finished)
    return {"reason": finished.reason, "step": finished.step, **finished.metrics}


def test_runs_that_were_trained_at_once_go_on_at_once_under_other_names(tmp_path: Path) -> None:
    (tmp_path / "point.toml").write_text(POINT)
    opened = [commands.load(tmp_path / "point.toml", (), seed) for seed in range(3)]
    untouched = commands.start(opened, tmp_path / "untouched")
    list(untouched.events())
    session = commands.start(opened, tmp_path / "runs")
    stopped_after(session, 4)
    assert all(load(run).state == "interrupted" for run in session.runs)
    for old, new in (("point-2", "middle"), ("point-1", "early"), ("middle", "point-1")):
        assert netspec(tmp_path, "runs", "rename", old, new).code == 0
    assert netspec(tmp_path, "resume", "point-1").code == 0
    for before, after in zip(("point-1", "point-2", "point-3"), ("early", "point-1", "point-3"), strict=True):
        assert reached(tmp_path / "runs" / after) == reached(tmp_path / "untouched" / before)
        assert load(tmp_path / "runs" / after).state == "done"


def test_of_many_runs_all_are_listed(tmp_path: Path) -> None:
    """The tool is for thousands of runs: nothing is left out without a word."""
    run = make_run(tmp_path / "runs")
    files = {path.name: path.read_bytes() for path in run.iterdir()}
    for i in range(2, 401):
        other = tmp_path / "runs" / f"lenet5-{i}"
        other.mkdir()
        for name in ("environment.json", "events.jsonl", "spec.toml", "resolved.json"):
            (other / name).write_bytes(files[name])
    assert len(netspec(tmp_path, "runs").out.splitlines()) == 401
    assert netspec(tmp_path, "runs", "--limit", "10").out.splitlines()[-1] == "and 390 more"
    first = names(tmp_path, "--sort", "name")
    assert first == [f"lenet5-{i}" for i in range(1, 401)]
    assert read_tags(run) == ()
    prepare(create(tmp_path / "runs", "new"), spec="", resolved={}, environment={})
    assert names(tmp_path)[-1] == "new-1"


def test_more_runs_are_removed_than_files_can_be_open(tmp_path: Path) -> None:
    for i in range(1, 71):
        run = tmp_path / "runs" / f"a-{i}"
        run.mkdir(parents=True)
        for name, text in (("spec.toml", SPEC), ("environment.json", "{}"), ("resolved.json", "{}")):
            (run / name).write_text(text)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 30, most[1]))
    try:
        removed = netspec(tmp_path, "runs", "remove", "a-*", "--yes")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    assert (removed.code, removed.err) == (0, "")
    assert removed.out.startswith("removed 70 runs, ")
    assert os.listdir(tmp_path / "runs") == []
