"""What is told of runs at a glance is what their whole records say, however they ended, and whatever is damaged."""

from __future__ import annotations

import functools
import json
import math
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from netspec.diagnostics import RunError
from netspec.report.progress import Progress, advance
from netspec.runs.directory import create, lock, prepare
from netspec.runs.events import Entered, Evaluated, Event, Examined, Finished, Saved, Started, Stepped
from netspec.runs.glance import glance, glances
from netspec.runs.records import Recorder, cut_back

METRIC = "validation/accuracy"
EXAMPLES = {"train": 320, "validation": 80}
VALUES = (0.5, 0.8, 0.7, 0.9, 0.85, 0.6, 0.7, 0.8, 0.75, 0.7)


def begin(step: int = 0, now: float = 1000.0, **told: object) -> Started:
    first = Started(now, "runs/a-1", "a", 7, "cpu", step, 100, 10, 32, EXAMPLES, 5, METRIC, True)
    return replace(first, **told)  # type: ignore[arg-type]


def going(
    start: int, end: int, now: float = 1000.0, best: float = -1.0, values: Sequence[float] = VALUES
) -> Iterator[Event]:
    """Steps of a second each, an evaluation every ten; a layer's report after it, and a checkpoint."""
    for step in range(start + 1, end + 1):
        at = now + step - start
        yield Stepped(at, step, step / 10, 1.0, 0.1, 1.0, 32.0)
        if step % 10 == 0:
            value = values[step // 10 - 1]
            yield Evaluated(at, step, step / 10, {METRIC: value, "validation/loss": 1 - value}, 0.1, value > best)
            yield Examined(at, step, {f"layer{i}": {"gradient": 1.0} for i in range(300)}, None, None, 0)
            yield Saved(at, step, "checkpoints", 0.1)
            best = max(best, value)


def end(step: int, now: float, reason: str = "done", seconds: float | None = None, **told: object) -> Finished:
    value = VALUES[max(0, step // 10 - 1)]
    kept = {METRIC: value, "test/accuracy": 0.65}
    spent = now - 1000.0 if seconds is None else seconds
    last = Finished(now, "runs/a-1", step, step / 10, reason, kept, step, spent, max(VALUES[: max(1, step // 10)]))
    return replace(last, **told)  # type: ignore[arg-type]


def write(parent: Path, events: Sequence[Event], name: str = "a", **environment: object) -> Path:
    run = create(parent, name)
    prepare(run, spec="", resolved={}, environment={"started": "2001-09-09T01:46:40+00:00", **environment})
    with Recorder(run) as recorder:
        for event in events:
            recorder.record(event)
    return run


def entered(now: float, step: int, number: int, metric: str = METRIC) -> Entered:
    return Entered(now, step, f"phase{number}", number, 120, 10, 32, 5, metric, True)


RECORDS: dict[str, tuple[Sequence[Event], str, tuple[float | None, int | None], float]] = {
    # what happened, and: state, best and its step, seconds
    "done": ((begin(), *going(0, 100), end(100, 1100.0)), "done", (0.9, 40), 100.0),
    "kept": (
        (begin(keep=True), *going(0, 100), end(100, 1100.0, best_step=40)),
        "done",
        (0.9, 40),
        100.0,
    ),
    "before its best was told": ((begin(), *going(0, 100), end(100, 1100.0, best=None)), "done", (0.9, 40), 100.0),
    "killed": ((begin(), *going(0, 57)), "stopped", (0.9, 40), 57.0),
    "killed at once": ((begin(),), "stopped", (None, None), 0.0),
    "diverged": (
        (begin(), *going(0, 35), end(35, 1035.0, "diverged", metrics={}, best_step=None, best=0.8)),
        "diverged",
        (0.8, 20),
        35.0,
    ),
    "failed": ((begin(), *going(0, 5), end(5, 1005.0, "no room", metrics={}, best=None)), "failed", (None, None), 5.0),
    "not a number": (
        (begin(), *going(0, 20, values=(math.nan, math.nan)), end(20, 1020.0, metrics={METRIC: math.nan}, best=None)),
        "done",
        (None, None),
        20.0,
    ),
    "resumed": (
        (begin(), *going(0, 40), begin(40, 5000.0), *going(40, 100, 5000.0, 0.9), end(100, 5060.0, seconds=100.0)),
        "done",
        (0.9, 40),
        100.0,
    ),
    "resumed and killed": (
        (begin(), *going(0, 40), begin(40, 5000.0), *going(40, 64, 5000.0, 0.9)),
        "stopped",
        (0.9, 40),
        64.0,
    ),
    "resumed for longer": (
        (
            begin(steps=50),
            *going(0, 50),
            begin(50, 5000.0),
            *going(50, 100, 5000.0, 0.9),
            end(100, 5050.0, seconds=100.0),
        ),
        "done",
        (0.9, 40),
        100.0,
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_glance_says_what_the_whole_record_says(tmp_path: Path, name: str) -> None:
    events, state, best, seconds = RECORDS[name]
    run = glance(write(tmp_path, events))
    assert (run.state, (run.best, run.best_step), run.seconds) == (state, best, seconds)
    folded = functools.reduce(advance, events, Progress())
    assert folded.started is not None
    assert (run.step, run.epoch, run.time) == (folded.step, folded.epoch, folded.time)
    assert run.steps == folded.started.steps == 100
    assert (run.epochs, run.metric, run.higher_is_better, run.seed) == (10.0, METRIC, True, 7)
    assert run.began == 1_000_000_000.0
    assert run.elapsed(1e10) == seconds


def test_of_phases_the_last_one_decides(tmp_path: Path) -> None:
    told = begin(phases=2)
    first = (told, entered(1000.0, 0, 1, "validation/loss"), *going(0, 40))
    second = (entered(1040.0, 40, 2), *going(40, 60, 1040.0, values=(0, 0, 0, 0, 0.55, 0.6)))
    run = glance(write(tmp_path, (*first, *second)))
    assert (run.metric, run.best, run.best_step, run.steps) == (METRIC, 0.6, 60, 120)
    unmeasured = glance(write(tmp_path, (*first, second[0], *going(40, 45, 1040.0))))
    assert (unmeasured.metric, unmeasured.best) == (METRIC, None)
    # Gone on with in the second phase, which was best before that.
    later = (begin(60, 9000.0, phases=2), entered(9000.0, 60, 2), *going(60, 80, 9000.0, 0.9))
    resumed = glance(write(tmp_path, (*first, *second, *later)))
    assert (resumed.best, resumed.best_step, resumed.seconds) == (0.6, 60, 80.0)


def test_a_run_is_running_while_it_is_locked_and_only_then(tmp_path: Path) -> None:
    run = write(tmp_path, (begin(), *going(0, 20)))
    with lock(run):
        now = glance(run)
        assert (now.state, now.best, now.seconds) == ("running", 0.8, 20.0)
        assert now.elapsed(1030.0) == 30.0
        with Recorder(run) as recorder:
            recorder.record(end(20, 1020.0, "interrupted"))
    assert glance(run).state == "interrupted"
    with lock(run):  # gone on with: it is loading its data, and has not cut its record back yet
        assert glance(run).state == "running"
        cut_back(run, 20)
        assert glance(run).state == "running"
    assert glance(run).state == "stopped"


def test_the_files_times_decide_nothing_that_a_lock_would_not(tmp_path: Path) -> None:
    """A copy has its own times: of a run that is over, no time may make one that is running, nor the other way."""
    run = write(tmp_path, (begin(), *going(0, 20), end(20, 1020.0)))
    with lock(run):
        pass
    for when in (0, 4_000_000_000):
        os.utime(run / "events.jsonl", (when, when))
        assert glance(run).state == "done"


DAMAGES = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "torn": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbage": lambda path: path.write_bytes(os.urandom(5000)),
    "nested": lambda path: path.write_bytes(b"[" * 200_000),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a dead link": lambda path: (path.unlink(), path.symlink_to("nowhere")),
    "without end": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
}
HEARD = {
    # A record that is torn, or was never begun, is what a kill leaves; what specs say is not read here.
    *(("environment.json", damage) for damage in DAMAGES),
    *(("tags.json", damage) for damage in DAMAGES if damage not in ("missing", "a dead link")),
    *(("events.jsonl", damage) for damage in ("garbage", "nested", "a folder", "a pipe")),
    ("resolved.json", "missing"),
    ("spec.toml", "missing"),
}
NAMES = ("environment.json", "resolved.json", "spec.toml", "events.jsonl", "tags.json", "lock")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_run_is_listed_with_a_warning_and_costs_no_other_run(tmp_path: Path, name: str, damage: str) -> None:
    runs = [write(tmp_path, (begin(), *going(0, 20), end(20, 1020.0))) for _ in range(3)]
    for run in runs:
        (run / "tags.json").write_text('["good"]')
        with lock(run):
            pass
    DAMAGES[damage](runs[1] / name)
    found, warnings = glances(tmp_path)
    assert sorted(run.path for run in found) == runs
    assert not warnings
    for run in found:
        if run.path != runs[1]:
            assert (run.state, run.best, run.tags, run.damages) == ("done", 0.8, ("good",), ())
        else:
            assert all(d.severity == "warning" and str(runs[1]) in str(d.file) for d in run.damages)
            assert len(run.damages) == ((name, damage) in HEARD), run.damages


def test_what_is_no_run_is_none(tmp_path: Path) -> None:
    run = write(tmp_path, (begin(), end(0, 1001.0)))
    for name in (".removed-0123456789abcdef", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / ".removed-0123456789abcdef" / "spec.toml").write_text("")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "loop").symlink_to("loop")
    create(tmp_path, "made")  # and nothing in it yet
    prepared = create(tmp_path, "prepared")
    (prepared / "environment.json").write_text("{}")  # its spec comes last
    assert [one.path for one in glances(tmp_path)[0]] == [run]
    assert glances(tmp_path / "none") == glances(tmp_path / "notes.txt") == ((), ())
    for other in ("empty", "none", "notes.txt"):
        with pytest.raises(RunError, match="there is no run in"):
            glance(tmp_path / other)


def test_runs_that_come_and_go_while_they_are_listed(tmp_path: Path) -> None:
    kept = write(tmp_path, (begin(), end(0, 1001.0)))
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            run = write(tmp_path, (begin(), *going(0, 10)), "b")
            for name in ("events.jsonl", "environment.json", "spec.toml", "resolved.json"):
                (run / name).unlink()
            run.rmdir()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            found, warnings = glances(tmp_path)
            assert kept in [run.path for run in found]
            assert not warnings
    finally:
        over.set()
        thread.join()


def test_a_run_takes_a_fifth_of_a_millisecond(tmp_path: Path) -> None:
    """So 5,000 of them take less than a second; of the bound, most is room for a machine that is busy."""
    one = write(tmp_path, (begin(), *going(0, 100), end(100, 1100.0)))
    files = {path.name: path.read_bytes() for path in one.iterdir()}
    for i in range(2, 301):
        other = tmp_path / f"a-{i}"
        other.mkdir()
        for name, data in files.items():
            (other / name).write_bytes(data)
    took = []
    for _ in range(3):
        began = time.process_time()
        found, _ = glances(tmp_path)
        took.append(time.process_time() - began)
    assert len(found) == 300
    assert min(took) < 300 * 0.0002 * 5


def test_tags_and_what_runs_with_it_are_read(tmp_path: Path) -> None:
    run = write(tmp_path, (begin(),), together=["a-1", "a-2"], device="gpu")
    (run / "tags.json").write_text(json.dumps(["best", "\x1b[31mred"]))
    found = glance(run)
    assert (found.tags, found.together, found.device) == (("best", "\x1b[31mred"), ("a-1", "a-2"), "gpu")
