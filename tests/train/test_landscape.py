"""The loss around a network: directions as long as the weights, and losses that NumPy works out, too."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from netspec.build import build
from netspec.data import Part
from netspec.document import parse
from netspec.graph.facts import Facts
from netspec.spec.call import Shape
from netspec.spec.decode import decode
from netspec.train.landscape import direction, landscape
from netspec.train.risk import Risk

SHAPES = {
    "conv1/kernel": (3, 3, 2, 4),
    "dense1/kernel": (6, 5),
    "dense1/bias": (5,),
    "batch_norm1/scale": (4,),
    "embed1/embedding": (7, 3),
}


def test_directions_are_as_long_as_the_weights_filter_by_filter() -> None:
    random = np.random.default_rng(0)
    weights = {path: random.normal(size=shape).astype(np.float32) for path, shape in SHAPES.items()}
    weights["dense1/kernel"][:, 2] = 0.0
    found = {path: np.asarray(d) for path, d in direction(weights, jax.random.key(0)).items()}
    for path, axes in (("conv1/kernel", (0, 1, 2)), ("dense1/kernel", 0), ("embed1/embedding", 1)):
        lengths = [np.sqrt(np.square(a).sum(axis=axes)) for a in (found[path], weights[path])]
        np.testing.assert_allclose(*lengths, rtol=1e-5)
    assert not found["dense1/bias"].any()
    assert not found["batch_norm1/scale"].any()
    again, other = (direction(weights, jax.random.key(i))["conv1/kernel"] for i in (0, 1))
    assert np.array_equal(again, found["conv1/kernel"])
    assert not np.allclose(other, found["conv1/kernel"])


SPEC = """
[model]
layers = [{ dense = 2 }]

[loss]
kind = "squared_error"

[optimizer]
kind = "sgd"
learning_rate = 0.1

[train]
steps = 10
batch = 8
"""


def test_a_linear_network_against_numpy() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(50, 3)).astype(np.float32), random.normal(size=(50, 2)).astype(np.float32)
    facts = Facts.of(Shape((3,)), outputs=2, examples={"train": 50, "validation": 0, "test": 0})
    program = build(decode(parse(SPEC, "x.toml")), facts)
    parameters: dict[str, Any] = {
        "dense1/kernel": random.normal(size=(3, 2)).astype(np.float32),
        "dense1/bias": random.normal(size=2).astype(np.float32),
    }
    risk = Risk(program.last, {}, {}, Part({"input": x}, {"target": y}), 1000)
    done: list[int] = []
    found = landscape(risk, parameters, 5, 0.5, 7, done.append)
    np.testing.assert_allclose(found.steps, [-0.5, -0.25, 0.0, 0.25, 0.5])
    d, e = (
        np.asarray(direction(parameters, jax.random.fold_in(jax.random.key(7), i))["dense1/kernel"]) for i in (0, 1)
    )
    expected = [
        [
            np.mean((x @ (parameters["dense1/kernel"] + a * d + b * e) + parameters["dense1/bias"] - y) ** 2)
            for a in found.steps
        ]
        for b in found.steps
    ]
    np.testing.assert_allclose(found.losses, expected, rtol=1e-5)
    assert found.centre == found.losses[2, 2]
    assert done == list(range(1, 26))
