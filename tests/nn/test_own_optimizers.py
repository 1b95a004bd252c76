"""The project's own optimizers, each against its paper's equations in NumPy: 100 steps in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.typing import NDArray

from netspec.nn import optimizers as own
from netspec.nn.optimizers.state import trained

Array = NDArray[np.float64]
STEPS = 100
SHAPES = {"first": (3, 4), "second": (4, 1), "bias": (4,)}
SIZES = [int(np.prod(shape)) for shape in SHAPES.values()]


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


RANDOM = np.random.default_rng(3)
INPUTS, TARGETS = RANDOM.normal(size=(12, 3)), RANDOM.normal(size=(12, 1))
START = RANDOM.normal(size=sum(SIZES)) / 2
POSITIVE = np.abs(START) + 0.1


def unravelled(vector: Any) -> dict[str, Any]:
    parts = jnp.split(jnp.asarray(vector), np.cumsum(SIZES)[:-1])
    return {name: part.reshape(shape) for part, (name, shape) in zip(parts, SHAPES.items(), strict=True)}


def ravelled(parameters: dict[str, Any]) -> Array:
    return np.concatenate([np.asarray(parameters[name]).ravel() for name in SHAPES])


def loss(parameters: dict[str, Any]) -> Any:
    """Of a network of two layers: 20 parameters."""
    hidden = jnp.tanh(INPUTS @ parameters["first"] + parameters["bias"])
    return jnp.mean((hidden @ parameters["second"] - TARGETS) ** 2) + 1e-3 * sum(
        jnp.sum(p**2) for p in parameters.values()
    )


def of_vector(vector: Any) -> Any:
    return loss(unravelled(vector))


gradient_of = jax.jit(jax.grad(of_vector))
hessian_of = jax.jit(jax.hessian(of_vector))


def walk(transformation: optax.GradientTransformation, start: Array) -> Array:
    """The parameters after each step."""
    update = optax.with_extra_args_support(transformation).update

    def step(carry: Any, _: Any) -> Any:
        parameters, state = carry
        value, gradient = jax.value_and_grad(loss)(parameters)
        updates, state = update(gradient, state, parameters, value=value, grad=gradient, value_fn=loss)
        parameters = optax.apply_updates(parameters, updates)
        return (parameters, state), jnp.concatenate([parameters[name].ravel() for name in SHAPES])

    parameters = unravelled(start)
    path: Array = np.asarray(
        jax.jit(lambda p: jax.lax.scan(step, (p, transformation.init(p)), length=STEPS)[1])(parameters)
    )
    return path


def by_hand(step: Callable[[int, Array, Array, dict[str, Any]], Array], start: Array) -> Array:
    """The same of a rule in NumPy: of the step from 1, the parameters, the gradient and what it remembers."""
    vector, memory, path = start.copy(), {}, []
    with jax.enable_x64(True):
        for t in range(1, STEPS + 1):
            vector = step(t, vector, np.asarray(gradient_of(vector)), memory)
            path.append(vector)
    return np.array(path)


def bounded(largest: bool) -> Callable[[int, Array, Array, dict[str, Any]], Array]:
    def step(t: int, w: Array, g: Array, memory: dict[str, Any]) -> Array:
        memory["m"] = 0.8 * memory.get("m", 0 * w) + 0.2 * g
        memory["v"] = 0.95 * memory.get("v", 0 * w) + 0.05 * g * g
        memory["most"] = np.maximum(memory.get("most", 0 * w), memory["v"])
        rate = 0.05 * np.sqrt(1 - 0.95**t) / (1 - 0.8**t)
        root = np.sqrt(memory["most"] if largest else memory["v"]) + 1e-8
        low, high = 0.2 - 0.2 / (0.01 * t + 1), 0.2 + 0.2 / (0.01 * t)
        return w - np.clip(rate / root, low, high) * memory["m"]

    return step


def conjugate(beta: Callable[[Array, Array, Array], float]) -> Callable[[int, Array, Array, dict[str, Any]], Array]:
    """A constant rate along d = −g + β d', as the papers have it; β of g, g' and d'."""

    def step(t: int, w: Array, g: Array, memory: dict[str, Any]) -> Array:
        d = -g
        if t > 1:
            d = -g + beta(g, memory["g"], memory["d"]) * memory["d"]
            d = d if d @ g < 0 else -g
        memory |= {"g": g, "d": d}
        return w + 0.02 * d

    return step


def positive_and_negative(t: int, w: Array, g: Array, memory: dict[str, Any]) -> Array:
    """Kivinen and Warmuth's two sets of weights, each multiplied; at first such that their product is 0.3²."""
    if t == 1:
        memory["p"] = (np.sqrt(w**2 + 4 * 0.3**2) + w) / 2
        memory["q"] = memory["p"] - w
    memory["p"], memory["q"] = memory["p"] * np.exp(-0.05 * g), memory["q"] * np.exp(0.05 * g)
    return memory["p"] - memory["q"]


def newton(absolute: bool) -> Callable[[int, Array, Array, dict[str, Any]], Array]:
    def step(t: int, w: Array, g: Array, memory: dict[str, Any]) -> Array:
        values, vectors = np.linalg.eigh(np.asarray(hessian_of(w)))
        curvature = (np.abs(values) if absolute else values) + 0.5
        return w - 0.3 * np.linalg.solve(vectors @ np.diag(curvature) @ vectors.T, g)

    return step


def near_a_minimum() -> Array:
    """Where the loss curves up in every direction, or nearly: elsewhere Newton's method doubles rounding errors."""
    vector = START
    with jax.enable_x64(True):
        for _ in range(300):
            vector = vector - 0.2 * np.asarray(gradient_of(vector))
    return vector


NEAR = near_a_minimum()

CASES: dict[str, tuple[Callable[[], optax.GradientTransformation], Callable[..., Array], Array]] = {
    "adabound": (lambda: own.adabound(0.05, 0.8, 0.95, final_learning_rate=0.2, gamma=0.01), bounded(False), START),
    "amsbound": (lambda: own.amsbound(0.05, 0.8, 0.95, final_learning_rate=0.2, gamma=0.01), bounded(True), START),
    "Polak and Ribière": (
        lambda: own.conjugate_gradients(0.02, "polak_ribiere", linesearch=None),
        conjugate(lambda g, last, d: max(0.0, g @ (g - last) / (last @ last))),
        START,
    ),
    "Fletcher and Reeves": (
        lambda: own.conjugate_gradients(0.02, "fletcher_reeves", linesearch=None),
        conjugate(lambda g, last, d: g @ g / (last @ last)),
        START,
    ),
    "Hestenes and Stiefel": (
        lambda: own.conjugate_gradients(0.02, "hestenes_stiefel", linesearch=None),
        conjugate(lambda g, last, d: g @ (g - last) / (d @ (g - last))),
        START,
    ),
    "exponentiated gradient": (lambda: own.exponentiated_gradient(0.05, beta=0.3), positive_and_negative, START),
    "of positive weights": (
        lambda: own.exponentiated_gradient(0.05, beta=0.0),
        lambda t, w, g, memory: w * np.exp(-0.05 * g),
        POSITIVE,
    ),
    "newton": (lambda: own.newton(0.3, damping=0.5), newton(False), NEAR),
    "saddle-free newton": (lambda: own.saddle_free_newton(0.3, damping=0.5), newton(True), START),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_its_papers_equations(name: str) -> None:
    make, rule, start = CASES[name]
    found, expected = walk(make(), start), by_hand(rule, start)
    assert np.abs(expected[-1] - start).max() > 0.01
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


# -- facts of textbooks ------------------------------------------------------------------------------------------------


def descend(transformation: optax.GradientTransformation, f: Callable[[Any], Any], start: Any, steps: int) -> Array:
    transformation, x = trained(transformation), jnp.asarray(start)
    state, update = (
        transformation.init(x),
        jax.jit(
            lambda g, s, x: transformation.update(
                g, s, x, value=f(x), grad=g, value_fn=f, grad_fn=lambda p, *_: jax.grad(f)(p)
            )
        ),
    )
    for _ in range(steps):
        steps_, state = update(jax.grad(f)(x), state, x)
        x = x + steps_
    return np.asarray(x)


def test_newton_needs_one_step_for_a_quadratic_and_none_of_zero_curvature() -> None:
    matrix = jnp.diag(jnp.asarray([100.0, 1.0, 0.0]))
    found = descend(own.newton(damping=0.0), lambda x: 0.5 * x @ matrix @ x, [1.0, -2.0, 5.0], 1)
    np.testing.assert_allclose(found, [0.0, 0.0, 5.0], atol=1e-12)


def test_newton_is_drawn_to_a_saddle_that_its_other_form_leaves() -> None:
    def saddle(x: Any) -> Any:
        return x[0] ** 2 - x[1] ** 2 + 0.1 * x[1] ** 4

    start = [0.5, 0.1]
    np.testing.assert_allclose(descend(own.newton(damping=0.0), saddle, start, 20), [0.0, 0.0], atol=1e-8)
    left = descend(own.saddle_free_newton(damping=1e-3), saddle, start, 40)
    np.testing.assert_allclose(np.abs(left), [0.0, np.sqrt(5)], atol=1e-6)


def test_conjugate_gradients_are_far_ahead_of_descent_on_an_ill_conditioned_quadratic() -> None:
    scales = jnp.logspace(0, 3, 10)
    found = descend(own.conjugate_gradients(), lambda x: 0.5 * jnp.sum(scales * x**2), np.ones(10), 60)
    plain = descend(optax.sgd(1 / 1000), lambda x: 0.5 * jnp.sum(scales * x**2), np.ones(10), 60)
    assert np.abs(found).max() < 0.01
    assert np.abs(plain).max() > 0.9


def test_a_gradient_of_zero_moves_nothing_and_is_no_nan() -> None:
    makers = (own.newton(), own.saddle_free_newton(), own.conjugate_gradients(), own.exponentiated_gradient(0.1))
    for transformation in (*makers, own.adabound(0.1), own.sam(optax.sgd(0.1)), own.clip_by_norm(1.0)):
        found = descend(transformation, lambda x: 0.0 * jnp.sum(x), [1.0, 2.0], 2)
        np.testing.assert_array_equal(found, [1.0, 2.0])


def test_newton_refuses_more_parameters_than_its_matrix_has_room_for() -> None:
    with pytest.raises(ValueError, match="at most 4,096 parameters"):
        jax.eval_shape(lambda x: own.newton().update(x, own.newton().init(x), x, value_fn=jnp.sum), jnp.ones(5000))


@pytest.mark.parametrize(("norm", "factor"), [(0.5, 0.1), (5.0, 1.0), (7.0, 1.0)])
def test_each_array_is_clipped_by_its_own_norm(norm: float, factor: float) -> None:
    gradient = {"a": jnp.asarray([3.0, 4.0]), "b": jnp.asarray([0.03])}
    clipped, _ = own.clip_by_norm(norm).update(gradient, optax.EmptyState())
    np.testing.assert_allclose(clipped["a"], factor * gradient["a"], rtol=1e-15)
    np.testing.assert_array_equal(clipped["b"], gradient["b"])
