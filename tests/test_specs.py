"""The specs that ship: each is a good one, in TOML 1.0, with a header that says what it reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netspec.commands import checked
from netspec.document import read
from tests.command import netspec

SPECS = sorted((Path(__file__).parents[1] / "specs").glob("*.toml"))
REQUIRED = {
    "lenet5",
    "perceptron",
    "softmax_regression",
    "linear_regression",
    "logistic_regression",
    "svm",
    "mlp",
    "xor",
    "resnet20",
}


def test_all_are_there() -> None:
    assert {p.stem for p in SPECS} >= REQUIRED


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_a_spec_is_good(path: Path) -> None:
    assert checked(path).steps is not None
    assert read(path).values["name"] == path.stem


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_a_header_says_what_was_reached(path: Path) -> None:
    header = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert re.search(r"[Rr]eaches .*\d", " ".join(header))
    assert re.search(r"in \d+ seconds? on two cores", " ".join(header))


# What each header promises, with room for another processor's rounding.
REACHED = {
    "softmax_regression": ("test/accuracy", 0.94),
    "logistic_regression": ("test/accuracy", 0.93),
    "svm": ("test/accuracy", 0.94),
    "mlp": ("test/accuracy", 0.96),
    "xor": ("train/accuracy", 1.0),
    "perceptron": ("train/accuracy", 0.95),
}


@pytest.mark.parametrize("name", REACHED)
def test_a_spec_reaches_what_it_says(name: str, tmp_path: Path) -> None:
    result = netspec(tmp_path, "train", next(p for p in SPECS if p.stem == name), "--json")
    metric, least = REACHED[name]
    finished = result.events()[-1]
    assert (result.code, finished["reason"]) == (0, "done")
    assert finished["metrics"][metric] >= least


def test_linear_regression_comes_to_the_least_squares(tmp_path: Path) -> None:
    """Against the solution in closed form, on the same training part."""
    import numpy as np

    from netspec.commands.specs import dataset_of, load

    path = next(p for p in SPECS if p.stem == "linear_regression")
    train = dataset_of(load(path)).train
    x = np.concatenate([train.inputs, np.ones((len(train), 1))], axis=1).astype(np.float64)
    residual = x @ np.linalg.lstsq(x, train.targets, rcond=None)[0] - train.targets
    netspec(tmp_path, "train", path, "--json")
    evaluated = netspec(tmp_path, "evaluate", "linear_regression-1", "--json").json()["metrics"]
    assert evaluated["train/loss"] == pytest.approx(float(np.mean(residual**2)), rel=2e-3)


def test_lenet5_reaches_what_it_promises(tmp_path: Path) -> None:
    """97.5 % on the test part, the median of three seeds."""
    path = next(p for p in SPECS if p.stem == "lenet5")
    runs = [netspec(tmp_path, "train", path, "--json", "--seed", str(seed)) for seed in (0, 1, 2)]
    accuracies = sorted(run.events()[-1]["metrics"]["test/accuracy"] for run in runs)
    assert accuracies[1] >= 0.975
