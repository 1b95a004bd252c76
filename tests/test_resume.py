"""A run that was killed, stopped or damaged ends with the same bits as one that was never touched."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import ended, netspec, started

from netspec import commands
from netspec.runs.atomic import write_synced
from netspec.runs.directory import load, lock
from netspec.runs.events import Evaluated, Finished, Stepped
from netspec.runs.records import last_event, read_events
from netspec.train.checkpoint import newest

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

SPECS = {"perceptron": PERCEPTRON, "convolution": CONVOLUTION}


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
        assert netspec(folder, "train", f"{name}.toml", "--out", "untouched").code == 0
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
    }


def _assert_untouched(run: Path, name: str) -> None:
    found, expected = _kept(run), _kept(run.parent.parent / "untouched" / f"{name}-1")
    assert expected["end"][0] == "done"
    for part, value in expected.items():
        assert found[part] == value, part
    assert {p.name for p in (run / "checkpoints").iterdir()} == {
        p.name for p in (run.parent.parent / "untouched" / f"{name}-1" / "checkpoints").iterdir()
    }


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


@pytest.mark.parametrize("name", SPECS)
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
    _assert_untouched(run, name)


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
    _assert_untouched(run, "perceptron")


# -- stopped halfway ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def halfway(folder: Path) -> Path:
    """A run that was stopped after some 100 of its 384 steps."""
    asked = iter(range(10_000))
    session = commands.start([commands.load(folder / "perceptron.toml")], folder / "halfway")
    *_, finished = session.events(lambda: next(asked) > 100)
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
    _assert_untouched(run, "perceptron")


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(folder: Path, run: Path) -> None:
    _flip(_checkpoints(run)[-1] / "arrays.safetensors")
    result = netspec(folder, "resume", run)
    assert result.code == 0
    assert "warning[checkpoint-damaged]" in result.err
    assert _checkpoints(run)
    _assert_untouched(run, "perceptron")


def test_a_run_without_a_whole_checkpoint_begins_again(folder: Path, run: Path) -> None:
    _flip(_checkpoints(run)[0] / "manifest.json")
    (_checkpoints(run)[1] / "arrays.safetensors").unlink()
    result = netspec(folder, "resume", run)
    assert result.code == 0
    assert result.err.count("warning[checkpoint-damaged]") == 2
    _assert_untouched(run, "perceptron")


def test_what_is_no_event_at_the_end_of_the_record_is_survived(folder: Path, run: Path) -> None:
    with (run / "events.jsonl").open("ab") as record:
        record.write(b"\xff\x00\n" + b"[" * 10_000 + b'\n{"event": "stepped", "ti')
    assert netspec(folder, "resume", run).code == 0
    _assert_untouched(run, "perceptron")


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
