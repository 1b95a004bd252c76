"""In which order examples are drawn."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import numpy as np
import pytest

from netspec.train.order import Order, make_order

DRAWS = ("without_replacement", "with_replacement", "shuffled_once", "in_order", "balanced")
KEY = jax.random.key(3)

# Three classes of very different sizes, mixed; class 1 has no example at all.
CLASSES = np.random.default_rng(0).permutation([0] * 70 + [2] * 25 + [3] * 5)


@cache
def compiled(examples: int, draw: str, **options: bool) -> Order:
    return make_order(examples, draw, CLASSES if draw == "balanced" else None, **options)


def orders(draw: str, epochs: int = 4, examples: int = 100, seed: int = 3, **options: Any) -> np.ndarray[Any, Any]:
    """The orders of the first epochs, [epochs, examples]."""
    order = compiled(examples, draw, **options)
    return np.stack([np.asarray(order(jax.random.key(seed), epoch)) for epoch in range(epochs)])


def distinct(order: np.ndarray[Any, Any]) -> int:
    return len(np.unique(order))


@pytest.mark.parametrize("draw", DRAWS)
def test_an_order_is_of_the_seed_and_the_epoch_alone(draw: str) -> None:
    found = orders(draw)
    assert (found.shape, found.dtype) == ((4, 100), np.int32)
    assert 0 <= found.min() <= found.max() < 100
    np.testing.assert_array_equal(found, orders(draw))
    other = orders(draw, seed=4)
    assert (found == other).all() == (draw == "in_order")
    differ = [not np.array_equal(found[0], later) for later in found[1:]]
    assert differ == [draw not in ("shuffled_once", "in_order")] * 3


def test_in_order_is_as_the_data_has_them() -> None:
    np.testing.assert_array_equal(orders("in_order"), np.tile(np.arange(100), (4, 1)))


@pytest.mark.parametrize("draw", ["without_replacement", "shuffled_once"])
def test_a_pass_without_replacement_has_every_example_once(draw: str) -> None:
    np.testing.assert_array_equal(np.sort(orders(draw), axis=1), np.tile(np.arange(100), (4, 1)))
    assert not np.array_equal(orders(draw)[0], np.arange(100))


def test_with_replacement_each_draw_is_from_all() -> None:
    """Of n draws from n a share of 1 - 1/e is distinct, and every example comes equally often."""
    found = orders("with_replacement", epochs=5, examples=4000)
    shares = [distinct(order) / 4000 for order in found]
    np.testing.assert_allclose(shares, 1 - np.exp(-1), atol=0.025)
    # A sum of 1,000 examples' counts of 5 draws each: five standard deviations of a Poisson of that mean.
    counts = np.bincount(found.reshape(-1), minlength=4000).reshape(4, 1000).sum(axis=1)
    np.testing.assert_allclose(counts, 5000, atol=5 * np.sqrt(5000))


def test_balanced_has_each_class_equally_often() -> None:
    found = orders("balanced", epochs=30)
    drawn = CLASSES[found]
    rounds = drawn[:, :99].reshape(30, 33, 3)
    np.testing.assert_array_equal(np.sort(rounds, axis=-1), np.broadcast_to([0, 2, 3], rounds.shape))
    assert len(np.unique(rounds.reshape(-1, 3), axis=0)) == 6, "the classes' turns are in every order"
    assert distinct(found) == 100, "every example can be drawn"
    # Within a class as often each: 30 · 33 draws of 5 examples.
    rare = np.flatnonzero(CLASSES == 3)
    counts = np.bincount(found[drawn == 3], minlength=100)[rare]
    np.testing.assert_allclose(counts, counts.sum() / 5, atol=5 * np.sqrt(counts.sum() / 5))


@pytest.mark.parametrize("labels", [np.array([4, 4, 4]), np.array([1, 0, 1])])
def test_balanced_takes_any_labels(labels: np.ndarray[Any, Any]) -> None:
    order = np.asarray(make_order(3, "balanced", labels)(KEY, 0))
    assert set(labels[order]) == set(labels)


def test_a_bootstrap_is_drawn_once_for_all_passes() -> None:
    found = orders("without_replacement", examples=2000, bootstrap=True)
    assert distinct(found[0]) / 2000 == pytest.approx(1 - np.exp(-1), abs=0.035)
    # As often in each pass, in an order of its own.
    counts = [np.bincount(order, minlength=2000).tolist() for order in found]
    assert counts == [counts[0]] * 4
    assert not np.array_equal(found[0], found[1])
    assert set(found[0]) != set(orders("without_replacement", examples=2000, seed=4, bootstrap=True)[0])


@pytest.mark.parametrize("draw", DRAWS[1:])
def test_a_bootstrap_bounds_every_way_of_drawing(draw: str) -> None:
    own = set(orders("in_order", bootstrap=True)[0].tolist())
    assert len(own) < 80
    assert set(orders(draw, bootstrap=True).reshape(-1).tolist()) <= own


@pytest.mark.parametrize(
    ("draw", "bootstrap"), [("without_replacement", False), ("in_order", False), ("in_order", True), ("balanced", True)]
)
def test_abreast_each_key_has_its_own_order(draw: str, bootstrap: bool) -> None:
    keys = jax.random.split(KEY, 3)
    alone = compiled(100, draw, bootstrap=bootstrap)
    found = np.asarray(compiled(100, draw, bootstrap=bootstrap, abreast=True)(keys, 2))
    np.testing.assert_array_equal(found, np.stack([alone(key, 2) for key in keys]))
    assert np.array_equal(found[0], found[1]) == (draw == "in_order" and not bootstrap)
