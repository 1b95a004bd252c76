"""Facts that any textbook states, on real training: the studies of `examples/`, with fewer seeds and shorter.

Each fact is held to a margin, never to a figure. What would break it is said beside it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.run import ROW, STUDIES
from netspec.commands import check

EXAMPLES = Path(__file__).parents[1] / "examples"


def quick(name: str) -> dict[str, Any]:
    found: dict[str, Any] = importlib.import_module(f"examples.{name}.study").study(quick=True)
    return found


def test_linear_layers_do_no_better_than_one() -> None:
    """SciPy's logistic regression is the least that they can reach; a nonlinearity that slipped in goes below."""
    found = quick("linear_layers")
    for name in ("one", "three"):
        assert found["least"] - 1e-5 < found[name].min() <= found[name].max() < found["least"] + 0.01
    assert found["tanh"].max() < found["least"] / 4


def test_exclusive_or_takes_a_hidden_layer() -> None:
    """No line has more than three of four on its right sides: a nonlinearity that slipped in would get all."""
    found = quick("xor")
    assert found["0"].max() == 0.75
    assert (found["4"] == 1).mean() >= 0.75


def test_the_perceptron_converges_and_the_pocket_is_no_worse() -> None:
    """A perceptron that learns from right answers, too, never ends; a pocket that keeps the last is no better."""
    found = quick("perceptron")
    assert (found["separable"] == 0).all()
    assert (found["passes"] < 50).all()
    assert (found["pocket"] <= found["last"]).all()
    assert (found["pocket"] == found["errors"].min(axis=1)).all()
    assert found["pocket"].mean() < found["last"].mean() - 0.02


def test_hinge_depends_less_on_chance_than_the_perceptron() -> None:
    """With the perceptron's own loss in its place, the ratio of the spreads would be near 1."""
    found = quick("hinge")
    spreads = {loss: found[f"{loss} angle"].std(axis=1).mean() for loss in ("perceptron", "hinge")}
    assert spreads["hinge"] < spreads["perceptron"] / 4
    assert max(found["hinge"].mean(), found["perceptron"].mean()) < 0.15
    assert found["hinge"].mean() < found["perceptron"].mean() + 0.01


def test_units_that_begin_alike_stay_alike() -> None:
    """Anything random in the step that tells units apart, such as noise, breaks it; random units must differ."""
    found = quick("equal_units")
    assert found["constant range"].max() < 1e-4
    assert found["random range"].min() > 0.5
    assert found["random"].min() > 0.85
    assert found["constant"].max() < 0.5


def test_momentum_beats_descent_in_a_valley() -> None:
    """At the best rate, each step leaves (κ - 1) / (κ + 1) of the distance; with momentum, less."""
    found = quick("momentum")
    distances = found["plain 100"][:200]
    np.testing.assert_allclose(distances / distances[0], (99 / 101) ** np.arange(200), rtol=1e-4)
    assert found["momentum 100 steps"] * 4 < found["plain 100 steps"]


def test_a_constant_rate_hovers_where_a_decaying_one_settles() -> None:
    """The height grows with the rate; one that is kept in place of decaying stays ten times as high."""
    found = {name: excess[:, -10:].mean() for name, excess in quick("constant_rate").items()}
    assert found["constant 0.2"] > 1.4 * found["constant 0.1"] > 1.4**2 * found["constant 0.05"]
    assert 0 < found["decaying"] < found["constant 0.05"] / 4


def test_newton_is_drawn_to_saddles() -> None:
    """Newton with the absolute curvatures, or descent in its place, ends at minima alone."""
    found = quick("newton")
    assert found["newton"].count("saddle") >= 2
    assert set(found["descent"]) == set(found["saddle_free"]) == {"minimum"}


def test_l_bfgs_is_ahead_where_nothing_is_noise() -> None:
    """A memory that holds nothing makes it descent with a line search, which is not."""
    found = quick("lbfgs")
    assert found["lbfgs"][:, -1].max() < found["adam"][:, -1].min() / 4
    assert found["adam"][:, -1].max() < found["sgd"][:, -1].min()


def test_batch_normalisation_trains_deep_sigmoids() -> None:
    """One class in ten is right by chance."""
    found = quick("batch_norm")
    assert found["plain 10"].max() < 0.3
    assert found["normalised 10"].min() > 0.75


def test_residual_networks_may_be_deep() -> None:
    """Shortcuts that lead nowhere make the third network the second."""
    found = quick("residual")
    assert found["plain 56"].min() > found["plain 20"].max() + 0.2
    assert found["residual 56"].max() < found["plain 20"].min()


def test_an_ensemble_is_better_than_its_members() -> None:
    """Members that are copies of each other would be as good as the whole."""
    found = quick("ensemble")
    for name in ("ensemble", "bagging"):
        assert (found[f"{name} 10 error"] < found[f"{name} 10 member/error"] - 0.005).all()


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_whole(name: str) -> None:
    """Its specs are good, but for what is meant; its page has its figure and numbers, and a line in the index."""
    folder = EXAMPLES / name
    for spec in folder.glob("*.toml"):
        assert {d.code for d in check(spec)} <= {"overparametrised"}
    page = (folder / "README.md").read_text()
    assert any(f"]({figure.name})" in page for figure in folder.glob("figure.*"))
    assert "| ---" in page
    assert name in {row[0] for row in ROW.findall((EXAMPLES / "README.md").read_text())}
