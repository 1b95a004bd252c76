"""Several runs that are trained side by side, seen as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from netspec.runs.events import Alerted, Entered, Evaluated, Event, Finished, Saved, Started, Stepped
from netspec.runs.together import as_one

RUNS = ["runs/xor-2", "runs/xor-3", "runs/xor-4"]
STARTED = Started(0.0, "", "xor", 0, "cpu", 0, 20, 10, 4, {"train": 40}, 9, "validation/loss", False)
ENTERED = Entered(0.0, 10, "second", 2, 20, 10, 4, 9, "validation/loss", False)


def stepped(step: int, loss: float, norm: float = 1.0, rate: float = 100.0) -> Stepped:
    return Stepped(0.0, step, step / 10, loss, 0.1, norm, rate)


def evaluated(step: int, loss: float, best: bool = False, **more: float) -> Evaluated:
    return Evaluated(0.0, step, step / 10, {"validation/loss": loss, **more}, 0.5, best)


def finished(i: int, step: int, loss: float, reason: str = "done") -> Finished:
    return Finished(0.0, RUNS[i], step, step / 10, reason, {"test/loss": loss}, step, 3.0)


def one(*events: tuple[int, Event]) -> list[Event]:
    return list(as_one(events, 3))


def each(*events: Event) -> list[tuple[int, Event]]:
    return list(enumerate(events))


def test_the_mean_of_each_is_told_once() -> None:
    found = one(
        *each(*(replace(STARTED, run=run) for run in RUNS)),
        *each(stepped(5, 1.0, 3.0), stepped(5, 2.0, 6.0), stepped(5, 6.0, 0.0)),
        *each(stepped(10, 1.0), stepped(10, 1.0), stepped(10, 1.0)),
        *each(evaluated(10, 2.0), evaluated(10, 4.0, best=True), evaluated(10, 6.0)),
        *each(*(Saved(0.0, 10, run, 0.1) for run in RUNS)),
        *each(ENTERED, ENTERED, ENTERED),
        *each(finished(0, 20, 1.0), finished(1, 20, 2.0), finished(2, 20, 6.0)),
    )
    assert found == [
        replace(STARTED, run="runs/xor-{2..4}"),
        stepped(5, 3.0, 3.0, 300.0),
        stepped(10, 1.0, 1.0, 300.0),
        evaluated(10, 4.0, best=True),
        Saved(0.0, 10, RUNS[2], 0.1),
        ENTERED,
        replace(finished(2, 20, 3.0), run="runs/xor-{2..4}", best_step=None),
    ]


def test_a_metric_that_not_all_have_is_left_out() -> None:
    found = one(*each(evaluated(5, 1.0, own=3.0), evaluated(5, 2.0), evaluated(5, 3.0)))
    assert found == [evaluated(5, 2.0)]


def test_an_alert_says_whose_it_is() -> None:
    alert = Alerted(0.0, 5, "stopped", "stopped early: enough")
    assert one((1, alert)) == [replace(alert, message="run 2 of 3: stopped early: enough")]


def test_what_happened_before_an_alert_is_told_before_it() -> None:
    alert = Alerted(0.0, 5, "diverged", "the loss was not a finite number")
    found = one((0, stepped(5, 1.0)), (1, alert), (2, stepped(5, 3.0)), *each(*[stepped(9, 1.0)] * 3))
    told = replace(alert, message="run 2 of 3: the loss was not a finite number")
    assert found == [stepped(5, 2.0, 1.0, 200.0), told, stepped(9, 1.0, 1.0, 300.0)]


def test_a_run_that_is_over_is_waited_for_by_none() -> None:
    found = one(
        *each(evaluated(5, 1.0), evaluated(5, 2.0), evaluated(5, 3.0)),
        (1, finished(1, 5, 9.0)),
        (0, stepped(9, 1.0)),
        (2, stepped(9, 3.0)),
        (0, finished(0, 10, 1.0)),
        (2, finished(2, 10, 2.0)),
    )
    assert found[:2] == [evaluated(5, 2.0), stepped(9, 2.0, 1.0, 200.0)]
    assert found[2:] == [replace(finished(2, 10, 4.0), run="runs/xor-{2..4}", best_step=None)]


@pytest.mark.parametrize(
    ("reasons", "reason", "loss"),
    [
        (["done", "done", "done"], "done", 2.0),
        (["diverged", "done", "done"], "done", 2.5),
        (["diverged", "diverged", "diverged"], "diverged", 2.0),
        (["interrupted", "interrupted", "interrupted"], "interrupted", 2.0),
        (["done", "diverged", "interrupted"], "interrupted", 3.0),
        (["done", "interrupted", "diverged"], "interrupted", 2.0),
        (["done", "done", "diverged"], "done", 1.5),
        (["done", "diverged", "failed"], "failed", 3.0),
    ],
)
def test_the_end_of_all(reasons: Sequence[str], reason: str, loss: float) -> None:
    (found,) = one(*each(*(finished(i, 20, float(i + 1), word) for i, word in enumerate(reasons))))
    assert isinstance(found, Finished)
    assert (found.reason, found.metrics) == (reason, {"test/loss": loss})


@pytest.mark.parametrize(
    ("runs", "named"),
    [
        (["runs/a-1"], "runs/a-1"),
        (["runs/a-8", "runs/a-9", "runs/a-10"], "runs/a-{8..10}"),
        (["runs/a-1", "runs/a-2", "runs/a-4"], "runs/a-{1,2,4}"),
        (["runs/a-1", "other/a-2"], "runs/a-1 other/a-2"),
    ],
)
def test_runs_are_named_as_a_shell_takes_them(runs: list[str], named: str) -> None:
    (found,) = as_one([(i, replace(STARTED, run=run)) for i, run in enumerate(runs)], len(runs))
    assert isinstance(found, Started)
    assert found.run == named
