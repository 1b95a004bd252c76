from __future__ import annotations

import pytest
from made_progress import examined, in_phases

from netspec.report.dashboard.keys import USUAL, Looks, charted, looking, turned


@pytest.mark.parametrize(
    ("key", "states"),
    [
        ("l", ["log scale", "linear scale", ""]),
        ("s", ["smoother", "not smoothed", ""]),
        ("m", ["gradient norm", "learning rate", ""]),
        ("f", ["every layer", ""]),
        ("p", ["paused", ""]),
        ("h", ["", ""]),
    ],
)
def test_a_key_pressed_often_enough_changes_nothing(key, states):
    progress, looks = examined(in_phases(2)), Looks()
    for state in states:
        before, looks = looks, turned(looks, key, progress)
        assert looks != before
        assert next(k.state for k in looking(looks) if k.key == key) == state
    assert looks == USUAL


def test_every_key_that_is_named_does_something_and_no_other():
    progress = in_phases(1)
    named = {key.key for key in looking(USUAL)}
    doing = {chr(code) for code in range(32, 127) if turned(USUAL, chr(code), progress) != USUAL}
    assert doing == named | {" ", "?"}


def test_a_pause_keeps_the_state_and_its_metrics():
    progress, later = in_phases(1), in_phases(2)
    paused = turned(USUAL, "p", progress)
    assert paused.paused is progress
    assert turned(paused, "m", later).paused is progress
    assert turned(paused, " ", later) == USUAL


def test_the_metric_that_decides_is_charted_first(training):
    assert charted(training(492)) == ["accuracy", "gradient norm", "learning rate"]
    assert charted(training(0)) == ["accuracy", "gradient norm", "learning rate"]
