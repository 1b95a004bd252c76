"""Runs removed and renamed: whole or not at all, whenever the process is killed, and nothing else with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from netspec.diagnostics import RunError
from netspec.runs.directory import create, load, lock, prepare
from netspec.runs.glance import glance, glances
from netspec.runs.references import references
from netspec.runs.removal import doomed, remove
from netspec.runs.renaming import rename


def make(parent: Path, spec: str = "", **environment: object) -> Path:
    run = create(parent, "a")
    prepare(run, spec=spec, resolved={}, environment={"started": "2025-01-01", **environment})
    checkpoint = run / "checkpoints" / "step-000000012"
    checkpoint.mkdir(parents=True)
    (checkpoint / "arrays").write_bytes(b"x" * 1000)
    return run


def at_once(parent: Path, number: int = 3) -> list[Path]:
    runs = [make(parent) for _ in range(number)]
    for run in runs:
        prepare(run, spec="", resolved={}, environment={"together": [one.name for one in runs], "started": "2025"})
    return runs


def together(run: Path) -> list[str]:
    names: list[str] = json.loads((run / "environment.json").read_text())["together"]
    return names


def code_of(error: pytest.ExceptionInfo[RunError]) -> str:
    return error.value.diagnostics[0].code


# -- removing ----------------------------------------------------------------------------------------------------------


def test_a_removed_run_is_gone_and_nothing_else_is(tmp_path: Path) -> None:
    kept, gone = make(tmp_path / "runs"), make(tmp_path / "runs")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    (gone / "to a folder").symlink_to(outside)
    (gone / "to a file").symlink_to(outside / "mine")
    remove([gone])
    assert os.listdir(tmp_path / "runs") == [kept.name]
    assert (outside / "mine").read_text() == "mine"


def test_a_lock_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    run, mine = make(tmp_path / "runs"), tmp_path / "mine"
    mine.write_text("mine")
    (run / "lock").symlink_to(mine)
    with pytest.raises(RunError):
        remove([run])
    assert mine.read_text() == "mine"
    assert load(run).state == "stopped"


def test_what_is_lost_is_told(tmp_path: Path) -> None:
    run = make(tmp_path)
    for name in ("notes.txt", ".spec.toml.12.tmp", "tags.json", "lock"):
        (run / name).write_bytes(b"x" * 10)
    (run / "link").symlink_to("/usr")
    found = doomed(glance(run))
    files = sum(path.lstat().st_size for path in run.rglob("*") if path.is_file())
    assert (found.checkpoint, found.size, found.strangers) == (12, files, ("link", "notes.txt"))


def test_of_several_runs_none_is_removed_where_one_cannot_be(tmp_path: Path) -> None:
    runs = [make(tmp_path / "runs") for _ in range(2)]
    with lock(runs[1]), pytest.raises(RunError) as busy:
        remove(runs)
    assert code_of(busy) == "run-busy"
    project = tmp_path / "project"
    project.mkdir()
    (project / "spec.toml").write_text("")
    (tmp_path / "link").symlink_to(runs[1])
    for other in (project, tmp_path / "link", f"{tmp_path}/link/", tmp_path / "none", Path("/usr"), tmp_path / "runs"):
        with pytest.raises(RunError) as refused:
            remove([runs[0], Path(other)])
        assert code_of(refused) == "no-run"
    assert [run.path for run in glances(tmp_path / "runs")[0]] == sorted(runs, reverse=True)


def test_a_run_is_removed_that_is_named_by_a_way_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [make(tmp_path / "runs") for _ in range(2)]
    monkeypatch.chdir(runs[0] / "checkpoints")
    (tmp_path / "linked").symlink_to("runs")
    remove([Path(".."), tmp_path / "linked" / runs[1].name])
    assert not os.listdir(tmp_path / "runs")


def killed(code: str, *arguments: object) -> None:
    """Run code that ends its process with 9."""
    process = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=False, timeout=60)
    assert process.returncode == 9


def test_a_killed_removal_leaves_nothing_that_looks_like_a_run(tmp_path: Path) -> None:
    code = """
import os, shutil, sys
from pathlib import Path
from netspec.runs.removal import remove
def part(folder, *rest):
    os.unlink(folder / "resolved.json")
    os._exit(9)
shutil.rmtree = part
remove([Path(sys.argv[1])])
"""
    runs = [make(tmp_path) for _ in range(3)]
    killed(code, runs[0])
    assert [run.path for run in glances(tmp_path)[0]] == [runs[2], runs[1]]
    assert glances(tmp_path)[1] == ()
    assert len(os.listdir(tmp_path)) == 3
    (tmp_path / ".removed-by-me").mkdir()
    remove([runs[1]])
    assert sorted(os.listdir(tmp_path)) == [".removed-by-me", runs[2].name]


# -- renaming ----------------------------------------------------------------------------------------------------------


def test_a_renamed_run_is_the_same_run(tmp_path: Path) -> None:
    run = make(tmp_path)
    before = sorted(path.relative_to(run) for path in run.rglob("*"))
    renamed = rename(run, "best.lenet_5")
    assert renamed == tmp_path / "best.lenet_5"
    assert os.listdir(tmp_path) == ["best.lenet_5"]
    assert sorted(path.relative_to(renamed) for path in renamed.rglob("*")) == sorted([*before, Path("lock")])
    assert load(renamed).state == "stopped"


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a b", "\x1b[31m", "a\n", "-a", "newest", "x" * 101])
def test_an_unfit_name_is_refused(tmp_path: Path, name: str) -> None:
    run = make(tmp_path)
    with pytest.raises(RunError, match="cannot be called") as refused:
        rename(run, name)
    assert code_of(refused) == "run-name"
    assert os.listdir(tmp_path) == [run.name]


def test_a_name_that_is_taken_and_a_run_that_is_busy_are_refused(tmp_path: Path) -> None:
    runs = at_once(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "dead").symlink_to("nowhere")
    for name in (runs[0].name, runs[1].name, "file", "empty", "dead"):
        with pytest.raises(RunError) as refused:
            rename(runs[0], name)
        assert code_of(refused) == "run-taken"
    with lock(runs[2]), pytest.raises(RunError) as busy:  # its environment would be written over
        rename(runs[0], "free")
    assert code_of(busy) == "run-busy"
    assert all(together(run) == ["a-1", "a-2", "a-3"] for run in runs)
    assert not (tmp_path / "free").exists()


def test_runs_that_were_trained_at_once_go_on_knowing_each_other(tmp_path: Path) -> None:
    runs = at_once(tmp_path)
    rename(runs[1], "middle")
    for name in ("a-1", "middle", "a-3"):
        assert together(tmp_path / name) == ["a-1", "middle", "a-3"]
        assert load(tmp_path / name).environment["started"] == "2025"


def test_what_a_name_should_not_reach_is_left_alone(tmp_path: Path) -> None:
    """The names in an environment are only names: no path leads out of the folder."""
    outside = make(tmp_path / "outside", together=["a-1"])
    run = make(tmp_path / "runs", together=["a-1", "../outside/a-1", "..", "", "/etc", str(outside), "x\0"])
    rename(run, "b")
    assert together(outside) == ["a-1"]


@pytest.mark.parametrize("stage", range(9))
def test_a_killed_renaming_leaves_whole_runs_none_of_which_goes_on_alone(tmp_path: Path, stage: int) -> None:
    code = """
import os, sys
from pathlib import Path
from netspec.runs import renaming
left = int(sys.argv[2])
def counted(do):
    def done(*arguments):
        global left
        if not left: os._exit(9)
        left -= 1
        return do(*arguments)
    return done
renaming._write, Path.mkdir = counted(renaming._write), counted(Path.mkdir)
real = Path.rename
Path.rename = lambda a, b: (counted(real) if a.is_dir() else real)(a, b)
renaming.rename(Path(sys.argv[1]), "new")
if left: sys.exit(8)
os._exit(9)
"""
    at_once(tmp_path)
    killed(code, tmp_path / "a-2", stage)
    there = {run.name for run in glances(tmp_path)[0]}
    assert there in ({"a-1", "a-2", "a-3"}, {"a-1", "new", "a-3"})
    for name in there:
        known = together(tmp_path / name)
        assert name in known
        assert set(known) == there or set(known) - there  # all of them, or some that are missed and asked for
    if (tmp_path / "new").is_dir() and "new" not in there:
        (tmp_path / "new").rmdir()
    old, new = ("a-2", "new") if "a-2" in there else ("new", "a-2")
    rename(tmp_path / old, new)
    assert all(together(tmp_path / name) == ["a-1", new, "a-3"] for name in ("a-1", new, "a-3"))


def test_what_fails_leaves_all_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = at_once(tmp_path)
    real = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path.is_dir():
            raise PermissionError(13, "Permission denied")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(RunError) as error:
        rename(runs[0], "new")
    assert code_of(error) == "not-permitted"
    assert sorted(os.listdir(tmp_path)) == ["a-1", "a-2", "a-3"]
    assert all(together(run) == ["a-1", "a-2", "a-3"] for run in runs)


# -- who speaks of whom ------------------------------------------------------------------------------------------------

START = '[start]\nrun = "{}"\n'
LOAD = '[block.eye]\nlayers = ["relu", {{ load = "{}", upto = "conv1" }}]\n'


@pytest.mark.parametrize(
    ("spec", "how"),
    [
        (START.format("a-1"), ["start"]),
        (START.format("runs/a-1"), ["start"]),
        (START.format("../a-1"), ["start"]),
        (LOAD.format("runs/a-1"), ["load"]),
        (START.format("a-1") + LOAD.format("a-1"), ["start", "load"]),
        (START.format("a-10"), []),
        ('[start]\nweights = "a-1"\n', []),
        ('name = "a-1"\n', []),
        (START.format("nul\\u0000"), []),
        ('[start]\nrun = ["a-1"]\n[model]\nload = 3', []),
        ("[start\n", []),
    ],
)
def test_who_speaks_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, how: Sequence[str]) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("runs"))
    make(Path("runs"), spec)
    found = references([Path("runs/a-1")], glances(Path("runs"))[0])
    assert [(one.by, one.to, one.how) for one in found] == [(Path("runs/a-2"), Path("runs/a-1"), h) for h in how]
    assert references([Path("runs/a-1"), Path("runs/a-2")], glances(Path("runs"))[0]) == ()


def test_runs_of_one_training_speak_of_each_other(tmp_path: Path) -> None:
    runs = at_once(tmp_path)
    found = references(runs[:1], glances(tmp_path)[0])
    assert {(one.by, one.to, one.how) for one in found} == {(run, runs[0], "together") for run in runs[1:]}
