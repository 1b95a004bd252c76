"""Schedules and courses as functions of the step: point by point against their formulas, corners and both ends too."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sqrt
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from netspec.build.over_time import arguments_over_time, number_over_time
from netspec.document import parse
from netspec.graph.calls import construct
from netspec.nn.plateau import observer, plateau
from netspec.spec.call import call
from netspec.spec.clock import Clock
from netspec.spec.courses import Course
from netspec.spec.decode import decode
from netspec.spec.layers.noise import Noise
from netspec.spec.schedules import Schedule

CLOCK = Clock(steps=100, per_epoch=10)
ALL = np.arange(0, 131)
"""Every step, so every corner and what is beside it; and some past the end."""

Formula = Callable[[int], float]


def line(t: float, *points: tuple[float, float]) -> float:
    return float(np.interp(t, [at for at, _ in points], [value for _, value in points]))


def fall(share: float) -> float:
    """Half a cosine from 1 to 0."""
    return (1 + cos(pi * min(max(share, 0), 1))) / 2


def smith(t: int, stepsize: float, base: float, scale: Callable[[int, int], float]) -> float:
    """The paper's pseudocode, with 1 as the largest rate."""
    cycle = int(1 + t / (2 * stepsize))
    x = abs(t / stepsize - 2 * cycle + 1)
    return base + (1 - base) * max(0, 1 - x) * scale(t, cycle)


def restarted(t: int, length: int, multiply: int, final: float) -> float:
    """T_cur and T_i of the paper, cycle after cycle."""
    while t >= length:
        t, length = t - length, length * multiply
    return final + (1 - final) * fall(t / length)


def one_cycle(t: int) -> float:
    return 0.04 + 0.96 * (1 - fall(t / 30)) if t < 30 else 0.04 / 1e4 + (1 - 0.04 / 1e4) * fall((t - 30) / 70)


SCHEDULES: dict[str, Formula] = {
    'kind = "constant"': lambda t: 1.0,
    'kind = "constant"\nwarmup = "5%"': lambda t: min(t / 5, 1),
    'kind = "linear"\nfinal = 0.2': lambda t: line(t, (0, 1), (100, 0.2)),
    'kind = "linear"\nwarmup = 20': lambda t: line(t, (0, 0), (20, 1), (100, 0)),
    'kind = "polynomial"': lambda t: (1 - min(t / 100, 1)) ** 2,
    'kind = "polynomial"\npower = 3\nfinal = 0.1\nwarmup = 10': lambda t: (
        t / 10 if t < 10 else 0.1 + 0.9 * (1 - min((t - 10) / 90, 1)) ** 3
    ),
    'kind = "cosine"\nfinal = 0.1': lambda t: 0.1 + 0.9 * fall(t / 100),
    'kind = "cosine"\nwarmup = "1 epoch"': lambda t: t / 10 if t < 10 else fall((t - 10) / 90),
    'kind = "exponential"\nrate = 0.5\nevery = "2 epochs"': lambda t: 0.5 ** (t / 20),
    'kind = "exponential"\nrate = 0.5\nstairs = true': lambda t: 0.5 ** (t // 10),
    'kind = "hyperbolic"\nrate = 0.01': lambda t: 1 / (1 + 0.01 * t),
    'kind = "hyperbolic"\nrate = 1.0\nevery = "1 epoch"': lambda t: 1 / (1 + t / 10),
    'kind = "inverse_sqrt"': lambda t: 1 / sqrt(1 + t),
    'kind = "inverse_sqrt"\ntimescale = 25': lambda t: sqrt(25 / (25 + t)),
    # min(step^-1/2, step warmup^-3/2) of Vaswani et al., over its greatest
    'kind = "inverse_sqrt"\nwarmup = 16': lambda t: sqrt(16) * min(max(t, 1e-9) ** -0.5, t * 16**-1.5),
    'kind = "step"\nevery = "25%"': lambda t: 0.1 ** (t // 25),
    'kind = "step"\nevery = 10\nwarmup = 5': lambda t: t / 5 if t < 5 else 0.1 ** ((t - 5) // 10),
    'kind = "step"\nfactor = 0.5\nat = [30, "6 epochs"]': lambda t: 0.5 ** ((t >= 30) + (t >= 60)),
    'kind = "step"\nfactor = 0.5\nat = [30, "60%"]\nwarmup = 5': lambda t: min(t / 5, 0.5 ** ((t >= 30) + (t >= 60))),
    'kind = "piecewise"\nvalues = [1, 2, 0]\nat = [30, "60%"]': lambda t: 1.0 if t < 30 else 2.0 if t < 60 else 0.0,
    'kind = "piecewise"\nvalues = [0.5, 2, 0]\nat = [40, 100]\ninterpolate = "linear"': lambda t: line(
        t, (0, 0.5), (40, 2), (100, 0)
    ),
    'kind = "piecewise"\nvalues = [0.5, 2, 1]\nat = [40, 80]\ninterpolate = "cosine"\nwarmup = 10': lambda t: (
        t / 20 if t < 10 else 0.5 + 1.5 * (1 - fall((t - 10) / 30)) if t < 40 else 1 + fall((t - 40) / 40)
    ),
    'kind = "cyclic"\nbase = 0.2\nevery = 30': lambda t: smith(t, 15, 0.2, lambda t, c: 1.0),
    'kind = "cyclic"\nbase = 0.2\nevery = 30\nmode = "triangular2"': lambda t: smith(
        t, 15, 0.2, lambda t, c: 1 / 2 ** (c - 1)
    ),
    'kind = "cyclic"\nbase = 0\nevery = 25\nmode = "exp_range"\ngamma = 0.99': lambda t: smith(
        t, 12.5, 0.0, lambda t, c: 0.99**t
    ),
    'kind = "one_cycle"': one_cycle,
    'kind = "one_cycle"\ninterpolate = "linear"\npct_start = 0.25\npct_final = 0.75\ndiv_factor = 10': lambda t: line(
        t, (0, 0.1), (25, 1), (75, 0.1), (100, 1e-5)
    ),
    'kind = "warm_restarts"\nevery = "25%"\nfinal = 0.1': lambda t: restarted(t, 25, 1, 0.1),
    'kind = "trapezoid"\nwarmup = "10%"': lambda t: line(t, (0, 0), (10, 1), (80, 1), (100, 0)),
    'kind = "trapezoid"\ndecay = 40\nfinal = 0.5\ninterpolate = "cosine"': lambda t: 0.5 + 0.5 * fall((t - 60) / 40),
    'kind = "trapezoid"\ninterpolate = "sqrt"': lambda t: 1 - sqrt(min(max(0, t - 80) / 20, 1)),
    'kind = "join"\npieces = [{ linear = [0.2, 1] }, { cosine = [2, 1] }]\nat = [40]': lambda t: (
        0.2 + 0.8 * t / 40 if t < 40 else 1 + fall((t - 40) / 60)
    ),
    'kind = "join"\npieces = [{ exponential = [1, 0.01], over = "50%" }, { step = [3, 4], at = [5] }]\nat = [40]\n'
    "warmup = 20": lambda t: t / 20 if t < 20 else 0.01 ** min((t - 20) / 10, 1) if t < 40 else 3.0 + (t >= 45),
    'kind = "plateau"\nwarmup = 4': lambda t: min(t / 4, 1),
}


def schedule(text: str) -> Schedule:
    found = decode(parse(f"[model]\ninput = [2]\nlayers = [{{ dense = 1 }}]\n[schedule]\n{text}", "x.toml")).schedule
    assert found is not None
    return found


def points(function: Callable[[jax.Array], jax.Array]) -> np.ndarray:
    return np.asarray(jax.vmap(function)(jnp.asarray(ALL)))


@pytest.mark.parametrize("text", SCHEDULES)
def test_a_schedule_is_its_formula_at_every_step(text: str) -> None:
    lowered = schedule(text).lower(CLOCK)
    expected = [SCHEDULES[text](int(t)) for t in ALL]
    np.testing.assert_allclose(points(construct(lowered)), expected, rtol=2e-5, atol=1e-6)
    with jax.enable_x64():
        found = points(construct(lowered))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_every_schedule_is_among_them() -> None:
    assert {schedule(text).kind for text in SCHEDULES} | {"warm_restarts"} == set(Schedule.kinds)


@pytest.mark.parametrize("multiply", [1, 2, 3])
@pytest.mark.parametrize("every", [1, 7, 10, 100])
def test_restarts_come_when_they_should(every: int, multiply: int) -> None:
    made = construct(schedule(f'kind = "warm_restarts"\nevery = {every}\nmultiply = {multiply}').lower(CLOCK))
    within = ALL[ALL < 100]
    expected = [restarted(int(t), every, multiply, 0.0) for t in within]
    np.testing.assert_allclose(points(made)[: len(within)], expected, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_a_schedule_of_a_few_steps_is_finite(steps: int) -> None:
    """Where most pieces have no length."""
    for text in SCHEDULES:
        assert np.isfinite(points(construct(schedule(text).lower(Clock(steps, 1))))).all(), text


@pytest.mark.parametrize(
    ("text", "by_hand"),
    [
        ('kind = "one_cycle"', optax.cosine_onecycle_schedule(100, 1.0)),
        ('kind = "one_cycle"\ninterpolate = "linear"', optax.linear_onecycle_schedule(100, 1.0)),
        (
            'kind = "warm_restarts"\nevery = 20\nmultiply = 2\nwarmup = 0',
            optax.sgdr_schedule(
                [
                    {"init_value": 1.0, "peak_value": 1.0, "decay_steps": n, "warmup_steps": 0, "end_value": 0.0}
                    for n in (20, 40, 80)
                ]
            ),
        ),
        (
            'kind = "piecewise"\nvalues = [1, 0.5, 0.1]\nat = [20, 70]\ninterpolate = "linear"',
            optax.piecewise_interpolate_schedule("linear", 1.0, {20: 0.5, 70: 0.2}),
        ),
    ],
)
def test_a_schedule_that_optax_has_is_the_same(text: str, by_hand: optax.Schedule) -> None:
    np.testing.assert_allclose(points(construct(schedule(text).lower(CLOCK))), points(by_hand), rtol=1e-4, atol=1e-6)


# -- courses -----------------------------------------------------------------------------------------------------------

COURSES: dict[str, Formula] = {
    "{ linear = [0.5, 0.9] }": lambda t: line(t, (0, 0.5), (100, 0.9)),
    '{ linear = [0.5, 0.9], over = "50%", after = 10 }': lambda t: line(t, (10, 0.5), (60, 0.9)),
    "{ polynomial = [1, 0.5], power = 3, over = 80 }": lambda t: 0.5 + 0.5 * (1 - min(t / 80, 1)) ** 3,
    "{ cosine = [0.2, 0.8], after = 20 }": lambda t: 0.8 - 0.6 * fall((t - 20) / 80),
    '{ exponential = [1, 0.001], over = "5 epochs" }': lambda t: 0.001 ** min(t / 50, 1),
    '{ step = [1, 3, 2], at = [25, "50%"] }': lambda t: 1.0 if t < 25 else 3.0 if t < 50 else 2.0,
    '{ cyclic = [0.1, 0.5], every = "20%" }': lambda t: 0.1 + 0.4 * (1 - abs((t % 20) / 10 - 1)),
    '{ join = [{ linear = [0.1, 1], over = "50%" }, { cosine = [1, 0.1] }], at = [40] }': lambda t: (
        line(t, (0, 0.1), (20, 1)) if t < 40 else 0.1 + 0.9 * fall((t - 40) / 60)
    ),
}


def course(text: str) -> Course:
    spec = decode(parse(f"[model]\ninput = [2]\nlayers = [{{ dense = 1 }}, {{ noise = {text} }}]", "x.toml"))
    assert spec.model is not None
    layer = spec.model.layers[1]
    assert isinstance(layer, Noise)
    assert isinstance(layer.noise, Course)
    return layer.noise


@pytest.mark.parametrize("text", COURSES)
def test_a_course_is_its_formula_at_every_step(text: str) -> None:
    changes = course(text)
    expected = [COURSES[text](int(t)) for t in ALL]
    np.testing.assert_allclose(points(number_over_time(changes, CLOCK)), expected, rtol=2e-5, atol=1e-6)
    with jax.enable_x64():
        found = points(number_over_time(changes, CLOCK))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert changes.ends == pytest.approx((expected[0], expected[100]), abs=1e-12)
    assert number_over_time(changes, CLOCK)(None) == changes.ends[1]
    assert course(repr(changes)) == changes


def test_every_course_is_among_them() -> None:
    assert {course(text).kind for text in COURSES} == set(Course.kinds)


def test_arguments_over_time() -> None:
    made = call("netspec.nn.losses.huber", 1, delta=course("{ linear = [1, 2] }"), weight=3.0)
    at = arguments_over_time(made, CLOCK)
    assert at(None) == {"delta": 2.0, "weight": 3.0}
    assert {name: float(value) for name, value in at(jnp.asarray(50)).items()} == {"delta": 1.5, "weight": 3.0}
    assert number_over_time(0.5, CLOCK)(jnp.asarray(50)) == 0.5


# -- plateau -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "patience", "cooldown", "threshold", "least"),
    [(0.1, 1, 0, 1e-4, 0.0), (0.5, 3, 2, 1e-2, 0.1), (0.5, 2, 0, 0.2, 0.0), (0.3, 1, 4, 1e-4, 0.2)],
)
def test_a_plateau_is_optax_s(factor: float, patience: int, cooldown: int, threshold: float, least: float) -> None:
    """Optax's takes a value with each step, ours one with each evaluation."""
    theirs = optax.contrib.reduce_on_plateau(factor, patience, threshold, 0.0, cooldown, 1, least)
    ours, observe = plateau(), observer(factor, patience, cooldown=cooldown, threshold=threshold, least=least)
    values = (1 / (1 + np.arange(40) / 10) + np.random.default_rng(0).uniform(0, 0.3, 40)).astype(np.float32)
    gradient, chain = {"w": jnp.ones(3)}, optax.chain(optax.sgd(-1.0), ours)

    def step(states: tuple[Any, Any], value: jax.Array) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        one = observe(states[0], value)
        wanted, other = theirs.update(gradient, states[1], value=value)
        return (one, other), (chain.update(gradient, one)[0]["w"], wanted["w"])

    _, (found, wanted) = jax.lax.scan(step, (chain.init(gradient), theirs.init(gradient)), jnp.asarray(values))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert len(np.unique(found)) > 1


def test_a_plateau_takes_a_metric_of_which_more_is_better() -> None:
    """Its negative, which the threshold is a share of all the same."""
    observe = observer(0.5, 2, threshold=0.1)
    state = plateau().init({})
    for value in (0.5, 0.54, 0.56, 0.57, 0.9):  # 0.56 is better than 0.5 by a tenth, 0.57 not than 0.56
        state = observe(state, -value)
    assert (float(state.best), float(state.scale)) == (pytest.approx(-0.9), 1.0)
    for value in (0.9, 0.91):
        state = observe(state, -value)
    assert float(state.scale) == 0.5
