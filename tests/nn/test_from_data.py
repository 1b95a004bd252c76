"""Initial values from data, against what the data are known to hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from netspec.nn.from_data import kmeans, principal_components, sample

CORNERS = np.array([[10.0, 0, 0], [0, 10, 0], [0, 0, 10], [10, 10, 10]])
CLUSTERS = np.repeat(CORNERS, 50, axis=0) + np.random.default_rng(0).normal(0.0, 0.5, (200, 3))
CLUSTERS = CLUSTERS.astype(np.float32)


def in_order(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T)]


def test_kmeans_finds_the_middles_of_clusters() -> None:
    found = kmeans(CLUSTERS, (4, 3), 0)
    means = CLUSTERS.reshape(4, 50, 3).mean(1)
    np.testing.assert_allclose(in_order(found.round(3)), in_order(means.round(3)), atol=2e-3)
    np.testing.assert_array_equal(kmeans(CLUSTERS, (3, 4), 0), found.T)
    np.testing.assert_array_equal(kmeans(CLUSTERS, (4, 3), 0), found)
    assert found.dtype == np.float32


def test_sample_draws_without_replacement() -> None:
    found = sample(CLUSTERS, (200, 3), 0)
    assert (in_order(found) == in_order(CLUSTERS)).all()
    assert (found != CLUSTERS).any()
    np.testing.assert_array_equal(sample(CLUSTERS, (3, 5), 1), sample(CLUSTERS, (5, 3), 1).T)
    assert (sample(CLUSTERS, (5, 3), 1) != sample(CLUSTERS, (5, 3), 2)).any()


def test_principal_components_are_those_of_the_decomposition() -> None:
    examples = np.random.default_rng(1).normal(size=(100, 6)) * [1, 9, 2, 7, 3, 5] + 100.0
    found = principal_components(examples.astype(np.float32), (6, 4), 0)
    directions = np.linalg.svd(examples - examples.mean(0))[2][:4]
    np.testing.assert_allclose(np.abs(found.T @ directions.T), np.eye(4), atol=1e-3)
    assert (found[np.abs(found).argmax(0), range(4)] > 0).all()
    np.testing.assert_array_equal(principal_components(examples.astype(np.float32), (4, 6), 0), found.T)


def test_a_square_holds_centers_in_rows_and_directions_in_columns() -> None:
    rows = kmeans(CLUSTERS, (3, 3), 0)
    assert np.linalg.norm(CLUSTERS[:, None] - rows, axis=-1).min(1).mean() < 5
    columns = principal_components(CLUSTERS, (3, 3), 0)
    assert (np.diff((CLUSTERS @ columns).var(0)) < 0).all()


@pytest.mark.parametrize(
    ("function", "examples", "shape", "message"),
    [
        (kmeans, np.ones((9, 3)), (2, 3), "needs 2 different examples"),
        (sample, CLUSTERS[:3], (4, 3), "needs 4 examples, and there are 3"),
        (principal_components, CLUSTERS, (3, 5), "needs 5 principal components, and there are 3"),
        (sample, CLUSTERS, (4, 5), r"gives rows or columns of 3 numbers, and the parameter has the shape \[4, 5\]"),
        (sample, CLUSTERS, (3,), "rows or columns"),
    ],
)
def test_what_cannot_be_is_told(function: Any, examples: np.ndarray, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(examples.astype(np.float32), shape, 0)
