"""The networks of the literature, held to the numbers that were published of them; nothing is allocated."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import jax
import numpy as np
import pytest
import tomli

from netspec.build.network import Network
from netspec.commands import inspect, load
from netspec.report.inspection.inspect import to_json

ROOT = Path(__file__).parents[1]
SPECS = ROOT / "specs"
PUBLISHED = tomli.loads((ROOT / "tests" / "facts" / "published.toml").read_text())
MULTIPLY_ADDS = PUBLISHED.pop("multiply_adds")
COUNTED = {name.removesuffix("_cifar"): facts for name, facts in PUBLISHED.items()}


def looked_at(name: str) -> dict[str, Any]:
    return to_json(inspect(SPECS / f"{name}.toml"))


@pytest.mark.parametrize("name", COUNTED)
def test_counts_are_the_published_ones(name: str) -> None:
    facts, found = COUNTED[name], looked_at(name)
    aside = sum(layer["parameters"] for layer in found["layers"] if layer["path"].startswith("side"))
    assert found["parameters"]["trainable"] - aside == facts["parameters"]
    assert found["parameters"]["trainable"] == facts.get("with_auxiliary", facts["parameters"])
    assert found["parameters"]["statistics"] == facts.get("statistics", found["parameters"]["statistics"])


@pytest.mark.parametrize("name", MULTIPLY_ADDS)
def test_multiply_adds_are_within_three_percent(name: str) -> None:
    assert looked_at(name)["flops"]["forward"] / 2e9 == pytest.approx(MULTIPLY_ADDS[name], rel=0.03)


def test_the_preactivation_network_has_the_counts_of_its_batch_norms() -> None:
    """ResNet-50 has a batch norm of 2 numbers a channel after each convolution; here one stands before each, and one
    before each stage in place of that of the shortcut.
    """
    plain, found = looked_at("resnet50"), looked_at("resnet50_preactivation")
    after = {64: 1, 256: 1, 512: 1, 1024: 1, 2048: 1}  # of the first convolution, and of the four projections
    residual = {256: 3, 512: 4, 1024: 6, 2048: 3}  # of the last convolution of each block
    before = {64: 1, 256: 2 + 1, 512: 3 + 1, 1024: 5 + 1, 2048: 2 + 1}  # of each block, and before the pooling
    difference = sum(2 * width * n for width, n in before.items())
    difference -= sum(2 * width * n for counts in (after, residual) for width, n in counts.items())
    assert found["parameters"]["trainable"] - plain["parameters"]["trainable"] == difference


LENGTHS = {
    "char_lstm": 22,
    "finetune": 13,
    "gated_resnet": 24,
    "googlenet": 57,
    "gpt2": 40,
    "lenet5": 26,
    "mobilenet": 19,
    "perceptron": 14,
    "rbf": 16,
    "resnet50": 26,
    "sparse_autoencoder": 21,
    "squeezenet": 24,
    "svm": 18,
    "two_inputs": 25,
    "vgg16": 34,
    "xor_gates": 7,
}
"""Lines that each takes at the most, empty ones and comments left out."""


@pytest.mark.parametrize("name", LENGTHS)
def test_a_spec_is_short(name: str) -> None:
    lines = (line.strip() for line in (SPECS / f"{name}.toml").read_text("utf-8").splitlines())
    assert sum(1 for line in lines if line and not line.startswith("#")) <= LENGTHS[name]


def test_a_thousand_blocks_are_looked_at_in_a_moment(tmp_path: Path) -> None:
    """It takes under a second; what goes through all layers once for each layer takes six."""
    spec = tmp_path / "deep.toml"
    layers = '{ residual = ["batch_norm", { conv = 8, kernel = 3 }, "relu", { conv = 8, kernel = 3 }], times = 1000 }'
    spec.write_text(f"[model]\ninput = [8, 8, 8]\nlayers = [{layers}]\n")
    began = perf_counter()
    found = inspect(spec)
    assert perf_counter() - began < 3
    assert found.parameters.trainable == 1000 * (2 * (9 * 8 * 8 + 8) + 2 * 8)


GATES = {
    "threshold_gates": [[0, 0, 1], [0, 1, 1], [0, 1, 0], [1, 1, 0]],
    "xor_gates": [[0], [1], [1], [0]],
}


@pytest.mark.parametrize("name", GATES)
def test_gates_are_exact(name: str) -> None:
    network = Network(load(SPECS / f"{name}.toml").resolve())
    parameters, statistics = network.initialise(jax.random.key(0))
    inputs = {"input": np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)}
    assert network.apply(parameters, statistics, inputs).outputs["output"].tolist() == GATES[name]
