"""Several inputs and several targets: arrays by name, columns that are looked up, transforms for one of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netspec import data
from netspec.diagnostics import DataError

NO_PARTS = "split = { validation = 0, test = 0 }"
LEFT = np.arange(12, dtype=np.float64).reshape(4, 3)
RIGHT = np.array([[2, 0], [1, 1], [0, 2], [2, 2]])
NAMED = {"Left X": LEFT, "right": RIGHT, "same": np.array(["no", "yes", "yes", "no"]), "size": LEFT[:, :2]}
KEYS = ', input = ["Left X", "right"], target = ["same", "size"]'
RATINGS = "User ID,film,age,score\n7,b,20,1.5\n11,a,30,2.5\n7,a,20,0.5\n007,b,40,3\n"


@pytest.fixture
def npz(tmp_path, write):
    def written(keys, *lines, **named):
        np.savez(tmp_path / "a.npz", **named)
        return write(f'{{ npz = "a.npz"{keys} }}', *(lines or [NO_PARTS]))

    return written


def test_arrays_by_name(npz, tmp_path):
    written = npz(KEYS, **NAMED)
    loaded = written.load()
    assert loaded.facts == written.facts()
    assert {n: (i.shape, i.dtype) for n, i in loaded.facts.inputs.items()} == {
        "left_x": ((3,), "float32"),
        "right": ((2,), "int32"),
    }
    assert loaded.facts.inputs["right"].vocabulary == 3
    assert np.array_equal(loaded.train.inputs["left_x"], LEFT)
    assert loaded.train.targets["same"].tolist() == [0, 1, 1, 0]
    assert np.array_equal(loaded.train.targets["size"], LEFT[:, :2])
    preparation = data.Preparation.from_json(json.loads(json.dumps(loaded.preparation.to_json())))
    assert preparation == loaded.preparation
    np.savez(tmp_path / "new.npz", **{n: a[:2] for n, a in NAMED.items()})
    names, inputs = data.read_inputs(tmp_path / "new.npz", preparation)
    assert names == ("0", "1")
    assert np.array_equal(inputs["right"], RIGHT[:2])
    assert data.evaluate_part(tmp_path / "new.npz", preparation).targets["same"].tolist() == [0, 1]


def test_one_name_in_a_list_keeps_its_name(npz):
    loaded = npz(', input = ["right"], target = ["same"]', **NAMED).load()
    assert [[*loaded.facts.inputs], [*loaded.facts.targets]] == [["right"], ["same"]]


@pytest.mark.parametrize(
    ("lines", "left", "right"),
    [
        (['transform = ["standardize"]'], (LEFT - LEFT.mean(axis=0)) / LEFT.std(axis=0), RIGHT),
        (['transform = [{ scale = [0, 1], of = "right" }]'], LEFT, RIGHT / 2),
        (
            ['transform = [{ scale = [0, 1], of = ["left_x", "right"] }, { scale = [0, 2], of = "right" }]'],
            (LEFT - LEFT.min(axis=0)) / 9,
            RIGHT,
        ),
    ],
)
def test_a_transform_is_for_fractions_or_for_what_it_names(npz, lines, left, right):
    written = npz(KEYS, *lines, NO_PARTS, **NAMED)
    loaded = written.load()
    assert loaded.facts == written.facts()
    assert np.allclose(loaded.train.inputs["left_x"], left, atol=1e-6)
    assert np.allclose(loaded.train.inputs["right"], right)
    assert (loaded.facts.inputs["right"].vocabulary is None) == (loaded.train.inputs["right"].dtype == np.float32)


def test_whole_numbers_alone_may_be_measures(npz):
    """A single input of whole numbers is brought to fractions by a transform, as it was written for it."""
    loaded = npz(', input = "right", target = "same"', 'transform = ["scale"]', NO_PARTS, **NAMED).load()
    assert loaded.train.inputs["input"].tolist() == (RIGHT / 2).tolist()
    assert loaded.facts.inputs["input"].dtype == "float32"


def test_columns_that_are_looked_up(table, tmp_path):
    written = table(RATINGS, ', lookup = ["User ID", "film"]', 'transform = ["standardize"]', NO_PARTS)
    loaded = written.load()
    assert loaded.facts == written.facts()
    assert {n: (i.shape, i.dtype, i.vocabulary) for n, i in loaded.facts.inputs.items()} == {
        "input": ((1,), "float32", None),
        "user_id": ((), "int32", 2),
        "film": ((), "int32", 2),
    }
    # By value, so that 7 comes before 11; 007 is 7.
    assert loaded.train.inputs["user_id"].tolist() == [0, 1, 0, 0]
    assert loaded.train.inputs["film"].tolist() == [1, 0, 0, 1]
    age = np.array([20, 30, 20, 40])
    assert np.allclose(loaded.train.inputs["input"][:, 0], (age - age.mean()) / age.std(), atol=1e-6)
    preparation = data.Preparation.from_json(json.loads(json.dumps(loaded.preparation.to_json())))
    (tmp_path / "new.csv").write_text("film,age,User ID\na,50,11\n")
    names, inputs = data.read_inputs(tmp_path / "new.csv", preparation)
    assert (names, inputs["user_id"].tolist(), inputs["film"].tolist()) == (("2",), [1], [0])
    (tmp_path / "new.csv").write_text("film,age,User ID\nc,50,8\n")
    with pytest.raises(DataError, match=r"2 cells are .*that training never saw: row 2, column .*'User ID': '8'"):
        data.read_inputs(tmp_path / "new.csv", preparation)


def test_a_table_may_hold_nothing_but_what_is_looked_up(table):
    loaded = table("film,y\na,1\nb,2\na,1\nb,2\n", ', lookup = "film"').load()
    assert [*loaded.facts.inputs] == ["film"]


def test_several_columns_may_be_targets(table, tmp_path):
    loaded = table("a,b,c,d\n1,x,2,0.5\n3,y,4,1.5\n", ', target = ["b", "d"]').load()
    assert loaded.train.inputs["input"].tolist() == [[1, 2], [3, 4]]
    assert loaded.train.targets["b"].tolist() == [0, 1]
    assert loaded.train.targets["d"].tolist() == [[0.5], [1.5]]
    (tmp_path / "new.csv").write_text("c,a\n4,3\n")
    assert data.read_inputs(tmp_path / "new.csv", loaded.preparation).inputs["input"].tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("keys", "lines", "code", "word", "message"),
    [
        (', lookup = ["film", "flim"]', [], "no-such-column", "lookup", "no column is called 'flim'"),
        (', lookup = ["film", "score"]', [], "choice", "lookup", "column 'score' is named by 'target' already"),
        (
            ', lookup = ["score"], target = "age"',
            [],
            "fraction",
            "csv",
            "'score' is to be looked up, and holds fractions",
        ),
        (', target = ["age", "film", "User ID", "score"]', [], "choice", "target", "every column is a target"),
        (', lookup = ["film"]', ['transform = [{ scale = [0, 1], of = "film" }]'], "transform", "scale", "looked up"),
        (
            ', lookup = ["film"]',
            ['transform = [{ scale = [0, 1], of = "flim" }]'],
            "unknown-name",
            "of",
            "no input 'flim'",
        ),
    ],
)
def test_tables_that_will_not_do(table, keys, lines, code, word, message):
    mistake = table(RATINGS, keys, *lines).mistake()
    assert mistake.code == code
    assert message in mistake.message
    assert mistake.place.source.line(mistake.place.line)[mistake.place.column - 1 :].startswith(word)


@pytest.mark.parametrize(
    ("keys", "code", "message"),
    [
        (', input = ["right", "rigth"], target = "same"', "no-such-array", "has no array 'rigth'"),
        (
            ', input = ["right", "short"], target = "same"',
            "wrong-shape",
            "'right' has 4 examples, and array 'short' has 2",
        ),
        (', input = ["7"], target = "same"', "name", "array '7' would be called ''"),
        (', input = ["right", "Right"], target = "same"', "name", "which is the name of another one"),
    ],
)
def test_arrays_that_will_not_do(npz, keys, code, message):
    named = {**NAMED, "short": RIGHT[:2], "7": RIGHT, "Right": RIGHT}
    mistake = npz(keys, **named).mistake()
    assert (mistake.code, message in mistake.message) == (code, True), mistake.message
