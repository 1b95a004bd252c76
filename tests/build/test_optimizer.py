"""Optimizers and schedules: the chains that specs become, against Optax called by hand and formulas point by point."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from netspec.build.optimizer import Updater, build_optimizer
from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.spec.clock import Clock
from netspec.spec.decode import decode

CLOCK = Clock(steps=100, per_epoch=10)


def updater(optimizer: str, schedule: str = "") -> Updater:
    section = f"[schedule]\n{schedule}" if schedule else ""
    text = f"[model]\ninput = [2]\nlayers = [{{ dense = 1 }}]\n[optimizer]\n{optimizer}\n{section}"
    return build_optimizer(decode(parse(text, "x.toml")), CLOCK)


SGD = "kind = 'sgd'\nlearning_rate = 2.0"

SCHEDULES: dict[str, Callable[[float], float]] = {
    "kind = 'constant'": lambda t: 1.0,
    "kind = 'linear'\nfinal = 0.2": lambda t: 1 - 0.8 * min(t / 100, 1),
    "kind = 'cosine'\nfinal = 0.1": lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * min(t / 100, 1))) / 2,
    "kind = 'exponential'\nrate = 0.5\nevery = '2 epochs'": lambda t: 0.5 ** (t / 20),
    "kind = 'exponential'\nrate = 0.5\nstairs = true": lambda t: 0.5 ** (t // 10),
    "kind = 'step'\nevery = '25%'": lambda t: 0.1 ** (t // 25),
    "kind = 'step'\nfactor = 0.5\nat = [30, '6 epochs']": lambda t: 0.5 ** ((t >= 30) + (t >= 60)),
    "kind = 'hyperbolic'\nrate = 0.01": lambda t: 1 / (1 + 0.01 * t),
    "kind = 'hyperbolic'\nrate = 1.0\nevery = '1 epoch'": lambda t: 1 / (1 + t / 10),
    "kind = 'constant'\nwarmup = '5%'": lambda t: min(t / 5, 1),
    "kind = 'linear'\nwarmup = 20": lambda t: t / 20 if t < 20 else 1 - min((t - 20) / 80, 1),
    "kind = 'step'\nevery = 10\nwarmup = 5": lambda t: t / 5 if t < 5 else 0.1 ** ((t - 5) // 10),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_is_its_formula_at_every_step(schedule: str) -> None:
    rate = updater(SGD, schedule).rate
    assert rate is not None
    steps = np.arange(0, 111)
    found = np.array([float(rate(t)) for t in steps])
    expected = np.array([2.0 * SCHEDULES[schedule](float(t)) for t in steps])
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


def walk(transformation: optax.GradientTransformation, steps: int = 50) -> dict[str, jax.Array]:
    """Descend a small quadratic, in float64."""
    matrix = jnp.asarray(np.random.default_rng(1).normal(size=(3, 3)))
    parameters = {"w": jnp.asarray([1.0, -2.0, 0.5]), "b": jnp.asarray([[0.3]])}
    gradient = jax.grad(lambda p: jnp.sum((matrix @ p["w"]) ** 2) + jnp.sum(p["b"] ** 4))
    state = transformation.init(parameters)
    for _ in range(steps):
        updates, state = transformation.update(gradient(parameters), state, parameters)
        parameters = optax.apply_updates(parameters, updates)
    return parameters


BY_HAND = {
    "kind = 'sgd'\nlearning_rate = 1e-2\nmomentum = 0.9\nnesterov = true": lambda: optax.sgd(1e-2, 0.9, True),
    "kind = 'adam'\nlearning_rate = 1e-2\nb2 = 0.99": lambda: optax.adam(1e-2, b2=0.99),
    "kind = 'nadam'\nlearning_rate = 1e-2": lambda: optax.nadam(1e-2),
    "kind = 'lion'\nlearning_rate = 1e-3": lambda: optax.lion(1e-3),
    "kind = 'prodigy'\nbetas = [0.8, 0.99]": lambda: optax.contrib.prodigy(betas=(0.8, 0.99)),
    "kind = 'rmsprop'\nlearning_rate = 1e-2\nclip = { global_norm = 0.5 }": lambda: optax.chain(
        optax.clip_by_global_norm(0.5), optax.rmsprop(1e-2)
    ),
    "kind = 'adagrad'\nlearning_rate = 0.1\nclip = { value = 0.1 }": lambda: optax.chain(
        optax.clip(0.1), optax.adagrad(0.1)
    ),
}


@pytest.mark.parametrize("optimizer", BY_HAND)
def test_an_optimizer_is_optaxs_own(optimizer: str) -> None:
    with jax.enable_x64(True):
        found, expected = walk(updater(optimizer).transformation), walk(BY_HAND[optimizer]())
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])


def test_a_schedule_drives_the_optimizer() -> None:
    spec = updater("kind = 'adam'\nlearning_rate = 0.1", "kind = 'cosine'")
    cosine = optax.cosine_decay_schedule(0.1, 100)
    for name, value in walk(optax.adam(cosine)).items():
        np.testing.assert_allclose(walk(spec.transformation)[name], value, rtol=1e-5)


@pytest.mark.parametrize(
    ("optimizer", "schedule", "message"),
    [
        ("kind = 'sophia'\nlearning_rate = 0.1", "", "sophia needs an estimate of the Hessian"),
        ("kind = 'adam'", "", "adam needs 'learning_rate'"),
        ("kind = 'adam'\nlearning_rate = 'fast'", "", "must be a finite number"),
        ("kind = 'sm3'\nlearning_rate = 0.1", "kind = 'cosine'", "takes a learning rate that stays the same"),
        ("kind = 'adafactor'", "kind = 'cosine'", "has no learning rate here"),
    ],
)
def test_what_an_optimizer_cannot_do_is_said(optimizer: str, schedule: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        updater(optimizer, schedule)
