"""What a layer gives for new inputs, as NPZ and CSV, against the same by hand."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_iris

from netspec.commands.trained import open_run, weights_of
from tests.command import netspec

LEARNED = """
[loss]
kind = "cross_entropy"
[optimizer]
kind = "sgd"
learning_rate = 0.01
[train]
steps = 5
batch = "all"
"""
FLOWERS = f"""
[data]
source = {{ csv = "known.csv", target = "species" }}
[model]
layers = [
  {{ block = [{{ dense = 3, name = "inner" }}, "relu"], name = "body" }},
  {{ dense = "$classes", name = "head" }},
]
{LEARNED}"""
DIGITS = f"""
[data]
source = "digits"
transform = [{{ scale = [0, 1] }}]
[model]
layers = [{{ conv = 2 }}, "relu", "flatten", {{ dense = "$classes" }}]
{LEARNED}"""
MEMBERS = FLOWERS.replace("[train]", "[train]\nmembers = 3")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on flowers, one on digits, an ensemble; and inputs."""
    made = tmp_path_factory.mktemp("features")
    iris, digits = load_iris(), load_digits()
    header = ",".join(name.removesuffix(" (cm)").replace(" ", "_") for name in iris.feature_names)
    rows = [",".join(map(str, row)) for row in iris.data[::10]]
    (made / "flowers.csv").write_text("\n".join([header, *rows]) + "\n")
    words = iris.target_names[iris.target[::10]]
    known = [f"{row},{word}" for row, word in zip(rows, words, strict=True)]
    (made / "known.csv").write_text("\n".join([f"{header},species", *known]) + "\n")
    for i in range(6):
        digit = made / "images" / str(digits.target[i])
        digit.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(digits.images[i] * 255 / 16).astype("uint8")).save(digit / f"{i}.png")
    for name, text in (("flowers", FLOWERS), ("digits", DIGITS), ("members", MEMBERS)):
        (made / f"{name}.toml").write_text(text)
        assert netspec(made, "train", f"{name}.toml", "--json").code == 0
    return made


def weights(run: Path) -> dict[str, np.ndarray]:
    return {path: np.asarray(array) for path, array in weights_of(open_run(run))[2].items()}


def hidden(own: dict[str, np.ndarray]) -> np.ndarray:
    return load_iris().data[::10] @ own["body/inner/kernel"] + own["body/inner/bias"]


@pytest.mark.parametrize(("layer", "path"), [("body/inner", "body/inner"), ("inner", "body/inner"), ("body", "body")])
def test_a_layer_by_hand(folder: Path, layer: str, path: str) -> None:
    result = netspec(folder, "features", "flowers-1", "flowers.csv", "--layer", layer, "-o", "a.npz")
    assert (result.code, result.err) == (0, "")
    assert result.out == f"15 times [3] of {path} in a.npz\n"
    found = loaded(folder / "a.npz")
    assert sorted(found) == ["features", "names"]
    by_hand = hidden(weights(folder / "runs/flowers-1"))
    expected = np.maximum(by_hand, 0) if path == "body" else by_hand
    np.testing.assert_allclose(found["features"], expected, rtol=1e-5, atol=1e-5)
    assert found["names"].tolist() == [
        row["input"] for row in rows(netspec(folder, "predict", "flowers-1", "flowers.csv").out)
    ]


def loaded(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_what_the_inputs_are_goes_with_them(folder: Path) -> None:
    result = netspec(folder, "features", "flowers-1", "known.csv", "--layer", "inner")
    by_hand = hidden(weights(folder / "runs/flowers-1"))
    found = rows(result.out)
    assert list(found[0]) == ["input", "feature1", "feature2", "feature3", "label"]
    np.testing.assert_allclose(
        [[float(r[f"feature{i}"]) for i in (1, 2, 3)] for r in found], by_hand, rtol=1e-5, atol=1e-5
    )
    iris = load_iris()
    assert [r["label"] for r in found] == iris.target_names[iris.target[::10]].tolist()
    netspec(folder, "features", "flowers-1", "known.csv", "--layer", "inner", "-o", "a.csv")
    assert (folder / "a.csv").read_text() == result.out


def test_images_of_folders(folder: Path) -> None:
    result = netspec(folder, "features", "digits-1", "images", "--layer", "relu1", "-o", "b.npz")
    assert (result.code, result.err) == (0, "")
    found = loaded(folder / "b.npz")
    assert found["features"].shape == (6, 8, 8, 2)
    assert found["labels"].tolist() == [name.split("/")[0] for name in found["names"]] == list("012345")
    own, x = weights(folder / "runs/digits-1"), load_digits().images[0] / 16
    middle = sum(x[3 + i, 3 + j] * own["conv1/kernel"][i, j, 0] for i in range(3) for j in range(3))
    np.testing.assert_allclose(found["features"][0, 4, 4], np.maximum(middle + own["conv1/bias"], 0), atol=0.01)
    one = netspec(folder, "features", "digits-1", "images/3/3.png", "--layer", "relu1", "-o", "c.npz")
    assert one.code == 0
    single = loaded(folder / "c.npz")
    np.testing.assert_allclose(single["features"][0], found["features"][3], atol=1e-5)


def test_each_member_of_an_ensemble(folder: Path) -> None:
    assert netspec(folder, "features", "members-1", "flowers.csv", "--layer", "inner", "-o", "d.npz").code == 0
    own = weights(folder / "runs/members-1")
    found = loaded(folder / "d.npz")["features"]
    assert found.shape == (15, 3, 3)
    for member in range(3):
        by_hand = hidden({path: array[member] for path, array in own.items()})
        np.testing.assert_allclose(found[:, member], by_hand, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["flowers-1", "flowers.csv", "--layer", "bodi/inner"], "did you mean 'body/inner'?"),
        (["flowers-1", "flowers.csv", "--layer", "inner", "-o", "a.json"], "--out writes .npz or .csv"),
        (["flowers-2", "flowers.csv", "--layer", "inner"], "there is no run 'flowers-2'"),
        (["flowers-1", "images", "--layer", "inner"], "the network takes a table"),
    ],
)
def test_what_cannot_be_given(folder: Path, arguments: list[str], message: str) -> None:
    result = netspec(folder, "features", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
