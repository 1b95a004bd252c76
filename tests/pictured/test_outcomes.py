"""What networks say of examples, against scikit-learn, `netspec evaluate`, `netspec predict`, and the data itself."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, confusion_matrix

from netspec.commands import outcomes
from netspec.commands.outcomes import Outcomes
from netspec.diagnostics import NetspecError
from tests.command import netspec
from tests.pictured.conftest import LABELS, STEP, reached


def of(folder: Path, name: str, **chosen: object) -> Outcomes:
    return outcomes(folder / f"runs/{name}-1", **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["digits", "members", "sides", "tags", "pairs"])
def test_classes(folder: Path, name: str) -> None:
    found = of(folder, name)
    assert (found.step, found.part, found.of) == (
        STEP,
        "train" if name in ("members", "sides") else "test",
        found.examples,
    )
    truths, said = found.truths.ravel(), found.said.ravel()
    counted = truths >= 0
    assert counted.all() == (name != "tags")
    expected = confusion_matrix(truths[counted], said[counted], labels=range(len(found.labels)))
    np.testing.assert_array_equal(found.confusion, expected)
    metric = f"{found.part}/{'digit/' if name == 'pairs' else ''}accuracy"
    assert found.accuracy == pytest.approx(reached(folder, f"{name}-1")[metric], abs=1e-6)
    assert found.accuracy == pytest.approx(accuracy_score(truths[counted], said[counted]))
    assert (found.residuals, found.reconstructions) == (None, None)
    assert set(found.missing) >= {"residuals", "reconstructions"}


def test_what_is_said_is_what_predict_says(folder: Path) -> None:
    """The order of the examples is the part's, so what is compared is how often each pair of classes comes."""
    with (folder / "plane.csv").open() as file:
        truths = [row["kind"] for row in csv.DictReader(file)]
    for run in ("plane", "members"):
        said = [
            row["class"] for row in csv.DictReader(io.StringIO(netspec(folder, "predict", f"{run}-1", "plane.csv").out))
        ]
        found = of(folder, run)
        assert found.labels == tuple(sorted(LABELS))
        np.testing.assert_array_equal(found.confusion, confusion_matrix(truths, said, labels=found.labels))


@pytest.mark.parametrize("name", ["digits", "members"])
def test_mistakes_come_the_surest_first(folder: Path, name: str) -> None:
    found = of(folder, name)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(found.probabilities.argmax(axis=1), found.said)
    wrong = np.flatnonzero(found.said != found.truths)
    assert sorted(found.mistakes) == wrong.tolist() != []
    sure = found.probabilities[found.mistakes, found.said[found.mistakes]]
    np.testing.assert_allclose(found.sure[found.mistakes], sure, rtol=1e-6)
    assert (np.diff(sure) <= 0).all()


def test_margins_are_no_probabilities(folder: Path) -> None:
    found = of(folder, "sides")
    assert (found.probabilities, found.sure) == (None, None)
    assert "margins" in found.missing["probabilities"]
    assert sorted(found.mistakes) == np.flatnonzero(found.said != found.truths).tolist() != []
    assert (np.diff(found.lead[found.mistakes]) <= 0).all()


def test_positions(folder: Path) -> None:
    found = of(folder, "tags")
    assert (found.kind, found.truths.shape, found.said.shape) == ("positions", (4, 5), (4, 5))
    assert (found.mistakes, found.probabilities) == (None, None)
    assert "each of its positions" in found.missing["mistakes"]
    tokens = np.asarray(found.inputs["input"][:])
    np.testing.assert_array_equal(found.truths, np.where(tokens > 0, tokens % 3, -1))


def test_numbers_are_in_the_targets_own_unit(folder: Path) -> None:
    found = of(folder, "surface")
    assert (found.kind, found.labels, found.confusion) == ("number", (), None)
    np.testing.assert_allclose(found.residuals, found.said - found.truths)
    error = reached(folder, "surface-1")["test/root_mean_squared_error"]
    assert np.sqrt((found.residuals**2).mean()) == pytest.approx(error, rel=1e-5)
    with (folder / "surface.csv").open() as file:
        heights = {round(float(row["height"]), 3) for row in csv.DictReader(file)}
    assert {round(float(height), 3) for height in found.truths.ravel()} <= heights


def test_reconstructions(folder: Path) -> None:
    found = of(folder, "autoencoder")
    assert (found.kind, found.target, found.residuals) == ("input", "input", None)
    np.testing.assert_array_equal(found.truths, found.inputs["input"])
    error = reached(folder, "autoencoder-1")["test/root_mean_squared_error"]
    assert np.sqrt(((found.reconstructions - found.truths) ** 2).mean()) == pytest.approx(error, rel=1e-5)
    assert decoded(found.reconstructed_picture_of(3)).shape == (8, 8)
    assert of(folder, "digits").reconstructed_picture_of(0) is None


def decoded(data: bytes | None) -> np.ndarray:
    assert data is not None
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("name", ["digits", "autoencoder"])
def test_pictures_hold_what_the_data_held(folder: Path, name: str) -> None:
    """Scaled, standardised by pixel and flattened: each picture is one of scikit-learn's, and of its class."""
    found, digits = of(folder, name), load_digits()
    known = {
        np.floor(image * 255 / 16 + 0.5).astype(np.uint8).tobytes(): label
        for image, label in zip(digits.images, digits.target, strict=True)
    }
    labels = [known[decoded(found.picture_of(i)).tobytes()] for i in range(20)]
    if name == "digits":
        assert labels == found.truths[:20].tolist()


def test_pictures_in_colours_and_of_pairs(folder: Path) -> None:
    found = of(folder, "colours", part="train")
    with np.load(folder / "colours.npz") as file:
        known = {image.tobytes() for image in file["x"]}
    assert {decoded(found.picture_of(i)).tobytes() for i in range(found.examples)} <= known
    assert decoded(of(folder, "pairs").picture_of(0)).shape == (8, 17)
    plane = of(folder, "plane")
    assert (plane.picture_of(0), plane.missing["pictures"]) == (None, "the inputs are no images")


def test_no_more_than_are_asked_for(folder: Path) -> None:
    few, others, every = (
        of(folder, "digits", part="train", **more) for more in ({"examples": 50}, {"examples": 50, "seed": 1}, {})
    )
    assert (few.examples, few.of, every.examples) == (50, every.of, every.of)
    assert len({tuple(few.rows), tuple(others.rows)}) == 2
    assert (np.diff(few.rows) > 0).all()
    np.testing.assert_array_equal(few.truths, every.truths[few.rows])
    np.testing.assert_array_equal(few.said, every.said[few.rows])
    np.testing.assert_array_equal(few.inputs["input"], every.inputs["input"][few.rows])


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"part": "tets"}, "--part must be one of train, validation, test, not tets"),
        ({"examples": 0}, "at least 1, not 0"),
    ],
)
def test_what_cannot_be_looked_at(folder: Path, chosen: dict[str, object], message: str) -> None:
    with pytest.raises(NetspecError, match=message):
        of(folder, "digits", **chosen)
