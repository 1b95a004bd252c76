"""What an ensemble says and reaches, against NumPy by hand; its members' own metrics, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logsumexp, softmax
from test_step import Part

from netspec.build import Program, build
from netspec.document import parse
from netspec.graph.facts import Facts, InputFacts, TargetFacts
from netspec.spec.call import Shape
from netspec.spec.decode import decode
from netspec.train.measure import Measure, outputs_of
from netspec.train.state import Weights

MEMBERS, EXAMPLES, FEATURES = 3, 50, 4
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(EXAMPLES, FEATURES)).astype(np.float32)
Array = np.ndarray[Any, Any]


def program(loss: str, width: int, target: TargetFacts) -> Program:
    text = f"""
[model]
layers = [{{ dense = {width} }}]
[loss]
kind = "{loss}"
[optimizer]
kind = "sgd"
learning_rate = 0.1
[train]
epochs = 1
batch = 8
members = {MEMBERS}
"""
    examples = {"train": EXAMPLES, "validation": 0, "test": 0}
    inputs = {"input": InputFacts(Shape((FEATURES,)), "float32")}
    return build(decode(parse(text, "x.toml")), Facts(inputs, {"target": target}, examples))


def weights(width: int) -> Weights:
    kernel, bias = RANDOM.normal(size=(MEMBERS, FEATURES, width)), RANDOM.normal(size=(MEMBERS, width))
    return Weights({"dense1/kernel": kernel.astype(np.float32), "dense1/bias": bias.astype(np.float32)}, {})


def outputs(of: Weights) -> Array:
    """[members, examples, width]."""
    return X @ of.parameters["dense1/kernel"].astype(np.float64) + of.parameters["dense1/bias"][:, None]


def cross_entropy(p: Array, y: Array) -> dict[str, float]:
    right = p[np.arange(len(y)), y]
    return {"loss": -np.log(right).mean(), "accuracy": (p.argmax(-1) == y).mean()}


def two_classes(p: Array, y: Array) -> dict[str, float]:
    p = p[:, 0]
    return {"loss": -np.log(np.where(y == 1, p, 1 - p)).mean(), "accuracy": ((p > 0.5) == y).mean()}


def hinge(margin: Array, y: Array) -> dict[str, float]:
    side = 2 * y - 1
    return {"loss": np.maximum(0, 1 - side * margin[:, 0]).mean(), "accuracy": ((margin[:, 0] > 0) == y).mean()}


def squared_error(value: Array, y: Array) -> dict[str, float]:
    error = ((value - y) ** 2).mean()
    return {"loss": error, "root_mean_squared_error": np.sqrt(error)}


THREE, TWO = TargetFacts("class", tuple("abc"), Shape(())), TargetFacts("class", ("no", "yes"), Shape(()))
NUMBERS = TargetFacts("number", (), Shape((2,)))
CLASSES = {2: RANDOM.integers(0, 2, EXAMPLES).astype(np.int32), 3: RANDOM.integers(0, 3, EXAMPLES).astype(np.int32)}
Judged = Callable[[Array, Array], dict[str, float]]

# The loss, how wide the output is, the target, what one network's output means, and what is made of the meaning.
CASES: dict[str, tuple[int, TargetFacts, Array, Callable[[Array], Array], Judged]] = {
    "cross_entropy": (3, THREE, CLASSES[3], lambda z: softmax(z, axis=-1), cross_entropy),
    "binary_cross_entropy": (1, TWO, CLASSES[2], expit, two_classes),
    "hinge": (1, TWO, CLASSES[2], lambda z: z, hinge),
    "squared_error": (2, NUMBERS, RANDOM.normal(size=(EXAMPLES, 2)).astype(np.float32), lambda z: z, squared_error),
}


def test_equal_members_lie_nothing_apart() -> None:
    assert np.std([0.8, 0.8, 0.8]) > 0  # by rounding alone
    width, facts, y, _, _ = CASES["cross_entropy"]
    of = weights(width)
    alike = Weights({path: np.repeat(value[:1], MEMBERS, 0) for path, value in of.parameters.items()}, {})
    part = Part({"input": X}, {"target": y})
    (found,) = Measure(program("cross_entropy", width, facts).last, part, 2**30, MEMBERS, ensemble=True)(alike)
    assert {value for name, value in found.items() if name.startswith("spread/")} == {0.0}


@pytest.mark.parametrize("loss", CASES)
def test_members_speak_as_the_mean_of_what_they_mean(loss: str) -> None:
    width, facts, y, meaning, judged = CASES[loss]
    phase, of = program(loss, width, facts).last, weights(width)
    part = Part({"input": X}, {"target": y})
    (found,) = Measure(phase, part, 2**30, MEMBERS, ensemble=True)(of)
    each = meaning(outputs(of))
    alone = [judged(one, y) for one in each]
    for name, value in judged(each.mean(axis=0), y).items():
        own = [metrics[name] for metrics in alone]
        assert found[name] == pytest.approx(value, rel=1e-5), name
        assert found[f"member/{name}"] == pytest.approx(np.mean(own), rel=1e-5), name
        assert found[f"spread/{name}"] == pytest.approx(np.std(own), rel=1e-4), name
    assert {name.partition("/")[0] for name in found} - set(phase.objective.metrics) == {"member", "spread"}


@pytest.mark.parametrize("capacity", [0, 2**30])
def test_runs_side_by_side_are_measured_each_for_itself(capacity: int) -> None:
    width, facts, y, meaning, judged = CASES["cross_entropy"]
    phase, of = program("cross_entropy", width, facts).last, weights(width)
    measured = Measure(phase, Part({"input": X}, {"target": y}), capacity, MEMBERS)(of)
    for found, each in zip(measured, meaning(outputs(of)), strict=True):
        for name, value in judged(each, y).items():
            assert found[name] == pytest.approx(value, rel=1e-5), name
        assert found.keys() == phase.objective.metrics.keys()


def test_sure_members_that_disagree_are_rounded_to_no_side() -> None:
    """The mean of σ(60) and σ(-60) is a half, of σ(90), σ(90) and σ(-90) two thirds: neither is 0 or 1."""
    phase = program("binary_cross_entropy", 1, TWO).last
    of = Weights({"dense1/kernel": np.zeros((3, 4, 1), np.float32), "dense1/bias": np.float32([[90], [90], [-90]])}, {})
    part = Part({"input": X[:1]}, {"target": np.array([1], np.int32)})
    (found,) = Measure(phase, part, 2**30, MEMBERS, ensemble=True)(of)
    assert found["loss"] == pytest.approx(-np.log(2 / 3), rel=1e-5)
    phase = program("cross_entropy", 3, THREE).last
    bias = np.float32([[200, 0, 0], [0, 200, 0], [0, 200, 0]])
    of = Weights({"dense1/kernel": np.zeros((3, 4, 3), np.float32), "dense1/bias": bias}, {})
    (found,) = Measure(phase, Part(part.inputs, {"target": np.array([2], np.int32)}), 2**30, MEMBERS, ensemble=True)(of)
    logs = np.stack([one - logsumexp(one) for one in bias.astype(np.float64)])
    assert found["loss"] == pytest.approx(-(logsumexp(logs[:, 2]) - np.log(3)), rel=1e-5)


def test_outputs_are_of_each_network() -> None:
    of = weights(3)
    found = outputs_of(program("cross_entropy", 3, THREE).last, of, {"input": X}, MEMBERS)
    np.testing.assert_allclose(found, outputs(of), rtol=1e-4, atol=1e-5)
