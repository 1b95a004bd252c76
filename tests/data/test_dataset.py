"""Whole data sets: the bundled ones, what teaches the transforms, and where mistakes point."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import datasets

from netspec.diagnostics import DataError

BUNDLED = ("digits", "iris", "wine", "breast_cancer", "diabetes")
PARTED = "split = { validation = 0.1, test = 0.2 }"


@pytest.mark.parametrize("name", BUNDLED)
def test_what_is_known_of_bundled_sets_is_true(write, name):
    written = write(f'"{name}"', PARTED)
    loaded = written.load()
    assert loaded.facts == written.facts()
    found = getattr(datasets, f"load_{name}")()
    known = loaded.preparation.format
    assert sum(loaded.facts.examples.values()) == len(found.data)
    assert tuple(map(str, getattr(found, "target_names", []))) == known.target.labels
    if name != "digits":
        assert tuple(map(str, found.feature_names)) == tuple(c.name for c in known.input.columns)
    inputs = np.concatenate([part.inputs["input"] for part in (loaded.train, loaded.validation, loaded.test)])
    assert inputs.shape == (len(found.data), *loaded.facts.inputs["input"].shape)
    assert np.allclose(np.sort(inputs, axis=None), np.sort(found.data, axis=None))


def test_a_check_imports_neither_jax_nor_scikit_learn_nor_pillow():
    code = (
        "import sys; from pathlib import Path; from netspec import data;"
        "from netspec.spec.data import Data; from netspec.spec.sources import Digits;"
        "from netspec.spec.transforms import Resize;"
        "data.facts(Data(source=Digits(), transform=(Resize(resize=[28, 28]),)), Path(), lambda path: None);"
        "print([m for m in ('jax', 'sklearn', 'PIL') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_transforms_learn_from_the_training_part_alone(write):
    raw = write('"wine"', PARTED).load()
    loaded = write('"wine"', 'transform = ["standardize"]', PARTED).load()
    wide = raw.train.inputs["input"].astype(np.float64)
    expected = (raw.test.inputs["input"] - wide.mean(axis=0)) / wide.std(axis=0)
    assert np.allclose(loaded.test.inputs["input"], expected, rtol=1e-5)
    assert np.array_equal(
        loaded.preparation.input("input").apply(raw.test.inputs["input"]), loaded.test.inputs["input"]
    )
    assert loaded.fingerprint == raw.fingerprint


def test_each_transform_learns_from_the_one_before(write):
    lines = ('transform = [{ resize = [4, 4] }, "rgb", { scale = [-1, 1] }, "standardize", "flatten"]', PARTED)
    loaded = write('"digits"', *lines).load()
    assert loaded.facts.inputs["input"].shape == (48,)
    assert abs(loaded.train.inputs["input"].mean(dtype=np.float64)) < 1e-6
    scale = loaded.preparation.transforms["input"][2]
    assert scale.lowest == (0,)
    assert scale.highest[0] < 16


def test_a_fingerprint_tells_sets_apart(table):
    content = "a,y\n1,u\n2,v\n3,u\n"
    fingerprints = {
        table(c).load().fingerprint for c in (content, content.replace("3", "4"), content.replace("v", "w"))
    }
    assert len(fingerprints) == 3
    assert len(fingerprints.pop()) == 64


@pytest.mark.parametrize(
    ("source", "lines", "code", "word", "message"),
    [
        ('"iris"', ['transform = ["scale", "rgb"]'], "shape", '"rgb"', "rgb needs grey images [height, width, 1]"),
        ('"digits"', ['transform = ["rgb", { resize = [9, 9] }, "rgb"]'], "shape", '"rgb"]', "and gets [9, 9, 3]"),
        ('"iris"', ["transform = [{ resize = [2, 2] }]"], "shape", "resize", "resize needs images"),
        ('"digits"', ["transform = [{ resize = [20000, 2] }]"], "shape", "resize", "16,384 is the most"),
        ('"iris"', ["split = { test = 0.001 }"], "split", "test", "less than one"),
        ('{ csv = "https://a.b/c.csv" }', [], "address", "csv", "is an address"),
        ('{ csv = "none.csv" }', [], "no-such-file", "csv", "none.csv: there is no such file"),
        ('{ csv = "no/where.csv" }', [], "no-such-file", "csv", "there is no such file"),
        ('{ csv = "" }', [], "no-such-file", "csv", "'' cannot be the name of a file"),
        ('{ csv = "." }', [], "no-such-file", "csv", "is a folder, not a file"),
        ('{ npz = "none.npz" }', [], "no-such-file", "npz", "none.npz"),
        ('{ idx = "none" }', [], "no-such-folder", "idx", "none: there is no such folder"),
        ('{ images = "none" }', [], "no-such-folder", "images", "none: there is no such folder"),
    ],
)
def test_mistakes_point_into_the_spec(write, source, lines, code, word, message):
    written = write(source, *lines)
    mistake = written.mistake()
    assert mistake.code == code
    assert message in mistake.message
    place = mistake.place
    assert place.source.line(place.line)[place.column - 1 :].startswith(word)
    with pytest.raises(DataError) as caught:
        written.facts()
    assert caught.value.diagnostics == (mistake,)


def test_a_name_that_is_nearly_right_gets_the_right_one(table, write):
    table("a,y\n1,u\n2,v\n")
    assert write('{ csv = "tabel.csv" }').mistake().label == "did you mean 'table.csv'?"


CELLS = st.text('01.,;\t\n\r"e-aN? \ufeff\0', max_size=60) | st.text(max_size=20)


@given(content=CELLS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_table_or_a_mistake(table, content):
    with contextlib.suppress(DataError):
        loaded = table(content.encode("utf-8", "surrogatepass")).load()
        assert np.isfinite(loaded.train.inputs["input"]).all()
