"""More positions from fewer, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from netspec.spec.layers.shapes import Upsample

X = np.random.default_rng(0).normal(size=(2, 4, 3, 5)).astype(np.float32)


def linear(x: np.ndarray, axis: int, factor: int) -> np.ndarray:
    size = x.shape[axis]
    positions = (np.arange(size * factor) + 0.5) / factor - 0.5
    return np.apply_along_axis(lambda line: np.interp(positions, np.arange(size), line), axis, x)


@pytest.mark.parametrize("factors", [2, (3, 1), (1, 4)])
def test_pictures(run: Any, factors: Any) -> None:
    down, across = factors if isinstance(factors, tuple) else (factors, factors)
    np.testing.assert_array_equal(run(Upsample(upsample=factors), X)[0], X.repeat(down, 1).repeat(across, 2))
    found, _ = run(Upsample(upsample=factors, method="bilinear"), X)
    np.testing.assert_allclose(found, linear(linear(X, 1, down), 2, across), rtol=1e-4, atol=1e-5)


def test_other_dimensions(run: Any) -> None:
    line, room = X[:, :, 0], X[..., None].repeat(2, -1)
    np.testing.assert_array_equal(run(Upsample(), line)[0], line.repeat(2, 1))
    np.testing.assert_allclose(run(Upsample(method="bilinear"), line)[0], linear(line, 1, 2), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(run(Upsample(), room)[0], room.repeat(2, 1).repeat(2, 2).repeat(2, 3))
