"""A record as columns: what it says is what its events say, whoever wrote it and whatever is left of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from netspec.runs.events import (
    Alerted,
    Entered,
    Evaluated,
    Event,
    Examined,
    Finished,
    Saved,
    Started,
    Stepped,
    to_json,
)
from netspec.runs.histories import History, Peak, read_history
from netspec.runs.records import EVENTS, read_events


def started(at: float = 100.0, step: int = 0) -> Started:
    return Started(at, "runs/a-1", "a", 3, "cpu", step, 100, 10, 8, {"train": 80}, 7, "validation/loss", False)


def stepped(at: float, step: int, loss: float = 0.5) -> Stepped:
    return Stepped(at, step, step / 10, loss, None if step == 5 else 1e-3, 1.0 / step, 3200.0 + step)


def evaluated(at: float, step: int, best: bool, **metrics: float) -> Evaluated:
    return Evaluated(at, step, step / 10, {f"validation/{k}": v for k, v in metrics.items()}, 0.1, best)


RECORD: tuple[Event, ...] = (
    started(),
    stepped(101, 5),
    stepped(102, 10, math.inf),
    Examined(102, 10, {"dense1": {"gradient": 0.5}}, 10, 20, 1),
    evaluated(103, 10, True, loss=0.5, accuracy=0.25),
    Saved(103.5, 10, "checkpoints/step-000000010", 0.01),
    Alerted(103.6, 10, "spike", 'the loss, "step": 3, rose {', "lower it"),
    stepped(104, 15, math.nan),
    stepped(105, 20, 1e-20),
    evaluated(106, 20, False, loss=math.nan, accuracy=0.5),
    Saved(106.5, 20, "checkpoints/step-000000020", 0.01),
    Finished(107, "runs/a-1", 20, 2.0, "done", {"validation/loss": 0.5, "test/loss": 0.75}, 10, 7.5, 0.5),
)


def text_of(events: tuple[Event, ...]) -> str:
    return "".join(json.dumps(to_json(event)) + "\n" for event in events)


def history_of(run: Path, text: str) -> History:
    (run / EVENTS).write_text(text)
    return read_history(run)


def _torn(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join([lines[0], lines[1], lines[2][:60] + "\n", *lines[3:]])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text[:-1],
        lambda text: text[:-40],
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(": ", ":").replace(", ", ","),
        lambda text: text.replace('{"event": "stepped", ', '{ "event":"stepped", '),
        _torn,
        lambda text: text.replace('"step": 15', '"step": "15"'),
        lambda text: text.replace('"step": 15', '"step": null'),
        lambda text: text.replace('"step": 15', '"stop": 15'),
        lambda text: text.replace('"loss": "nan"', '"loss": {"a": 1}'),
        lambda text: text.replace('"validation/accuracy": 0.5', '"validation/error": 0.5'),
        lambda text: text.replace('{"validation/loss": 0.5, "validation/accuracy": 0.25}', "7"),
        lambda text: text.replace('"event": "stepped", "time": 102', '"event": "strolled", "time": 102'),
        lambda text: 'x\n[1]\n{"event": 3}\n{"event": "stepped"}\n' + text + '{"event": "step',
        lambda text: "",
    ],
)
def test_columns_say_what_the_events_say(tmp_path: Path, change: Callable[[str], str]) -> None:
    found = history_of(tmp_path, change(text_of(RECORD)))
    events = read_events(tmp_path)
    rows = [e for e in events if isinstance(e, Stepped)]
    columns = {
        "steps": [e.step for e in rows],
        "epochs": [e.epoch for e in rows],
        "times": [e.time for e in rows],
        "losses": [e.loss for e in rows],
        "learning_rates": [math.nan if e.learning_rate is None else e.learning_rate for e in rows],
        "gradient_norms": [e.gradient_norm for e in rows],
        "paces": [e.examples_per_second for e in rows],
    }
    for name, values in columns.items():
        np.testing.assert_array_equal(getattr(found, name), np.array(values, np.float64), err_msg=name)
    measured = [(e, name, value) for e in events if isinstance(e, Evaluated) for name, value in e.metrics.items()]
    assert list(found.measured) == list(dict.fromkeys(name for _, name, _ in measured))
    for name, metric in found.measured.items():
        np.testing.assert_array_equal(metric.values, [value for _, other, value in measured if other == name])
        np.testing.assert_array_equal(metric.steps, [e.step for e, other, _ in measured if other == name])
        np.testing.assert_array_equal(metric.epochs, [e.epoch for e, other, _ in measured if other == name])
    for name, kind in (("alerts", Alerted), ("entered", Entered), ("examined", Examined)):
        assert getattr(found, name) == tuple(e for e in events if isinstance(e, kind))
    assert found.started == next((e for e in events if isinstance(e, Started)), None)
    assert found.finished == next((e for e in events if isinstance(e, Finished)), None)


def test_what_a_whole_record_says(tmp_path: Path) -> None:
    found = history_of(tmp_path, text_of(RECORD))
    assert (found.metric, found.step, found.epoch, found.saved) == ("validation/loss", 20, 2.0, 2)
    assert found.best == Peak(0.5, 10, 1.0)
    assert found.duration == 7.5
    assert found.seconds.tolist() == [1.0, 2.0, 4.0, 5.0]
    assert found.measured["validation/loss"].seconds.tolist() == [3.0, 6.0]
    assert found.last_measured["validation/accuracy"] == 0.5


def test_a_resumed_run_is_one_without_the_gap_and_without_what_it_went_back_behind(tmp_path: Path) -> None:
    events = (
        started(100.0),
        stepped(101, 5),
        evaluated(102, 5, True, loss=0.5),
        stepped(103, 10),
        evaluated(104, 10, True, loss=0.1),
        started(500.0, 5),
        stepped(502, 10, 0.25),
        evaluated(503, 10, False, loss=0.75),
    )
    found = history_of(tmp_path, text_of(events))
    assert found.started == events[0]
    assert found.steps.tolist() == [5, 10]
    assert found.losses.tolist() == [0.5, 0.25]
    assert found.seconds.tolist() == [1.0, 6.0]  # the first session lasted 4 seconds
    assert found.measured["validation/loss"].values.tolist() == [0.5, 0.75]
    assert found.measured["validation/loss"].seconds.tolist() == [2.0, 7.0]
    assert found.best == Peak(0.5, 5, 0.5)
    assert (found.duration, found.finished) == (7.0, None)


def test_each_phase_is_judged_by_its_own_metric(tmp_path: Path) -> None:
    entered = Entered(104, 10, "tuning", 2, 20, 10, 8, 3, "validation/accuracy", True)
    first = (started(), evaluated(102, 5, True, loss=0.5, accuracy=0.9), entered)
    assert history_of(tmp_path, text_of(first)).best is None
    found = history_of(tmp_path, text_of((*first, evaluated(106, 15, True, loss=0.75, accuracy=0.25))))
    assert (found.metric, found.best) == ("validation/accuracy", Peak(0.25, 15, 1.5))


def test_of_nothing_there_is_nothing(tmp_path: Path) -> None:
    found = read_history(tmp_path)
    assert (found.started, found.finished, found.best, found.duration, found.step, found.epoch) == (
        *(None,) * 4,
        0,
        0.0,
    )
    assert (len(found.losses), len(found.seconds), found.measured, found.last_measured) == (0, 0, {}, {})


def test_a_long_record_is_read_at_once(tmp_path: Path) -> None:
    rows = [stepped(101 + i / 7, i, 1 / i) for i in range(1, 20001)]
    (tmp_path / EVENTS).write_text(text_of((started(), *rows)))
    begun = time.process_time()
    found = read_history(tmp_path)
    assert found.losses[-1] == 1 / 20000
    assert len(found.steps) == 20000
    assert time.process_time() - begun < 0.5  # some 0.05 where nothing else runs
