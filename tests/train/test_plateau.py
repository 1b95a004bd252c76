"""A plateau in a training: what it takes for better, and that it lowers the learning rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.build import build
from netspec.commands.specs import dataset_of, load
from netspec.runs.events import Evaluated
from netspec.train.loop import train

SPEC = """
[data]
source = "iris"
split = { validation = 0.3 }

[model]
layers = [{ dense = "$classes" }]

[loss]
kind = "cross_entropy"

[optimizer]
kind = "sgd"
learning_rate = 1.0

[train]
epochs = 12
"""

PLATEAU = (
    '[schedule]\nkind = "plateau"\nmetric = "{metric}"\npatience = {patience}\nfactor = 0.5\nthreshold = {threshold}\n'
)


def losses(folder: Path, schedule: str) -> np.ndarray:
    """Of the validation part after each epoch."""
    path = folder / "x.toml"
    path.write_text(SPEC + schedule)
    spec = load(path)
    data = dataset_of(spec)
    program = build(spec.spec, data.facts)
    events = train(program, data)
    return np.array([e.metrics["validation/loss"] for e in events if isinstance(e, Evaluated)])


def test_more_accuracy_is_as_good_as_less_error(tmp_path: Path) -> None:
    """Where any gain counts, both get better at the same evaluations."""
    found = [
        losses(tmp_path, PLATEAU.format(metric=f"validation/{m}", patience=2, threshold=0.0))
        for m in ("accuracy", "error")
    ]
    np.testing.assert_array_equal(*found)
    assert (found[0] != losses(tmp_path, "")).any()


def test_the_rate_stays_while_it_gets_better(tmp_path: Path) -> None:
    patient = PLATEAU.format(metric="validation/loss", patience=12, threshold=1e-4)
    np.testing.assert_allclose(losses(tmp_path, patient), losses(tmp_path, ""), rtol=1e-5)
    # Nothing is better by all that there is but the first: from then on the rate is halved after each.
    hopeless = losses(tmp_path, PLATEAU.format(metric="validation/loss", patience=1, threshold=1.0))
    assert np.abs(np.diff(hopeless[-3:])).max() == pytest.approx(0, abs=2e-3)
