"""Pooling over whole sequences: padding does not count."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from netspec.nn.pooling import global_avg_pool, global_max_pool
from netspec.spec.layers.pooling import GlobalAvgPool, GlobalMaxPool

LENGTHS = (3, 5, 1)
MASK = np.arange(5) < np.array(LENGTHS)[:, None]
X = np.random.default_rng(0).normal(-3.0, 1.0, (3, 5, 2)).astype(np.float32)


@pytest.mark.parametrize(("layer", "reduce"), [(GlobalAvgPool(), np.mean), (GlobalMaxPool(), np.max)])
@pytest.mark.parametrize("padding", [0.0, 1e6, np.nan, np.inf])
def test_a_padded_sequence_gives_what_it_would_give_alone(run: Any, layer: Any, reduce: Any, padding: float) -> None:
    x = np.where(MASK[..., None], X, np.float32(padding))
    expected = [reduce(s[:n], axis=0) for s, n in zip(X, LENGTHS, strict=True)]
    np.testing.assert_allclose(run(layer, x, mask=MASK)[0], expected, rtol=1e-6)
    np.testing.assert_allclose(run(layer, X)[0], reduce(X, axis=1), rtol=1e-6)
    pictures = X.reshape(3, 1, 5, 2)
    np.testing.assert_allclose(run(layer, pictures)[0], reduce(X, axis=1), rtol=1e-6)


@pytest.mark.parametrize("pool", [global_avg_pool, global_max_pool])
def test_a_sequence_of_nothing_is_zeros(pool: Any) -> None:
    mask = MASK & np.array([[True], [False], [True]])
    np.testing.assert_array_equal(pool(X, mask=mask)[1], [0, 0])
    gradient = jax.grad(lambda x: pool(x, mask=mask).sum())(X)
    assert np.isfinite(gradient).all()
    assert (gradient[~mask] == 0).all()
