"""Curvature: Lanczos against NumPy's eigenvalues, and verdicts on functions whose shape is known."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.build import build
from netspec.data import Part
from netspec.document import parse
from netspec.graph.facts import Facts
from netspec.spec.call import Shape
from netspec.spec.decode import decode
from netspec.train.curvature import curvature, lanczos
from netspec.train.risk import Risk


def symmetric(values: Any, seed: int = 0) -> np.ndarray[Any, Any]:
    """A matrix with these eigenvalues, in random directions."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))
    return (q * np.asarray(values, np.float64)) @ q.T


@pytest.mark.parametrize(
    "values",
    [
        np.linspace(-2.0, 5.0, 20),
        [1.0] * 6 + [3.0] * 4,  # the Krylov space is of two dimensions only
        [0.0] * 9 + [4.0],
        np.zeros(5),
        [7.0],
        np.geomspace(1e-3, 1e3, 30),
    ],
)
def test_all_steps_give_every_eigenvalue(values: Any) -> None:
    matrix = symmetric(values)
    found = lanczos(lambda v: matrix @ v, len(values), len(values))
    assert found.complete
    np.testing.assert_allclose(found.values, np.linalg.eigvalsh(matrix), rtol=0, atol=1e-11 * max(1, np.max(values)))


def test_some_steps_give_the_ends_and_how_far_off_they_are() -> None:
    values = np.concatenate([[-3.0], np.random.default_rng(0).uniform(0, 1, 298), [10.0]])
    matrix = symmetric(values)
    found = lanczos(lambda v: matrix @ v, 300, 20)
    assert not found.complete
    np.testing.assert_allclose(found.values[[0, -1]], [-3.0, 10.0], atol=1e-8)
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert np.min(np.abs(values - value)) <= residual + 1e-12
    assert found.residuals[len(values) // 30] > 1e-3  # those in the middle are not found yet, and say so


class Quadratic:
    """½ w·A w + b·w, of two arrays of parameters."""

    def __init__(self, matrix: Any, slope: Any) -> None:
        self.matrix, self.slope = jnp.asarray(matrix, jnp.float32), jnp.asarray(slope, jnp.float32)

    def vector(self, w: Any) -> Any:
        return jnp.concatenate([w["a"], w["b"].ravel()])

    def parted(self, v: Any) -> Any:
        return {"a": v[:2], "b": v[2:].reshape(-1, 2)}

    def __call__(self, parameters: Any) -> float:
        v = self.vector(parameters)
        return float(0.5 * v @ self.matrix @ v + self.slope @ v)

    def gradient(self, parameters: Any) -> Any:
        return self.parted(self.matrix @ self.vector(parameters) + self.slope)

    def hessian_times(self, parameters: Any, vector: Any) -> Any:
        return self.parted(self.matrix @ self.vector(vector))


@pytest.mark.parametrize(
    ("values", "slope", "verdict", "condition"),
    [
        ([1.0, 2.0, 5.0, 100.0], 0.0, "minimum", 100.0),
        ([0.5, 0.5, 0.5, 0.5], 0.0, "minimum", 1.0),
        ([-1.0, 2.0, 5.0, 20.0], 0.0, "saddle", 20.0),
        ([-4.0, -2.0, -1.0, -1.0], 0.0, "maximum", 4.0),
        ([0.0, 1.0, 2.0, 3.0], 0.0, "flat", None),
        ([1.0, 2.0, 5.0, 100.0], 1.0, "slope", 100.0),
    ],
)
def test_verdicts(values: list[float], slope: float, verdict: str, condition: float | None) -> None:
    function = Quadratic(symmetric(values), np.full(4, slope))
    found = curvature(function, function.parted(jnp.zeros(4)), 100)
    assert found.verdict == verdict
    rounding = 1e-5 * max(map(abs, values))
    assert (found.largest, found.smallest) == pytest.approx((max(values), min(values)), abs=rounding)
    assert found.condition == (None if condition is None else pytest.approx(condition, rel=1e-4))
    assert found.gradient_norm == pytest.approx(2 * slope)
    assert (found.parameters, found.products) == (4, 4)


SPEC = """
[model]
layers = [{ dense = 5, activation = "tanh" }, { dense = 3 }]

[loss]
kind = "cross_entropy"
penalties = [{ l2 = 0.1 }]

[optimizer]
kind = "sgd"
learning_rate = 0.1

[train]
steps = 10
batch = 8
"""


def small() -> tuple[Risk, dict[str, Any], Any, Any]:
    """A network's risk and parameters, and its 40 examples."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 4)).astype(np.float32), random.integers(0, 3, 40).astype(np.int32)
    facts = Facts.of(Shape((4,)), ("a", "b", "c"), examples={"train": 40, "validation": 0, "test": 0})
    program = build(decode(parse(SPEC, "x.toml")), facts)
    parameters, statistics = program.network.initialise(jax.random.key(1))
    return Risk(program.last, {}, statistics, Part({"input": x}, {"target": y}), 1000), parameters, x, y


def by_hand(w: dict[str, Any], x: Any, y: Any) -> Any:
    hidden = jnp.tanh(x @ w["dense1/kernel"] + w["dense1/bias"])
    logits = hidden @ w["dense2/kernel"] + w["dense2/bias"]
    errors = jax.scipy.special.logsumexp(logits, axis=1) - logits[jnp.arange(len(y)), y]
    return errors.mean() + 0.05 * sum(jnp.sum(w[f"dense{i}/kernel"] ** 2) for i in (1, 2))


def test_a_network_against_its_dense_hessian() -> None:
    risk, parameters, x, y = small()
    flat, _ = jax.flatten_util.ravel_pytree(parameters)
    with jax.enable_x64(True):
        wide = jnp.asarray(np.asarray(flat), jnp.float64)
        hessian = jax.hessian(lambda v: by_hand(unravel_wide(v, parameters), jnp.asarray(x, jnp.float64), y))(wide)
        expected = np.linalg.eigvalsh(np.asarray(hessian))
    found = curvature(risk, parameters, len(flat))
    assert risk(parameters) == pytest.approx(float(by_hand(parameters, x, y)), rel=1e-6)
    assert (found.largest, found.smallest) == pytest.approx((expected[-1], expected[0]), abs=1e-5 * expected[-1])
    assert found.nearest == pytest.approx(np.min(np.abs(expected)), abs=1e-5 * expected[-1])
    partial = curvature(risk, parameters, 20)
    assert abs(partial.largest - expected[-1]) <= partial.largest_residual + 1e-5 * expected[-1]
    assert partial.nearest is None


def unravel_wide(vector: Any, like: dict[str, Any]) -> dict[str, Any]:
    found, start = {}, 0
    for path in sorted(like):
        size = like[path].size
        found[path] = vector[start : start + size].reshape(like[path].shape)
        start += size
    return found


def test_batches_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parameters, _, _ = small()
    monkeypatch.setattr("netspec.train.risk.batch_for", lambda phase, examples: 8)
    parted, _, _, _ = small()
    assert parted.examples == whole.examples == 40
    assert parted(parameters) == pytest.approx(whole(parameters), rel=1e-6)
    for one, other in zip(*(jax.tree.leaves(r.gradient(parameters)) for r in (parted, whole)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
