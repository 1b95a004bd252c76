from __future__ import annotations

import io

from made_events import events

from netspec.report.live.lines import LINE_SECONDS, SPARE_LINES, Lines
from netspec.report.progress import Progress
from netspec.runs.events import Evaluated, Examined


def test_lines_are_one_an_epoch_and_plain():
    stream = io.StringIO()
    with Lines(stream, Progress()) as lines:
        for event in events(492, "done"):
            lines.show(event)
    written = stream.getvalue().splitlines()
    assert len(written) == 1 + 12 + 1  # begun, epochs, done
    assert stream.getvalue().isascii()
    assert not set(stream.getvalue()) & set("\r\x1b")
    assert written[0] == (
        'run=runs/lenet5-3 name=lenet5 device="cpu, 2 cores" seed=0 parameters=61706 batch=32 step=0 steps=1200'
    )
    assert written[1].startswith("step=40 steps=1200 epoch=1 elapsed=3 left=")
    assert written[1].endswith("validation/loss=1.7884 validation/accuracy=0.48814 best=true")
    assert written[-1].startswith("finished=done step=492 seconds=")


def test_the_look_at_the_layers_gets_no_line():
    stream = io.StringIO()
    with Lines(stream, Progress()) as lines:
        for event in (*events(40), Examined(1e10, 40, {"conv1": {"gradient": 1.0}}, 1, 2, 3)):
            lines.show(event)
        assert lines.progress.examined is not None
    assert [line.partition("=")[0] for line in stream.getvalue().splitlines()] == ["run", "step"]


def test_a_long_epoch_says_something_every_few_seconds():
    stream = io.StringIO()
    steps = [e for e in events(1200) if e.event in ("started", "stepped")]
    with Lines(stream, Progress()) as lines:
        for event in steps:
            lines.show(event)
    seconds = steps[-1].time - steps[0].time
    assert abs(len(stream.getvalue().splitlines()) - seconds / LINE_SECONDS) <= 2


def test_epochs_of_one_step_do_not_fill_a_log():
    stream, pace = io.StringIO(), 0.01
    with Lines(stream, Progress()) as lines:
        for step in range(1, 20_001):
            lines.show(Evaluated(1e9 + pace * step, step, float(step), {"train/loss": 1 / step}, 1e-4, False))
    written = stream.getvalue().splitlines()
    assert abs(len(written) - (SPARE_LINES + 20_000 * pace / LINE_SECONDS)) <= 1
    assert written[99].startswith("step=100 ")
