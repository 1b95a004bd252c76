"""What an examination finds, against backpropagation by hand."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from netspec.build import Program, build
from netspec.document import parse
from netspec.graph.facts import Facts
from netspec.spec.call import Shape
from netspec.spec.decode import decode
from netspec.train.health import Examination, examples_for, make_examination, patient_of

Numbers = np.ndarray[Any, Any]

EXAMPLES = 50


def program(layers: str, shape: tuple[int, ...] = (4,), loss: str = "cross_entropy", more: str = "") -> Program:
    text = f"""
    name = "patient"
    [model]
    layers = [{layers}]
    [loss]
    kind = "{loss}"
    [optimizer]
    kind = "sgd"
    learning_rate = 0.1
    {more}
    [train]
    steps = 20
    batch = 10
    """
    facts = Facts.of(Shape(shape), ("a", "b", "c"), examples={"train": EXAMPLES, "validation": 0})
    return build(decode(parse(text, "patient.toml")), facts)


def batch(shape: tuple[int, ...]) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    x = random.standard_normal((EXAMPLES, *shape), np.float32)
    return {"input": x}, {"target": random.integers(0, 3, EXAMPLES).astype(np.int32)}


def weights(rows: int, columns: int, seed: int) -> Numbers:
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


PARAMETERS = {
    "dense1/kernel": weights(4, 6, 1),
    # Of six units, two lie far below 0 for every example.
    "dense1/bias": np.array([-100.0, 0.0, 0.0, -100.0, 0.0, 0.0], np.float32),
    "dense2/kernel": 2.0 * weights(6, 5, 2),
    "dense2/bias": np.zeros(5, np.float32),
    "dense3/kernel": weights(5, 3, 3),
    "dense3/bias": np.zeros(3, np.float32),
}

LAYERS = '{ dense = 6, activation = "relu" }, { dense = 5, activation = "tanh" }, { dense = 3 }'


def by_hand(x: Numbers, y: Numbers) -> tuple[float, dict[str, Numbers], float, float]:
    """The loss, its gradients, the share of dead units and of saturated results."""
    p = {name: value.astype(np.float64) for name, value in PARAMETERS.items()}
    x = x.astype(np.float64)
    h1 = np.maximum(x @ p["dense1/kernel"] + p["dense1/bias"], 0.0)
    h2 = np.tanh(h1 @ p["dense2/kernel"] + p["dense2/bias"])
    logits = h2 @ p["dense3/kernel"] + p["dense3/bias"]
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    d3 = (np.exp(log_p) - np.eye(3)[y]) / len(x)
    d2 = d3 @ p["dense3/kernel"].T * (1.0 - h2**2)
    d1 = d2 @ p["dense2/kernel"].T * (h1 > 0.0)
    pairs = {"dense1": (x, d1), "dense2": (h1, d2), "dense3": (h2, d3)}
    gradients = {f"{layer}/kernel": inputs.T @ d for layer, (inputs, d) in pairs.items()}
    gradients |= {f"{layer}/bias": d.sum(axis=0) for layer, (_, d) in pairs.items()}
    loss = -log_p[np.arange(len(x)), y].mean()
    return float(loss), gradients, float((h1.max(axis=0) == 0.0).mean()), float((np.abs(h2) > 0.98).mean())


def examined(examine: Examination, parameters: Any, frozen: Any, inputs: Any, targets: Any) -> Any:
    return examine(parameters, frozen, {}, inputs, targets, jax.random.key(0), 0)


def norm_of(arrays: dict[str, Numbers], layer: str = "") -> float:
    return float(
        np.sqrt(sum(np.sum(np.square(a.astype(np.float64))) for n, a in arrays.items() if n.startswith(layer)))
    )


def test_an_examination_finds_what_backpropagation_by_hand_does() -> None:
    inputs, targets = batch((4,))
    health = examined(make_examination(program(LAYERS).last), PARAMETERS, {}, inputs, targets)
    loss, gradients, dead, saturated = by_hand(inputs["input"], targets["target"])
    assert health.examples == EXAMPLES
    assert health.loss == pytest.approx(loss, rel=1e-5)
    assert health.gradient == pytest.approx(norm_of(gradients), rel=1e-4)
    for layer in ("dense1", "dense2", "dense3"):
        assert health.gradients[layer] == pytest.approx(norm_of(gradients, layer), rel=1e-4)
        assert health.parameters[layer] == pytest.approx(norm_of(PARAMETERS, layer), rel=1e-5)
    assert dead == pytest.approx(2 / 6)
    assert health.dead == {"dense1": pytest.approx(dead)}
    assert 0.1 < saturated < 0.9
    assert health.saturated == {"dense2": pytest.approx(saturated)}


def test_what_a_step_would_add_is_told_of_each_layer() -> None:
    inputs, targets = batch((4,))
    phase = program(LAYERS, more="momentum = 0.9\nnesterov = true").last
    parameters = {name: np.array(value) for name, value in PARAMETERS.items()}
    arguments = (parameters, {}, {}, inputs, targets, jax.random.key(0), 0)
    health = make_examination(phase)(*arguments, phase.updater.transformation.init(parameters))
    _, gradients, _, _ = by_hand(inputs["input"], targets["target"])
    for layer, told in health.by_layer().items():
        steps = {n: 0.1 * 1.9 * g for n, g in gradients.items() if n.startswith(layer)}
        assert told["weights"] == pytest.approx(norm_of(PARAMETERS, layer), rel=1e-3)
        assert told["update"] == pytest.approx(norm_of(steps) / norm_of(PARAMETERS, layer), rel=1e-3)
    assert [*health.by_layer()["dense1"]] == ["gradient", "weights", "update", "dead"]
    assert make_examination(phase)(*arguments).updates == {}


def test_what_is_frozen_has_no_gradient() -> None:
    inputs, targets = batch((4,))
    layers = LAYERS.replace('"relu" }', '"relu", freeze = true }')
    frozen = {name: value for name, value in PARAMETERS.items() if name.startswith("dense1")}
    learned = {name: value for name, value in PARAMETERS.items() if name not in frozen}
    health = examined(make_examination(program(layers).last), learned, frozen, inputs, targets)
    _, gradients, _, _ = by_hand(inputs["input"], targets["target"])
    assert health.gradients.keys() == {"dense2", "dense3"}
    assert health.gradient == pytest.approx(norm_of({n: g for n, g in gradients.items() if n in learned}), rel=1e-4)
    assert health.dead == {"dense1": pytest.approx(2 / 6)}


WATCHED = {
    "a layer of its own": ((4,), '{ dense = 6 }, "relu", { dense = 3 }', {"relu1"}, set()),
    "inside blocks": (
        (4,),
        '{ residual = [{ dense = 4, activation = "relu" }, { dense = 4 }] }, { dense = 3 }',
        {"residual1/dense1"},
        set(),
    ),
    "a convolution": ((6, 6, 1), '{ conv = 5, activation = "relu" }, "flatten", { dense = 3 }', {"conv1"}, set()),
    "a recurrent layer": ((7, 2), "{ rnn = 4 }, { take = -1 }, { dense = 3 }", set(), {"rnn1"}),
    "hard forms": ((4,), '{ dense = 6, activation = "hard_tanh" }, { dense = 3 }', set(), {"dense1"}),
    "the output": ((4,), '{ dense = 6 }, { dense = 3, activation = "sigmoid" }', set(), set()),
    "the end of a block that is the output": ((4,), '{ block = [{ dense = 3, activation = "tanh" }] }', set(), set()),
    "a layer inside a cell": (
        (7, 2),
        '{ cell = [{ dense = 4, activation = "tanh" }], state = 4 }, { take = -1 }, { dense = 3 }',
        set(),
        set(),
    ),
    "without ends": ((4,), '{ dense = 6, activation = "gelu" }, { dense = 3 }', set(), set()),
}
"""By what is looked at: the input, the layers, and those that are looked at for dead and for saturated units."""


@pytest.mark.parametrize("name", WATCHED)
def test_hidden_layers_that_may_die_or_saturate_are_looked_at(name: str) -> None:
    shape, layers, dead, saturated = WATCHED[name]
    built = program(layers, shape)
    parameters, statistics = built.network.initialise(jax.random.key(0))
    inputs, targets = batch(shape)
    health = make_examination(built.last)(parameters, {}, statistics, inputs, targets, jax.random.key(0), 3)
    assert set(health.dead) == dead
    assert set(health.saturated) == saturated
    assert all(0.0 <= share <= 1.0 for share in (*health.dead.values(), *health.saturated.values()))


def test_a_patient_is_known_by_its_phase() -> None:
    built = program(
        '{ dense = 6 }, "batch_norm", { dense = 5, freeze = true }, { dense = 3 }', more="clip = { norm = 1.0 }"
    )
    patient = patient_of(built.last, EXAMPLES, first=7)
    assert (patient.steps, patient.steps_per_epoch, patient.first) == (20, 5, 7)
    assert patient.layers == ("dense1", "dense3")
    assert patient.clips
    assert patient.comparable
    assert not patient_of(program("{ dense = 3 }", loss="multiclass_perceptron").last, EXAMPLES).comparable


def test_as_many_examples_are_looked_at_as_are_cheap() -> None:
    small = program("{ dense = 3 }").network.graph
    large = program('{ conv = 64 }, { conv = 64 }, "flatten", { dense = 3 }', (64, 64, 3)).network.graph
    assert examples_for(small, 10, 50_000) == 1000
    assert examples_for(small, 10, 50) == 50
    assert examples_for(large, 10, 50_000) == 10
