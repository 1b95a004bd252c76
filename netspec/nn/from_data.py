"""Initial values from data: functions of the examples that a layer reads, a parameter's shape, and a seed.

Each gives as many vectors as wide as the examples [n, features] as the shape [units, features] has rows, or
[features, units] columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["kmeans", "principal_components", "sample"]


def kmeans(examples: np.ndarray, shape: Sequence[int], seed: int) -> np.ndarray:
    """The centers that k-means finds (MacQueen, 1967), begun by k-means++ (Arthur and Vassilvitskii, 2007).

    Raises:
        ValueError: there are fewer different examples than centers.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    units = counted(examples, shape)
    if len(np.unique(examples, axis=0)) < units:
        raise ValueError(f"needs {units} different examples, and there are fewer")
    # Several threads would add up their parts in any order: other bits each time.
    with threadpool_limits(limits=1):
        found = (
            KMeans(units, n_init=1, random_state=seed)
            .fit(examples.astype(np.float64))
            .cluster_centers_
        )
    return placed(found, examples, shape, rows=True)


def sample(examples: np.ndarray, shape: Sequence[int], seed: int) -> np.ndarray:
    """Examples, drawn without replacement.

    Raises:
        ValueError: there are too few.
    """
    units = counted(examples, shape)
    if len(examples) < units:
        raise ValueError(f"needs {units} examples, and there are {len(examples)}")
    drawn = np.random.default_rng(seed).choice(len(examples), units, replace=False)
    return placed(examples[drawn], examples, shape, rows=True)


def principal_components(
    examples: np.ndarray, shape: Sequence[int], seed: int
) -> np.ndarray:
    """The directions, of length 1, along which the examples vary most, the first first (Pearson, 1901).

    The largest number of each is above 0.

    Raises:
        ValueError: there are fewer such directions than units.
    """
    units = counted(examples, shape)
    if units > min(examples.shape):
        raise ValueError(
            f"needs {units} principal components, and there are {min(examples.shape)}"
        )
    centred = examples.astype(np.float64) - examples.mean(axis=0, dtype=np.float64)
    directions = np.linalg.eigh(centred.T @ centred)[1].T[::-1][:units]
    largest = np.take_along_axis(
        directions, np.abs(directions).argmax(axis=1, keepdims=True), axis=1
    )
    return placed(directions * np.sign(largest), examples, shape, rows=False)


def counted(examples: np.ndarray, shape: Sequence[int]) -> int:
    """How many vectors as wide as the examples fill the shape."""
    features = examples.shape[1]
    if len(shape) != 2 or features not in shape:
        raise ValueError(
            f"gives rows or columns of {features} numbers, and the parameter has the shape {list(shape)}"
        )
    return int(shape[0] if shape[1] == features else shape[1])


def placed(
    vectors: np.ndarray, examples: np.ndarray, shape: Sequence[int], rows: bool
) -> np.ndarray:
    """The vectors as the shape's rows or columns.

    Args:
        rows: what they are where the shape is square.
    """
    as_rows = shape[1] == examples.shape[1] and (rows or shape[0] != shape[1])
    return np.asarray(vectors if as_rows else vectors.T, np.float32)
