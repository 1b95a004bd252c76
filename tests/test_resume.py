"""A run that was killed, stopped or damaged ends with the same bits as one that was never touched."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import ended, netspec, started, stopped_after

from netspec import commands
from netspec.runs.atomic import write_synced
from netspec.runs.directory import load, lock
from netspec.runs.events import Alerted, Entered, Evaluated, Examined, Finished, Saved, Stepped
from netspec.runs.records import last_event, read_events
from netspec.train.checkpoint import newest
from netspec.train.requests import Requests

PERCEPTRON = """
name = "perceptron"

[data]
source = { csv = "points.csv" }
transform = ["standardize"]

[model]
layers = [{ dense = 16, activation = "relu" }, "batch_norm", { dropout = 0.3 }, { dense = "$classes" }]

[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.02

[schedule]
kind = "cosine"
warmup = "10%"

[train]
epochs = 8
batch = 8
save = 5
evaluate = 17
keep = { best = "validation/loss" }
"""

# On CPU its steps are calls of their own, where the perceptron's are a loop on the device.
CONVOLUTION = """
name = "convolution"

[data]
source = { npz = "pictures.npz" }

[model]
layers = [{ conv = 4, activation = "relu" }, "batch_norm", "flatten", { dropout = 0.2 }, { dense = "$classes" }]

[loss]
kind = "cross_entropy"

[optimizer]
kind = "sgd"
learning_rate = 0.05
momentum = 0.9

[train]
steps = 150
batch = 8
save = 4
"""

# Two phases, of which the first ends before its time.
STAGED = """
name = "staged"

[data]
source = { csv = "points.csv" }
transform = ["standardize"]

[model]
layers = [
  { dense = 8, activation = "relu", name = "body" }, "batch_norm", { dropout = 0.3 }, { dense = "$classes" },
]

[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.03

[train]
batch = 8
save = 7
evaluate = 10
ema = 0.9

[[phase]]
name = "whole"
epochs = 10
keep = { best = "validation/loss" }
stop = { patience = 2 }

[[phase]]
name = "head"
steps = 60
freeze = "body"
"""

# Members of their own examples, and batches that grow.
ENSEMBLE = """
name = "ensemble"

[data]
source = { csv = "points.csv" }

[model]
layers = [{ dense = 4, activation = "tanh" }, { dropout = 0.1 }, { dense = "$classes" }]

[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.02

[train]
epochs = 3
batch = { step = [8, 48], at = ["1 epochs"] }
save = 6
members = 3
bootstrap = true
keep = { best = "validation/loss" }
"""

# Several seeds end at several steps.
SEEDS = """
name = "seeds"

[data]
source = { csv = "points.csv" }

[model]
layers = [{ dense = 4, activation = "tanh" }, { dropout = 0.1 }, { dense = "$classes" }]

[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.05

[train]
epochs = 6
batch = 8
save = 6
evaluate = 40
keep = { best = "validation/loss" }
stop = { patience = 1 }
"""

SPECS = {
    "perceptron": PERCEPTRON,
    "convolution": CONVOLUTION,
    "staged": STAGED,
    "ensemble": ENSEMBLE,
    "seeds": SEEDS,
}
OPTIONS = {"seeds": ("--seeds", "3")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Specs, their data, and a run of each that nobody touched."""
    folder = tmp_path_factory.mktemp("resume")
    draw = np.random.default_rng(0)
    x = draw.normal(size=(480, 5))
    rows = [",".join([*map(str, row), "abc"[int(row[0] + row[1] > 0) + int(row[2] > 0)]]) for row in x]
    (folder / "points.csv").write_text("\n".join(["p,q,r,s,t,kind", *rows]))
    pictures = draw.normal(size=(240, 6, 6, 1)).astype(np.float32)
    np.savez(folder / "pictures.npz", x=pictures, y=(pictures.sum((1, 2, 3)) > 0).astype(np.int64))
    for name, text in SPECS.items():
        (folder / f"{name}.toml").write_text(text)
        assert netspec(folder, "train", f"{name}.toml", "--out", "untouched", *OPTIONS.get(name, ())).code == 0
    return folder


def _kept(run: Path) -> dict[str, Any]:
    """All of a run that must come out the same, to the last bit."""
    saved, damaged = newest(run)
    assert saved is not None
    assert not damaged
    events = read_events(run)
    finished = events[-1]
    assert isinstance(finished, Finished)
    return {
        "arrays": {n: (a.dtype, a.shape, a.tobytes()) for n, a in saved.arrays.items()},
        "step": saved.step,
        "best": (saved.meta["best_value"], saved.meta["best_step"], finished.best_step),
        "end": (finished.reason, finished.step, dict(finished.metrics)),
        # As lists: nothing may be told twice, or be left out.
        "steps": [
            (e.step, e.epoch, e.loss, e.gradient_norm, e.learning_rate) for e in events if isinstance(e, Stepped)
        ],
        "measures": [(e.step, e.epoch, dict(e.metrics), e.best) for e in events if isinstance(e, Evaluated)],
        "layers": [(e.step, e.layers, e.skipped) for e in events if isinstance(e, Examined)],
        "alerts": [(e.step, e.code, e.message) for e in events if isinstance(e, Alerted)],
    }


def _assert_untouched(*runs: Path) -> None:
    for run in runs:
        untouched = run.parent.parent / "untouched" / run.name
        found, expected = _kept(run), _kept(untouched)
        assert expected["end"][0] == "done"
        for part, value in expected.items():
            assert found[part] == value, (run.name, part)
        assert _names(run) == _names(untouched)


def _names(run: Path) -> set[str]:
    return {path.name for path in (run / "checkpoints").iterdir()}


# -- killed ------------------------------------------------------------------------------------------------------------


def _wait(process: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.0005)


def _stepping(run: Path) -> Callable[[], bool]:
    """Whether steps were recorded that were not before."""
    before = _size(run / "events.jsonl")
    return lambda: _size(run / "events.jsonl") > before + 2000


def _stop_amid_a_save(process: subprocess.Popen[str], run: Path) -> None:
    """Let the process stand still while a checkpoint is half written."""
    before = _half_written(run)
    while True:
        _wait(process, lambda: bool(_half_written(run) - before))
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        if _half_written(run) - before:
            return
        process.send_signal(signal.SIGCONT)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _half_written(run: Path) -> set[str]:
    folder = run / "checkpoints"
    return {n for n in os.listdir(folder) if n.startswith(".new-")} if folder.exists() else set()


MOMENTS = {
    "perceptron": ("stepping", "saving", "starting", "saving"),
    "convolution": ("saving", "stepping"),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_killed_at_any_moment_and_resumed_it_ends_with_the_same_bits(folder: Path, name: str) -> None:
    draw = random.Random(name)
    run = folder / "killed" / f"{name}-1"
    for moment in MOMENTS[name]:
        command = ["resume", run] if run.exists() else ["train", f"{name}.toml", "--out", "killed"]
        process = started(folder, *command)
        if moment == "saving":
            _stop_amid_a_save(process, run)
        elif moment == "stepping":
            _wait(process, _stepping(run))
            time.sleep(draw.uniform(0.0, 0.1))
        else:
            time.sleep(draw.uniform(0.0, 2.0))
        process.kill()
        assert ended(process).code == -signal.SIGKILL
        assert load(run).state == "stopped"
    assert ended(started(folder, "resume", run)).code == 0
    _assert_untouched(run)


# Begins a command that kills itself while it writes: the n-th file of a checkpoint stays the half of what it was to be.
KILLED_AMID_A_FILE = """
import os, signal, sys
from netspec.runs.atomic import write_synced
from netspec.train import checkpoint

files = 0

def write(path, data):
    global files
    files += 1
    if files == int(sys.argv[1]):
        path.write_bytes(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    write_synced(path, data)

checkpoint.write_synced = write
from netspec.cli import main
main(sys.argv[2:])
"""


def _killed_amid_file(number: int, folder: Path, *arguments: str | Path) -> None:
    command = [sys.executable, "-c", KILLED_AMID_A_FILE, str(number), *map(str, arguments)]
    process = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()


def test_killed_in_either_phase_and_between_them_it_ends_with_the_same_bits(folder: Path) -> None:
    told = read_events(folder / "untouched" / "staged-1")
    second = next(i for i, e in enumerate(told) if isinstance(e, Entered) and e.number == 2)
    before = sum(isinstance(e, Saved) for e in told[:second])
    assert any(isinstance(e, Alerted) and e.code == "stopped" for e in told[:second])
    run = folder / "killed" / "staged-1"
    # Of each save two files are written: first one amid the first phase, then the manifest of the save between the two.
    _killed_amid_file(5, folder, "train", "staged.toml", "--out", "killed")
    _killed_amid_file(2 * (before - 2) + 2, folder, "resume", run)
    assert netspec(folder, "evaluate", run).code == 0
    first, _ = newest(run)
    assert first is not None
    assert first.meta["phase"] == 0
    # The save between the two is made again, and then some of the second phase.
    _killed_amid_file(2 * 5 + 1, folder, "resume", run)
    saved, _ = newest(run)
    assert saved is not None
    assert saved.meta["phase"] == 1
    assert netspec(folder, "resume", run).code == 0
    _assert_untouched(run)


def test_an_ensemble_that_was_killed_ends_with_the_same_bits(folder: Path) -> None:
    run = folder / "killed" / "ensemble-1"
    _killed_amid_file(12, folder, "train", "ensemble.toml", "--out", "killed")
    session = commands.resume(run)
    finished = stopped_after(session, 10)
    assert isinstance(finished, Finished)
    assert finished.reason == "interrupted"
    assert netspec(folder, "resume", run).code == 0
    _assert_untouched(run)


@pytest.fixture(scope="module")
def several(folder: Path) -> list[Path]:
    """Three runs side by side, killed while some were a checkpoint ahead of others; then resumed."""
    runs = [folder / "killed" / f"seeds-{i}" for i in (1, 2, 3)]
    _killed_amid_file(1, folder, "train", "seeds.toml", "--out", "killed", "--seeds", "3")
    _killed_amid_file(6 * 2 + 3, folder, "resume", runs[1])
    reached = [saved.step for run in runs if (saved := newest(run)[0]) is not None]
    assert reached == [18, 12, 12]
    process = started(folder, "resume", runs[2])
    _wait(process, _stepping(runs[2]))
    process.kill()
    ended(process)
    # To the end of the one that is over first, and into the telling of it.
    ends = sorted((_end(folder / "untouched" / run.name).step, run) for run in runs)
    assert ends[0][0] < ends[-1][0], "they end at several steps"
    requests = Requests()
    session = commands.resume(runs[0])
    for event in session.events(requests):
        if event.step > ends[0][0] + 3:
            requests.stop()
    assert sorted(load(run).state for run in runs) == ["done", "interrupted", "interrupted"]
    assert session.runs == tuple(runs)
    _forget_the_end(ends[0][1])
    assert netspec(folder, "resume", runs[0]).code == 0
    return runs


def _end(run: Path) -> Finished:
    finished = last_event(run)
    assert isinstance(finished, Finished)
    return finished


def _forget_the_end(run: Path) -> None:
    """As if it had been killed after its last save, before it said so."""
    lines = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    (run / "events.jsonl").write_bytes(b"".join(lines[:-1]))
    assert load(run).state == "stopped"


def test_runs_side_by_side_that_were_killed_end_with_the_same_bits(several: list[Path]) -> None:
    _assert_untouched(*several)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_an_end_that_was_saved_and_not_told_is_told(folder: Path, several: list[Path], which: int) -> None:
    _forget_the_end(several[which])
    assert netspec(folder, "resume", several[0]).code == 0
    assert load(several[which]).state == "done"
    _assert_untouched(*several)
    refused = netspec(folder, "resume", several[0])
    assert (refused.code, "error[run-done]" in refused.err) == (2, True)
    refused = netspec(folder, "resume", several[0], "--edited")
    assert (refused.code, "ended at different steps" in refused.err) == (2, True)
    _assert_untouched(*several)


def test_of_one_run_too(folder: Path) -> None:
    run = folder / "copies" / "staged-1"
    shutil.copytree(folder / "untouched" / "staged-1", run)
    _forget_the_end(run)
    assert netspec(folder, "resume", run).code == 0
    _assert_untouched(run)


def test_interrupted_and_terminated_it_saves_and_goes_on_to_the_same_bits(folder: Path) -> None:
    run = folder / "stopped" / "perceptron-1"
    reached = 0
    for number, command in (
        (signal.SIGINT, ["train", "perceptron.toml", "--out", "stopped"]),
        (signal.SIGTERM, ["resume", run]),
    ):
        process = started(folder, *command)
        _wait(process, _stepping(run))
        process.send_signal(number)
        result = ended(process)
        assert result.code == 130
        assert re.search(r"next +netspec resume .*stopped/perceptron-1\n", result.out)
        finished, (saved, _) = last_event(run), newest(run)
        assert isinstance(finished, Finished)
        assert saved is not None
        assert (finished.reason, load(run).state) == ("interrupted", "interrupted")
        assert reached < finished.step == saved.step < 384
        reached = finished.step
    first, *events = netspec(folder, "resume", run, "--json").events()
    assert (first["event"], first["step"]) == ("started", reached)
    assert all(event["step"] > reached for event in events)
    _assert_untouched(run)


# -- stopped halfway ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def halfway(folder: Path) -> Path:
    """A run that was stopped after some 100 of its 384 steps."""
    session = commands.start([commands.load(folder / "perceptron.toml")], folder / "halfway")
    finished = stopped_after(session, 130)
    assert isinstance(finished, Finished)
    assert finished.reason == "interrupted"
    return session.run


@pytest.fixture
def run(halfway: Path, folder: Path) -> Iterator[Path]:
    """A copy of that run, for one test."""
    copy = folder / "copies" / halfway.name
    shutil.copytree(halfway, copy)
    yield copy
    shutil.rmtree(copy)


def _checkpoints(run: Path) -> list[Path]:
    return sorted((run / "checkpoints").glob("step-*"))


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def test_a_full_disk_loses_nothing_that_was_saved(folder: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = iter(range(100))

    def write(path: Path, data: bytes) -> None:
        if next(writes) == 7:  # the manifest of the fourth checkpoint
            path.write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        write_synced(path, data)

    monkeypatch.setattr("netspec.train.checkpoint.write_synced", write)
    result = netspec(folder, "resume", run)
    assert result.code == 1
    assert "error[disk-full]" in result.err
    assert load(run).state == "failed"
    assert len(_checkpoints(run)) == 2
    monkeypatch.undo()
    assert netspec(folder, "resume", run).code == 0
    _assert_untouched(run)


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(folder: Path, run: Path) -> None:
    _flip(_checkpoints(run)[-1] / "arrays.safetensors")
    result = netspec(folder, "resume", run)
    assert result.code == 0
    assert "warning[checkpoint-damaged]" in result.err
    assert _checkpoints(run)
    _assert_untouched(run)


def test_a_run_without_a_whole_checkpoint_begins_again(folder: Path, run: Path) -> None:
    _flip(_checkpoints(run)[0] / "manifest.json")
    (_checkpoints(run)[1] / "arrays.safetensors").unlink()
    result = netspec(folder, "resume", run)
    assert result.code == 0
    assert result.err.count("warning[checkpoint-damaged]") == 2
    _assert_untouched(run)


def test_what_is_no_event_at_the_end_of_the_record_is_survived(folder: Path, run: Path) -> None:
    with (run / "events.jsonl").open("ab") as record:
        record.write(b"\xff\x00\n" + b"[" * 10_000 + b'\n{"event": "stepped", "ti')
    assert netspec(folder, "resume", run).code == 0
    _assert_untouched(run)


def test_an_edited_spec_is_refused_with_its_difference_unless_it_is_meant(folder: Path, run: Path) -> None:
    spec = run / "spec.toml"
    spec.write_text(spec.read_text().replace("learning_rate = 0.02", "learning_rate = 0.01"))
    refused = netspec(folder, "resume", run)
    assert refused.code == 2
    assert "error[spec-changed]" in refused.err
    assert "optimizer.learning_rate: 0.02 → 0.01" in refused.err
    assert netspec(folder, "resume", run, "--edited").code == 0
    rates = {e.step: e.learning_rate for e in read_events(run) if isinstance(e, Stepped)}
    untouched = {s: rate for s, _, _, _, rate in _kept(folder / "untouched" / "perceptron-1")["steps"]}
    assert rates[99] == untouched[99]
    assert rates[300] == pytest.approx(untouched[300] / 2)


def test_a_network_of_another_shape_cannot_go_on(folder: Path, run: Path) -> None:
    spec = run / "spec.toml"
    spec.write_text(spec.read_text().replace("{ dense = 16,", "{ dense = 12,"))
    result = netspec(folder, "resume", run, "--edited")
    assert result.code == 2
    assert "the checkpoint does not fit the spec" in result.err
    assert load(run).state == "interrupted"


def test_other_data_is_refused(folder: Path, run: Path) -> None:
    data = folder / "points.csv"
    before = data.read_text()
    data.write_text(before + "\n0,0,0,0,0,a")
    try:
        result = netspec(folder, "resume", run)
    finally:
        data.write_text(before)
    assert result.code == 2
    assert "error[data-changed]" in result.err


def test_a_run_that_is_being_trained_is_left_alone(folder: Path, run: Path) -> None:
    before = (run / "events.jsonl").read_bytes()
    with lock(run):
        result = netspec(folder, "resume", run)
    assert result.code == 2
    assert "error[run-busy]" in result.err
    assert str(os.getpid()) in result.err
    assert (run / "events.jsonl").read_bytes() == before


def test_a_run_that_is_done_says_so(folder: Path) -> None:
    before = _kept(folder / "untouched" / "perceptron-1")
    result = netspec(folder, "resume", "untouched/perceptron-1")
    assert result.code == 2
    assert "error[run-done]" in result.err
    assert _kept(folder / "untouched" / "perceptron-1") == before
