"""The convolution that trains on CPU, against the one of JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec.nn.convolution import convolution

# Input, outputs, and the convolution's arguments; those that a band takes over stand first.
CASES: list[tuple[tuple[int, ...], int, dict[str, Any]]] = [
    ((9, 9, 1), 4, {"kernel_size": (5, 5), "padding": 2}),
    ((9, 7, 3), 5, {"kernel_size": (3, 2), "padding": "VALID"}),
    ((6, 6, 2), 3, {"kernel_size": (2, 3), "padding": ((1, 0), (2, 1))}),
    ((6, 6, 3), 2, {"kernel_size": (3, 3), "padding": "SAME"}),
    ((6, 6, 3), 2, {"kernel_size": (3, 3), "padding": "SAME", "strides": 2}),
    ((6, 6, 4), 6, {"kernel_size": (3, 3), "feature_group_count": 2}),
    ((7, 7, 3), 2, {"kernel_size": (3, 3), "kernel_dilation": 2}),
    ((8, 8, 16), 16, {"kernel_size": (3, 3)}),
    ((12, 3), 4, {"kernel_size": (3,)}),
]


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="other backends keep JAX's convolution")
@pytest.mark.parametrize(("shape", "outputs", "arguments"), CASES)
def test_values_and_gradients_are_those_of_jax(shape: tuple[int, ...], outputs: int, arguments: dict[str, Any]) -> None:
    x = jax.random.normal(jax.random.key(1), (4, *shape))
    layer = nnx.Conv(shape[-1], outputs, **arguments, rngs=nnx.Rngs(0))
    definition, parameters = nnx.split(layer)

    def loss(x: Any, parameters: Any, one: Any, ours: bool) -> Any:
        layer = nnx.merge(definition, parameters)
        if ours:
            layer.conv_general_dilated = convolution(one)
        y = layer(x)
        return jnp.sum(jnp.sin(y)), y

    run = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True), static_argnames="ours")
    ours, theirs = (jax.tree.leaves(run(x, parameters, jnp.ones(()), ours=ours)) for ours in (True, False))
    for found, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-5, rtol=1e-4)
