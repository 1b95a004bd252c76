from __future__ import annotations

import io
import json

from made_events import events

from netspec.report.live.display import Display
from netspec.report.live.objects import Objects
from netspec.report.progress import Progress
from netspec.runs.events import Stepped, from_json


class Pipe(io.StringIO):
    """A stream that knows what had arrived at each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[str] = []

    def flush(self) -> None:
        self.arrived.append(self.getvalue())


def test_each_event_is_one_object_on_one_line_and_arrives_at_once() -> None:
    pipe, training = Pipe(), list(events(80, "done"))
    display: Display = Objects(pipe, Progress())
    with display:
        for i, event in enumerate(training):
            display.show(event)
            assert pipe.arrived[-1].count("\n") == i + 1
        display.stopping()
        display.release()
        display.hold()
    lines = pipe.getvalue().splitlines()
    assert [from_json(json.loads(line)) for line in lines] == training
    assert json.loads(lines[-1])["event"] == "finished"
    assert display.progress.step == 80
    assert display.progress.finished == training[-1]


def test_a_number_that_is_not_finite_is_named_and_text_keeps_to_ascii() -> None:
    stream = io.StringIO()
    with Objects(stream, Progress()) as display:
        display.show(Stepped(0.0, 1, 0.1, float("nan"), None, float("inf"), 1.0))
    written = json.loads(stream.getvalue(), parse_constant=lambda name: 1 / 0)
    assert (written["loss"], written["gradient_norm"], written["learning_rate"]) == ("nan", "inf", None)


def test_a_resumed_training_goes_on_from_its_state(training) -> None:  # type: ignore[no-untyped-def]
    before = training(40)
    with Objects(io.StringIO(), before) as display:
        assert display.progress == before
        display.show(Stepped(before.time + 1, 44, 1.1, 0.5, 1e-3, 1.0, 100.0))
    assert (display.progress.step, display.progress.best) == (44, before.best)
