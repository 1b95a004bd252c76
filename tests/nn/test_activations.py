"""Activation functions of ours, and how each kind's page says it counts."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, exp, log
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.graph.calls import lookup
from netspec.nn.activations import glu, maxout, swiglu
from netspec.spec.activations import Activation, Elu, Gelu, LeakyRelu
from netspec.spec.call import Shape

POINTS = (-3.5, -1.0, -0.25, 0.0, 0.25, 1.0, 4.0)


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + exp(-x))


# The equation of each page, in Python's own functions of single numbers.
EQUATIONS: list[tuple[Any, Callable[[float], float]]] = [
    ("identity", lambda x: x),
    ("sign", lambda x: (x > 0) - (x < 0)),
    ("step", lambda x: float(x >= 0)),
    ("sigmoid", sigmoid),
    ("tanh", lambda x: (exp(2 * x) - 1) / (exp(2 * x) + 1)),
    ("hard_tanh", lambda x: min(max(x, -1), 1)),
    ("hard_sigmoid", lambda x: min(max(x + 3, 0), 6) / 6),
    ("softsign", lambda x: x / (1 + abs(x))),
    ("relu", lambda x: max(x, 0)),
    ("relu6", lambda x: min(max(x, 0), 6)),
    ("leaky_relu", lambda x: x if x > 0 else 0.01 * x),
    (LeakyRelu(leaky_relu=0.2), lambda x: x if x > 0 else 0.2 * x),
    ("elu", lambda x: x if x > 0 else exp(x) - 1),
    (Elu(elu=0.5), lambda x: x if x > 0 else 0.5 * (exp(x) - 1)),
    ("selu", lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (exp(x) - 1))),
    (Gelu(approximate=False), lambda x: x * (1 + erf(x / 2**0.5)) / 2),
    ("silu", lambda x: x * sigmoid(x)),
    ("softplus", lambda x: log(1 + exp(x))),
    ("gaussian", lambda x: exp(-(x**2))),
]


@pytest.mark.parametrize(("kind", "equation"), EQUATIONS)
def test_values_are_those_of_the_equation(kind: Any, equation: Callable[[float], float]) -> None:
    layer = Activation.kinds[kind]() if isinstance(kind, str) else kind
    call = layer.lower(Shape((len(POINTS),)))
    found = lookup(call.name)(jnp.array(POINTS), *call.arguments, **dict(call.keywords))
    np.testing.assert_allclose(found, [equation(x) for x in POINTS], rtol=1e-5, atol=1e-6)


def test_maxout_is_the_largest_of_neighbours() -> None:
    x = jnp.array([[3.0, 1, -2, -7, 5, 6]])
    np.testing.assert_array_equal(maxout(x, 2), [[3, -2, 6]])
    np.testing.assert_array_equal(maxout(x, 3), [[3, 6]])
    np.testing.assert_array_equal(jax.grad(lambda x: maxout(x, 3).sum())(x), [[1, 0, 0, 0, 0, 1]])


def test_a_half_gates_the_other() -> None:
    x = jnp.array([[2.0, -3.0, 0.5, -1.0]])
    np.testing.assert_allclose(glu(x), [[2 * sigmoid(0.5), -3 * sigmoid(-1)]], rtol=1e-6)
    np.testing.assert_allclose(swiglu(x), [[2 * 0.5 * sigmoid(0.5), -3 * -1 * sigmoid(-1)]], rtol=1e-6)


@pytest.mark.parametrize("function", [glu, swiglu, lambda x: maxout(x, 2)])
def test_odd_channels_are_told(function: Any) -> None:
    with pytest.raises(ValueError, match="3 channels"):
        function(jnp.ones((1, 3)))
