"""Steps: the same bits however they are parted into calls, and the same numbers whichever form makes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.build import Phase, Program, build
from netspec.document import parse
from netspec.graph.facts import Facts
from netspec.spec.call import Shape
from netspec.spec.clock import Clock, Stretch
from netspec.spec.decode import decode
from netspec.train.feed import feed_for, windows
from netspec.train.order import make_order
from netspec.train.state import Keys, State, begin, enter, evaluated, from_arrays, shapes, stacked, to_arrays
from netspec.train.step import Steps, _looped, _single, make_steps

Arrays = dict[str, np.ndarray[Any, Any]]

EXAMPLES, BATCH = 40, 8

# Dropout draws, batch norm remembers, the schedule counts, the convolutions take both of their forms.
LAYERS = {
    "dense": '["flatten", { dense = 16, activation = "relu" }, { dropout = 0.2 }, { dense = "$classes" }]',
    "conv": """[
      { conv = 3, activation = "tanh" },
      { residual = [{ conv = 8, kernel = 5, stride = 2, bias = false }, "batch_norm"], shortcut = "projection" },
      "relu", { max_pool = 2 }, "flatten", { dropout = 0.2 }, { dense = "$classes" },
    ]""",
}

# Nothing that draws, and nothing that looks at a whole batch.
PLAIN = {
    "dense": '["flatten", { dense = 16, activation = "tanh" }, { dense = "$classes" }]',
    "conv": '[{ conv = 3, stride = 2, activation = "tanh" }, "flatten", { dense = "$classes" }]',
}

LAYERS_TO_AVERAGE = '["flatten", "batch_norm", { dense = "$classes" }]'

ADAM = 'kind = "adam"\nlearning_rate = 1e-2\n[schedule]\nkind = "cosine"'
DESCENT = 'kind = "sgd"\nlearning_rate = 0.1'


def program(layers: str, optimizer: str = ADAM, loss: str = "", train: str = "") -> Program:
    text = f"""
name = "small"
[model]
layers = {layers}
[loss]
kind = "cross_entropy"
{loss}
[optimizer]
{optimizer}
[train]
steps = 20
batch = {BATCH}
{train}
"""
    facts = Facts.of(Shape((8, 8, 1)), ("a", "b", "c"), examples={"train": EXAMPLES, "validation": 0})
    return build(decode(parse(text, "small.toml")), facts)


@dataclass(frozen=True)
class Part:
    inputs: Any
    targets: Any

    def __len__(self) -> int:
        return len(self.targets["target"])

    def take(self, indices: Any) -> tuple[Any, Any]:
        return {"input": self.inputs["input"][indices]}, {"target": self.targets["target"][indices]}


class Training:
    """A program's steps, compiled once, and the examples that they take: every run begins at the same state."""

    def __init__(self, layers: str, form: Callable[[Phase, int], Steps]) -> None:
        built = program(LAYERS[layers])
        random = np.random.default_rng(0)
        self.keys = Keys.of(0)
        self.part = Part(
            {"input": random.standard_normal((EXAMPLES, 8, 8, 1), np.float32)},
            {"target": random.integers(0, 3, EXAMPLES, np.int32)},
        )
        self.inputs, self.targets = jax.device_put((self.part.inputs, self.part.targets))
        self.order = make_order(EXAMPLES)(self.keys.order, 0)
        self.steps = form(built.last, BATCH)
        self.start = to_arrays(enter(built.last, begin(built, self.keys, self.part)))
        self.like = shapes(built.last)

    def window(self, start: Arrays, first: int, count: int) -> tuple[Arrays, float, float]:
        """The state after some steps from another, the sum of their losses, and the norm of the last gradient."""
        state = from_arrays(self.like, start)
        state, total, norm = self.steps(state, self.inputs, self.targets, self.order, first, count, self.keys.noise)
        return to_arrays(state), float(total), float(norm)

    def run(self, *lengths: int) -> Arrays:
        """The state after windows of these lengths, none of them saved in between."""
        state, first = from_arrays(self.like, self.start), 0
        for count in lengths:
            state, _, _ = self.steps(state, self.inputs, self.targets, self.order, first, count, self.keys.noise)
            first += count
        return to_arrays(state)


@cache
def training(layers: str, form: str) -> Training:
    return Training(layers, {"looped": _looped, "single": _single}[form])


def assert_same_bits(found: Arrays, wanted: Arrays) -> None:
    assert found.keys() == wanted.keys()
    differing = [name for name in wanted if found[name].tobytes() != wanted[name].tobytes()]
    assert differing == []


FORMS = [("dense", "looped"), ("dense", "single"), ("conv", "looped"), ("conv", "single")]


@pytest.mark.parametrize(("layers", "form"), FORMS)
def test_windows_of_any_length_give_the_same_bits(layers: str, form: str) -> None:
    whole = training(layers, form).run(5)
    for lengths in [(1, 1, 1, 1, 1), (2, 3), (4, 1)]:
        assert_same_bits(training(layers, form).run(*lengths), whole)


@pytest.mark.parametrize(("layers", "form"), FORMS)
def test_a_state_that_was_saved_goes_on_to_the_same_bits(layers: str, form: str) -> None:
    small = training(layers, form)
    saved, _, _ = small.window(small.start, 0, 2)
    assert_same_bits(small.window(saved, 2, 3)[0], small.run(5))


@pytest.mark.parametrize("layers", LAYERS)
def test_both_forms_make_the_same_steps(layers: str) -> None:
    looped, single = (training(layers, form) for form in ("looped", "single"))
    found, *told = looped.window(looped.start, 0, 3)
    wanted, *expected = single.window(single.start, 0, 3)
    np.testing.assert_allclose(told, expected, rtol=1e-4)
    for name in wanted:
        # Adam makes steps of one size of whatever gradient: where that is rounding, so is the step's sign.
        np.testing.assert_allclose(found[name], wanted[name], atol=2e-3, rtol=1e-3, err_msg=name)


def test_the_norm_is_of_the_last_gradient_alone() -> None:
    small = training("dense", "looped")
    before, _, _ = small.window(small.start, 0, 2)
    assert small.window(small.start, 0, 3)[2] == small.window(before, 2, 1)[2] > 0.0


@pytest.mark.parametrize(("layers", "form"), [("dense", "looped"), ("conv", "single")])
def test_examples_that_are_streamed_give_the_same_bits(layers: str, form: str) -> None:
    small = training(layers, form)
    state = from_arrays(small.like, small.start)
    feed = feed_for(small.part, 0, 3)
    for window, arguments in feed(
        windows(0, Clock(5, 5, (Stretch(0, 0, BATCH, 5),)), 3, ()), lambda epoch: small.order
    ):
        state, _, _ = small.steps(state, *arguments, window.count, small.keys.noise)
    assert_same_bits(to_arrays(state), small.run(5))


# -- what else a step does ---------------------------------------------------------------------------------------------


class Small:
    """The last phase of a program, perhaps with something in it replaced, and the examples that it takes."""

    def __init__(self, built: Program, keys: Sequence[Keys] = (Keys.of(0),), **changes: Any) -> None:
        random = np.random.default_rng(0)
        self.part = Part(
            {"input": random.standard_normal((EXAMPLES, 8, 8, 1), np.float32)},
            {"target": random.integers(0, 3, EXAMPLES, np.int32)},
        )
        self.keys, self.phase = keys, replace(built.last, **changes)
        self.abreast = len(keys) if len(keys) > 1 else None
        each = [begin(built, one, self.part) for one in keys]
        self.weights = each[0] if self.abreast is None else stacked(each)

    @property
    def start(self) -> State:
        return enter(self.phase, jax.tree.map(jnp.copy, self.weights), self.abreast)

    @property
    def order(self) -> Any:
        order = jnp.stack([make_order(EXAMPLES)(one.order, 0) for one in self.keys])
        return order[0] if self.abreast is None else order

    def made(self, count: int = 3, steps: Steps | None = None) -> tuple[State, Any, Any]:
        """The state after some steps, the sum of their losses, and the norm of the last gradient."""
        inputs, targets = jax.device_put((self.part.inputs, self.part.targets))
        noise = self.keys[0].noise if self.abreast is None else jnp.stack([one.noise for one in self.keys])
        steps = steps or make_steps(self.phase, BATCH, self.abreast)
        return steps(self.start, inputs, targets, self.order, 0, count, noise)


def assert_close(found: Any, wanted: Any) -> None:
    leaves, structure = jax.tree.flatten(found)
    expected, of = jax.tree.flatten(wanted)
    assert structure == of
    for a, b in zip(leaves, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "loss"), [("dense", ""), ("conv", ""), ("dense", "class_weights = [0.1, 1, 10]\nignore = ['b']")]
)
def test_a_batch_in_parts_makes_the_same_steps(layers: str, loss: str) -> None:
    whole, parted = (Small(program(PLAIN[layers], DESCENT, loss, f"accumulate = {n}")).made() for n in (1, 4))
    assert_close(parted, whole)


def test_of_a_batch_in_parts_each_has_noise_of_its_own() -> None:
    """A kernel's row stays where its input is dropped in every part: 1 in 2⁸ of them, not the half."""
    small = Small(program('["flatten", { dropout = 0.5 }, { dense = "$classes" }]', DESCENT, train="accumulate = 8"))
    before = np.asarray(small.weights.parameters["dense1/kernel"])
    state, *_ = small.made(1)
    assert np.mean(np.all(before == state.parameters["dense1/kernel"], axis=-1)) < 0.1


def test_of_a_batch_in_parts_all_are_remembered() -> None:
    small = Small(program('["flatten", "batch_norm", { dense = "$classes" }]', DESCENT, train="accumulate = 2"))
    state, *_ = small.made(3)
    # The moving mean goes over six parts of four examples, one after the other.
    mean = np.zeros(64)
    for rows in np.asarray(small.order)[: 3 * BATCH].reshape(6, 4):
        mean = 0.9 * mean + 0.1 * small.part.inputs["input"][rows].reshape(4, 64).mean(axis=0)
    np.testing.assert_allclose(state.statistics["batch_norm1/mean"], mean, rtol=1e-4, atol=1e-6)


def test_what_is_evaluated_is_the_moving_average() -> None:
    """Σ (1 - ρ) ρ^(t - i) θ_i / (1 - ρ^t), of parameters and of what batch normalisation remembers."""
    rate = 0.9
    small = Small(program(LAYERS_TO_AVERAGE, DESCENT, train=f"ema = {rate}"))
    steps, weights = make_steps(small.phase, BATCH), evaluated(small.phase)
    inputs, targets = jax.device_put((small.part.inputs, small.part.targets))
    state = small.start
    assert_close(weights(state), small.weights)
    passed: list[dict[str, Any]] = []
    for i in range(5):
        state, *_ = steps(state, inputs, targets, small.order, i, 1, small.keys[0].noise)
        passed.append(jax.device_get({**state.parameters, **state.statistics}))
    shares = np.array([(1 - rate) * rate ** (4 - i) for i in range(5)]) / (1 - rate**5)
    found = weights(state)
    for name, array in {**found.parameters, **found.statistics}.items():
        wanted = sum(share * now[name].astype(np.float64) for share, now in zip(shares, passed, strict=True))
        np.testing.assert_allclose(array, wanted, rtol=2e-4, atol=1e-6, err_msg=name)


# -- the augmentation --------------------------------------------------------------------------------------------------


def test_targets_count_by_their_shares() -> None:
    """A step of plain descent is linear in the loss, and so in the shares."""
    built = program(PLAIN["dense"], DESCENT)

    def turned(targets: Any) -> Any:
        return {"target": 2 - targets["target"]}

    mixes = {
        "one": lambda key, x, y: (x, ((1.0, y),)),
        "other": lambda key, x, y: (x, ((1.0, turned(y)),)),
        "both": lambda key, x, y: (x, ((0.25, y), (0.75, turned(y)))),
    }
    found = {name: Small(built, augment=augment).made(1) for name, augment in mixes.items()}
    one, other, both = ((state.parameters, total) for state, total, _ in found.values())
    assert_close(both, jax.tree.map(lambda a, b: 0.25 * a + 0.75 * b, one, other))


@pytest.mark.parametrize(("networks", "train"), [(1, "accumulate = 4"), (2, "")])
def test_each_step_augments_once_with_a_key_of_its_own(networks: int, train: str) -> None:
    seen: list[tuple[int, ...]] = []

    def augment(key: Any, x: Any, y: Any) -> Any:
        jax.debug.callback(lambda data: seen.append(tuple(data.tolist())), jax.random.key_data(key))
        return x, ((1.0, y),)

    small = Small(program(LAYERS["dense"], train=train), [Keys.of(i) for i in range(networks)], augment=augment)
    jax.block_until_ready(small.made(3))
    jax.effects_barrier()
    assert len(seen) == len(set(seen)) == 3 * networks


# -- networks side by side ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "form"), [(LAYERS["dense"], _looped), (PLAIN["conv"], _single)], ids=["looped", "single"]
)
def test_networks_abreast_make_the_steps_of_each_alone(layers: str, form: Callable[..., Steps]) -> None:
    built = program(layers, DESCENT)
    keys = [Keys.of(7, member) for member in range(2)]
    together, totals, norms = Small(built, keys).made(3, form(built.last, BATCH, 2))
    assert int(together.step) == 3
    alone = form(built.last, BATCH)
    for i, own in enumerate(keys):
        state, total, norm = Small(built, [own]).made(3, alone)
        assert_close(jax.tree.map(lambda leaf, i=i: leaf[i], together._replace(step=())), state._replace(step=()))
        assert_close((totals[i], norms[i]), (total, norm))
    assert totals[0] != totals[1]
