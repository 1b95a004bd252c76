"""Functions that only move numbers, against NumPy and against sequences that were never padded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from netspec.spec.call import Mismatch, Shape
from netspec.spec.layers.shapes import Crop, Pad, Permute, Reshape, Take

X = np.arange(2 * 4 * 5 * 3, dtype=np.float32).reshape(2, 4, 5, 3)
LENGTHS = (3, 5, 1)
MASK = np.arange(5) < np.array(LENGTHS)[:, None]
SEQUENCES = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Reshape(reshape=(60,)), X.reshape(2, 60)),
        (Reshape(reshape=(10, -1)), X.reshape(2, 10, 6)),
        (Reshape(reshape=(-1, 1, 3)), X.reshape(2, 20, 1, 3)),
        (Permute(permute=(2, 0, 1)), np.moveaxis(X, 3, 1)),
        (Pad(pad=1), np.pad(X, ((0, 0), (1, 1), (1, 1), (0, 0)))),
        (Pad(pad=((0, 2), 1)), np.pad(X, ((0, 0), (0, 2), (1, 1), (0, 0)))),
        (Pad(pad=(3, 2), mode="reflect"), np.pad(X, ((0, 0), (3, 3), (2, 2), (0, 0)), mode="reflect")),
        (Pad(pad=(4, 5), mode="wrap"), np.pad(X, ((0, 0), (4, 4), (5, 5), (0, 0)), mode="wrap")),
        (Pad(pad=6, mode="edge"), np.pad(X, ((0, 0), (6, 6), (6, 6), (0, 0)), mode="edge")),
        (Crop(crop=1), X[:, 1:3, 1:4]),
        (Crop(crop=((0, 3), 2)), X[:, :1, 2:3]),
        (Crop(crop=0), X),
        (Take(), X[:, -1]),
        (Take(take=0), X[:, 0]),
        (Take(take=-4), X[:, 0]),
    ],
)
def test_numbers_go_where_numpy_puts_them(run: Any, layer: Any, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(run(layer, X)[0], expected)


@pytest.mark.parametrize(
    ("position", "expected"),
    [(-1, (2, 4, 0)), (-2, (1, 3, 0)), (0, (0, 0, 0)), (2, (2, 2, 0)), (4, (2, 4, 0)), (-5, (0, 0, 0))],
)
def test_take_counts_what_is_no_padding(run: Any, position: int, expected: tuple[int, ...]) -> None:
    found, _ = run(Take(take=position), SEQUENCES, mask=MASK)
    np.testing.assert_array_equal(found, [s[i] for s, i in zip(SEQUENCES, expected, strict=True)])


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Reshape(reshape=(7, -1)), (4, 5), r"which has 20 numbers, and \[7, -1\] has a multiple of 7"),
        (Reshape(reshape=(7, 3)), (4, 5), r"which has 20 numbers, and \[7, 3\] has 21"),
        (Reshape(reshape=(-1, -1)), (4, 5), "more than one -1"),
        (Reshape(reshape=(0, 5)), (4, 5), "no numbers"),
        (Permute(permute=(1, 2)), (4, 5), r"orders the axes \[1, 2\], and its input \[4, 5\] has the axes 0, 1"),
        (Permute(permute=(0, 0)), (4, 5), "orders the axes"),
        (Pad(pad=1), (5,), r"needs \[length, channels\]"),
        (Pad(pad=((1, 2),)), (5, 5, 2), "has one number for pad"),
        (Pad(pad=5, mode="reflect"), (5, 2), "takes more from"),
        (Pad(pad=6, mode="wrap"), (5, 2), "takes more from"),
        (Crop(crop=2), (4, 2), r"leaves nothing of \[4, 2\]"),
        (Take(take=5), (5, 2), "takes position 5 of 5"),
        (Take(take=-6), (5, 2), "takes position -6 of 5"),
        (Take(), (5,), r"needs \[length, channels\]"),
    ],
)
def test_a_misfit_is_told(layer: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        layer.lower(Shape(shape))
