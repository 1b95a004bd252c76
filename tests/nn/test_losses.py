"""Losses, penalties and test functions: value and gradient against their equations, in NumPy and float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.nn import ctc, landscapes, losses, margins, penalties, similarity
from netspec.spec.losses import Loss

Array = np.ndarray[Any, Any]

RNG = np.random.default_rng(0)
N = 7
LOGITS, ONE, NUMBERS, WANTED = (RNG.normal(size=(N, k)) * 2 for k in (4, 1, 3, 3))
CLASSES = RNG.integers(0, 4, N)
SIDES = RNG.choice([-1.0, 1.0], (N, 1))
SHARES = RNG.dirichlet(np.ones(4), N)
SHARES[0] = [0.0, 0.5, 0.5, 0.0]
MAPS, REGIONS = RNG.normal(size=(3, 2, 5, 4)), RNG.integers(-1, 4, (3, 2, 5))
MASK, HALVES = RNG.normal(size=(3, 2, 5, 1)), RNG.integers(-1, 2, (3, 2, 5, 1)).astype(float)
POINTS = RNG.normal(size=(N, 2)) * 2


class Case(NamedTuple):
    """A loss, what it is given, and the number of each example as the equation has it.

    Args:
        arrays: the outputs, which the gradient is of.
        rest: the target.
    """

    function: Callable[..., Any]
    equation: Callable[..., Array]
    arrays: tuple[Array, ...]
    rest: tuple[Array, ...] = ()
    keywords: Mapping[str, Any] = {}


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def picked(z: Array, t: Array) -> Array:
    return np.take_along_axis(z, t[..., None], -1)[..., 0]


def others(z: Array, t: Array) -> Array:
    """The best of the other classes."""
    return np.where(np.eye(z.shape[-1], dtype=bool)[t], -np.inf, z).max(-1)


def norm(v: Array) -> Array:
    return np.sqrt((v**2).sum(-1))


def dice(p: Array, t: Array, counts: Array, smooth: float) -> Array:
    both, either = ((np.where(counts, x, 0)).sum((1, 2)) for x in (p * t, p + t))
    return 1 - ((2 * both + smooth) / (either + smooth)).mean(-1)


def paths_of(logits: Array, labels: Array, frames: int) -> float:
    """-log of the sum over every path, one by one."""
    p, blank, wanted = softmax(logits), logits.shape[-1] - 1, [int(k) for k in labels if k >= 0]
    paths = np.array([path for path in product(range(blank + 1), repeat=frames) if said(path, blank) == wanted])
    return -float(np.log(p[np.arange(frames), paths].prod(-1).sum()))


@cache
def said(path: tuple[int, ...], blank: int) -> list[int]:
    return [k for i, k in enumerate(path) if k != blank and (i == 0 or k != path[i - 1])]


def triplets(x: Array, t: Array, margin: float, hardest: bool) -> Array:
    d = norm(x[:, None] - x[None])
    found = np.zeros(len(x))
    for a in range(len(x)):
        near = [d[a, p] for p in range(len(x)) if p != a and t[p] == t[a] >= 0]
        far = [d[a, n] for n in range(len(x)) if t[n] != t[a] and min(t[n], t[a]) >= 0]
        each = [max(0.0, p - n + margin) for p in near for n in far]
        if each:
            found[a] = max(0.0, max(near) - min(far) + margin) if hardest else np.mean(each)
    return found


def pairs(x: Array, t: Array, margin: float) -> Array:
    d, found = norm(x[:, None] - x[None]), np.zeros(len(x))
    for i in range(len(x)):
        each = [
            d[i, j] ** 2 / 2 if t[i] == t[j] else max(0, margin - d[i, j]) ** 2 / 2
            for j in range(len(x))
            if j != i and min(t[i], t[j]) >= 0
        ]
        found[i] = np.mean(each) if each else 0
    return found


def smoothed(z: Array, t: Array, smoothing: float) -> Array:
    return -(1 - smoothing) * np.log(picked(softmax(z), t)) - smoothing * np.log(softmax(z)).mean(-1)


def huber(e: Array, delta: float) -> Array:
    return np.where(np.abs(e) <= delta, e**2 / 2, delta * np.abs(e) - delta**2 / 2).mean(-1)


def plus(z: Array, y: Array) -> Array:
    """The margin of each."""
    return (z * y)[:, 0]


ALIKE = RNG.integers(0, 2, (N, 1)).astype(float)
GROUPS = np.array([0, 1, 0, 2, 1, -1, 0])
CTC_LOGITS, CTC_LABELS = RNG.normal(size=(3, 4, 3)), np.array([[0, 0], [1, 0], [1, -1]])
CTC_FRAMES = np.array([[True] * 4, [True] * 3 + [False], [True, True, False, False]])

CASES = {
    "cross_entropy": Case(losses.cross_entropy, lambda z, t: -np.log(picked(softmax(z), t)), (LOGITS,), (CLASSES,)),
    "cross_entropy_smoothed": Case(losses.cross_entropy, smoothed, (LOGITS,), (CLASSES,), {"smoothing": 0.3}),
    "binary_cross_entropy": Case(
        losses.binary_cross_entropy,
        lambda z, t: -(t * np.log(sigmoid(z)) + (1 - t) * np.log(sigmoid(-z)))[:, 0],
        (ONE,),
        ((SIDES + 1) / 2,),
    ),
    "focal": Case(
        losses.focal,
        lambda z, t, gamma: -((1 - picked(softmax(z), t)) ** gamma) * np.log(picked(softmax(z), t)),
        (LOGITS,),
        (CLASSES,),
        {"gamma": 2.0},
    ),
    "focal_of_two": Case(
        losses.focal,
        lambda z, t, gamma: (-((1 - sigmoid(z * (2 * t - 1))) ** gamma) * np.log(sigmoid(z * (2 * t - 1))))[:, 0],
        (ONE,),
        ((SIDES + 1) / 2,),
        {"gamma": 0.5},
    ),
    "kl": Case(
        losses.kl,
        lambda z, t: np.where(t > 0, t * (np.log(np.maximum(t, 1e-300)) - np.log(softmax(z))), 0).sum(-1),
        (LOGITS,),
        (SHARES,),
    ),
    "squared_error": Case(losses.squared_error, lambda o, t: ((o - t) ** 2).mean(-1), (NUMBERS,), (WANTED,)),
    "half_squared_error": Case(
        losses.half_squared_error, lambda o, t: ((o - t) ** 2).mean(-1) / 2, (NUMBERS,), (WANTED,)
    ),
    "absolute_error": Case(losses.absolute_error, lambda o, t: np.abs(o - t).mean(-1), (NUMBERS,), (WANTED,)),
    "huber": Case(losses.huber, lambda o, t, delta: huber(o - t, delta), (NUMBERS,), (WANTED,), {"delta": 1.3}),
    "log_cosh": Case(losses.log_cosh, lambda o, t: np.log(np.cosh(o - t)).mean(-1), (NUMBERS,), (WANTED,)),
    "cosine": Case(losses.cosine, lambda o, t: 1 - (o * t).sum(-1) / (norm(o) * norm(t)), (NUMBERS,), (WANTED,)),
    "dice": Case(
        losses.dice,
        lambda z, t, smooth: dice(softmax(z), np.eye(4)[t], t[..., None] >= 0, smooth),
        (MAPS,),
        (REGIONS,),
        {"smooth": 0.5},
    ),
    "dice_of_two": Case(
        losses.dice, lambda z, t, smooth: dice(sigmoid(z), t, t >= 0, smooth), (MASK,), (HALVES,), {"smooth": 1.0}
    ),
    "hinge": Case(margins.hinge, lambda z, y: np.maximum(0, 1 - plus(z, y)), (ONE,), (SIDES,)),
    "squared_hinge": Case(margins.squared_hinge, lambda z, y: np.maximum(0, 1 - plus(z, y)) ** 2, (ONE,), (SIDES,)),
    "logistic": Case(margins.logistic, lambda z, y: np.log(1 + np.exp(-plus(z, y))), (ONE,), (SIDES,)),
    "perceptron": Case(margins.perceptron, lambda z, y: np.maximum(0, -plus(z, y)), (ONE,), (SIDES,)),
    "multiclass_hinge": Case(
        margins.multiclass_hinge,
        lambda z, t: np.maximum(0, 1 + others(z, t) - picked(z, t)),
        (LOGITS,),
        (CLASSES,),
    ),
    "multiclass_perceptron": Case(
        margins.multiclass_perceptron,
        lambda z, t: np.maximum(0, others(z, t) - picked(z, t)),
        (LOGITS,),
        (CLASSES,),
    ),
    "triplet": Case(
        similarity.triplet,
        lambda a, p, n, margin: np.maximum(0, norm(a - p) - norm(a - n) + margin),
        (NUMBERS, WANTED, LOGITS[:, :3]),
        (),
        {"margin": 0.7},
    ),
    "triplet_in_batch": Case(
        similarity.triplet_in_batch, triplets, (NUMBERS,), (GROUPS,), {"margin": 1.5, "hardest": False}
    ),
    "triplet_of_the_hardest": Case(
        similarity.triplet_in_batch, triplets, (NUMBERS,), (GROUPS,), {"margin": 1.5, "hardest": True}
    ),
    "contrastive": Case(
        similarity.contrastive,
        lambda a, b, t, margin: np.where(
            t[:, 0] > 0, norm(a - b) ** 2 / 2, np.maximum(0, margin - norm(a - b)) ** 2 / 2
        ),
        (NUMBERS, WANTED),
        (ALIKE,),
        {"margin": 5.0},
    ),
    "contrastive_in_batch": Case(similarity.contrastive_in_batch, pairs, (NUMBERS,), (GROUPS,), {"margin": 4.0}),
    "ctc": Case(
        ctc.ctc,
        lambda z, t: np.array([paths_of(*one, 4) for one in zip(z, t, strict=True)]),
        (CTC_LOGITS,),
        (CTC_LABELS,),
    ),
    "ctc_of_padded_frames": Case(
        ctc.ctc,
        lambda z, t, f: np.array([paths_of(a[: k.sum()], b, int(k.sum())) for a, b, k in zip(z, t, f, strict=True)]),
        (CTC_LOGITS,),
        (CTC_LABELS, CTC_FRAMES),
    ),
    "quadratic": Case(
        landscapes.quadratic,
        lambda p, condition: (p[:, 0] ** 2 + condition * p[:, 1] ** 2) / 2,
        (POINTS,),
        (),
        {"condition": 50.0},
    ),
    "quadratic_in_three_axes": Case(
        landscapes.quadratic,
        lambda p, condition: (p**2 @ [1, condition**0.5, condition]) / 2,
        (NUMBERS,),
        (),
        {"condition": 100.0},
    ),
    "saddle": Case(landscapes.saddle, lambda p: p[:, 0] ** 2 - p[:, 1] ** 2, (POINTS,)),
    "rosenbrock": Case(
        landscapes.rosenbrock, lambda p: (1 - p[:, 0]) ** 2 + 100 * (p[:, 1] - p[:, 0] ** 2) ** 2, (POINTS,)
    ),
    "beale": Case(
        landscapes.beale,
        lambda p: sum((c - p[:, 0] + p[:, 0] * p[:, 1] ** k) ** 2 for k, c in ((1, 1.5), (2, 2.25), (3, 2.625))),
        (POINTS,),
    ),
    "himmelblau": Case(
        landscapes.himmelblau,
        lambda p: (p[:, 0] ** 2 + p[:, 1] - 11) ** 2 + (p[:, 0] + p[:, 1] ** 2 - 7) ** 2,
        (POINTS,),
    ),
    "cliff": Case(landscapes.cliff, lambda p: (sigmoid(unrolled(p)) - 0.7) ** 2, (POINTS + np.array([4.0, -2.0]),)),
    "l1": Case(penalties.l1, lambda w, strength: strength * np.abs(w).sum(), (NUMBERS,), (), {"strength": 0.3}),
    "l2": Case(penalties.l2, lambda w, strength: strength * (w**2).sum() / 2, (NUMBERS,), (), {"strength": 0.3}),
    "lp": Case(
        penalties.lp,
        lambda w, strength, p: strength * (np.abs(w) ** p).sum(),
        (NUMBERS,),
        (),
        {"strength": 0.3, "p": 0.5},
    ),
    "elastic": Case(
        penalties.elastic,
        lambda w, strength, l1_ratio: strength * (l1_ratio * np.abs(w) + (1 - l1_ratio) * w**2 / 2).sum(),
        (NUMBERS,),
        (),
        {"strength": 0.3, "l1_ratio": 0.2},
    ),
    "sparsity": Case(
        penalties.sparsity,
        lambda a, strength, share: (
            strength
            * len(a)
            * (share * np.log(share / a.mean(0)) + (1 - share) * np.log((1 - share) / (1 - a.mean(0)))).sum()
        ),
        (sigmoid(NUMBERS),),
        (),
        {"strength": 0.3, "share": 0.1},
    ),
}


def unrolled(p: Array) -> Array:
    h = np.full(len(p), 0.5)
    for _ in range(50):
        h = p[:, 0] * sigmoid(h) + p[:, 1]
    return h


def differences(case: Case, weights: Array, size: float = 1e-4) -> list[Array]:
    """The gradient of the weighted sum by the equation's own differences, of the fourth order."""

    def total(arrays: list[Array]) -> float:
        return float((case.equation(*arrays, *case.rest, **case.keywords) * weights).sum())

    found = []
    for k, array in enumerate(case.arrays):
        slope = np.zeros_like(array)
        for at in np.ndindex(array.shape):
            values = []
            for shift in (-2, -1, 1, 2):
                moved = array.copy()
                moved[at] += shift * size
                values.append(total([*case.arrays[:k], moved, *case.arrays[k + 1 :]]))
            slope[at] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * size)
        found.append(slope)
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_loss_and_its_gradient_are_those_of_the_equation(name: str) -> None:
    case = CASES[name]
    expected = case.equation(*case.arrays, *case.rest, **case.keywords)
    weights = RNG.normal(size=np.shape(expected))

    def total(*arrays: Any) -> Any:
        each = case.function(*arrays, *map(jnp.asarray, case.rest), **case.keywords)
        return (each * weights).sum(), each

    with jax.enable_x64(True):
        slopes = jax.jit(jax.grad(total, argnums=tuple(range(len(case.arrays))), has_aux=True))
        gradient, found = slopes(*map(jnp.asarray, case.arrays))
        assert found.dtype == jnp.float64
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
    for one, slope in zip(gradient, differences(case, weights), strict=True):
        np.testing.assert_allclose(one, slope, rtol=1e-7, atol=1e-8 * max(1.0, np.abs(slope).max()))


# -- where equations have corners, or numbers run out ---------------------------------------------------------------


def test_logistic_and_binary_cross_entropy_are_one() -> None:
    logits = jnp.asarray(RNG.normal(size=(1000, 1)) * 30)
    sides = jnp.asarray(RNG.choice([-1.0, 1.0], (1000, 1)))

    def total(loss: Any, targets: Any) -> Any:
        return jax.vmap(jax.value_and_grad(lambda z, t: loss(z[None], t[None])[0]))(logits, targets)

    for one, other in zip(
        total(margins.logistic, sides), total(losses.binary_cross_entropy, (sides + 1) / 2), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=3e-7)


def test_a_focal_loss_without_focus_is_the_cross_entropy() -> None:
    found = losses.focal(jnp.asarray(LOGITS), jnp.asarray(CLASSES), gamma=0.0)
    np.testing.assert_allclose(found, losses.cross_entropy(jnp.asarray(LOGITS), jnp.asarray(CLASSES)), rtol=1e-5)


LARGE = jnp.asarray([[200.0, -200.0, 0.0], [-200.0, 200.0, 200.0]])
ZERO = jnp.zeros((4, 3))
EDGES = {
    "cross_entropy": lambda z: losses.cross_entropy(z + LARGE, jnp.asarray([0, 0])),
    "focal": lambda z: losses.focal(z + LARGE, jnp.asarray([0, 0]), gamma=0.5),
    "focal_of_two": lambda z: losses.focal(z + LARGE[:, :1], jnp.asarray([[1.0], [1.0]]), gamma=0.5),
    "binary_cross_entropy": lambda z: losses.binary_cross_entropy(z + LARGE[:, :1], jnp.asarray([[1.0], [1.0]])),
    "kl": lambda z: losses.kl(z + LARGE, jnp.asarray([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])),
    "log_cosh": lambda z: losses.log_cosh(z + LARGE, jnp.zeros((2, 3))),
    "cosine": lambda z: losses.cosine(z + ZERO, ZERO),
    "triplet": lambda z: similarity.triplet(z + ZERO, ZERO, ZERO),
    "triplet_in_batch": lambda z: similarity.triplet_in_batch(z + ZERO, jnp.asarray([0, 0, 1, 1])),
    "hardest": lambda z: similarity.triplet_in_batch(z + ZERO, jnp.asarray([0, 0, 0, 0]), hardest=True),
    "contrastive": lambda z: similarity.contrastive(z + ZERO, ZERO, jnp.ones((4, 1))),
    "dice": lambda z: losses.dice(z + jnp.zeros((2, 5, 3)), -jnp.ones((2, 5), jnp.int32)),
    "lp": lambda z: penalties.lp(z + ZERO, strength=1.0, p=0.5),
}


@pytest.mark.parametrize("name", EDGES)
def test_numbers_stay_finite_at_the_edges(name: str) -> None:
    value, slope = jax.jit(jax.value_and_grad(lambda z: EDGES[name](z).sum()))(jnp.zeros(()))
    assert bool(jnp.isfinite(value))
    assert bool(jnp.isfinite(slope))


def test_a_small_error_is_not_lost_in_float32() -> None:
    error = np.float32(1e-4)
    found = losses.log_cosh(jnp.asarray([[error]]), jnp.zeros((1, 1)))
    assert float(found[0]) == pytest.approx(float(error) ** 2 / 2, rel=1e-5)


def test_zero_weights_can_learn_by_a_perceptron_rule() -> None:
    one = jax.grad(lambda z: margins.perceptron(z, jnp.asarray([[1.0], [-1.0]])).sum())(jnp.zeros((2, 1)))
    assert one.ravel().tolist() == [-1.0, 1.0]
    several = jax.grad(lambda z: margins.multiclass_perceptron(z, jnp.asarray([1])).sum())(jnp.zeros((1, 4)))
    assert several.ravel().tolist() == [0.25, -0.75, 0.25, 0.25]


@pytest.mark.parametrize(
    ("said", "labels", "edits"),
    [
        ([0, 0, 2, 0, 1], [0, 0, 1], 0),  # 2 is the blank
        ([0, 0, 0, 1, 1], [0, 0, 1], 1),
        ([2, 2, 2, 2, 2], [0, 1, -1], 2),
        ([0, 1, 0, 1, 0], [1, -1, -1], 4),
        ([1, 0, 2, 2, 2], [0, 1, -1], 2),
    ],
)
def test_label_errors_are_edits(said: list[int], labels: list[int], edits: int) -> None:
    logits = jnp.eye(3)[jnp.asarray([said])]
    found = ctc.label_errors(logits, jnp.asarray([labels]))
    assert float(found[0]) == pytest.approx(edits / sum(k >= 0 for k in labels))


MINIMA = {
    "rosenbrock": [(1.0, 1.0)],
    "beale": [(3.0, 0.5)],
    "himmelblau": [(3.0, 2.0), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)],
}


@pytest.mark.parametrize("name", MINIMA)
def test_a_test_function_is_least_where_its_page_says(name: str) -> None:
    told = Loss.kinds[name].minima  # type: ignore[attr-defined]
    np.testing.assert_allclose(told, MINIMA[name], atol=1e-6)
    with jax.enable_x64(True):
        function = getattr(landscapes, name)
        value, slope = jax.value_and_grad(lambda p: function(p).sum())(jnp.asarray(told))
    np.testing.assert_allclose(value, 0.0, atol=1e-20)
    np.testing.assert_allclose(slope, 0.0, atol=1e-10)


def test_the_cliff_is_one() -> None:
    """From one side of the wall to the other, no farther than a hundredth, the error falls to a tenth."""
    before, after = np.asarray(jax.jit(landscapes.cliff)(jnp.asarray([[6.0, -3.24], [6.0, -3.23]])))
    assert before > 0.4
    assert after < 0.1 * before
