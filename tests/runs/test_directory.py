"""Run directories: made, found, read, listed and locked, by one process and by several."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import netspec
from netspec.diagnostics import RunError
from netspec.runs.directory import create, find, load, lock, prepare
from netspec.runs.events import Event, Finished, Stepped
from netspec.runs.glance import glances
from netspec.runs.records import Recorder

SPEC = 'name = "lenet5"\n# größer\r\n'


def make(parent: Path, name: str = "lenet5", started: str = "2025-01-01") -> Path:
    run = create(parent, name)
    prepare(run, spec=SPEC, resolved={"seed": 0}, environment={"started": started})
    return run


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    paths = {**os.environ, "PYTHONPATH": str(Path(str(netspec.__file__)).parents[1])}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=paths, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def code_of(error: pytest.ExceptionInfo[RunError]) -> str:
    return error.value.diagnostics[0].code


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    run = load(make(tmp_path))
    assert (run.path.name, run.spec, run.resolved) == ("lenet5-1", SPEC, {"seed": 0})
    assert (run.environment, run.state) == ({"started": "2025-01-01"}, "stopped")


def test_the_next_number_is_one_more_than_the_highest(tmp_path: Path) -> None:
    parent = tmp_path / "new" / "runs"
    for other in ("lenet5-3", "lenet5-x", "lenet5-4-1", "lenet5-8.bak", "lenet51-9"):
        (parent / other).mkdir(parents=True)
    assert create(parent, "lenet5").name == "lenet5-4"
    assert create(parent, "mlp").name == "mlp-1"


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a\n", "a\x1b[31m", "x" * 101])
def test_a_name_that_no_directory_should_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError) as refused:
        create(tmp_path / "runs", name)
    assert code_of(refused) == "run-name"
    assert not os.listdir(tmp_path)


def test_processes_that_begin_runs_at_once_never_share_one(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from netspec.runs.directory import create
print("ready", flush=True); sys.stdin.readline()
for _ in range(50): print(create(Path(sys.argv[1]), "lenet5").name)
"""
    processes = [python(code, tmp_path) for _ in range(2)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    names = [name for process in processes for name in process.communicate(timeout=30)[0].split()]
    assert sorted(names) == sorted(f"lenet5-{number}" for number in range(1, 101))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("spec.toml", None),
        ("spec.toml", b"\xff\xfe"),
        ("resolved.json", None),
        ("resolved.json", b"{"),
        ("resolved.json", b"[1]"),
        ("resolved.json", b"[" * 100_000),
        ("environment.json", None),
        ("environment.json", b'{"started": "\xff"}'),
    ],
)
def test_what_is_damaged_of_a_run_is_named(tmp_path: Path, file: str, content: bytes | None) -> None:
    damaged = make(tmp_path)
    (damaged / file).unlink()
    if content is not None:
        (damaged / file).write_bytes(content)
    with pytest.raises(RunError) as error:
        load(damaged)
    assert code_of(error) == "run-damaged"
    assert error.value.diagnostics[0].file == str(damaged / file)


def test_runs_are_listed_newest_first_and_nothing_else_is(tmp_path: Path) -> None:
    (
        make(tmp_path, started="2025-01-02T10"),
        make(tmp_path, started="2025-01-03T09"),
        make(tmp_path, "mlp", "2025-01-02T11"),
    )
    (tmp_path / "lenet5-7").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    runs, warnings = glances(tmp_path)
    assert [run.path.name for run in runs] == ["lenet5-2", "mlp-1", "lenet5-1"]
    assert not warnings
    assert glances(tmp_path / "none") == ((), ())


def test_a_run_is_found_by_path_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("runs"))
    (tmp_path / "lenet5-1").mkdir()
    for text in ("lenet5-1", "runs/lenet5-1", "runs/lenet5-1/", str(tmp_path / "runs/lenet5-1")):
        assert load(find(text)).spec == SPEC


def test_a_bare_name_is_one_of_the_folder_that_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for parent in (Path(), Path("archive")):
        make(parent)
    assert find("lenet5-1", Path("archive")) == Path("archive/lenet5-1")
    assert find("lenet5-1") == Path("lenet5-1")


@pytest.mark.parametrize("text", ["lenet-1", "runs", "", "x" * 5000, "nul\x00", "other/lenet-1"])
def test_a_run_that_is_not_there_gets_the_nearest_and_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(9):
        make(Path("runs"), "mlp")
    make(Path("runs"))
    with pytest.raises(RunError) as error:
        find(text)
    [diagnostic] = error.value.diagnostics
    assert diagnostic.code == "no-run"
    assert "mlp-9" in diagnostic.note
    assert diagnostic.note.endswith("and 2 more")
    assert diagnostic.help == ("did you mean 'lenet5-1'?" if "lenet-1" in text else "")


def test_where_no_runs_are_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no runs yet"):
        find("lenet5-1", tmp_path / "runs")
    with pytest.raises(RunError, match="no-run"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (Finished(2.0, "", 1, 1.0, "done"), "done"),
        (Finished(2.0, "", 1, 1.0, "interrupted"), "interrupted"),
        (Finished(2.0, "", 1, 1.0, "diverged"), "diverged"),
        (Finished(2.0, "", 1, 1.0, "running"), "failed"),
        (Stepped(2.0, 1, 0.1, 0.5, None, 1.0, 9000.0), "stopped"),
    ],
)
def test_the_state_is_how_the_record_ends(tmp_path: Path, end: Event, state: str) -> None:
    run = make(tmp_path)
    with Recorder(run) as recorder:
        recorder.record(Stepped(1.0, 1, 0.1, 0.5, None, 1.0, 9000.0))
        recorder.record(end)
    assert load(run).state == state
    with lock(run):
        assert load(run).state == "running"
    assert load(run).state == state


def test_a_lock_holds_against_processes_until_its_own_is_killed(tmp_path: Path) -> None:
    run = make(tmp_path)
    with trainer(run) as process:
        assert load(run).state == "running"
        with pytest.raises(RunError, match=f"being trained by process {process.pid} on ") as busy, lock(run):
            pass
        assert code_of(busy) == "run-busy"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        assert load(run).state == "stopped"
        with lock(run):
            assert load(run).state == "running"


@contextmanager
def trainer(run: Path) -> Iterator[subprocess.Popen[str]]:
    code = """
import sys
from pathlib import Path
from netspec.runs.directory import lock
with lock(Path(sys.argv[1])): print("locked", flush=True); sys.stdin.read()
"""
    with python(code, run) as process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_reader_does_not_keep_a_trainer_out(tmp_path: Path) -> None:
    run = make(tmp_path)
    with lock(run):
        pass
    with (run / "lock").open() as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        leaves = threading.Timer(0.05, fcntl.flock, (reader, fcntl.LOCK_UN))
        leaves.start()
        with lock(run):
            leaves.join()


def test_files_are_plain_json(tmp_path: Path) -> None:
    run = make(tmp_path)
    assert json.loads((run / "resolved.json").read_text(encoding="utf-8")) == {"seed": 0}
    assert sorted(os.listdir(run)) == ["environment.json", "resolved.json", "spec.toml"]
