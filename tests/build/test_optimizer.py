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
from netspec.graph.resolve import resolve
from netspec.spec.clock import Clock
from netspec.spec.decode import decode

CLOCK = Clock(steps=100, per_epoch=10)


ONE, TWO = "{ dense = 1 }", "{ dense = 2 }, { dense = 2 }"


def updater(optimizer: str, schedule: str = "", model: str = ONE) -> Updater:
    section = f"[schedule]\n{schedule}" if schedule else ""
    text = f"[model]\ninput = [2]\nlayers = [{model}]\n[optimizer]\n{optimizer}\n{section}"
    spec = decode(parse(text, "x.toml"))
    return build_optimizer(spec, CLOCK, resolve(spec))


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


def test_a_schedule_drives_the_optimizer() -> None:
    spec = updater("kind = 'adam'\nlearning_rate = 0.1", "kind = 'cosine'")
    cosine = optax.cosine_decay_schedule(0.1, 100)
    for name, value in walk(optax.adam(cosine)).items():
        np.testing.assert_allclose(walk(spec.transformation)[name], value, rtol=1e-5)


GROUP = "kind = 'adamw'\nlearning_rate = 0.1\n[[optimizer.group]]\n"
LBFGS = "kind = 'lbfgs'\n"
DPSGD = "kind = 'dpsgd'\nlearning_rate = 0.1\nl2_norm_clip = 1.0\nnoise_multiplier = 1.0\n"
RISING = "{ linear = [0.1, 0.2] }"


@pytest.mark.parametrize(
    ("optimizer", "schedule", "message"),
    [
        ("kind = 'adam'", "", "adam needs 'learning_rate'"),
        ("kind = 'adam'\nlearning_rate = 'fast'", "", "must be a finite number"),
        ("kind = 'adam'\nlearning_rate = 0.1\nmu_dtype = 'float23'", "", "must be one of 'float32'"),
        ("kind = 'rprop'\nlearning_rate = 0.1", "kind = 'cosine'", "takes a learning rate that stays the same"),
        ("kind = 'adafactor'", "kind = 'cosine'", "has no learning rate here"),
        ("chain = ['scale_by_adam']", "kind = 'cosine'", "chain has no learning rate here"),
        ("kind = 'muon'\nlearning_rate = 0.1\nns_coeffs = 'fast'", "", "muon refuses its arguments"),
        (
            "chain = [{ clip = 0.1 }, { differentially_private_aggregate = 1.0, noise_multiplier = 1.0 }]",
            "",
            "stands first",
        ),
        (DPSGD + "clip = { value = 1.0 }", "", "dpsgd takes the gradient of each example, and clips that itself"),
        (DPSGD + "mechanize = true", "", "it goes with no 'mechanize'"),
        (LBFGS + "flatten = true", "", "lbfgs asks for the loss of all parameters together"),
        (LBFGS + "sam = true", "", "lbfgs looks for its own steps"),
        (LBFGS + "[[optimizer.group]]\nmatch = '**/bias'\nkind = 'sgd'\nlearning_rate = 0.1", "", "with no 'group'"),
        (GROUP + "match = '**/bias'\nkind = 'newton'", "", "newton asks for the loss of all parameters together"),
        ("flatten = true\n" + GROUP + "match = '**/bias'\nweight_decay = 0.0", "", "groups part them"),
        (GROUP + "match = '**/scale'\nweight_decay = 0.0", "", "matches no layer or parameter"),
        (GROUP + "match = '**'\nfreeze = true\n[[optimizer.group]]\nmatch = '**/bias'\nb1 = 0.5", "", "have all"),
        ("kind = 'lars'\nlearning_rate = 0.1\ntrust_ratio_mask = '**/kernels'", "", "did you mean 'dense1/kernel'"),
        (f"kind = 'adagrad'\nlearning_rate = 0.1\ninitial_accumulator_value = {RISING}", "", "read once"),
        (
            f"kind = 'sgd'\nlearning_rate = 0.1\nlookahead = {{ sync_period = {RISING}, slow_step_size = 0.5 }}",
            "",
            "whole",
        ),
    ],
)
def test_what_an_optimizer_cannot_do_is_said(optimizer: str, schedule: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        updater(optimizer, schedule)


@pytest.mark.parametrize("kind", ["newton", "saddle_free_newton"])
def test_a_network_is_too_large_for_a_hessian(kind: str) -> None:
    text = f"[model]\ninput = [64]\nlayers = [{{ dense = 64 }}]\n[optimizer]\nkind = '{kind}'"
    spec = decode(parse(text, "x.toml"))
    with pytest.raises(SpecError, match=f"{kind} takes at most 4,096 parameters, and 4,160 learn here"):
        build_optimizer(spec, CLOCK, resolve(spec))
    frozen = decode(parse(f"{text}\n[[optimizer.group]]\nmatch = 'dense1/bias'\nfreeze = true", "x.toml"))
    assert build_optimizer(frozen, CLOCK, resolve(frozen)).groups == (("dense1/bias",),)


def test_the_first_group_has_a_parameter_that_several_match() -> None:
    groups = "match = 'dense1'\nb1 = 0.5\n[[optimizer.group]]\nmatch = ['**/bias', '**/kernel']\nfreeze = true"
    made = updater("kind = 'adamw'\nlearning_rate = 0.1\n[[optimizer.group]]\n" + groups, model=TWO)
    assert made.groups == (("dense1/bias", "dense1/kernel"), ("dense2/bias", "dense2/kernel"))


def test_what_is_frozen_stays_under_everything_that_could_move_it() -> None:
    text = (
        "kind = 'adamw'\nlearning_rate = 0.1\nweight_decay = 0.5\nmechanize = true\nschedule_free = true\n"
        "lookahead = { sync_period = 2, slow_step_size = 0.5 }\nsam = true\napply_if_finite = 3\n"
        "[[optimizer.group]]\nmatch = 'dense1'\nfreeze = true"
    )
    made = updater(text, model=TWO)
    start = {p: jnp.full((2, 2), 1 / 3) for p in ("dense1/kernel", "dense1/bias", "dense2/kernel", "dense2/bias")}

    def loss(parameters: dict[str, jax.Array]) -> jax.Array:
        return optax.tree.norm(parameters, squared=True)

    parameters, state = start, made.transformation.init(start)
    for _ in range(3):
        value, gradient = jax.value_and_grad(loss)(parameters)
        updates, state = made.transformation.update(
            gradient, state, parameters, value=value, grad_fn=lambda p, *_: jax.grad(loss)(p)
        )
        parameters = optax.apply_updates(parameters, updates)
    assert made.evaluated is not None
    for found in (parameters, made.evaluated(state, parameters)):
        for path in start:
            assert bool((found[path] == start[path]).all()) == path.startswith("dense1")


def test_an_optimizer_shares_no_array_with_the_parameters() -> None:
    made = updater("kind = 'dog'\nmechanize = true\nlookahead = { sync_period = 2, slow_step_size = 0.5 }")
    parameters = {"dense1/kernel": jnp.ones((2, 1)), "dense1/bias": jnp.ones(1)}
    held = [id(a) for a in (*parameters.values(), *jax.tree.leaves(made.transformation.init(parameters)))]
    assert len(set(held)) == len(held)


@pytest.mark.parametrize(
    "optimizer", ["kind = 'noisy_sgd'\nlearning_rate = 0.1", DPSGD, "kind = 'sophia'\nlearning_rate = 0.1"]
)
def test_random_numbers_come_from_the_key_that_is_given(optimizer: str) -> None:
    made = updater(optimizer)
    assert made.seeded is not None
    start = made.transformation.init({"w": jnp.ones(3)})
    states = [made.seeded(start, jax.random.key(seed)) for seed in (1, 1, 2)]
    keys = [[np.asarray(x) for x in jax.tree.leaves(jax.tree.map(_data, state))] for state in states]
    same = [all(map(np.array_equal, keys[0], other)) for other in keys]
    assert same == [True, True, False]
    assert jax.tree.structure(start) == jax.tree.structure(states[0])


def _data(leaf: jax.Array) -> jax.Array:
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def test_a_plateau_slows_the_optimizer_down_when_its_metric_stops_falling() -> None:
    made = updater("kind = 'sgd'\nlearning_rate = 1.0", "kind = 'plateau'\nmetric = 'validation/loss'\npatience = 2")
    assert made.observe is not None
    assert made.metric == "validation/loss"
    parameters, gradient = {"w": jnp.ones(2)}, {"w": jnp.ones(2)}
    state, found = made.transformation.init(parameters), []
    for value in (1.0, 0.5, 0.5, 0.5, 0.5):
        updates, state = made.transformation.update(gradient, state, parameters)
        found.append(-float(updates["w"][0]))
        state = made.observe(state, value)
    updates, _ = made.transformation.update(gradient, state, parameters)
    np.testing.assert_allclose([*found, -float(updates["w"][0])], [1, 1, 1, 1, 0.1, 0.1], rtol=1e-6)
