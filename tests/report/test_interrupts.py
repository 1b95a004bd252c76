from __future__ import annotations

import io
import signal
import time

import pytest

from netspec.report.live.interrupts import Interrupts
from netspec.report.live.lines import Lines
from netspec.report.progress import Progress


class Recorder(Lines):
    def __init__(self):
        super().__init__(io.StringIO(), Progress())
        self.said = []

    def stopping(self):
        self.said.append("stopping")

    def release(self):
        self.said.append("release")


def heard(recorder, count):
    end = time.monotonic() + 30
    while len(recorder.said) < count and time.monotonic() < end:
        time.sleep(0.005)
    return recorder.said


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_and_a_second_ctrl_c_leaves(first):
    recorder, before = Recorder(), signal.getsignal(signal.SIGINT)
    interrupts = Interrupts(recorder)

    def train():
        with interrupts:
            signal.raise_signal(first)
            assert interrupts.requested
            assert heard(recorder, 1) == ["stopping"]
            signal.raise_signal(signal.SIGTERM)  # never more than asks
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train()
    assert heard(recorder, 2) == ["stopping", "release"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_that_was_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts(Recorder()) as interrupts:
            signal.raise_signal(signal.SIGINT)
            assert not interrupts.requested
    finally:
        signal.signal(signal.SIGINT, before)
