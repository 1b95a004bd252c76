"""How a batch's numbers become one: by reduction, by class, over time, and in metrics; against NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.build import build
from netspec.build.network import Result
from netspec.build.objective import Objective
from netspec.data import load
from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.graph.facts import Facts, InputFacts, TargetFacts
from netspec.spec.call import Shape
from netspec.spec.decode import decode

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(0)
EXAMPLES = {"train": 100, "validation": 0, "test": 0}
THREE = TargetFacts("class", ("ant", "bee", "cat"), Shape(()), counts=(50, 30, 20))
ROW = TargetFacts("class", ("ant", "bee", "cat"), Shape((4,)), padded=True, counts=(50, 30, 20))
LOGITS, CLASSES = RNG.normal(size=(6, 3)), np.array([0, 1, 2, 0, 1, 0])
LONG, ROWS = RNG.normal(size=(5, 4, 3)), RNG.integers(-1, 3, (5, 4))
ROWS[0] = -1


def objective(
    loss: str, target: TargetFacts | None = THREE, layers: str = "{ dense = 3 }", *, shape: tuple[int, ...] = (3,)
) -> Objective:
    text = f"""
{loss}
[data]
source = "iris"
[model]
layers = [{layers}]
[optimizer]
kind = "sgd"
learning_rate = 0.1
[train]
steps = 100
batch = 10
"""
    targets = {} if target is None else {"target": target}
    facts = Facts({"input": InputFacts(Shape(shape), "float32")}, targets, EXAMPLES)
    return build(decode(parse(text, "x.toml")), facts).objective


def value(found: Objective, output: Array, target: Array | None = None, step: Any = None, **values: Array) -> float:
    targets = {} if target is None else {"target": target}
    result = Result({"output": jnp.asarray(output)}, {}, {k: jnp.asarray(v) for k, v in values.items()})
    return float(found.value({}, result, {}, targets, step))


def measured(found: Objective, output: Array, target: Array, counts: Array | None = None) -> dict[str, float]:
    here = np.ones(len(output), bool) if counts is None else counts
    sums = {n: m.sums({"output": jnp.asarray(output)}, {}, {"target": target}, here) for n, m in found.metrics.items()}
    return {name: metric.finish(sums[name]) for name, metric in found.metrics.items()}


def picked(logits: Array, classes: Array) -> Array:
    log = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return -np.take_along_axis(log, np.maximum(classes, 0)[..., None], -1)[..., 0]


EACH, LONG_EACH, KNOWN = picked(LOGITS, CLASSES), picked(LONG, ROWS), ROWS >= 0


def weighted(weights: list[float], reduction: str = "mean") -> float:
    w = np.array(weights)[CLASSES]
    return {"mean": (w * EACH).sum() / w.sum(), "sum": (w * EACH).sum(), "max": (w * EACH)[w > 0].max()}[reduction]


BALANCED = [100 / (3 * n) for n in (50, 30, 20)]
BALANCED_OF_TWO = [70 / (2 * 50), 0.0, 70 / (2 * 20)]
KIND = "[loss]\nkind = 'cross_entropy'\n"
REDUCED: Mapping[str, tuple[str, float]] = {
    "mean": ("", EACH.mean()),
    "sum": ("reduction = 'sum'", EACH.sum()),
    "max": ("reduction = 'max'", EACH.max()),
    "weight": ("weight = -2.5", -2.5 * EACH.mean()),
    "weights": ("class_weights = [1.0, 2.0, 0.5]", weighted([1, 2, 0.5])),
    "by_label": ("class_weights = { cat = 3.0 }", weighted([1, 1, 3])),
    "balanced": ("class_weights = 'balanced'", weighted(BALANCED)),
    "weighted_sum": ("class_weights = [1.0, 2.0, 0.5]\nreduction = 'sum'", weighted([1, 2, 0.5], "sum")),
    "weighted_max": ("class_weights = [9.0, 2.0, 0.5]\nreduction = 'max'", weighted([9, 2, 0.5], "max")),
    "ignored": ("ignore = 'bee'", weighted([1, 0, 1])),
    "ignored_by_number": ("ignore = [0, 2]", weighted([0, 1, 0])),
    "ignored_sum": ("ignore = ['bee', 0]\nreduction = 'sum'", weighted([0, 0, 1], "sum")),
    "ignored_max": ("ignore = 'ant'\nreduction = 'max'", weighted([0, 1, 1], "max")),
    "balanced_but_ignored": ("class_weights = 'balanced'\nignore = 1", weighted(BALANCED_OF_TWO)),
}
POSITIONS: Mapping[str, tuple[str, float]] = {
    "mean": ("", LONG_EACH[KNOWN].mean()),
    "sum": ("reduction = 'sum'", LONG_EACH[KNOWN].sum()),
    "max": ("reduction = 'max'", LONG_EACH[KNOWN].max()),
    "weights": (
        "class_weights = [1.0, 2.0, 0.5]",
        np.average(LONG_EACH[KNOWN], weights=np.array([1, 2, 0.5])[ROWS[KNOWN]]),
    ),
    "ignored": ("ignore = 'ant'", LONG_EACH[ROWS > 0].mean()),
}


@pytest.mark.parametrize("name", REDUCED)
def test_the_examples_of_a_batch(name: str) -> None:
    keys, expected = REDUCED[name]
    assert value(objective(KIND + keys), LOGITS, CLASSES) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", POSITIONS)
def test_the_positions_of_padded_rows(name: str) -> None:
    keys, expected = POSITIONS[name]
    found = objective(KIND + keys, ROW, shape=(4, 5))
    assert value(found, LONG, ROWS) == pytest.approx(expected, rel=1e-5)
    assert value(found, LONG[:1], ROWS[:1]) == 0.0  # nothing in it counts


def test_two_classes_at_padded_positions() -> None:
    two = TargetFacts("class", ("no", "yes"), Shape((4,)), padded=True)
    rows, logits = np.array([[0, 1, -1, 1], [1, 0, 0, -1]]), RNG.normal(size=(2, 4, 1))
    for kind, of in {"logistic": lambda m: np.log1p(np.exp(-m)), "hinge": lambda m: np.maximum(0, 1 - m)}.items():
        found = objective(f"[loss]\nkind = '{kind}'", two, "{ dense = 1 }", shape=(4, 5))
        each = of(logits[..., 0] * (2 * rows - 1))
        assert value(found, logits, rows) == pytest.approx(each[rows >= 0].mean(), rel=1e-5)


def test_what_is_ignored_is_in_no_metric_and_weights_are_in_the_loss_alone() -> None:
    found = measured(objective(KIND + "ignore = 'bee'\nclass_weights = [3.0, 1.0, 1.0]"), LOGITS, CLASSES)
    kept = CLASSES != 1
    assert found["accuracy"] == pytest.approx((LOGITS.argmax(-1) == CLASSES)[kept].mean())
    assert found["loss"] == pytest.approx(weighted([3, 0, 1]), rel=1e-5)


@pytest.mark.parametrize("reduction", ["sum", "max"])
def test_a_part_of_the_data_is_measured_by_the_mean(reduction: str) -> None:
    counts = np.array([True] * 4 + [False] * 2)
    found = measured(objective(KIND + f"reduction = '{reduction}'"), LOGITS, CLASSES, counts)
    assert found["loss"] == pytest.approx(EACH[:4].mean(), rel=1e-5)


# -- over time -----------------------------------------------------------------------------------------------------


def smoothed(share: float) -> float:
    log = LOGITS - np.log(np.exp(LOGITS).sum(-1, keepdims=True))
    return float((-(1 - share) * np.take_along_axis(log, CLASSES[:, None], 1)[:, 0] - share * log.mean(-1)).mean())


CHANGING: Mapping[str, tuple[str, Callable[[float], float]]] = {
    "weight": ("weight = { linear = [1.0, 3.0] }", lambda t: (1 + 2 * t) * EACH.mean()),
    "smoothing": ("smoothing = { linear = [0.0, 0.2] }", lambda t: smoothed(0.2 * t)),
    "penalty": (
        "penalties = [{ l2 = { linear = [0.5, 0.1] }, of = 'dense1' }]",
        lambda t: EACH.mean() + (0.5 - 0.4 * t) * (LOGITS**2).sum() / 2 / 6,
    ),
}


@pytest.mark.parametrize("name", CHANGING)
def test_a_number_changes_with_the_steps(name: str) -> None:
    keys, expected = CHANGING[name]
    found = objective(KIND + keys)
    for step, share in ((0, 0.0), (25, 0.25), (100, 1.0), (None, 1.0)):
        got = value(found, LOGITS, CLASSES, None if step is None else jnp.asarray(step), dense1=LOGITS)
        assert got == pytest.approx(expected(share), rel=1e-5), step


# -- other targets -------------------------------------------------------------------------------------------------


def test_a_layer_that_is_a_target_stands_still() -> None:
    layers = "{ dense = 4, name = 'code' }, { dense = 4 }"
    found = objective("loss = [{ squared_error = 'output', target = 'code' }]", layers=layers)
    assert found.also == {"code"}
    output, code = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 4))

    def loss(output: Any, code: Any) -> Any:
        return found.value({}, Result({"output": output}, {}, {"code": code}), {}, {})

    total, (slope, still) = jax.value_and_grad(loss, argnums=(0, 1))(jnp.asarray(output), jnp.asarray(code))
    assert float(total) == pytest.approx(((output - code) ** 2).mean(), rel=1e-5)
    np.testing.assert_allclose(slope, 2 * (output - code) / output.size, rtol=1e-4)
    assert not np.asarray(still).any()
    seen = found.seen(Result({"output": jnp.asarray(output)}, {}, {"code": jnp.asarray(code)}))
    metric = found.metrics["loss"]
    assert metric.finish(metric.sums(seen, {}, {}, np.ones(5, bool))) == pytest.approx(float(total), rel=1e-5)


def test_a_point_has_no_target_and_no_metric_but_the_loss() -> None:
    found = objective("loss = ['rosenbrock']", None, "{ dense = 2 }")
    assert list(found.metrics) == ["loss"]
    assert (found.main, found.terms[0].aim.target, found.probabilities) == ("loss", None, None)
    assert value(found, np.array([[2.0, 1.0]])) == pytest.approx(901.0)


def test_an_anchor_without_a_triplet_does_not_count() -> None:
    vectors, groups = RNG.normal(size=(6, 3)), np.array([0, 0, 1, 2, 0, 1])
    found = objective("[loss]\nkind = 'triplet'\nmargin = 5.0")
    apart = np.sqrt(((vectors[:, None] - vectors[None]) ** 2).sum(-1))

    def expected(rows: Array) -> float:
        each = []
        for a in rows:
            near = [apart[a, p] for p in rows if p != a and groups[p] == groups[a]]
            far = [apart[a, n] for n in rows if groups[n] != groups[a]]
            each += [np.mean([max(0, p - n + 5) for p in near for n in far])] if near and far else []
        return float(np.mean(each))

    assert value(found, vectors, groups) == pytest.approx(expected(np.arange(6)), rel=1e-5)
    counts = np.array([True] * 5 + [False])
    assert measured(found, vectors, groups, counts)["loss"] == pytest.approx(expected(np.arange(5)), rel=1e-5)
    assert value(found, vectors[:2], groups[:2]) == 0.0
    assert (found.main, found.terms[0].aim.labels) == ("loss", ())


def test_two_classes_are_numbers_to_a_squared_error() -> None:
    two = TargetFacts("class", ("no", "yes"), Shape(()))
    found, outputs = objective("[loss]\nkind = 'squared_error'", two, "{ dense = 1 }"), RNG.normal(size=(6, 1))
    sides = np.array([0, 1, 1, 0, 1, 0])
    assert value(found, outputs, sides) == pytest.approx(((outputs[:, 0] - (2 * sides - 1)) ** 2).mean(), rel=1e-5)
    assert measured(found, outputs, sides)["accuracy"] == pytest.approx(((outputs[:, 0] > 0) == sides).mean())


def test_regions_that_overlap() -> None:
    target = TargetFacts("class", ("out", "in"), Shape((2, 2)))
    found = objective("[loss]\nkind = 'dice'", target, "{ conv = 1 }", shape=(2, 2, 1))
    logits = np.array([[[1.0, 2.0], [-1.0, 3.0]], [[-1.0, -2.0], [-1.0, -3.0]]])[..., None]
    regions = np.array([[[1, 1], [1, 0]], [[0, 0], [0, 0]]])
    assert measured(found, logits, regions)["dice"] == pytest.approx((2 * 2 / (3 + 3) + 1) / 2)


def test_label_errors_are_of_all_labels_together() -> None:
    found = objective("[loss]\nkind = 'ctc'", ROW, "{ dense = 4 }", shape=(6, 5))
    said = np.eye(4)[[[0, 3, 1, 1, 3, 2], [2, 2, 2, 3, 3, 3]]] * 9
    wanted = np.array([[0, 1, 2, 2], [1, -1, -1, -1]])  # one is missing of four; one of one is wrong
    assert found.main == "label_error"
    assert measured(found, said, wanted)["label_error"] == pytest.approx(2 / 5)
    assert found.terms[0].aim.labels == ("ant", "bee", "cat", "blank")


def test_frames_that_are_padding_do_not_speak() -> None:
    text = """
loss = ['ctc']
[data]
source = "iris"
[model]
layers = [{ dense = 4 }]
[optimizer]
kind = "sgd"
learning_rate = 0.1
[train]
steps = 1
"""
    inputs = {"input": InputFacts(Shape((6, 2)), "float32", padded=True)}
    found = build(decode(parse(text, "x.toml")), Facts(inputs, {"target": ROW}, EXAMPLES)).objective
    x, logits, wanted = RNG.normal(size=(1, 6, 2)), RNG.normal(size=(1, 6, 4)), np.array([[1, 0, -1, -1]])
    x[:, 4:] = np.nan
    values = []
    for tail in (0.0, 7.0):
        logits[:, 4:] += tail
        result = Result({"output": jnp.asarray(logits)}, {}, {})
        values.append(float(found.value({}, result, {"input": jnp.asarray(x)}, {"target": wanted})))
    assert values[0] == values[1]


# -- the data ------------------------------------------------------------------------------------------------------


def test_the_classes_of_the_training_part_are_counted() -> None:
    spec = decode(parse("[data]\nsource = 'iris'\n[model]\nlayers = [{ dense = 3 }]", "x.toml"))
    assert spec.data is not None
    dataset = load(spec.data, Path(), lambda key: spec.document.value_place(("data", *key)))
    known = dataset.facts.targets["target"]
    assert known.counts == tuple(int((dataset.train.targets["target"][:] == i).sum()) for i in range(3))
    assert sum(known.counts) == len(dataset.train)
    assert Facts.from_json(dataset.facts.to_json()).targets["target"].counts == known.counts


@pytest.mark.parametrize(
    ("loss", "target", "layers", "shape", "message"),
    [
        ("[loss]\nkind = 'ctc'", ROW, "{ dense = 3 }", (6, 5), r"needs \[frames, 4\], a logit for each of 3 classes"),
        ("[loss]\nkind = 'ctc'", ROW, "{ dense = 4 }", (3, 5), "needs a frame for each label, and there are 3 for up"),
        ("[loss]\nkind = 'triplet'", THREE, "{ dense = 3 }", (4, 5), r"compares vectors, and gets \[4, 3\]"),
        ("[loss]\nkind = 'triplet'", ROW, "{ dense = 3 }", (4, 5), "is for one class an example"),
        ("[loss]\nkind = 'kl'", THREE, "{ dense = 3 }", (5,), "is for numbers, and the target is one of 3 classes"),
        ("[loss]\nkind = 'cliff'", None, "{ dense = 2 }", (4, 5), r"a point with 2 axes, and gets \[4, 2\]"),
        ("[loss]\nkind = 'hinge'\ntarget = 'den'", THREE, "{ dense = 1, name = 'dent' }", (5,), "did you mean 'dent'"),
        (
            "[loss]\nkind = 'cross_entropy'\ntarget = 'code'",
            THREE,
            "{ dense = 3, name = 'code' }, { dense = 3 }",
            (5,),
            "is for classes, and the target is a number",
        ),
        (
            "[loss]\nkind = 'squared_error'\ntarget = 'code'",
            THREE,
            "{ dense = 4, name = 'code' }, { dense = 3 }",
            (5,),
            r"needs one output for each target, \[4\], and the network gives \[3\]",
        ),
    ],
)
def test_what_does_not_fit_is_said(
    loss: str, target: TargetFacts | None, layers: str, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        objective(loss, target, layers, shape=shape)
