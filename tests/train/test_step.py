"""Steps: the same bits however they are parted into calls, and the same numbers whichever form makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
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
from netspec.train.state import Keys, begin, enter, from_arrays, shapes, to_arrays
from netspec.train.step import Steps, _looped, _single

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


def program(layers: str) -> Program:
    text = f"""
    name = "small"
    [model]
    layers = {LAYERS[layers]}
    [loss]
    kind = "cross_entropy"
    [optimizer]
    kind = "adam"
    learning_rate = 1e-2
    [schedule]
    kind = "cosine"
    [train]
    steps = 20
    batch = {BATCH}
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
        built = program(layers)
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
    for window, arguments in feed(windows(0, Clock(5, 5, (Stretch(0, 0, BATCH, 5),)), 3, ()), lambda epoch: small.order):
        state, _, _ = small.steps(state, *arguments, window.count, small.keys.noise)
    assert_same_bits(to_arrays(state), small.run(5))
