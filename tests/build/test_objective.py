"""Losses, penalties and metrics against their equations, in NumPy and float64."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.build import build
from netspec.build.network import Result
from netspec.build.program import Program
from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.graph.facts import Facts
from netspec.spec.call import Shape
from netspec.spec.decode import decode

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 3))
CLASSES = np.array([0, 2, 1, 1, 0, 2])
ONE = RNG.normal(size=(6, 1)) * 2
SIDES = np.array([0, 1, 1, 0, 1, 0])
NUMBERS = RNG.normal(size=(6, 2))
WANTED = RNG.normal(size=(6, 2)) * 3


def facts(kind: str, outputs: int) -> Facts:
    labels = tuple("abc"[:outputs]) if kind == "class" else ()
    examples = {"train": 6, "validation": 2, "test": 0}
    return Facts.of(Shape((4,)), labels, 1 if kind == "class" else outputs, examples)


def program(loss: str, width: int, known: Facts, train: str = "") -> Program:
    text = f"""
[data]
source = "iris"
[model]
input = [4]
layers = [{{ dense = {width} }}]
[loss]
{loss}
[optimizer]
kind = "sgd"
learning_rate = 0.1
[train]
epochs = 1
batch = 2
{train}"""
    return build(decode(parse(text, "x.toml")), known)


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def huber(error: np.ndarray, delta: float) -> np.ndarray:
    return np.where(np.abs(error) <= delta, error**2 / 2, delta * np.abs(error) - delta**2 / 2)


Y = 2.0 * SIDES[:, None] - 1
PICKED = -log_softmax(LOGITS)[np.arange(6), CLASSES]
LOSSES = {
    "cross_entropy": ("kind = 'cross_entropy'", 3, LOGITS, CLASSES, PICKED),
    "smoothed": (
        "kind = 'cross_entropy'\nsmoothing = 0.3",
        3,
        LOGITS,
        CLASSES,
        0.7 * PICKED - 0.3 * log_softmax(LOGITS).mean(-1),
    ),
    "binary": (
        "kind = 'binary_cross_entropy'",
        1,
        ONE,
        SIDES,
        np.log1p(np.exp(-Y * ONE))[:, 0],
    ),
    "hinge": ("kind = 'hinge'", 1, ONE, SIDES, np.maximum(0, 1 - Y * ONE)[:, 0]),
    "perceptron": ("kind = 'perceptron'", 1, ONE, SIDES, np.maximum(0, -Y * ONE)[:, 0]),
    "squared": ("kind = 'squared_error'", 2, NUMBERS, WANTED, ((NUMBERS - WANTED) ** 2).mean(-1)),
    "absolute": ("kind = 'absolute_error'", 2, NUMBERS, WANTED, np.abs(NUMBERS - WANTED).mean(-1)),
    "huber": ("kind = 'huber'\ndelta = 0.7", 2, NUMBERS, WANTED, huber(NUMBERS - WANTED, 0.7).mean(-1)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_its_equation(name: str) -> None:
    loss, width, outputs, targets, expected = LOSSES[name]
    two = width == 1
    known = facts("class" if targets.ndim == 1 else "number", 2 if two else width)
    (term,) = program(loss, width, known).objective.terms
    with jax.enable_x64(True):
        wanted = term.aim.encode(targets).astype(float) if two or targets.ndim > 1 else targets
        found = term.loss(jnp.asarray(outputs), wanted)
    # Targets pass through float32, as data does.
    np.testing.assert_allclose(found, expected, rtol=1e-6 if targets.ndim > 1 else 1e-12)


def test_zero_weights_can_learn_by_the_perceptron_rule() -> None:
    (term,) = program("kind = 'perceptron'", 1, facts("class", 2)).objective.terms
    gradient = jax.grad(lambda z: term.loss(z, term.aim.encode(np.array([1, 0]))).sum())(jnp.zeros((2, 1)))
    assert gradient.ravel().tolist() == [-1.0, 1.0]


def test_penalties_add_to_the_mean_loss() -> None:
    loss = "kind = 'squared_error'\npenalties = [{ l2 = 0.5, on = '**/kernel' }, { l1 = 0.25, on = '*/bias' }]"
    objective = program(loss, 2, facts("number", 2)).objective
    w, b = RNG.normal(size=(4, 2)), RNG.normal(size=2)
    parameters = {"dense1/kernel": jnp.asarray(w), "dense1/bias": jnp.asarray(b)}
    expected = ((NUMBERS - WANTED) ** 2).mean() + 0.25 * (w**2).sum() + 0.25 * np.abs(b).sum()
    result = Result({"output": jnp.asarray(NUMBERS)}, {}, {})
    found = objective.value(parameters, result, {}, {"target": jnp.asarray(WANTED)})
    assert float(found) == pytest.approx(expected, rel=1e-6)


def measured(name: str, metric: str) -> float:
    loss, width, outputs, targets, _ = LOSSES[name]
    known = facts("class" if targets.ndim == 1 else "number", 2 if width == 1 else width)
    objective = program(loss, width, known).objective
    found = objective.metrics[metric]
    counts = jnp.ones(len(outputs), bool)
    return found.finish(found.sums({"output": jnp.asarray(outputs)}, {}, {"target": targets}, counts))


def test_metrics_follow_the_loss() -> None:
    right = (LOGITS.argmax(-1) == CLASSES).mean()
    assert measured("cross_entropy", "accuracy") == pytest.approx(right)
    assert measured("cross_entropy", "error") == pytest.approx(1 - right)
    sides = ((ONE[:, 0] > 0) == SIDES).mean()
    assert measured("hinge", "accuracy") == pytest.approx(sides) == measured("binary", "accuracy")
    assert measured("squared", "mean_absolute_error") == pytest.approx(np.abs(NUMBERS - WANTED).mean(), rel=1e-6)
    rooted = np.sqrt(((NUMBERS - WANTED) ** 2).mean())
    assert measured("huber", "root_mean_squared_error") == pytest.approx(rooted, rel=1e-6)


def test_probabilities_are_of_both_classes_where_there_is_one_logit() -> None:
    objective = program("kind = 'binary_cross_entropy'", 1, facts("class", 2)).objective
    assert objective.probabilities is not None
    found = np.asarray(objective.probabilities(jnp.asarray(ONE)))
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-ONE[:, 0])), rtol=1e-6)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("keep", "metric", "higher", "kept"),
    [
        ("", "validation/accuracy", True, False),
        ("keep = { best = 'train/error' }", "train/error", False, True),
        ("keep = { best = 'validation/loss' }", "validation/loss", False, True),
    ],
)
def test_what_judges_a_step(keep: str, metric: str, higher: bool, kept: bool) -> None:
    judge = program("kind = 'cross_entropy'", 3, facts("class", 3), keep).judge
    assert (judge.metric, judge.higher_is_better, judge.keep) == (metric, higher, kept)
    assert judge.better(0.5, None)
    assert judge.better(0.6, 0.5) is higher
    assert not judge.better(float("nan"), None)
    assert not judge.better(0.5, 0.5)


@pytest.mark.parametrize(
    ("loss", "width", "known", "message"),
    [
        (
            "kind = 'cross_entropy'",
            2,
            facts("class", 3),
            r"one logit for each of 3 classes, \[3\], and the network gives \[2\]",
        ),
        ("kind = 'squared_error'", 3, facts("class", 3), "is for numbers, and the target is one of 3 classes"),
        ("kind = 'hinge'", 1, facts("class", 3), "is for two classes, and the target has 3"),
        (
            "kind = 'huber'\npenalties = [{ l2 = 1.0, on = 'conv*/**' }]",
            1,
            facts("number", 1),
            "matches no trainable parameter",
        ),
    ],
)
def test_what_does_not_fit_is_said(loss: str, width: int, known: Facts, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        program(loss, width, known)
