"""Events on the disk: written, read back from whatever is left of them, cut back."""

from __future__ import annotations

import errno
import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.diagnostics import RunError
from netspec.runs.events import Alerted, Evaluated, Event, Finished, Saved, Started, Stepped
from netspec.runs.records import EVENTS, Recorder, cut_back, last_event, read_events


def started(step: int = 0) -> Started:
    sizes = {"train": 1437, "test": 360}
    return Started(1.0, "runs/lenet5-1", "lenet5", 0, "cpu", step, 300, 12, 128, sizes, 61706, "validation/loss", False)


def stepped(step: int, loss: float = 0.5) -> Stepped:
    return Stepped(2.0, step, step / 12, loss, 0.001, 1.5, 9000.0)


def evaluated(step: int) -> Evaluated:
    return Evaluated(3.0, step, step / 12, {"validation/loss": 0.25, "validation/accuracy": 1}, 0.1, True)


def finished(step: int, reason: str = "done") -> Finished:
    return Finished(9.0, "runs/lenet5-1", step, 1.0, reason, {"test/accuracy": 0.98}, step, 12.5)


HISTORY: tuple[Event, ...] = (
    started(),
    stepped(100),
    evaluated(100),
    Saved(3.5, 100, "checkpoints/step-000000100", 0.02),
    Alerted(3.6, 150, "spike", "the loss rose from 0.2 to 7", "lower the learning rate"),
    stepped(200, loss=math.inf),
    evaluated(200),
    Saved(4.5, 200, "checkpoints/step-000000200", 0.02),
    finished(200, "interrupted"),
)


def write(run: Path, *events: Event) -> None:
    with Recorder(run) as recorder:
        for event in events:
            recorder.record(event)


def test_what_was_recorded_is_read_back_and_appended_to(tmp_path: Path) -> None:
    write(tmp_path, *HISTORY[:4])
    write(tmp_path, *HISTORY[4:])
    assert read_events(tmp_path) == HISTORY
    assert last_event(tmp_path) == HISTORY[-1]


def test_an_event_is_there_for_readers_at_once(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        recorder.record(stepped(1))
        assert read_events(tmp_path) == (stepped(1),)


def test_no_record_is_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path) == ()
    assert last_event(tmp_path) is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\x00\xff\xfe",
        b"[1, 2]",
        b"3",
        b'{"event": "stepped", "time": 2.0, "step": 7',
        b'{"event": "stepped", "time": 2.0, "step": 7}',
        b'{"event": "evolved", "step": 7}',
        b'{"event": ["stepped"]}',
        b'{"event": "saved", "time": 3.5, "step": "7", "path": "", "seconds": 0.1}',
        b'{"event": "finished", "time": 1, "run": "", "step": 7, "epoch": 1, "reason": "done", "metrics": [1]}',
        b"[" * 100_000,
        b'{"event": ' + b"1" * 5000 + b"}",
    ],
)
def test_a_line_that_is_no_event_is_passed_over(tmp_path: Path, line: bytes) -> None:
    write(tmp_path, stepped(1))
    with (tmp_path / EVENTS).open("ab") as file:
        file.write(line)
    assert read_events(tmp_path) == (stepped(1),)
    write(tmp_path, stepped(2))
    assert read_events(tmp_path) == (stepped(1), stepped(2))


@settings(max_examples=50, deadline=None)  # each waits for the disk
@given(st.binary(max_size=300), st.integers(0, 10))
def test_nothing_that_a_disk_may_return_fails_the_reading(content: bytes, step: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        (run / EVENTS).write_bytes(content)
        cut_back(run, step)
        write(run, stepped(step))
        assert read_events(run)[-1] == stepped(step)


@pytest.mark.parametrize(
    ("step", "kept"),
    [(0, HISTORY[:1]), (100, HISTORY[:4]), (160, HISTORY[:5]), (200, HISTORY[:8])],
)
def test_cutting_back_leaves_what_lies_behind_the_step(tmp_path: Path, step: int, kept: tuple[Event, ...]) -> None:
    write(tmp_path, *HISTORY)
    with (tmp_path / EVENTS).open("ab") as file:
        file.write(b'{"event": "stepped", "time": 9.0, "st')
    cut_back(tmp_path, step)
    assert read_events(tmp_path) == kept
    assert (tmp_path / EVENTS).read_bytes().endswith(b"}\n")
    write(tmp_path, started(step))
    assert read_events(tmp_path) == (*kept, started(step))


def test_cutting_back_keeps_events_of_a_newer_version(tmp_path: Path) -> None:
    lines = b'{"event": "pruned", "step": 5}\n{"event": "noted", "text": "x"}\n'
    (tmp_path / EVENTS).write_bytes(lines + b'{"event": "pruned", "step": 11}\n')
    cut_back(tmp_path, 10)
    assert (tmp_path / EVENTS).read_bytes() == lines


def test_the_last_event_is_found_behind_a_long_record(tmp_path: Path) -> None:
    write(tmp_path, *(stepped(step) for step in range(1000)), finished(1000))
    with (tmp_path / EVENTS).open("ab") as file:
        file.write(b'{"event": "step')
    assert (tmp_path / EVENTS).stat().st_size > 1 << 16
    assert last_event(tmp_path) == finished(1000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / EVENTS).symlink_to("/dev/full")
    with pytest.raises(RunError, match="disk-full") as full, Recorder(tmp_path) as recorder:
        recorder.record(stepped(1))
    assert isinstance(full.value.__cause__, OSError)
    assert full.value.__cause__.errno == errno.ENOSPC
