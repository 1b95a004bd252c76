"""Every optimizer of Optax as specs say it, against Optax called by hand: 100 steps in float64."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib

from netspec.build.optimizer import Updater, build_optimizer
from netspec.document import parse
from netspec.graph.resolve import resolve
from netspec.spec.clock import Clock
from netspec.spec.decode import decode
from netspec.spec.optimizers import WRAPPERS, optimizer_names, signature

STEPS = 100
CLOCK = Clock(STEPS, 10)
MODEL = "[model]\ninput = [3]\nlayers = [{ dense = 4, activation = 'tanh' }, { dense = 1 }]\n[optimizer]\n"
RANDOM = np.random.default_rng(5)
INPUTS, TARGETS = RANDOM.normal(size=(8, 3)), RANDOM.normal(size=(8, 1))
SHAPES = {"dense1/kernel": (3, 4), "dense1/bias": (4,), "dense2/kernel": (4, 1), "dense2/bias": (1,)}
START = {path: RANDOM.normal(size=shape) for path, shape in SHAPES.items()}

Parameters = dict[str, Any]


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="optax|netspec")
        warnings.filterwarnings("ignore", message="Explicitly requested dtype")
        yield


def updater(optimizer: str) -> Updater:
    spec = decode(parse(MODEL + optimizer, "x.toml"))
    return build_optimizer(spec, CLOCK, resolve(spec))


def each(parameters: Parameters) -> Any:
    """The loss of each example."""
    hidden = jnp.tanh(INPUTS @ parameters["dense1/kernel"] + parameters["dense1/bias"])
    return (hidden @ parameters["dense2/kernel"] + parameters["dense2/bias"] - TARGETS)[:, 0] ** 2


def loss(parameters: Parameters) -> Any:
    return jnp.mean(each(parameters))


def gradient_at(parameters: Parameters, *_: Any) -> Parameters:
    gradient: Parameters = jax.grad(loss)(parameters)
    return gradient


def everything(parameters: Parameters) -> dict[str, Any]:
    """All that the trainer tells an optimizer besides the gradient."""
    value, gradient = jax.value_and_grad(loss)(parameters)
    functions = {"value_fn": loss, "obj_fn": loss, "grad_fn": gradient_at}
    return {"value": value, "loss": value, "grad": gradient, **functions}


def ours(made: Updater) -> Any:
    """The parameters at the end, and those to be evaluated."""

    def step(carry: Any, _: Any) -> Any:
        parameters, state = carry
        gradient = jax.jacrev(each)(parameters) if made.per_example else gradient_at(parameters)
        updates, state = made.transformation.update(gradient, state, parameters, **everything(parameters))
        return (optax.apply_updates(parameters, updates), state), None

    start = jax.tree.map(jnp.asarray, START)
    (parameters, state), _ = jax.lax.scan(step, (start, made.transformation.init(start)), length=STEPS)
    return parameters, parameters if made.evaluated is None else made.evaluated(state, parameters)


def by_hand(
    transformation: optax.GradientTransformation,
    told: Callable[[Parameters], dict[str, Any]] = lambda parameters: {},
    gradient: Callable[[Parameters], Any] = gradient_at,
    evaluated: Callable[[Any, Any], Any] = lambda state, parameters: parameters,
) -> Any:
    """The same of a transformation of Optax.

    Args:
        told: what its page says that it wants besides the gradient.
    """

    def step(carry: Any, _: Any) -> Any:
        parameters, state = carry
        updates, state = transformation.update(gradient(parameters), state, parameters, **told(parameters))
        return (optax.apply_updates(parameters, updates), state), None

    start = jax.tree.map(jnp.asarray, START)
    (parameters, state), _ = jax.lax.scan(step, (start, transformation.init(start)), length=STEPS)
    return parameters, evaluated(state, parameters)


def slow_and_fast(transformation: optax.GradientTransformation) -> Any:
    """As Optax has lookahead: with a pair of parameters."""

    def step(carry: Any, _: Any) -> Any:
        pair, state = carry
        updates, state = transformation.update(gradient_at(pair.fast), state, pair)
        return (optax.apply_updates(pair, updates), state), None

    pair = optax.LookaheadParams.init_synced(jax.tree.map(jnp.asarray, START))
    (pair, _), _ = jax.lax.scan(step, (pair, transformation.init(pair)), length=STEPS)
    return pair.fast, pair.slow


def value(parameters: Parameters) -> dict[str, Any]:
    return {"value": loss(parameters)}


def search(parameters: Parameters) -> dict[str, Any]:
    return {"value": loss(parameters), "grad": gradient_at(parameters), "value_fn": loss}


def kernels(parameters: Parameters) -> dict[str, bool]:
    return {path: path.endswith("kernel") for path in parameters}


averages = partial(by_hand, evaluated=contrib.schedule_free_eval_params)
linear = optax.linear_schedule
falling = "{ linear = [0.9, 0.5], over = '50%' }"

CASES: Mapping[str, tuple[str, Callable[[], Any]]] = {
    "acprop": (
        "learning_rate = 1e-2\nb1 = 0.8\nweight_decay = 0.1",
        lambda: by_hand(contrib.acprop(1e-2, 0.8, weight_decay=0.1)),
    ),
    "adabelief": ("learning_rate = 1e-2\nnesterov = true", lambda: by_hand(optax.adabelief(1e-2, nesterov=True))),
    "adadelta": ("learning_rate = 0.5\nrho = 0.8", lambda: by_hand(optax.adadelta(0.5, rho=0.8))),
    "adafactor": (
        "learning_rate = 1e-2\nmin_dim_size_to_factor = 3\nmomentum = 0.5",
        lambda: by_hand(optax.adafactor(1e-2, min_dim_size_to_factor=3, momentum=0.5)),
    ),
    "adagrad": ("learning_rate = 0.1\ninitial_accumulator_value = 0.2", lambda: by_hand(optax.adagrad(0.1, 0.2))),
    "adam": (
        "learning_rate = 1e-2\nb2 = 0.99\neps_root = 1e-9",
        lambda: by_hand(optax.adam(1e-2, b2=0.99, eps_root=1e-9)),
    ),
    "adamax": ("learning_rate = 1e-2\nb1 = 0.8", lambda: by_hand(optax.adamax(1e-2, 0.8))),
    "adamaxw": (
        "learning_rate = 1e-2\nweight_decay = 0.1\nmask = '**/kernel'",
        lambda: by_hand(optax.adamaxw(1e-2, weight_decay=0.1, mask=kernels)),
    ),
    "adamw": (
        "learning_rate = 1e-2\nweight_decay = 0.1\nmask = ['dense*/kernel']",
        lambda: by_hand(optax.adamw(1e-2, weight_decay=0.1, mask=kernels)),
    ),
    "adan": ("learning_rate = 1e-2\nb3 = 0.9", lambda: by_hand(optax.adan(1e-2, b3=0.9))),
    "ademamix": (
        "learning_rate = 1e-3\nalpha = 2.0\nb3 = 0.99",
        lambda: by_hand(contrib.ademamix(1e-3, b3=0.99, alpha=2.0)),
    ),
    "adopt": ("learning_rate = 1e-2\nuse_clipping = false", lambda: by_hand(contrib.adopt(1e-2, use_clipping=False))),
    "amsgrad": (
        "learning_rate = 1e-2\nbias_correction_mu = false",
        lambda: by_hand(optax.amsgrad(1e-2, bias_correction_mu=False)),
    ),
    "cocob": ("alpha = 50.0", lambda: by_hand(contrib.cocob(alpha=50.0))),
    "dadapt_adamw": ("betas = [0.8, 0.99]", lambda: by_hand(contrib.dadapt_adamw(betas=(0.8, 0.99)))),
    "dog": ("init_step = ['distance', 0.01]", lambda: by_hand(contrib.dog(init_step=("distance", 0.01)))),
    "dowg": ("init_estim_sq_dist = 0.01", lambda: by_hand(contrib.dowg(init_estim_sq_dist=0.01))),
    "dpsgd": (
        "learning_rate = 0.05\nl2_norm_clip = 0.5\nnoise_multiplier = 0.1\nseed = 7\nmomentum = 0.9",
        lambda: by_hand(contrib.dpsgd(0.05, 0.5, 0.1, 7, 0.9), gradient=jax.jacrev(each)),
    ),
    "fromage": ("learning_rate = 1e-2", lambda: by_hand(optax.fromage(1e-2))),
    "galore": (
        "learning_rate = 1e-2\nrank = 2\nupdate_proj_gap = 20",
        lambda: by_hand(contrib.galore(1e-2, rank=2, update_proj_gap=20)),
    ),
    "lamb": ("learning_rate = 1e-2\nweight_decay = 0.1", lambda: by_hand(optax.lamb(1e-2, weight_decay=0.1))),
    "lars": (
        "learning_rate = 0.1\nweight_decay = 0.1\ntrust_ratio_mask = '**/kernel'",
        lambda: by_hand(optax.lars(0.1, 0.1, trust_ratio_mask=kernels)),
    ),
    "lbfgs": ("memory_size = 5", lambda: by_hand(optax.lbfgs(memory_size=5), search)),
    "lion": ("learning_rate = 1e-3\nb2 = 0.9", lambda: by_hand(optax.lion(1e-3, b2=0.9))),
    "madgrad": ("learning_rate = 1e-2\nmomentum = 0.8", lambda: by_hand(contrib.madgrad(1e-2, 0.8))),
    "momo": (
        "learning_rate = 0.5\nadapt_lower_bound = true",
        lambda: by_hand(contrib.momo(0.5, adapt_lower_bound=True), value),
    ),
    "momo_adam": ("learning_rate = 0.01\nb1 = 0.8", lambda: by_hand(contrib.momo_adam(0.01, 0.8), value)),
    "muon": (
        "learning_rate = 1e-2\nns_steps = 3\npreconditioning = 'aol'",
        lambda: by_hand(contrib.muon(1e-2, ns_steps=3, preconditioning="aol")),
    ),
    "nadam": ("learning_rate = 1e-2", lambda: by_hand(optax.nadam(1e-2))),
    "nadamw": ("learning_rate = 1e-2\nweight_decay = 0.1", lambda: by_hand(optax.nadamw(1e-2, weight_decay=0.1))),
    "noisy_sgd": ("learning_rate = 1e-2\neta = 0.1\nkey = 3", lambda: by_hand(optax.noisy_sgd(1e-2, 0.1, key=3))),
    "novograd": ("learning_rate = 1e-2\nb2 = 0.5", lambda: by_hand(optax.novograd(1e-2, b2=0.5))),
    "optimistic_adam_v2": (
        "learning_rate = 1e-3\nalpha = 0.5",
        lambda: by_hand(optax.optimistic_adam_v2(1e-3, alpha=0.5)),
    ),
    "optimistic_gradient_descent": (
        "learning_rate = 1e-2\nbeta = 0.5",
        lambda: by_hand(optax.optimistic_gradient_descent(1e-2, beta=0.5)),
    ),
    "polyak_sgd": (
        "max_learning_rate = 0.1\nvariant = 'sps+'",
        lambda: by_hand(optax.polyak_sgd(0.1, variant="sps+"), value),
    ),
    "prodigy": (
        "betas = [0.8, 0.99]\nsafeguard_warmup = true",
        lambda: by_hand(contrib.prodigy(betas=(0.8, 0.99), safeguard_warmup=True)),
    ),
    "radam": ("learning_rate = 1e-2\nthreshold = 4.0", lambda: by_hand(optax.radam(1e-2, threshold=4.0))),
    "rmsprop": (
        "learning_rate = 1e-2\ncentered = true\nmomentum = 0.5",
        lambda: by_hand(optax.rmsprop(1e-2, centered=True, momentum=0.5)),
    ),
    "rprop": ("learning_rate = 1e-2\neta_plus = 1.1", lambda: by_hand(optax.rprop(1e-2, eta_plus=1.1))),
    "schedule_free_adamw": (
        "learning_rate = 0.01\nwarmup_steps = 10",
        lambda: averages(contrib.schedule_free_adamw(0.01, 10)),
    ),
    "schedule_free_sgd": (
        "learning_rate = 0.1\nweight_decay = 0.01",
        lambda: averages(contrib.schedule_free_sgd(0.1, weight_decay=0.01)),
    ),
    "sgd": ("learning_rate = 1e-2\nmomentum = 0.9\nnesterov = true", lambda: by_hand(optax.sgd(1e-2, 0.9, True))),
    "sign_sgd": ("learning_rate = 1e-3", lambda: by_hand(optax.sign_sgd(1e-3))),
    "signum": ("learning_rate = 1e-3\nbeta = 0.8", lambda: by_hand(optax.signum(1e-3, 0.8))),
    "simplified_ademamix": (
        "learning_rate = 1e-4\nalpha = 1.0",
        lambda: by_hand(contrib.simplified_ademamix(1e-4, alpha=1.0)),
    ),
    "sm3": ("learning_rate = 0.1\nmomentum = 0.8", lambda: by_hand(optax.sm3(0.1, 0.8))),
    "sophia": (
        "learning_rate = 1e-2\nupdate_interval = 4\nclip_threshold = 0.5",
        lambda: by_hand(contrib.sophia(1e-2, update_interval=4, clip_threshold=0.5), lambda p: {"obj_fn": loss}),
    ),
    "yogi": ("learning_rate = 1e-2\neps = 1e-2", lambda: by_hand(optax.yogi(1e-2, eps=1e-2))),
}

SGD = "kind = 'sgd'\nlearning_rate = 0.05\nmomentum = 0.5\n"


def sgd() -> Any:
    return optax.sgd(0.05, 0.5)


def upwards(rho: float) -> Any:
    return optax.chain(contrib.normalize(), optax.sgd(rho))


OTHERS: Mapping[str, tuple[str, Callable[[], Any]]] = {
    "flatten": (SGD + "flatten = true", lambda: by_hand(optax.flatten(sgd()))),
    "split_real_and_imaginary": (SGD + "split_real_and_imaginary = true", lambda: by_hand(sgd())),
    "schedule_free": (
        "kind = 'adam'\nlearning_rate = 0.01\nb1 = 0.0\nschedule_free = { b1 = 0.95 }",
        lambda: averages(contrib.schedule_free(optax.adam(0.01, b1=0.0), 0.01, 0.95)),
    ),
    "mechanize": (SGD + "mechanize = { num_betas = 4 }", lambda: by_hand(contrib.mechanize(sgd(), num_betas=4))),
    "lookahead": (
        SGD + "lookahead = { sync_period = 6, slow_step_size = 0.5, reset_state = true }",
        lambda: slow_and_fast(optax.lookahead(sgd(), 6, 0.5, True)),
    ),
    "sam": (
        SGD + "sam = { rho = 0.1, sync_period = 3 }",
        lambda: by_hand(
            contrib.sam(sgd(), upwards(0.1), sync_period=3, opaque_mode=True), lambda p: {"grad_fn": gradient_at}
        ),
    ),
    "apply_if_finite": (SGD + "apply_if_finite = 5", lambda: by_hand(optax.apply_if_finite(sgd(), 5))),
    "reduce_on_plateau": (
        SGD + "reduce_on_plateau = { factor = 0.5, patience = 2, rtol = 0.05 }",
        lambda: by_hand(optax.chain(sgd(), contrib.reduce_on_plateau(0.5, 2, 0.05)), value),
    ),
    "all clips": (
        "chain = [{ clip = 0.5 }, { clip_by_block_rms = 0.2 }, { adaptive_grad_clip = 0.1, eps = 0.01 }, 'zero_nans', "
        "{ sgd = 0.1 }]",
        lambda: by_hand(
            optax.chain(
                optax.clip(0.5),
                optax.clip_by_block_rms(0.2),
                optax.adaptive_grad_clip(0.1, 0.01),
                optax.zero_nans(),
                optax.sgd(0.1),
            )
        ),
    ),
    "wrappers in wrappers": (
        SGD + "clip = { global_norm = 0.5 }\nsam = true\nlookahead = { sync_period = 4, slow_step_size = 0.2 }\n"
        "apply_if_finite = 3",
        lambda: pair_under_sam(),
    ),
    "a chain": (
        "chain = [{ clip_by_global_norm = 1.0 }, { scale_by_adam = true, b1 = 0.8 }, { add_decayed_weights = 1e-2, "
        "mask = '**/kernel' }, { scale_by_learning_rate = 1e-2 }]",
        lambda: by_hand(
            optax.chain(
                optax.clip_by_global_norm(1.0),
                optax.scale_by_adam(b1=0.8),
                optax.add_decayed_weights(1e-2, kernels),
                optax.scale_by_learning_rate(1e-2),
            )
        ),
    ),
    "a chain with a schedule": (
        "chain = ['scale_by_rms', { scale_by_learning_rate = 1e-2 }]\n[schedule]\nkind = 'linear'",
        lambda: by_hand(optax.chain(optax.scale_by_rms(), optax.scale_by_learning_rate(linear(1e-2, 0.0, STEPS)))),
    ),
    "a chain with a function of the step": (
        "chain = [{ trace = 0.5 }, { scale_by_schedule = { linear = [-0.1, 0.0] } }]",
        lambda: by_hand(optax.chain(optax.trace(0.5), optax.scale_by_schedule(linear(-0.1, 0.0, STEPS)))),
    ),
    "a chain with a line search": (
        "chain = [{ scale = -1.0 }, { scale_by_backtracking_linesearch = 15 }]",
        lambda: by_hand(optax.chain(optax.scale(-1.0), optax.scale_by_backtracking_linesearch(15)), search),
    ),
    "another line search": (
        "kind = 'lbfgs'\nlinesearch = { scale_by_zoom_linesearch = 8, curv_rtol = 0.5 }",
        lambda: by_hand(optax.lbfgs(linesearch=optax.scale_by_zoom_linesearch(8, curv_rtol=0.5)), search),
    ),
    "momentum over time": (
        f"kind = 'sgd'\nlearning_rate = 0.02\nmomentum = {falling}",
        lambda: by_hand(optax.inject_hyperparams(optax.sgd)(0.02, momentum=linear(0.9, 0.5, 50))),
    ),
    "decay and rate over time": (
        "kind = 'adamw'\nlearning_rate = { polynomial = [0.01, 0.0] }\nweight_decay = { linear = [0.1, 0.0] }",
        lambda: by_hand(
            optax.adamw(optax.polynomial_schedule(0.01, 0.0, 2.0, STEPS), weight_decay=linear(0.1, 0.0, STEPS))
        ),
    ),
    "the size of a step of sam over time": (
        SGD + "sam = { rho = { linear = [0.2, 0.0] } }",
        lambda: by_hand(
            optax.inject_hyperparams(lambda rho: contrib.sam(sgd(), upwards(rho), opaque_mode=True))(
                linear(0.2, 0.0, STEPS)
            ),
            lambda p: {"grad_fn": gradient_at},
        ),
    ),
    "a schedule where Optax takes a number": (
        "kind = 'sm3'\nlearning_rate = 0.1\n[schedule]\nkind = 'linear'",
        lambda: by_hand(optax.inject_hyperparams(optax.sm3)(linear(0.1, 0.0, STEPS))),
    ),
    "a schedule on a rate of another name": (
        "kind = 'polyak_sgd'\nmax_learning_rate = 0.1\n[schedule]\nkind = 'linear'",
        lambda: by_hand(optax.polyak_sgd(0.1, linear(1.0, 0.0, STEPS)), value),
    ),
    "groups": (
        "kind = 'adamw'\nlearning_rate = 1e-2\nweight_decay = 0.1\n"
        "[[optimizer.group]]\nmatch = '**/bias'\nweight_decay = 0.0\n"
        "[[optimizer.group]]\nmatch = 'dense2'\nlearning_rate_factor = { linear = [0.5, 0.1] }\n"
        "[schedule]\nkind = 'linear'",
        lambda: by_hand(
            optax.partition(
                {
                    "bias": optax.adamw(linear(1e-2, 0.0, STEPS), weight_decay=0.0),
                    "second": optax.adamw(
                        lambda t: 1e-2 * (linear(0.5, 0.1, STEPS)(t) * linear(1.0, 0.0, STEPS)(t)), weight_decay=0.1
                    ),
                    "rest": optax.adamw(linear(1e-2, 0.0, STEPS), weight_decay=0.1),
                },
                lambda tree: {
                    p: "bias" if p.endswith("bias") else "second" if p.startswith("dense2") else "rest" for p in tree
                },
            )
        ),
    ),
    "groups of other kinds, one of them frozen": (
        SGD + "clip = { global_norm = 0.3 }\n"
        "[[optimizer.group]]\nmatch = 'dense1/bias'\nfreeze = true\n"
        "[[optimizer.group]]\nmatch = 'dense1/*'\nkind = 'schedule_free_sgd'\nlearning_rate = 0.1\n"
        "[[optimizer.group]]\nmatch = 'dense2/bias'\nchain = ['scale_by_sign', { scale = -0.01 }]",
        lambda: groups_by_hand(),
    ),
}


def pair_under_sam() -> Any:
    """Lookahead around a clipped optimizer, and the gradient of sam given to both, spelt out."""
    fast = optax.chain(optax.clip_by_global_norm(0.5), sgd())
    transformation = optax.lookahead(fast, 4, 0.2)

    def step(carry: Any, _: Any) -> Any:
        pair, state = carry
        gradient = gradient_at(pair.fast)
        norm = optax.tree.norm(gradient)
        higher = jax.tree.map(lambda p, g: p + 0.05 * g / norm, pair.fast, gradient)
        updates, state = transformation.update(gradient_at(higher), state, pair)
        return (optax.apply_updates(pair, updates), state), None

    pair = optax.LookaheadParams.init_synced(jax.tree.map(jnp.asarray, START))
    (pair, _), _ = jax.lax.scan(step, (pair, transformation.init(pair)), length=STEPS)
    return pair.fast, pair.slow


def groups_by_hand() -> Any:
    """Three optimizers side by side, each with its own parameters, and one array that none of them has."""
    parts = {
        "dense1/kernel": contrib.schedule_free_sgd(0.1),
        "dense2/bias": optax.chain(optax.scale_by_sign(), optax.scale(-0.01)),
        "dense2/kernel": sgd(),
    }
    clip = optax.clip_by_global_norm(0.3)

    def step(carry: Any, _: Any) -> Any:
        parameters, states = carry
        gradient, _ = clip.update({p: g for p, g in gradient_at(parameters).items() if p in parts}, clip.init(0))
        made = {p: t.update(gradient[p], states[p], parameters[p]) for p, t in parts.items()}
        moved = {p: parameters[p] + updates for p, (updates, _) in made.items()}
        return (parameters | moved, {p: state for p, (_, state) in made.items()}), None

    start = jax.tree.map(jnp.asarray, START)
    carry = (start, {p: t.init(start[p]) for p, t in parts.items()})
    (parameters, states), _ = jax.lax.scan(step, carry, length=STEPS)
    average = contrib.schedule_free_eval_params(states["dense1/kernel"], parameters["dense1/kernel"])
    return parameters, parameters | {"dense1/kernel": average}


@pytest.mark.parametrize("name", [*CASES, *OTHERS])
def test_it_is_optaxs_own(name: str) -> None:
    text, expected = OTHERS[name] if name in OTHERS else (f"kind = '{name}'\n{CASES[name][0]}", CASES[name][1])
    made = updater(text)
    (found, evaluated), (by_hands, expected_evaluated) = jax.jit(lambda: (ours(made), expected()))()
    for path in START:
        np.testing.assert_allclose(found[path], by_hands[path], rtol=0, atol=1e-12)
        np.testing.assert_allclose(evaluated[path], expected_evaluated[path], rtol=0, atol=1e-12)
    assert max(np.abs(found[path] - start).max() for path, start in START.items()) > 1e-4


def test_every_optimizer_and_wrapper_of_optax_is_among_them() -> None:
    found = {n for n in optimizer_names() if (s := signature(n)) is not None and s.package.startswith("optax")}
    assert found == set(CASES)
    assert set(WRAPPERS) <= OTHERS.keys()
