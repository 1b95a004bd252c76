"""Small runs of every sort that outcomes and pictures are made of, once for all tests here.

Their weights are drawn at random, and nothing is trained: a network that is often wrong shows more.
"""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest
from sklearn.datasets import make_blobs

from netspec.commands import load
from netspec.commands.specs import dataset_of
from netspec.runs.directory import create, prepare
from netspec.train.checkpoint import save
from netspec.train.saved import arrays_of
from netspec.train.state import shapes, to_arrays
from tests.command import netspec

LEARNED = """
[optimizer]
kind = "sgd"
learning_rate = 0.02
[train]
steps = 40
batch = 8
"""
CLASSES = f'[loss]\nkind = "cross_entropy"{LEARNED}'
STEP = 1234

DIGITS = (
    """
[data]
source = "digits"
transform = ["scale"]
[model]
layers = [
  { conv = 3 }, "relu", { max_pool = 4 }, "flatten",
  { dense = 7, activation = "tanh" }, { dropout = 0.1 }, { dense = "$classes" },
]
"""
    + CLASSES
)

AUTOENCODER = (
    """
[data]
source = "digits"
transform = ["standardize", "flatten"]
target = "input"
[model]
layers = [{ dense = 20, activation = "relu" }, { dense = 5, name = "code" }, { dense = "$features" }]
[loss]
kind = "squared_error"
"""
    + LEARNED
)

PLANE = (
    """
[data]
source = { csv = "plane.csv" }
split = { validation = 0, test = 0 }
transform = ["standardize"]
[model]
layers = [{ dense = 8, activation = "tanh", name = "hidden" }, { dense = "$classes" }]
"""
    + CLASSES
)

MEMBERS = PLANE.replace("[train]", "[train]\nmembers = 2")

SIDES = (
    """
[data]
source = { csv = "sides.csv" }
split = { validation = 0, test = 0 }
[model]
layers = [{ dense = 1 }]
[loss]
kind = "hinge"
"""
    + LEARNED
)

SURFACE = (
    """
[data]
source = { csv = "surface.csv", target = "height" }
transform = [{ scale = [-1, 1] }]
[model]
layers = [{ dense = 6, activation = "tanh" }, { dense = 1 }]
[loss]
kind = "squared_error"
"""
    + LEARNED
)

TAGS = (
    """
[data]
source = { npz = "tags.npz", sequences = true }
[model]
layers = [{ embed = 4 }, { dense = 6, activation = "tanh" }, { dense = "$classes" }]
"""
    + CLASSES
)

PAIRS = (
    """
[data]
source = { pairs = "digits" }
[model]
layers = [
  { block = ["flatten", { dense = 4 }], name = "tower", from = "left" },
  { share = "tower", from = "right", name = "other" },
  { subtract = ["tower", "other"] },
  { dense = 1, name = "same" },
  { dense = 10, from = "tower", name = "digit" },
]
outputs = ["digit", "same"]
[[loss]]
kind = "cross_entropy"
output = "digit"
target = "left_label"
[[loss]]
kind = "binary_cross_entropy"
output = "same"
target = "is_same"
"""
    + LEARNED
)

COLOURS = (
    """
[data]
source = { npz = "colours.npz" }
transform = ["standardize", "flatten"]
[model]
layers = [{ dense = 5 }, "relu", { dense = "$classes" }]
"""
    + CLASSES
)

SPECS = {
    "digits": DIGITS,
    "autoencoder": AUTOENCODER,
    "plane": PLANE,
    "members": MEMBERS,
    "sides": SIDES,
    "surface": SURFACE,
    "tags": TAGS,
    "pairs": PAIRS,
    "colours": COLOURS,
}

AXES = ("$x_1$ & <b>", "y %s")
LABELS = ("$\\frac", "<script>", "--> c")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where runs/digits-1 and the others are, with their data."""
    made = tmp_path_factory.mktemp("pictured")
    _write_data(made)
    for name, spec in SPECS.items():
        (made / f"{name}.toml").write_text(spec)
        make_run(made, name)
    return made


def make_run(folder: Path, name: str) -> Path:
    """A run of a spec as it is after a training, with weights from a normal distribution."""
    opened = load(folder / f"{name}.toml")
    program, dataset = opened.build(), dataset_of(opened)
    run = create(folder / "runs", name)
    known = {"facts": dataset.facts.to_json(), "preparation": dataset.preparation.to_json()}
    environment = {"directory": str(folder), "data": dataset.fingerprint}
    prepare(run, spec=(folder / f"{name}.toml").read_text(), resolved=known, environment=environment)
    draw = np.random.default_rng(len(name))
    whole = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes(program.last, program.members))
    drawn = {p: draw.normal(0, 0.7, a.shape).astype(a.dtype) for p, a in sorted(whole.parameters.items())}
    save(run, STEP, arrays_of(to_arrays(whole._replace(parameters=drawn)), None, None), {"phase": 0, "best_step": None})
    return run


def _write_data(made: Path) -> None:
    draw = np.random.default_rng(0)
    x, y = make_blobs(90, centers=3, random_state=3, cluster_std=3.0)
    rows = [f"{a:.4f},{b:.4f},{LABELS[k]}" for (a, b), k in zip(x, y, strict=True)]
    (made / "plane.csv").write_text("\n".join([f"{AXES[0]},{AXES[1]},kind", *rows]) + "\n")
    sides = [f"{a:.4f},{b:.4f},{'left' if k else 'right'}" for (a, b), k in zip(x, y > 0, strict=True)]
    (made / "sides.csv").write_text("\n".join(["a,b,side", *sides]) + "\n")
    at = draw.uniform(-2, 2, (60, 2))
    surface = [f"{a:.4f},{b:.4f},{30 + 9 * a * b:.4f}" for a, b in at]
    (made / "surface.csv").write_text("\n".join(["north,east,height", *surface]) + "\n")
    tokens = draw.integers(1, 6, (40, 5))
    tokens[::3, 3:] = 0
    images = draw.integers(0, 256, (30, 6, 5, 3), np.uint8)
    np.savez(made / "colours.npz", x=images, y=np.arange(30) % 3)
    np.savez(made / "tags.npz", x=tokens, y=np.where(tokens > 0, tokens % 3, -1))


def reached(folder: Path, run: str) -> dict[str, float]:
    """The metrics that `netspec evaluate` measures."""
    found: dict[str, float] = netspec(folder, "evaluate", run, "--json").json()["metrics"]
    return found
