"""Several losses, outputs and targets; targets that are inputs, or of each position; penalties on activity."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import pytest

from netspec.build import build
from netspec.build.network import Result
from netspec.build.program import Program
from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.graph.facts import Facts, InputFacts, TargetFacts
from netspec.spec.call import Shape
from netspec.spec.decode import decode

RNG = np.random.default_rng(0)
EXAMPLES = {"train": 6, "validation": 2, "test": 0}
TWO = TargetFacts("class", ("no", "yes"), Shape(()))
THREE = TargetFacts("class", tuple("abc"), Shape(()))


def program(
    model: str, losses: str, inputs: Mapping[str, InputFacts], targets: Mapping[str, TargetFacts], data: str = ""
) -> Program:
    text = f"""
[data]
source = "iris"
{data}
[model]
{model}
{losses}
[optimizer]
kind = "sgd"
learning_rate = 0.1
[train]
epochs = 1
batch = 2
"""
    return build(decode(parse(text, "x.toml")), Facts(inputs, targets, EXAMPLES))


def vector(width: int) -> dict[str, InputFacts]:
    return {"input": InputFacts(Shape((width,)), "float32")}


HEADS = """
layers = [
  { dense = 4, name = "hidden" }, { dense = 1, name = "same" }, { dense = 3, from = "hidden", name = "digit" },
]
outputs = ["same", "digit"]
"""
BOTH = """
[[loss]]
kind = "binary_cross_entropy"
output = "same"
target = "is_same"
[[loss]]
kind = "cross_entropy"
output = "digit"
target = "label"
weight = 0.5
"""


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def picked(logits: np.ndarray, classes: np.ndarray) -> np.ndarray:
    log = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return -np.take_along_axis(log, classes[..., None], -1)[..., 0]


def test_losses_are_weighed_and_added() -> None:
    objective = program(HEADS, BOTH, vector(5), {"is_same": TWO, "label": THREE}).objective
    same, digit = RNG.normal(size=(6, 1)), RNG.normal(size=(6, 3))
    targets = {"is_same": RNG.integers(0, 2, 6), "label": RNG.integers(0, 3, 6)}
    sides = 2.0 * targets["is_same"][:, None] - 1
    first, second = softplus(-sides * same).mean(), picked(digit, targets["label"]).mean()
    result = Result({"same": jnp.asarray(same), "digit": jnp.asarray(digit)}, {}, {})
    assert float(objective.value({}, result, {}, targets)) == pytest.approx(first + 0.5 * second, rel=1e-6)
    counts = np.array([True] * 5 + [False])
    measured = {name: m.finish(m.sums(result.outputs, {}, targets, counts)) for name, m in objective.metrics.items()}
    assert measured["digit/accuracy"] == pytest.approx((digit.argmax(-1) == targets["label"])[:5].mean())
    assert measured["same/accuracy"] == pytest.approx(((same > 0)[:, 0] == targets["is_same"])[:5].mean())
    first, second = softplus(-sides * same)[:5].mean(), picked(digit, targets["label"])[:5].mean()
    assert measured["loss"] == pytest.approx(first + 0.5 * second, rel=1e-6)
    assert objective.main == "same/accuracy"


def test_the_target_may_be_the_input() -> None:
    layers = 'layers = [{ dense = 2 }, { dense = "$features" }]'
    loss = '[loss]\nkind = "squared_error"'
    objective = program(layers, loss, vector(5), {"target": THREE}, data='target = "input"').objective
    x, y = RNG.normal(size=(6, 5)), RNG.normal(size=(6, 5))
    result = Result({"output": jnp.asarray(y)}, {}, {})
    found = objective.value({}, result, {"input": jnp.asarray(x)}, {"target": np.zeros(6, np.int32)})
    assert float(found) == pytest.approx(((x - y) ** 2).mean(), rel=1e-6)


SEQUENCE = {"input": InputFacts(Shape((4,)), "int32", 3)}
STEPS = {"target": TargetFacts("class", tuple("abc"), Shape((4,)), padded=True)}
CROSS = '[loss]\nkind = "cross_entropy"'


def test_a_class_for_each_position_counts_where_there_is_one() -> None:
    built = program("layers = [{ embed = 3, vocabulary = 3 }]", CROSS, SEQUENCE, STEPS)
    logits = RNG.normal(size=(2, 4, 3))
    targets = np.array([[0, 2, 1, -1], [1, -1, -1, -1]])
    valid = targets >= 0
    each = picked(logits, np.maximum(targets, 0))
    result = Result({"output": jnp.asarray(logits)}, {}, {})
    found = built.objective.value({}, result, {}, {"target": targets})
    assert float(found) == pytest.approx(each[valid].mean(), rel=1e-6)
    sums = built.objective.metrics["perplexity"].sums(result.outputs, {}, {"target": targets}, np.array([True, True]))
    assert built.objective.metrics["perplexity"].finish(sums) == pytest.approx(np.exp(each[valid].mean()), rel=1e-5)


def test_one_prediction_is_held_against_the_last_position() -> None:
    layers = "layers = [{ embed = 3, vocabulary = 3 }, { take = -1 }]"
    built = program(layers, CROSS, SEQUENCE, {"target": TargetFacts("class", tuple("abc"), Shape((4,)))})
    logits, targets = RNG.normal(size=(2, 3)), np.array([[0, 2, 1, 1], [1, 0, 2, 0]])
    found = built.objective.value({}, Result({"output": jnp.asarray(logits)}, {}, {}), {}, {"target": targets})
    assert float(found) == pytest.approx(picked(logits, targets[:, -1]).mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        ("{ l1 = 0.3, of = 'code' }", lambda a: 0.3 * np.abs(a).sum() / len(a)),
        ("{ l2 = 0.3, of = 'code' }", lambda a: 0.15 * (a**2).sum() / len(a)),
        (
            "{ sparsity = 0.3, share = 0.1, of = 'code' }",
            lambda a: 0.3 * (0.1 * np.log(0.1 / a.mean(0)) + 0.9 * np.log(0.9 / (1 - a.mean(0)))).sum(),
        ),
    ],
)
def test_a_penalty_may_be_on_what_a_layer_gives(penalty: str, expected: object) -> None:
    layers = 'layers = [{ dense = 7, name = "code" }, { dense = 3 }]'
    objective = program(layers, f"{CROSS}\npenalties = [{penalty}]", vector(5), {"target": THREE}).objective
    activity, logits = RNG.uniform(0.1, 0.9, size=(6, 7)), RNG.normal(size=(6, 3))
    targets = {"target": RNG.integers(0, 3, 6)}
    plain = picked(logits, targets["target"]).mean()
    result = Result({"output": jnp.asarray(logits)}, {}, {"code": jnp.asarray(activity)})
    assert objective.also == {"code"}
    assert float(objective.value({}, result, {}, targets)) - plain == pytest.approx(expected(activity), rel=1e-4)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('output = "same"', 'output = "sane"', "the network has no output 'sane'"),
        ('output = "same"\n', "", "does not say which output it judges"),
        ('target = "label"', 'target = "lable"', "the data has no target 'lable'"),
        ('target = "label"\n', "", "does not say what 'digit' is held against"),
    ],
)
def test_what_is_not_there_is_said(old: str, new: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        program(HEADS, BOTH.replace(old, new), vector(5), {"is_same": TWO, "label": THREE})
