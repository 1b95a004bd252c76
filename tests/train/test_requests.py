"""What a person asks of a training while it goes on: to save, to stop after the epoch, to stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from test_phases import Parts, parts, program

from netspec.runs.events import Event, Examined, Finished, Saved, Stepped
from netspec.train.loop import train
from netspec.train.requests import Requests

# Five steps are a pass.
SPEC = """
name = "asked"
[model]
layers = [{ dense = 6, activation = "relu" }, { dense = "$classes" }]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "sgd"
learning_rate = 0.1
apply_if_finite = 3
[train]
epochs = 8
batch = 8
save = 40
"""


def trained(run: Path, at: int, ask: Callable[[Requests], None], data: Parts) -> list[Event]:
    """The events of a training of which something is asked at its record of that step."""
    requests, events = Requests(), []
    for event in train(program(SPEC), data, run=run, requests=requests):
        events.append(event)
        if isinstance(event, Stepped) and event.step == at:
            ask(requests)
    return events


def ended(events: list[Event]) -> tuple[str, int]:
    assert isinstance(events[-1], Finished)
    return events[-1].reason, events[-1].step


def test_a_stop_after_the_epoch_waits_for_its_end(tmp_path: Path) -> None:
    events = trained(tmp_path, 11, Requests.stop_after_epoch, parts())
    assert ended(events) == ("interrupted", 15)
    assert [e.step for e in events if isinstance(e, Saved)] == [15]


def test_a_stop_after_the_epoch_can_be_taken_back(tmp_path: Path) -> None:
    def asked_and_taken_back(requests: Requests) -> None:
        requests.stop_after_epoch()
        requests.stop_after_epoch(False)

    assert ended(trained(tmp_path, 11, asked_and_taken_back, parts())) == ("done", 40)


@pytest.mark.parametrize("at", [37, 39])
def test_after_the_last_epoch_there_is_nothing_to_stop(tmp_path: Path, at: int) -> None:
    assert ended(trained(tmp_path, at, Requests.stop_after_epoch, parts())) == ("done", 40)


def test_a_save_that_is_asked_for_is_made_once_and_changes_nothing(tmp_path: Path) -> None:
    for name in ("saved", "untouched"):
        (tmp_path / name).mkdir()
    events = trained(tmp_path / "saved", 11, Requests.save, parts())
    untouched = trained(tmp_path / "untouched", 11, lambda requests: None, parts())
    early, last = (e.step for e in events if isinstance(e, Saved))
    assert 12 <= early <= 14, "a window or two later"
    assert last == 40
    assert [e.step for e in untouched if isinstance(e, Saved)] == [40]
    assert isinstance(events[-1], Finished)
    assert isinstance(untouched[-1], Finished)
    assert events[-1].metrics == untouched[-1].metrics


def test_each_layer_is_told_of_at_evaluations(tmp_path: Path) -> None:
    events = trained(tmp_path, 11, lambda requests: None, parts())
    examined = [e for e in events if isinstance(e, Examined)]
    assert [e.step for e in examined] == list(range(5, 41, 5))
    for event in examined:
        assert event.skipped == 0
        assert [*event.layers] == ["dense1", "dense2"]
        assert [*event.layers["dense1"]] == ["gradient", "weights", "update", "dead"]
        assert 0.0 <= event.layers["dense1"]["dead"] <= 1.0
        assert event.peak is not None
        assert event.peak > 10_000_000, "this process is larger than that"
