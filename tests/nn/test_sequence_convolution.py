"""Convolution over sequences: causal, and blind to padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from netspec.spec.call import Mismatch, Shape
from netspec.spec.layers.convolution import Conv

LENGTHS = (3, 6, 1)
MASK = np.arange(6) < np.array(LENGTHS)[:, None]
X = np.random.default_rng(0).normal(size=(3, 6, 2)).astype(np.float32)
KERNEL = np.random.default_rng(1).normal(size=(3, 2, 4)).astype(np.float32)


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("stride", [1, 2])
def test_causal(run: Any, stride: int, dilation: int) -> None:
    layer = Conv(conv=4, causal=True, stride=stride, dilation=dilation)
    found, _ = run(layer, X, parameters={"kernel": KERNEL})
    before = np.pad(X, ((0, 0), (2 * dilation, 0), (0, 0)))
    taps = [before[:, i * dilation : i * dilation + 6] @ KERNEL[i] for i in range(3)]
    np.testing.assert_allclose(found, sum(taps)[:, ::stride], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer", [Conv(conv=4), Conv(conv=4, kernel=4), Conv(conv=4, causal=True), Conv(conv=4, dilation=2, groups=2)]
)
def test_a_padded_sequence_gives_what_it_would_give_alone(run: Any, layer: Conv) -> None:
    assert layer.padded == "kept"
    found, _ = run(layer, np.where(MASK[..., None], X, np.float32(1e9)), mask=MASK)
    for i, n in enumerate(LENGTHS):
        alone, _ = run(layer, X[i : i + 1, :n])
        np.testing.assert_allclose(found[i, :n], alone[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [Conv(conv=4, stride=2), Conv(conv=4, padding="valid"), Conv(conv=4, padding=1), Conv(conv=4, norm="weight")],
)
def test_padding_is_refused_where_positions_move(layer: Conv) -> None:
    assert layer.padded == "refused"


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Conv(conv=2, causal=True), (5, 5, 2), r"is causal over a sequence, and gets \[5, 5, 2\]"),
        (Conv(conv=2, causal=True, padding=1), (5, 2), "says twice how it is padded"),
    ],
)
def test_a_misfit_is_told(layer: Conv, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        layer.lower(Shape(shape))
