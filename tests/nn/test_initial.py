"""Initialisers, by what they promise."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.graph.calls import construct
from netspec.spec.initial import GlorotNormal, HeNormal, HeUniform, Identity, Initial, LecunNormal, Orthogonal, Sparse


def drawn(initial: Initial, *shape: int) -> np.ndarray:
    return np.asarray(construct(initial.lower())(jax.random.key(0), shape, jnp.float32))


@pytest.mark.parametrize("shape", [(3, 3), (3, 5), (5, 3)])
def test_identity(shape: tuple[int, int]) -> None:
    np.testing.assert_array_equal(drawn(Identity(identity=2.0), *shape), 2 * np.eye(*shape))


def test_an_identity_convolution_gives_its_input() -> None:
    x = jax.random.normal(jax.random.key(1), (1, 6, 7, 3))
    for window in ((3, 3), (5, 1), (2, 4)):
        kernel = drawn(Identity(), *window, 3, 3)
        y = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        np.testing.assert_allclose(y, x, rtol=1e-6)


@pytest.mark.parametrize(("shape", "inputs"), [((200, 300), 200), ((5, 5, 8, 300), 200)])
def test_sparse(shape: tuple[int, ...], inputs: int) -> None:
    kernel = drawn(Sparse(std=0.5), *shape).reshape(inputs, 300)
    assert ((kernel != 0).sum(0) == 15).all()
    assert len({tuple(np.flatnonzero(column)) for column in kernel.T}) == 300
    assert abs((kernel != 0).sum(1).std() - (300 * 0.075 * 0.925) ** 0.5) < 1.0
    assert abs(kernel[kernel != 0].std() - 0.5) < 4 * 0.5 / (2 * 4500) ** 0.5


def test_sparse_of_few_inputs_is_dense() -> None:
    assert (drawn(Sparse(), 4, 6) != 0).all()


def test_orthogonal() -> None:
    kernel = drawn(Orthogonal(orthogonal=3.0), 5, 7)
    np.testing.assert_allclose(kernel @ kernel.T, 9 * np.eye(5), atol=1e-4)


@pytest.mark.parametrize(
    ("initial", "variance"),
    [(GlorotNormal(), 2 / 700), (HeNormal(), 2 / 300), (HeUniform(), 2 / 300), (LecunNormal(), 1 / 300)],
)
def test_variances(initial: Any, variance: float) -> None:
    assert abs(drawn(initial, 300, 400).var() / variance - 1) < 0.02
