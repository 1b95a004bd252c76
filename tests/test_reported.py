"""Trainings that are told to other people's programs as well: seen to first, and never harmed by them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import pytest

import netspec
from netspec.commands import start
from netspec.report.writers import Begun, Row
from netspec.report.writers import tools as writers
from netspec.runs.events import Alerted, Finished, Stepped
from netspec.runs.records import last_event, read_events

SPEC = """\
name = "small"
[data]
source = "iris"
[model]
layers = [{ dense = "$classes" }]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "sgd"
learning_rate = 0.1
[train]
epochs = 3
[report]
to = ["tensorboard", "wandb"]
"""


class Noted:
    def __init__(self, fails_at: int) -> None:
        self.rows: list[Row] = []
        self.closed: Finished | None = None
        self._fails_at = fails_at

    def write(self, rows: Sequence[Row]) -> None:
        if any(row.step >= self._fails_at for row in rows):
            raise OSError("the disk is \x1b[31m<full>")
        self.rows += rows

    def close(self, finished: Finished | None) -> None:
        self.closed = finished


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SPEC)
    return path


def test_what_is_not_installed_is_told_before_anything_is_made(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, there = importlib.util.find_spec, {"wandb": None, "tensorboard": importlib.util.find_spec("json")}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: there[name] if name in there else known(name))
    with pytest.raises(netspec.SpecError) as caught:
        start([netspec.load(spec)], tmp_path / "runs")
    (told,) = caught.value.diagnostics
    assert told.code == "not-installed"
    assert told.help.startswith("pip install 'netspec[wandb]'")
    assert told.place is not None
    assert told.place.source.line(told.place.line)[told.place.column - 1 :] == '"wandb"]'
    assert not (tmp_path / "runs").exists()
    # Whoever only looks at the spec needs nothing.
    assert [one.code for one in netspec.check(spec)] == []


def test_one_that_fails_is_left_out_and_the_other_is_told_all(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netspec.report.writers.missing", lambda name: False)
    noted = {"tensorboard": Noted(10**9), "wandb": Noted(5)}
    opened: list[Begun] = []

    def open_writer(self: writers.Tool, begun: Begun) -> Noted:
        opened.append(begun)
        return noted[self.name]

    monkeypatch.setattr(writers.Tool, "open", open_writer)
    session = start([netspec.load(spec)], tmp_path / "runs")
    happened = list(session.events())
    recorded = read_events(session.run)
    assert recorded == tuple(happened)
    finished = last_event(session.run)
    assert isinstance(finished, Finished)
    assert finished.reason == "done"
    (alert,) = [event for event in recorded if isinstance(event, Alerted) and event.code == "report"]
    assert alert.message.startswith("Weights & Biases is told no more of this training: OSError: the disk is ")
    assert {begun.run for begun in opened} == {session.run}
    steps = [event.step for event in happened if isinstance(event, Stepped)]
    assert [row.step for row in noted["tensorboard"].rows if "training/loss" in row.values] == steps
    assert noted["tensorboard"].closed == finished
    assert noted["wandb"].closed is None
