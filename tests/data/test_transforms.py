"""Transforms: what they compute, and that they read back exactly."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netspec.data.transforms import Flatten, Resize, Rgb, Scale, Standardize, from_json, to_json
from netspec.spec.call import Mismatch

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(7, 3, (9, 4, 5, 2)).astype(np.float32)
ROWS = RANDOM.normal(-2, 4, (9, 3)).astype(np.float32)


@pytest.mark.parametrize("sizes", [[9], [1] * 9, [2, 6, 1]])
def test_statistics_do_not_depend_on_the_batches(sizes):
    batches = np.split(IMAGES, np.cumsum(sizes)[:-1])
    fitted = Standardize().fit(iter(batches))
    wide = IMAGES.astype(np.float64)
    assert np.allclose(fitted.means, wide.mean(axis=(0, 1, 2)), rtol=1e-12)
    assert np.allclose(fitted.deviations, wide.std(axis=(0, 1, 2)), rtol=1e-12)
    scaled = Scale(-1, 1).fit(iter(batches))
    assert (scaled.lowest, scaled.highest) == ((float(IMAGES.min()),), (float(IMAGES.max()),))


def test_standardize_and_scale_work_by_column_on_tables():
    standardized = Standardize().fit([ROWS])(ROWS)
    assert standardized.dtype == np.float32
    assert np.allclose(standardized.mean(axis=0), 0, atol=1e-6)
    assert np.allclose(standardized.std(axis=0), 1, atol=1e-6)
    scaled = Scale(-1, 3).fit([ROWS])(ROWS)
    assert np.allclose(scaled.min(axis=0), -1)
    assert np.allclose(scaled.max(axis=0), 3)


def test_a_large_mean_costs_no_digits():
    fitted = Standardize().fit([np.array([[1e8 + i % 2]]) for i in range(1000)])
    assert fitted.deviations == pytest.approx((0.5,), rel=1e-9)


@pytest.mark.parametrize("value", [0.1, 0.0, -3e30])
def test_what_never_varies_becomes_nothing(value):
    constant = np.full((7, 1), value, np.float32)
    batches = np.split(constant, [3])
    assert Standardize().fit(batches)(constant).tolist() == [[0]] * 7
    assert Scale(2, 3).fit(batches)(constant).tolist() == [[2]] * 7


def test_resize_keeps_flat_images_flat_and_ramps_ramps():
    flat = np.full((2, 3, 3, 2), 7.5, np.float32)
    assert np.array_equal(Resize((8, 5))(flat), np.full((2, 8, 5, 2), 7.5, np.float32))
    ramp = np.arange(8, dtype=np.float32).reshape(1, 1, 8, 1)
    assert np.allclose(Resize((1, 16))(ramp)[0, 0, 1:-1, 0], np.arange(0.25, 7, 0.5))
    # Where images shrink, every pixel counts: a plain bilinear look-up would miss seven of eight.
    spike = np.zeros((1, 16, 16, 1), np.float32)
    spike[0, 3, 5, 0] = 64
    assert Resize((2, 2))(spike).sum() > 0


@pytest.mark.parametrize(
    ("transform", "shape"),
    [
        (Resize((8, 3)), (8, 3, 2)),
        (Standardize().fit([IMAGES]), (4, 5, 2)),
        (Scale().fit([IMAGES]), (4, 5, 2)),
        (Flatten(), (40,)),
    ],
)
def test_shapes_are_as_foretold_and_numbers_read_back_exactly(transform, shape):
    assert transform.shape((4, 5, 2)) == shape
    assert transform(IMAGES).shape == (9, *shape)
    (again,) = from_json(json.loads(json.dumps(to_json([transform]))))
    assert again == transform


def test_rgb_repeats_grey():
    assert np.array_equal(Rgb()(IMAGES[..., :1]), np.concatenate([IMAGES[..., :1]] * 3, axis=-1))
    assert Rgb().shape((4, 5, 1)) == (4, 5, 3)


@pytest.mark.parametrize(("transform", "shape"), [(Resize((2, 2)), (6,)), (Rgb(), (4, 4, 3)), (Rgb(), (6,))])
def test_what_they_cannot_take(transform, shape):
    with pytest.raises(Mismatch, match=r"needs .*images"):
        transform.shape(shape)


@pytest.mark.parametrize("broken", [{"kind": "turn"}, {}, {"kind": "flatten", "axis": 1}])
def test_broken_records_are_refused(broken):
    with pytest.raises(ValueError, match=r"transform|axis"):
        from_json([broken])
