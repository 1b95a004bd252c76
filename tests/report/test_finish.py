from __future__ import annotations

import dataclasses

import pytest

from netspec.report.finish import summaries, summary
from netspec.report.progress import Progress

DONE = """\
Trained 1,200 steps: test accuracy 0.9778.
  best        validation accuracy 0.9738 at step 1,080, epoch 27
  validation  accuracy 0.9738
  test        accuracy 0.9778, loss 0.0712
  time        0:32, 8 % of it compiling
  run         runs/lenet5-3

  next        netspec evaluate runs/lenet5-3
              netspec compare runs/lenet5-3 RUN"""

INTERRUPTED = """\
Stopped at step 492 of 1,200; it can go on from there.
  best        validation accuracy 0.9659 at step 480, epoch 12
  time        0:14, 17 % of it compiling
  run         runs/lenet5-3

  next        netspec resume runs/lenet5-3"""

STOPPED = INTERRUPTED.replace("; it can go on from there.", ": its process ended without a word.")

DIVERGED = """\
Diverged at step 36.
  why         the loss is not a number; conv2 was the first
  help        a lower learning rate
  time        0:03, 78 % of it compiling
  run         runs/lenet5-3

  next        netspec inspect runs/lenet5-3"""


@pytest.mark.parametrize(
    ("step", "reason", "expected"),
    [
        (1200, "done", DONE),
        (492, "interrupted", INTERRUPTED),
        (492, "stopped", STOPPED),
        (36, "diverged", DIVERGED),
    ],
)
def test_the_end_as_text(training, step, reason, expected):
    assert summary(training(step, reason)).plain == expected


def test_a_path_is_quoted_and_cannot_steer_the_terminal(training):
    progress = training(1200, "done")
    for run, shown in (("my runs/a", "'my runs/a'"), ("a\x1b[2J", "a\\x1b[2J")):
        finished = dataclasses.replace(progress.finished, run=run)
        text = summary(dataclasses.replace(progress, finished=finished)).plain
        assert shown in text
        assert "\x1b" not in text


def test_what_is_not_recorded_names_no_command(training):
    progress = training(1200, "done")
    text = summary(dataclasses.replace(progress, finished=dataclasses.replace(progress.finished, run=""))).plain
    assert "netspec" not in text
    assert "test accuracy 0.9778" in text


def test_before_the_end_there_is_none(training):
    assert summary(training(492)).plain == summary(Progress()).plain == ""


def test_several_have_a_line_each(training):
    several = [training(1200, "done"), training(492, "failed"), training(492)]
    assert summaries(several[:1]).plain == DONE
    assert (
        summaries(several).plain
        == """\
runs/lenet5-3  Trained 1,200 steps: test accuracy 0.9778.
runs/lenet5-3  Failed at step 492 of 1,200.

  next        netspec resume runs/lenet5-3
              netspec compare runs/lenet5-3 runs/lenet5-3"""
    )
