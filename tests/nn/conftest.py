"""A layer on its own, as a network runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.graph.calls import Mode, apply, initialise, is_module
from netspec.graph.trace import trace
from netspec.spec.call import Call, Shape
from netspec.spec.layer import Layer


def _run(
    layer: Layer,
    x: Any,
    *,
    training: bool = False,
    mask: Any = None,
    seed: int = 0,
    parameters: dict[str, Any] | None = None,
    statistics: dict[str, Any] | None = None,
) -> tuple[np.ndarray, dict[str, Any]]:
    """What a layer without layers gives for a batch, and its statistics after; its shape is the one that is traced.

    Args:
        parameters, statistics: in place of those that the layer begins with, by name.
    """
    x = jnp.asarray(x, jnp.float32)
    lowered = layer.lower(Shape(x.shape[1:]))
    calls = (lowered,) if isinstance(lowered, Call) else lowered
    after: dict[str, Any] = {}
    assert isinstance(calls, tuple)
    for call in calls:
        before = Shape(x.shape[1:])
        first, still = initialise(call, jax.random.key(seed)) if is_module(call) else ({}, {})
        given = {**first, **{k: jnp.asarray(v) for k, v in (parameters or {}).items() if k in first}}
        still |= {k: jnp.asarray(v) for k, v in (statistics or {}).items() if k in still}
        x, moved = apply(call, (x,), given, still, Mode(training), jax.random.key(seed + 1), mask)
        after |= moved
        assert trace(call, (before,), "float32").output == x.shape[1:]
        assert np.isfinite(x).all()
    return np.asarray(x), after


@pytest.fixture
def run() -> Callable[..., tuple[np.ndarray, dict[str, Any]]]:
    """A function that runs a layer: what it gives, and its statistics after."""
    return _run
