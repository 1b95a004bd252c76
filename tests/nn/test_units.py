"""Radial bases and sum-product networks, against SciPy and by hand."""

from __future__ import annotations

from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from scipy.stats import norm
from sklearn.datasets import load_iris

from netspec.nn.units import Leaves as LeavesModule
from netspec.nn.units import RadialBasis, SumNodes, product_nodes
from netspec.spec.call import Mismatch, Shape
from netspec.spec.layers.units import Leaves, Product, Rbf, Scale, Shift, Sum

RANDOM = np.random.default_rng(0)


def test_factors_and_shifts(run: Any) -> None:
    x = RANDOM.normal(size=(2, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(run(Scale(scale=0.5), x)[0], 0.5 * x)
    np.testing.assert_allclose(run(Shift(shift=0.5), x)[0], x + 0.5)
    values = np.array([1.0, -2.0, 3.0])
    np.testing.assert_allclose(run(Scale(), x, parameters={"scale": values})[0], x * values, rtol=1e-6)
    np.testing.assert_allclose(run(Shift(), x, parameters={"bias": values})[0], x + values, rtol=1e-6)


@pytest.mark.parametrize("learned", [True, False])
def test_radial_bases(run: Any, learned: bool) -> None:
    x, centers = RANDOM.normal(5.0, 1.0, (6, 3)), RANDOM.normal(5.0, 1.0, (4, 3))
    widths = np.array([0.5, 1.0, 2.0, 3.0]) if learned else np.full(4, 2.0)
    layer = Rbf(rbf=4, width=2.0, learn_widths=learned)
    found, _ = run(layer, x, parameters={"centers": centers, "widths": widths})
    distances = np.linalg.norm(x[:, None] - centers, axis=-1)
    np.testing.assert_allclose(found, np.exp(-(distances**2) / (2 * widths**2)), rtol=1e-3, atol=1e-6)


def test_a_radial_basis_learns_from_its_own_center() -> None:
    layer = RadialBasis(2, 1, rngs=nnx.Rngs(0))
    layer.centers.set_value(jnp.array([[3.0, 4.0]]))
    gradient = nnx.grad(lambda layer: layer(jnp.array([[3.0, 4.0], [3.0, 5.0]])).sum())(layer)
    # d/dc exp(-|x - c|² / 2) = (x - c) exp(-|x - c|² / 2), which is 0 at the center.
    np.testing.assert_allclose(gradient["centers"][...], [[0.0, np.exp(-0.5)]], rtol=1e-4, atol=1e-5)
    fixed = RadialBasis(2, 1, learn_widths=False, rngs=nnx.Rngs(0))
    assert [".".join(map(str, path)) for path, _ in nnx.to_flat_state(nnx.state(fixed))] == ["centers"]


def test_leaves_are_normal_densities(run: Any) -> None:
    x, means, deviations = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(3, 2)), RANDOM.uniform(0.1, 2, (3, 2))
    found, _ = run(Leaves(leaves=2), x, parameters={"means": means, "log_deviations": np.log(deviations)})
    np.testing.assert_allclose(found, norm.logpdf(x[..., None], means, deviations), rtol=1e-3, atol=1e-4)


def test_sums_and_products(run: Any) -> None:
    x = RANDOM.normal(-200.0, 3.0, (2, 4, 3))
    kernel = RANDOM.normal(size=(4, 3, 5))
    weights = np.exp(kernel) / np.exp(kernel).sum(1, keepdims=True)
    expected = np.log(np.einsum("bpi,piu->bpu", np.exp(x), weights))
    np.testing.assert_allclose(run(Sum(sum=5), x, parameters={"kernel": kernel})[0], expected, rtol=1e-5)
    np.testing.assert_allclose(run(Product(), x)[0], x[:, 0::2] + x[:, 1::2], rtol=1e-6)
    pictures = x.reshape(2, 2, 2, 3)
    np.testing.assert_allclose(run(Product(product=(1, 2)), pictures)[0], pictures.sum(2, keepdims=True), rtol=1e-6)
    flat, _ = run(Sum(sum=5), x[:, 0], parameters={"kernel": kernel[0]})
    np.testing.assert_allclose(flat, expected[:, 0], rtol=1e-5)


def test_likelihoods_far_apart_leave_finite_gradients() -> None:
    layer = SumNodes((2,), 3, rngs=nnx.Rngs(0))
    layer.kernel.set_value(jnp.array([[500.0, 0, -500], [-500, 0, 500]]))
    x = jnp.array([[-1e5, 3.0], [3.0, -1e5]])
    assert np.isfinite(layer(x)).all()
    by_input = jax.grad(lambda x: layer(x).sum())(x)
    by_kernel = nnx.grad(lambda layer: layer(x).sum())(layer)["kernel"][...]
    assert np.isfinite(by_input).all()
    assert np.isfinite(by_kernel).all()


class SumProduct(nnx.Module):
    """What the page of `leaves` shows."""

    def __init__(self, features: int, classes: int, rngs: nnx.Rngs) -> None:
        self.leaves = LeavesModule(features, 4, rngs=rngs)
        self.mixed = SumNodes((features // 2, 4), 4, rngs=rngs)
        self.classes = SumNodes((4 * features // 4,), classes, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.mixed(product_nodes(self.leaves(x), (2,)))
        return self.classes(product_nodes(x, (2,)).reshape(x.shape[0], -1))


def test_a_sum_product_network_is_a_distribution() -> None:
    network = SumProduct(4, 3, nnx.Rngs(0))
    grid = jnp.linspace(-8, 8, 33)
    points = jnp.array(list(product(grid.tolist(), repeat=2)))
    # Over the first two of four numbers, the others held: the integral is the density of those held.
    held = jnp.array([0.3, -0.4])
    densities = jnp.exp(network(jnp.concatenate([points, jnp.broadcast_to(held, points.shape)], axis=1)))
    integral = densities.sum(0) * 0.25
    leaves = jnp.exp(network.leaves(jnp.concatenate([held, held])[None])[0, 2:])
    mixed = leaves.prod(0) @ jax.nn.softmax(network.mixed.kernel[...][1], axis=0)
    np.testing.assert_allclose(integral, mixed @ jax.nn.softmax(network.classes.kernel[...], axis=0), rtol=1e-3)


def test_a_sum_product_network_learns_iris() -> None:
    x, y = load_iris(return_X_y=True)
    x = jnp.asarray((x - x.mean(0)) / x.std(0), jnp.float32)
    definition, state = nnx.split(SumProduct(4, 3, nnx.Rngs(0)))
    optimizer = optax.adam(0.05)

    def loss(state: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(nnx.merge(definition, state)(x), jnp.asarray(y)).mean()

    @jax.jit
    def step(carry: Any, _: None) -> Any:
        state, moments = carry
        value, gradient = jax.value_and_grad(loss)(state)
        updates, moments = optimizer.update(gradient, moments)
        return (optax.apply_updates(state, updates), moments), value

    (state, _), losses = jax.lax.scan(step, (state, optimizer.init(state)), length=300)
    right = nnx.merge(definition, state)(x).argmax(1) == y
    assert right.mean() > 0.96
    assert losses[-1] < 0.1 < losses[0]


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Leaves(leaves=2), (4, 2), r"needs \[features\]"),
        (Product(product=3), (4, 2), r"cannot part \[4\] positions into \[3\]"),
        (Product(), (4,), r"needs \[length, channels\]"),
        (Sum(sum=2), (), "single number"),
    ],
)
def test_a_misfit_is_told(layer: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        layer.lower(Shape(shape))
