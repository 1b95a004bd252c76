"""Training one step at a time: the same steps as a training's, and the learning rate that is found by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.build import build
from netspec.build.program import Program
from netspec.commands.learning_rate import find_rate
from netspec.commands.specs import dataset_of, load, program_of
from netspec.data import Part, nothing
from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.graph.facts import NOTHING, Facts
from netspec.runs.events import Finished, Stepped
from netspec.spec.call import Shape
from netspec.spec.decode import decode
from netspec.train.loop import train
from netspec.train.range_test import RangeTest, range_test, smoothed
from netspec.train.walk import path_of, walk

POINT = """
[model]
point = [-1.5, 2.0]

[loss]
kind = "rosenbrock"

[optimizer]
{optimizer}

[train]
steps = 40
{more}
"""


def of_point(optimizer: str, more: str = "") -> Program:
    return build(decode(parse(POINT.format(optimizer=optimizer, more=more), "x.toml")), NOTHING)


def test_a_path_is_gradient_descents() -> None:
    found, diverged = path_of(of_point('kind = "sgd"\nlearning_rate = 1e-3'), nothing())
    x, y = -1.5, 2.0
    expected = [(x, y)]
    for _ in range(40):
        slope = -2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)
        x, y = x - 1e-3 * slope[0], y - 1e-3 * slope[1]
        expected.append((x, y))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert not diverged


def test_a_path_ends_where_it_is_no_number() -> None:
    found, diverged = path_of(of_point('kind = "sgd"\nlearning_rate = 1.0'), nothing())
    assert diverged
    assert np.isfinite(found).all()
    assert 2 < len(found) < 20


CASES = {
    "adam": ('kind = "adam"\nlearning_rate = 0.1', ""),
    "stopped": ('kind = "adam"\nlearning_rate = 0.1', "stop = { target = 3.0 }\nevaluate = 1"),
    "averaged": ('kind = "sgd"\nlearning_rate = 1e-3', "ema = 0.9"),
    "plateau": (
        'kind = "sgd"\nlearning_rate = 1e-3\nmomentum = 0.9',
        'evaluate = 2\n[schedule]\nkind = "plateau"\nmetric = "train/loss"\npatience = 1',
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_goes_as_a_training_goes(case: str) -> None:
    """Its steps and its end are those of the trainer, whatever evaluations decide."""
    program = of_point(*CASES[case])
    events = list(train(program, nothing()))
    finished = events[-1]
    walked = list(walk(program, nothing()))
    assert isinstance(finished, Finished)
    assert len(walked) == finished.step
    stepped = [e for e in events if isinstance(e, Stepped)]
    assert walked[-1].loss == pytest.approx(stepped[-1].loss, rel=1e-6)
    points, _ = path_of(program, nothing())
    x, y = points[-1]
    assert (1 - x) ** 2 + 100 * (y - x * x) ** 2 == pytest.approx(finished.metrics["train/loss"], rel=1e-4)


REGRESSION = """
[model]
layers = [{ dense = 1, bias = false }]

[loss]
kind = "squared_error"

[optimizer]
kind = "sgd"
learning_rate = 0.1

[train]
steps = 10
batch = "all"
"""


def regression(scale: float, noise: float = 0.1) -> tuple[Program, Any, float]:
    """Linear regression, its data, and the largest rate at which gradient descent is stable: 2 / λmax."""
    random = np.random.default_rng(0)
    x = (random.normal(size=(200, 4)) * scale).astype(np.float32)
    y = (x @ [[1.0], [-2.0], [0.5], [3.0]] / scale + noise * random.normal(size=(200, 1))).astype(np.float32)
    examples = {"train": 200, "validation": 0, "test": 0}
    program = build(decode(parse(REGRESSION, "x.toml")), Facts.of(Shape((4,)), outputs=1, examples=examples))
    part, none = Part({"input": x}, {"target": y}), Part({"input": x[:0]}, {"target": y[:0]})
    hessian = 2 * x.T.astype(np.float64) @ x / len(x)

    class Parts:
        train, validation, test = part, none, none

    return program, Parts(), 2 / float(np.linalg.eigvalsh(hessian)[-1])


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_divergence_is_near_the_largest_stable_rate(scale: float) -> None:
    program, parts, stable = regression(scale)
    found = range_test(program, parts, 1e-7, 1e3, 120)
    assert stable / 3 < found.least < 3 * stable
    assert found.diverged is not None
    assert stable < found.diverged < 10 * stable
    assert found.suggested is not None
    assert stable / 50 < found.suggested < stable / 2
    assert found.steepest < stable
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 120
    np.testing.assert_allclose(np.diff(np.log(found.rates)), np.log(1e10) / 119)


def test_rates_that_are_too_small_suggest_nothing() -> None:
    program, parts, _ = regression(1.0)
    found = range_test(program, parts, 1e-9, 1e-7, 30)
    assert (found.suggested, found.diverged, len(found.rates)) == (None, None, 30)


def test_smoothing_keeps_lines_and_moves_nothing() -> None:
    line = np.arange(50.0)
    np.testing.assert_allclose(smoothed(list(line), 2.0)[10:40], line[10:40])
    peak = smoothed([0.0] * 20 + [1.0] + [0.0] * 20, 2.0)
    assert np.argmax(peak) == 20
    np.testing.assert_allclose(peak, peak[::-1])
    assert peak.sum() == pytest.approx(1.0, abs=1e-6)


SGD = 'kind = "sgd"\nlearning_rate = 0.5'


@pytest.mark.parametrize(
    "optimizer",
    [
        'kind = "sgd"\nlearning_rate = { linear = [0.1, 0.01] }',
        "chain = [{ scale_by_learning_rate = 0.3 }]",
    ],
)
def test_the_rate_grows_wherever_it_stands(optimizer: str) -> None:
    """What the spec says of it is no matter."""
    found, expected = (range_test(of_point(o), nothing(), 1e-7, 1.0, 40) for o in (optimizer, SGD))
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-3)
    assert found.suggested == pytest.approx(expected.suggested, rel=0.1)


@pytest.mark.parametrize("optimizer", ['kind = "lbfgs"', 'kind = "adafactor"', 'kind = "sgd"\nlearning_rate = 0.0'])
def test_an_optimizer_without_a_rate_is_told(optimizer: str) -> None:
    with pytest.raises(SpecError) as error:
        range_test(of_point(optimizer), nothing(), 1e-7, 1.0, 30)
    assert error.value.diagnostics[0].code == "learning-rate"


def test_what_is_suggested_for_the_digits_trains() -> None:
    path = Path(__file__).parents[2] / "specs" / "mlp.toml"
    found = find_rate(load(path)).test
    assert isinstance(found, RangeTest)
    assert found.suggested is not None
    opened = load(path, [f"optimizer.learning_rate={found.suggested}", "train.epochs=5"])
    dataset = dataset_of(opened)
    finished = list(train(program_of(opened.spec, dataset.facts), dataset))[-1]
    assert isinstance(finished, Finished)
    assert finished.metrics["validation/accuracy"] > 0.9
