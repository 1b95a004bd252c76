"""What is saved with a run to read new inputs, and inputs of another sort than it takes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from netspec import data
from netspec.diagnostics import DataError

PARTED = "split = { validation = 0.1, test = 0.2 }"


@pytest.mark.parametrize(
    ("source", "transforms"),
    [
        ('"digits"', '[{ resize = [5, 5] }, "standardize", "rgb", "flatten"]'),
        ('"diabetes"', '["standardize", "scale"]'),
        ('"iris"', "[]"),
    ],
)
def test_a_preparation_reads_back_exactly(write, source, transforms):
    loaded = write(source, f"transform = {transforms}", PARTED).load()
    again = data.Preparation.from_json(json.loads(json.dumps(loaded.preparation.to_json())))
    assert again == loaded.preparation
    assert again.input("input").shape == loaded.facts.inputs["input"].shape
    assert again.input("input").dtype == loaded.facts.inputs["input"].dtype


@pytest.mark.parametrize("broken", [{}, {"format": {}, "transforms": []}, {"format": 3, "transforms": []}])
def test_a_broken_preparation_is_refused(broken):
    with pytest.raises(ValueError, match="no preparation"):
        data.Preparation.from_json(broken)


def test_a_drawn_digit_has_the_range_of_the_bundled_ones(write, tmp_path):
    preparation = write('"digits"').load().preparation
    Image.new("RGB", (8, 8), "white").save(tmp_path / "white.png")
    assert (
        data.read_inputs(tmp_path / "white.png", preparation).inputs["input"].tolist()
        == np.full((1, 8, 8, 1), 16.0).tolist()
    )


def test_a_bundled_table_takes_a_table_of_its_columns(write, tmp_path):
    preparation = write('"iris"').load().preparation
    header = ",".join(c.name for c in preparation.format.input.columns)
    (tmp_path / "new.csv").write_text(f"{header}\n1,2,3,4\n")
    assert data.read_inputs(tmp_path / "new.csv", preparation).inputs["input"].tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("source", "name", "code"),
    [
        ('"iris"', "new.npz", "wrong-data"),
        ('"iris"', "new.png", "wrong-data"),
        ('"iris"', "", "wrong-data"),
        ('"digits"', "new.csv", "wrong-data"),
        ('"digits"', "new.doc", "unknown-file"),
        ('"digits"', "none.csv", "no-such-file"),
        ('"digits"', "none", "no-such-file"),
        ('"digits"', "empty", "no-examples"),
    ],
)
def test_inputs_of_another_sort(write, tmp_path, source, name, code):
    preparation = write(source).load().preparation
    for existing in ("new.npz", "new.png", "new.csv", "new.doc"):
        (tmp_path / existing).write_text("x")
    (tmp_path / "empty").mkdir()
    for read in (data.read_inputs, data.evaluate_part):
        with pytest.raises(DataError) as caught:
            read(tmp_path / name, preparation)
        (mistake,) = caught.value.diagnostics
        assert mistake.code == code
        assert mistake.file == str(tmp_path / name)


def test_a_single_image_has_no_target(write, tmp_path):
    preparation = write('"digits"').load().preparation
    Image.new("L", (8, 8)).save(tmp_path / "one.png")
    with pytest.raises(DataError, match="has no target"):
        data.evaluate_part(tmp_path / "one.png", preparation)
