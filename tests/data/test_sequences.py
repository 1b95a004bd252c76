"""Sequences of unequal length: columns of texts, and arrays whose positions end in padding."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netspec import data
from netspec.diagnostics import DataError

LINES = "line,y\na b c,u\nb,v\nc d a b e,u\nb b,v\n"
NAN = np.nan


# -- texts -----------------------------------------------------------------------------------------------------------


def test_texts_become_numbers_of_one_length(table):
    written = table(LINES, ', text = "line", length = 3')
    loaded = written.load()
    assert loaded.facts == written.facts()
    known = loaded.facts.inputs["input"]
    assert (known.shape, known.dtype, known.padded, known.vocabulary) == ((3,), "int32", True, 7)
    # 0 fills up, 1 is unknown, and a to e are 2 to 6; the third text is cut.
    assert loaded.train.inputs["input"].tolist() == [[2, 3, 4], [3, 0, 0], [4, 5, 2], [3, 3, 0]]
    assert loaded.train.inputs["input"].dtype == np.int32
    assert loaded.train.targets["target"].tolist() == [0, 1, 0, 1]
    (warning,) = loaded.warnings
    assert warning.message == "1 of 4 texts in 'line' have more than 3 tokens, and are cut"
    again = data.Preparation.from_json(json.loads(json.dumps(loaded.preparation.to_json())))
    assert again == loaded.preparation


@pytest.mark.parametrize(
    ("tokens", "first", "size"),
    [
        ("words", [2, 3, 4, 0, 0], 2 + 5),
        ("characters", [3, 2, 4, 2, 5, 0, 0, 0, 0], 2 + 6),
        ("bytes", [98, 33, 99, 33, 100, 0, 0, 0, 0], 257),
    ],
)
def test_the_longest_text_says_how_long_all_are(table, tokens, first, size):
    loaded = table(LINES, f', text = "line", tokens = "{tokens}"').load()
    assert loaded.train.inputs["input"][0].tolist() == first
    assert loaded.facts.inputs["input"].vocabulary == size
    assert loaded.warnings == ()


def test_the_training_part_alone_says_which_tokens_there_are(table):
    rows = "".join(f"w{i},{'uv'[i % 2]}\n" for i in range(20))
    loaded = table("line,y\n" + rows, ', text = "line"', "split = { validation = 0.2, test = 0.2 }").load()
    assert sorted(loaded.train.inputs["input"].reshape(-1).tolist()) == [*range(2, 14)]
    assert set(loaded.validation.inputs["input"].reshape(-1).tolist()) == {1}
    assert set(loaded.test.inputs["input"].reshape(-1).tolist()) == {1}


def test_a_text_beside_other_columns_is_an_input_of_its_own(table):
    content = "id,My Line,age,y\n7,a b,1,u\n9,b,2,v\n7,a a,3,u\n"
    loaded = table(content, ', text = "My Line", lookup = ["id"]').load()
    assert {n: i.shape for n, i in loaded.facts.inputs.items()} == {"input": (1,), "id": (), "my_line": (2,)}
    assert loaded.train.inputs["my_line"].tolist() == [[2, 3], [3, 0], [2, 2]]
    assert loaded.train.inputs["id"].tolist() == [0, 1, 0]


def test_new_texts(table, tmp_path):
    preparation = table(LINES, ', text = "line", length = 3').load().preparation
    (tmp_path / "new.csv").write_text("line\nb x\n\na a a a\n")
    names, inputs = data.read_inputs(tmp_path / "new.csv", preparation)
    assert names == ("2", "4")
    assert inputs["input"].tolist() == [[3, 1, 0], [2, 2, 2]]
    assert data.read_text(" b  x\n", preparation).inputs["input"].tolist() == [[3, 1, 0]]
    for text in ("", "  "):
        with pytest.raises(DataError, match="the text is empty"):
            data.read_text(text, preparation)
    (tmp_path / "new.csv").write_text("line,y\nb x,v\n,u\n")
    with pytest.raises(DataError, match="1 cell is empty: row 3, column 'line'"):
        data.evaluate_part(tmp_path / "new.csv", preparation)


def test_a_network_that_knows_no_padding_takes_none(table, tmp_path):
    loaded = table("line,y\nab,u\nba,v\n", ', text = "line", tokens = "characters"').load()
    assert not loaded.facts.inputs["input"].padded
    (tmp_path / "new.csv").write_text("line\nab\na\n")
    with pytest.raises(DataError, match="1 cell is a text that is too short: row 3"):
        data.read_inputs(tmp_path / "new.csv", loaded.preparation)
    with pytest.raises(DataError, match="has 1 characters, and the network takes 2"):
        data.read_text("a", loaded.preparation)


@pytest.mark.parametrize(
    ("content", "keys", "code", "word", "message"),
    [
        (LINES, ', text = "lien"', "no-such-column", "text", "no column is called 'lien'"),
        (LINES, ', text = "y"', "choice", "text", "column 'y' is named by 'target' already"),
        ("line,y\na,u\n,v\n", ', text = "line"', "missing-value", "csv", "row 3, column 'line'"),
        (
            LINES,
            ', text = "line", length = 2_000_000_000',
            "too-large",
            "length",
            "4 texts of 2,000,000,000 tokens would",
        ),
        ("7,y\na,u\nb,v\n", ', text = "7", lookup = ["y"], target = "7"', "choice", "text", "column '7' is named"),
        (
            "a,7,y\n1,a,u\n2,b,v\n",
            ', text = "7"',
            "name",
            "text",
            "column '7' would be called '', which holds no letter",
        ),
    ],
)
def test_texts_that_will_not_do(table, content, keys, code, word, message):
    mistake = table(content, keys).mistake()
    assert mistake.code == code
    assert message in mistake.message
    assert mistake.place.source.line(mistake.place.line)[mistake.place.column - 1 :].startswith(word)


# -- arrays ----------------------------------------------------------------------------------------------------------

VECTORS = np.array([[[1, 2], [3, 4], [5, 6]], [[7, 8], [NAN, NAN], [NAN, NAN]]])
TOKENS = np.array([[3, 1, 2], [4, 0, 0]])


@pytest.fixture
def npz(tmp_path, write):
    def written(keys, *lines, **named):
        np.savez(tmp_path / "a.npz", **named)
        return write(f'{{ npz = "a.npz"{keys} }}', *lines)

    return written


@pytest.mark.parametrize(
    ("x", "shape", "dtype", "padded", "vocabulary"),
    [
        (VECTORS, (3, 2), "float32", True, None),
        (np.nan_to_num(VECTORS), (3, 2), "float32", False, None),
        (TOKENS, (3,), "int32", True, 5),
        (TOKENS + 1, (3,), "int32", False, 6),
        (np.stack([TOKENS, TOKENS], axis=-1), (3, 2), "int32", False, 5),
        (np.ones((2, 3, 2), np.uint8), (3, 2), "float32", False, None),
    ],
)
def test_arrays_of_sequences(npz, x, shape, dtype, padded, vocabulary):
    written = npz(", sequences = true", x=x, y=np.array([0, 1]))
    loaded = written.load()
    assert loaded.facts == written.facts()
    known = loaded.facts.inputs["input"]
    assert (known.shape, known.dtype, known.padded, known.vocabulary) == (shape, dtype, padded, vocabulary)
    assert np.array_equal(loaded.train.inputs["input"], x.astype(dtype), equal_nan=dtype == "float32")


def test_transforms_learn_nothing_from_padding(npz):
    lines = ('transform = ["standardize"]', "split = { validation = 0, test = 0 }")
    loaded = npz(", sequences = true", *lines, x=VECTORS, y=np.array([0, 1])).load()
    there = np.array([[1, 2], [3, 4], [5, 6], [7, 8]])
    expected = (VECTORS - there.mean(axis=0)) / there.std(axis=0)
    assert np.allclose(loaded.train.inputs["input"], expected, atol=1e-6, equal_nan=True)
    scaled = npz(", sequences = true", 'transform = ["scale"]', lines[1], x=VECTORS, y=np.array([0, 1])).load()
    assert np.nanmax(scaled.train.inputs["input"], axis=(0, 1)).tolist() == [1, 1]
    assert np.nanmin(scaled.train.inputs["input"], axis=(0, 1)).tolist() == [0, 0]


def test_a_class_for_each_position(npz, tmp_path):
    y = np.array([[5, 7, 5], [7, -1, -1]])
    written = npz(", sequences = true", x=TOKENS, y=y)
    loaded = written.load()
    assert loaded.facts == written.facts()
    known = loaded.facts.targets["target"]
    assert (known.kind, known.labels, known.shape, known.padded) == ("class", ("5", "7"), (3,), True)
    assert loaded.train.targets["target"].tolist() == [[0, 1, 0], [1, -1, -1]]
    np.savez(tmp_path / "new.npz", x=TOKENS[:1], y=[[7, 7, 5]])
    part = data.evaluate_part(tmp_path / "new.npz", loaded.preparation)
    assert part.targets["target"].tolist() == [[1, 1, 0]]
    for wrong, message in (([[7, 7, 6]], r"array 'y' at \[0, 2\] holds '6'"), ([[7, 7]], "of them")):
        np.savez(tmp_path / "new.npz", x=TOKENS[:1], y=wrong)
        with pytest.raises(DataError, match=message):
            data.evaluate_part(tmp_path / "new.npz", loaded.preparation)


@pytest.mark.parametrize(
    ("keys", "x", "y", "message"),
    [
        (", sequences = true", VECTORS[:, ::-1], [0, 1], "at [1, 1] holds NaN, which is padding, before the end"),
        (", sequences = true", TOKENS[:, ::-1], [0, 1], "at [1, 1] holds 0, which is padding, before the end"),
        (", sequences = true", VECTORS * [1, NAN], [0, 1], "array 'x' at [0, 0, 1] holds nan"),
        (", sequences = true", np.full((2, 3, 2), NAN), [0, 1], "at [0] is a sequence of nothing but padding, NaN"),
        (", sequences = true", TOKENS * 0, [0, 1], "at [0] is a sequence of nothing but padding, 0"),
        (", sequences = true", TOKENS, [[1, 0, 1], [0, 1, -1]], "has a class at [1, 1], where array 'x' has padding"),
        ("", VECTORS, [0, 1], "array 'x' at [1, 1, 0, 0] holds nan"),
        ("", np.nan_to_num(VECTORS), [[1, 0, 1], [0, 1, 0]], "array 'y' holds int64 of [3] an example"),
    ],
)
def test_sequences_that_will_not_do(npz, keys, x, y, message):
    assert message in npz(keys, x=x, y=np.array(y)).mistake().message


def test_a_network_that_knows_no_padding_takes_no_padded_arrays(npz, tmp_path):
    preparation = npz(", sequences = true", x=TOKENS + 1, y=np.array([0, 1])).load().preparation
    np.savez(tmp_path / "new.npz", x=TOKENS)
    with pytest.raises(DataError, match="has padding, and training knew none"):
        data.read_inputs(tmp_path / "new.npz", preparation)


def test_padded_sequences_keep_their_positions_apart(npz):
    lines = ('transform = ["flatten"]', "split = { validation = 0, test = 0 }")
    mistake = npz(", sequences = true", *lines, x=VECTORS, y=np.array([0, 1])).mistake()
    assert "flatten would mix the positions of sequences that differ in length" in mistake.message


@pytest.mark.parametrize("x", [VECTORS, TOKENS])
def test_new_sequences_may_be_shorter_than_those_that_were_learned_from(npz, tmp_path, x):
    preparation = npz(", sequences = true", x=x, y=np.array([0, 1])).load().preparation
    whole = x[:, : x.shape[1] - 1].copy()
    np.savez(tmp_path / "shorter.npz", x=whole)
    (inputs,) = data.read_inputs(tmp_path / "shorter.npz", preparation).inputs.values()
    np.testing.assert_array_equal(inputs[:, :-1], whole)
    assert inputs.shape[1] == x.shape[1]
    assert (np.isnan(inputs[:, -1]) if inputs.dtype.kind == "f" else inputs[:, -1] == 0).all()
