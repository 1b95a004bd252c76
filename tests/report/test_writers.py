"""What other people's programs are told of a training, read back with their own readers where they are installed."""

from __future__ import annotations

import math
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from made_runs import SPEC, events

from netspec.report.writers import TOOLS, Row, Telling, begun, row_of
from netspec.runs.directory import create, prepare
from netspec.runs.events import Evaluated, Event, Examined, Finished, Saved, Started, Stepped

HOSTILE = SPEC + '\n[let]\n# <script>alert("x")</script> \'; DROP TABLE runs; -- ```\nwidth = 3\n'


def made(parent: Path, spec: str = HOSTILE) -> Path:
    run = create(parent, "lenet5")
    prepare(run, spec=spec, resolved={}, environment={"started": "2023-11-14T22:13:20+00:00"})
    return run


def looked_at(step: int) -> Examined:
    layers = {"conv1": {"gradient": 0.5, "update": 1e-3}, "block1/dense1": {"gradient": 2.0, "dead": 0.25}}
    return Examined(1_700_000_000.0 + step / 100, step, layers, memory=1_000_000, peak=2_000_000, skipped=3)


def training(run: Path, upto: int = 200, reason: str = "done") -> list[Event]:
    whole = list(events(str(run), 0.97, upto, reason, 7))
    return [*whole[:-1], looked_at(upto), whole[-1]]


def test_numbers_of_events() -> None:
    stepped = Stepped(5.0, 10, 0.25, 1.5, None, 2.0, 3200.0)
    assert row_of(stepped) == Row(
        10,
        5.0,
        {
            "training/loss": 1.5,
            "training/epoch": 0.25,
            "training/gradient_norm": 2.0,
            "training/examples_per_second": 3200.0,
        },
    )
    evaluated = row_of(Evaluated(6.0, 10, 0.25, {"validation/loss": 0.5}, 0.1, True))
    assert evaluated == Row(10, 6.0, {"validation/loss": 0.5})
    seen = row_of(looked_at(40))
    assert seen is not None
    assert seen.values == {
        "gradient/conv1": 0.5,
        "update/conv1": 1e-3,
        "gradient/block1/dense1": 2.0,
        "dead/block1/dense1": 0.25,
        "training/skipped_steps": 3,
        "memory/now": 1e6,
        "memory/peak": 2e6,
    }
    finished = row_of(Finished(7.0, "runs/a-1", 10, 0.25, "done", {"test/accuracy": 0.9}))
    assert finished == Row(10, 7.0, {"result/test/accuracy": 0.9})
    assert row_of(Saved(7.0, 10, "checkpoints/step-10", 0.1)) is None


def test_settings_are_the_values_by_path(tmp_path: Path) -> None:
    run = made(tmp_path)
    told = begun(run, next(iter(events(str(run), 0.9, 10, "", 7))))  # type: ignore[arg-type]
    assert told.settings == {
        "name": "lenet5",
        "data.source": "digits",
        "model.layers": '[{"conv": 6, "kernel": 5}, "flatten", {"dense": "$classes"}]',
        "optimizer.kind": "adam",
        "optimizer.learning_rate": 1e-3,
        "train.epochs": 5,
        "let.width": 3,
        "seed": 7,
    }
    assert told.spec == HOSTILE


class Noted:
    """A program that remembers what it is told."""

    def __init__(self, fails_at: int = -1, hangs: threading.Event | None = None) -> None:
        self.rows: list[Row] = []
        self.closed: list[Finished | None] = []
        self._fails_at, self._hangs = fails_at, hangs

    def write(self, rows: Sequence[Row]) -> None:
        if self._hangs is not None:
            self._hangs.wait(10)
        for row in rows:
            if row.step == self._fails_at:
                raise OSError(28, "No space left\non device")
            self.rows.append(row)

    def close(self, finished: Finished | None) -> None:
        self.closed.append(finished)


def told(happened: Sequence[Event], writer: Noted) -> Telling:
    telling = Telling("Noted", lambda started: writer)
    for event in happened:
        telling.tell(event)
    telling.close(5)
    return telling


def test_it_tells_everything_in_order(tmp_path: Path) -> None:
    happened = training(tmp_path / "lenet5-1")
    writer = Noted()
    telling = told(happened, writer)
    assert writer.rows == [row for row in map(row_of, happened) if row is not None]
    assert writer.closed == [happened[-1]]
    assert telling.failure() == ""


def test_a_program_that_fails_is_told_of_once(tmp_path: Path) -> None:
    writer = Noted(fails_at=50)
    telling = told(training(tmp_path / "lenet5-1"), writer)
    assert telling.failure() == "OSError: [Errno 28] No space left on device"
    assert telling.failure() == ""
    assert writer.closed == [None]
    assert max(row.step for row in writer.rows) == 40


def test_a_program_that_hangs_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.report.writers.telling.MOST_WAITING", 3)
    going = threading.Event()
    telling = Telling("Noted", lambda started: Noted(hangs=going))
    begin = time.perf_counter()
    for event in training(tmp_path / "lenet5-1"):
        telling.tell(event)
    telling.close(0.05)
    assert time.perf_counter() - begin < 2
    assert telling.failure() == "it lags behind by 3 events"
    going.set()
    telling.close(5)


# -- the programs themselves -------------------------------------------------------------------------------------------

# What the programs' makers warn of is theirs to mend.
THEIRS = pytest.mark.filterwarnings("default")


def tell(name: str, run: Path, happened: Sequence[Event]) -> None:
    telling = Telling(TOOLS[name].title, lambda started: TOOLS[name].open(begun(run, started)))
    for event in happened:
        telling.tell(event)
    telling.close()
    assert telling.failure() == ""


def resumed(run: Path, step: int) -> list[Event]:
    """A training that goes on where its checkpoint is, with the same numbers as before."""
    whole = training(run)
    started = whole[0]
    assert isinstance(started, Started)
    again = Started(**{**{n: getattr(started, n) for n in Started.__slots__}, "step": step, "time": time.time()})
    return [again, *(event for event in whole[1:] if event.step > step)]


def series(happened: Sequence[Event]) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for row in map(row_of, happened):
        for name, value in row.values.items() if row else ():
            found.setdefault(name, []).append((row.step, value))  # type: ignore[union-attr]
    return found


def same(found: Sequence[tuple[int, float]], expected: Sequence[tuple[int, float]]) -> bool:
    steps = [step for step, _ in found] == [step for step, _ in expected]
    return steps and all(math.isclose(a, b, rel_tol=1e-6) for (_, a), (_, b) in zip(found, expected, strict=True))


@THEIRS
def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import metadata

    run = made(tmp_path)
    tell("tensorboard", run, training(run, 120, "interrupted"))
    tell("tensorboard", run, resumed(run, 80))
    whole = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0, "tensors": 0})
    whole.Reload()
    found = {tag: [(e.step, e.value) for e in whole.Scalars(tag)] for tag in whole.Tags()["scalars"]}
    expected = series(training(run))
    assert found.keys() == expected.keys()
    # What was past the checkpoint is forgotten, and nothing is there twice.
    assert all(same(found[name], expected[name]) for name in expected), (found, expected)
    text = whole.Tensors("spec/text_summary" if "spec/text_summary" in whole.Tags()["tensors"] else "spec")
    assert b"<script>" in text[0].tensor_proto.string_val[0]  # as code in Markdown, which TensorBoard escapes
    settings = whole.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    read = metadata.parse_session_start_info_plugin_data(settings)
    assert read.hparams["optimizer.learning_rate"].number_value == 1e-3
    assert read.hparams["optimizer.kind"].string_value == "adam"


@THEIRS
def test_mlflow(tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    pytest.importorskip("sqlalchemy", reason="MLflow is installed without its database")
    from mlflow import MlflowClient

    run = made(tmp_path / "it's here")
    tell("mlflow", run, training(run, 120, "interrupted"))
    tell("mlflow", run, resumed(run, 80))
    client = MlflowClient(tracking_uri=f"sqlite:///{run.parent / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("lenet5")
    (one,) = client.search_runs([experiment.experiment_id])
    assert one.info.run_name == "lenet5-1"
    assert one.info.status == "FINISHED"
    assert one.data.params["optimizer.learning_rate"] == "0.001"
    expected = series(training(run))
    for name, values in expected.items():
        found = sorted((m.step, m.value) for m in client.get_metric_history(one.info.run_id, name))
        if name.startswith(("training/lo", "training/gr", "validation/")):
            assert same(found, values), name
        else:  # told at each end
            assert same(found[-1:], values[-1:]), name
    assert "<script>" in Path(client.download_artifacts(one.info.run_id, "spec.toml", str(tmp_path))).read_text()


def records(file: Path) -> Iterator[Any]:
    """The records of an offline file: blocks of 32 KiB, each record in one piece or several (LevelDB's log format)."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, whole = file.read_bytes(), 7, b""
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            record = Record()
            record.ParseFromString(whole)
            yield record
            whole = b""


@THEIRS
def test_wandb(tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="Weights & Biases is not installed")
    import json

    run = made(tmp_path)
    tell("wandb", run, training(run))
    (file,) = run.glob("wandb/offline-run-*/*.wandb")
    found: dict[str, list[tuple[int, float]]] = {}
    config: dict[str, Any] = {}
    for record in records(file):
        if record.WhichOneof("record_type") == "run":
            config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
            assert record.run.project == "lenet5"
            assert record.run.display_name == "lenet5-1"
        if record.WhichOneof("record_type") == "history":
            names = {
                (item.key or "/".join(item.nested_key)): json.loads(item.value_json) for item in record.history.item
            }
            for name, value in names.items():
                found.setdefault(name, []).append((record.history.step.num, value))
    expected = {n: values for n, values in series(training(run)).items() if not n.startswith("result/")}
    assert {n for n in found if not n.startswith("_")} == expected.keys()
    assert all(same(found[name], expected[name]) for name in expected)
    assert config["optimizer.learning_rate"] == 1e-3
    assert "<script>" in config["spec.toml"]
