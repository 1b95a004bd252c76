"""What changes over time, as `inspect` tells it: schedules with all their corners, other numbers in a line each."""

from __future__ import annotations

import pytest

from netspec.document import parse
from netspec.graph.facts import Facts
from netspec.report.inspection.inspect import inspect, to_json
from netspec.report.inspection.schedule_lines import corners
from netspec.report.inspection.view import view
from netspec.spec.call import Shape
from netspec.spec.clock import Clock
from netspec.spec.decode import decode
from netspec.spec.schedules import Schedule

MODEL = (
    '[model]\nlayers = [{ dense = 4 }, "relu", { dropout = { linear = [0.1, 0.5], over = "50%" } }, { dense = 2 }]\n'
)
TRAINING = """[loss]
kind = "cross_entropy"
smoothing = { linear = [0.1, 0.0] }
penalties = [{ l2 = { exponential = [1e-3, 1e-5] } }]
[optimizer]
kind = "sgd"
learning_rate = 0.5
momentum = { step = [0.5, 0.9], at = ["10 epochs"] }
[train]
steps = 1000
batch = 10
"""
FACTS = Facts.of(Shape((3,)), ("a", "b"), examples={"train": 100, "validation": 20, "test": 0})


def lines(schedule: str, width: int = 80) -> list[str]:
    spec = decode(parse(f"{MODEL}{TRAINING}[schedule]\n{schedule}", "x.toml"))
    return [line.plain for line in view(inspect(spec, FACTS), width, colour=False).lines]


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("kind", sorted(Schedule.kinds))
def test_every_schedule_is_drawn(kind: str, width: int) -> None:
    from netspec.spec.examples import example

    (_, _, body) = example(Schedule.kinds[kind]).partition("\n")
    found = lines(f'{body}\nwarmup = "10%"', width)
    at = next(i for i, line in enumerate(found) if line.startswith("schedule"))
    assert kind in found[at]
    chart = found[next(i for i, line in enumerate(found) if "learning rate" in line) :]
    assert len(chart) == 8
    assert all(len(line) <= width for line in found)
    # The warm-up: the curve begins at the bottom of the chart, and is above a tenth of its width later.
    rows = [row[7:] for row in chart[1:6]]
    assert any(c not in " │┤" for c in rows[-1][:3])
    assert any(c not in " │┤" for row in rows[:4] for c in row[width // 10 : width // 5 + 4])


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ('kind = "constant"', set()),
        ('kind = "constant"\nwarmup = 5', {4, 5}),
        ('kind = "step"\nat = [30, 60]\nwarmup = 10', {9, 10, 29, 30, 59, 60}),
        ('kind = "step"\nevery = 40', {39, 40, 79, 80}),
        ('kind = "cyclic"\nevery = 50\nwarmup = 10', {9, 10, 34, 35, 59, 60, 84, 85}),
        ('kind = "one_cycle"', {29, 30, 99, 100}),
        ('kind = "warm_restarts"\nevery = 20\nmultiply = 2', {0, 19, 20, 59, 60}),
        ('kind = "trapezoid"\nwarmup = 20', {19, 20, 79, 80, 99, 100}),
        (
            'kind = "join"\npieces = [{ linear = [0, 1] }, { cyclic = [1, 0], every = 20 }]\nat = [50]',
            {49, 50, 59, 60, 69, 70, 79, 80, 89, 90, 99, 100},
        ),
    ],
)
def test_corners_are_drawn(schedule: str, expected: set[int]) -> None:
    spec = decode(parse(f"{MODEL}[schedule]\n{schedule}", "x.toml"))
    assert spec.schedule is not None
    assert corners(spec.schedule.lower(Clock(100, 10)), 100) == expected


def test_what_changes_over_time_is_listed() -> None:
    spec = decode(parse(MODEL + TRAINING, "x.toml"))
    (phase,) = to_json(inspect(spec, FACTS))["phases"]
    assert phase["changes"] == [
        {"what": "dropout1", "numbers": "0.1 → 0.5", "how": "linear, over = 50%"},
        {"what": "loss.penalties[0].l2", "numbers": "0.001 → 1e-5", "how": "exponential"},
        {"what": "loss.smoothing", "numbers": "0.1 → 0", "how": "linear"},
        {"what": "optimizer.momentum", "numbers": "0.5 → 0.9", "how": "step, at = [10 epochs]"},
    ]
    assert "over time                dropout1: 0.1 → 0.5, linear, over = 50%" in lines('kind = "constant"')


def test_a_plateau_says_what_it_follows() -> None:
    found = lines('kind = "plateau"\nmetric = "validation/accuracy"')
    assert any(line.endswith("less when validation/accuracy gets no better") for line in found)
