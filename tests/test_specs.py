"""The specs that ship: each is a good one, in TOML 1.0, with a header that says what it reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netspec.commands import check, checked
from netspec.document import extended, read
from tests.command import netspec

SPECS = {p.stem: p for p in sorted((Path(__file__).parents[1] / "specs").glob("*.toml"))}
WRITTEN = {name: extended(read(path), path.parent).values for name, path in SPECS.items()}
POINTS = {name for name, written in WRITTEN.items() if "point" in written.get("model", {})}
TRAINED = {name: path for name, path in SPECS.items() if "data" in WRITTEN[name] or name in POINTS}
LOOKED_AT = SPECS.keys() - TRAINED.keys()
TRAINED_ELSEWHERE = {"resnet56", "resnet110"}
"""They start from one that trains, and take longer than anyone waits for on two cores."""


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_is_good(name: str) -> None:
    assert check(SPECS[name]) == ()
    assert read(SPECS[name]).values["name"] == name
    assert (checked(SPECS[name]).steps is not None) == (name in TRAINED)


@pytest.mark.parametrize("name", SPECS)
def test_a_header_says_how_it_is_used(name: str) -> None:
    header = _header(name)
    does = "inspect" if name in LOOKED_AT | TRAINED_ELSEWHERE else "train"
    assert f"netspec {does} specs/{name}.toml" in header


@pytest.mark.parametrize("name", sorted(TRAINED.keys() - TRAINED_ELSEWHERE))
def test_a_header_says_what_was_reached(name: str) -> None:
    header = _header(name)
    assert re.search(r"[Rr]eaches .*\d", header)
    assert re.search(r"in \d+ seconds? on two cores", header)


def _header(name: str) -> str:
    return " ".join(line for line in SPECS[name].read_text().splitlines() if line.startswith("#"))


# What each header promises, with room for another processor's rounding: the metric, and the least or the most.
REACHED = {
    "softmax_regression": ("test/accuracy", 0.94),
    "logistic_regression": ("test/accuracy", 0.93),
    "svm": ("test/accuracy", 0.94),
    "mlp": ("test/accuracy", 0.96),
    "xor": ("train/accuracy", 1.0),
    "perceptron": ("train/accuracy", 0.95),
    "adaline": ("test/accuracy", 0.93),
    "winnow": ("test/accuracy", 1.0),
    "maxover": ("train/accuracy", 1.0),
    "maxout": ("test/accuracy", 0.96),
    "highway": ("test/accuracy", 0.95),
    "gated_resnet": ("test/accuracy", 0.96),
    "rbf": ("test/accuracy", 0.9),
    "sum_product": ("test/accuracy", 0.9),
    "siamese": ("test/same/accuracy", 0.88),
    "sequence_classifier": ("test/accuracy", 0.9),
    "attention_reader": ("test/accuracy", 0.95),
}
AT_MOST = {
    "autoencoder": ("test/root_mean_squared_error", 0.14),
    "sparse_autoencoder": ("test/root_mean_squared_error", 0.07),
    "denoising_autoencoder": ("test/root_mean_squared_error", 0.095),
    "matrix_factorisation": ("test/root_mean_squared_error", 0.13),
    "gru_forecaster": ("test/root_mean_squared_error", 0.01),
    "greedy_autoencoder": ("test/root_mean_squared_error", 0.18),
    "valley_descent": ("train/loss", 2.8),
    "valley_momentum": ("train/loss", 1e-4),
    "valley_adam": ("train/loss", 5e-4),
    "valley_newton": ("train/loss", 1e-9),
}


@pytest.mark.parametrize("name", [*REACHED, *AT_MOST])
def test_a_spec_reaches_what_it_says(name: str, tmp_path: Path) -> None:
    result = netspec(tmp_path, "train", SPECS[name], "--json")
    finished = result.events()[-1]
    assert (result.code, finished["reason"]) == (0, "done")
    assert [event["message"] for event in result.events() if event["event"] == "alerted"] == []
    if name in REACHED:
        metric, least = REACHED[name]
        assert finished["metrics"][metric] >= least
    else:
        metric, most = AT_MOST[name]
        assert finished["metrics"][metric] <= most


def test_the_code_of_a_linear_autoencoder_spans_the_first_principal_components(tmp_path: Path) -> None:
    """Against those of the training part, worked out by a singular value decomposition: less than 1° from them."""
    import numpy as np

    from netspec.commands.specs import dataset_of, load
    from netspec.train.checkpoint import newest

    netspec(tmp_path, "train", SPECS["linear_autoencoder"], "--json")
    x = np.asarray(dataset_of(load(SPECS["linear_autoencoder"])).train.inputs["input"], np.float64)
    checkpoint, _ = newest(tmp_path / "runs" / "linear_autoencoder-1")
    assert checkpoint is not None
    arrays = {name: np.asarray(a, np.float64) for name, a in checkpoint.arrays.items()}
    encoder, decoder = (arrays[f"state/parameters/{layer}/kernel"] for layer in ("code", "dense1"))
    scores, directions = np.linalg.svd(x, full_matrices=False)[::2]
    for found, first in ((x @ encoder, scores[:, :4]), (decoder.T, directions[:4].T)):
        cosines = np.linalg.svd(np.linalg.qr(found)[0].T @ first)[1]
        assert np.degrees(np.arccos(cosines.clip(-1, 1))).max() < 1.0


def test_linear_regression_comes_to_the_least_squares(tmp_path: Path) -> None:
    """Against the solution in closed form, on the same training part."""
    import numpy as np

    from netspec.commands.specs import dataset_of, load

    path = SPECS["linear_regression"]
    train = dataset_of(load(path)).train
    x = np.concatenate([train.inputs["input"], np.ones((len(train), 1))], axis=1).astype(np.float64)
    residual = x @ np.linalg.lstsq(x, train.targets["target"], rcond=None)[0] - train.targets["target"]
    netspec(tmp_path, "train", path, "--json")
    evaluated = netspec(tmp_path, "evaluate", "linear_regression-1", "--json").json()["metrics"]
    assert evaluated["train/loss"] == pytest.approx(float(np.mean(residual**2)), rel=2e-3)


def test_maxover_comes_to_the_widest_margin(tmp_path: Path) -> None:
    """Against 0.6075, which quadratic programming finds (a support vector machine without slack or threshold)."""
    import numpy as np

    from netspec.commands.specs import dataset_of, load
    from netspec.train.checkpoint import newest

    netspec(tmp_path, "train", SPECS["maxover"], "--json")
    checkpoint, _ = newest(tmp_path / "runs" / "maxover-1")
    assert checkpoint is not None
    weights = np.asarray(checkpoint.arrays["state/parameters/dense1/kernel"], np.float64)
    train = dataset_of(load(SPECS["maxover"])).train
    sides = 2.0 * np.asarray(train.targets["target"]) - 1
    margins = sides * (np.asarray(train.inputs["input"], np.float64) @ weights)[:, 0] / np.linalg.norm(weights)
    assert 0.99 * 0.6075 < margins.min() < 0.6076


def test_lenet5_reaches_what_it_promises(tmp_path: Path) -> None:
    """97.5 % on the test part, the median of three seeds."""
    path = SPECS["lenet5"]
    runs = [netspec(tmp_path, "train", path, "--json", "--seed", str(seed)) for seed in (0, 1, 2)]
    accuracies = sorted(run.events()[-1]["metrics"]["test/accuracy"] for run in runs)
    assert accuracies[1] >= 0.975
