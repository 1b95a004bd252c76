"""What tells positions apart, against formulas worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec.spec.layers  # noqa: F401
from netspec.graph.trace import trace
from netspec.nn.positions import Positions, Tokens, rotated, sinusoidal
from netspec.spec.call import Mismatch, Shape
from netspec.spec.layer import Layer


def test_learned_positions_are_added() -> None:
    layer = Positions(5, 3, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (2, 4, 3))
    np.testing.assert_allclose(layer(x) - x, np.broadcast_to(layer.embedding[:4], (2, 4, 3)), atol=1e-6)


def test_tokens_stand_first() -> None:
    layer = Tokens(2, 3, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (4, 5, 3))
    y = layer(x)
    np.testing.assert_array_equal(y[:, 2:], x)
    np.testing.assert_array_equal(y[:, :2], np.broadcast_to(layer.embedding[...], (4, 2, 3)))
    assert layer(x.astype(jnp.bfloat16)).dtype == jnp.bfloat16


@pytest.mark.parametrize("channels", [6, 5])
def test_sinusoids_are_those_of_the_paper(channels: int) -> None:
    waves = sinusoidal(jnp.zeros((1, 4, channels)))[0]
    for t in range(4):
        for c in range(channels):
            turn = t / 10_000 ** ((c - c % 2) / (channels + channels % 2))
            np.testing.assert_allclose(waves[t, c], (math.cos if c % 2 else math.sin)(turn), atol=1e-6)


def test_rotation_is_multiplication_by_a_complex_number() -> None:
    x = np.asarray(jax.random.normal(jax.random.key(0), (2, 7, 6)))
    points = x[..., :3] + 1j * x[..., 3:]
    turns = np.arange(7)[:, None] * 50.0 ** (-np.arange(3) / 3)
    wanted = points * np.exp(1j * turns)
    found = rotated(jnp.asarray(x), 50.0)
    np.testing.assert_allclose(found, np.concatenate([wanted.real, wanted.imag], axis=-1), atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "keys", "output", "count"),
    [
        ("positions", {"positions": 1024}, (10, 768), 1024 * 768),
        ("positions", {}, (10, 768), 10 * 768),
        ("positions", {"form": "sinusoidal"}, (10, 768), 0),
        ("tokens", {}, (11, 768), 768),
        ("tokens", {"tokens": 4}, (14, 768), 4 * 768),
    ],
)
def test_kinds(kind: str, keys: dict[str, Any], output: tuple[int, ...], count: int) -> None:
    layer = Layer.kinds[kind].model_validate(keys)
    assert isinstance(layer, Layer)
    traced = trace(layer.lower(Shape((10, 768))), (Shape((10, 768)),), "float32")  # type: ignore[arg-type]
    assert traced.output == output
    assert sum(a.size for a in traced.parameters.values()) == count


def test_a_longer_sequence_than_there_are_positions_is_refused() -> None:
    for form in ("learned", "sinusoidal"):
        layer = Layer.kinds["positions"].model_validate({"positions": 9, "form": form})
        with pytest.raises(Mismatch, match="has 9 positions, and gets a sequence of 10"):
            layer.lower(Shape((10, 768)))  # type: ignore[attr-defined]
