"""Running text: its windows, its parts, and texts that will not do."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from netspec import data
from netspec.data import preparation as preparing
from netspec.diagnostics import DataError

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
TEXT = ALPHABET * 4


def text_of(part, tokens, which):
    arrays = part.inputs["input"] if which == "inputs" else part.targets["target"]
    return [tokens.decode(row.tolist()) for row in arrays]


@pytest.fixture
def text(tmp_path, write):
    def written(content, keys, *lines):
        (tmp_path / "a.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
        return write(f'{{ text = "a.txt", {keys} }}', *lines)

    return written


def test_the_target_of_a_token_is_the_next_one(text):
    written = text("abcdefghijkl", "window = 3")
    loaded = written.load()
    assert loaded.facts == written.facts()
    tokens = loaded.preparation.format.input.tokens
    assert text_of(loaded.train, tokens, "inputs") == ["abc", "def", "ghi"]
    assert text_of(loaded.train, tokens, "targets") == ["bcd", "efg", "hij"]
    known = loaded.facts.inputs["input"]
    assert (known.shape, known.dtype, known.vocabulary, known.padded) == ((3,), "int32", 13, False)
    assert loaded.facts.targets["target"].labels == ("(unknown)", *"abcdefghijkl")
    assert loaded.facts.targets["target"].shape == (3,)
    assert loaded.train.inputs["input"].dtype == loaded.train.targets["target"].dtype == np.int32


@pytest.mark.parametrize("stride", [1, 2, 5])
def test_parts_follow_each_other_and_share_no_token(text, stride):
    numbers = "".join(chr(0x4E00 + i) for i in range(100))  # each token stands in one place only
    parted = text(numbers, f"window = 4, stride = {stride}", "split = { validation = 0.3, test = 0.2 }")
    loaded = parted.load()
    wanted = {"train": range(50), "validation": range(50, 80), "test": range(80, 100)}
    for name, region in wanted.items():
        part = getattr(loaded, name)
        assert len(part) == len(range(region.start, region.stop - 4, stride)) == loaded.facts.examples[name]
    tokens = loaded.preparation.format.input.tokens
    # What stands in the other parts alone, training does not know.
    assert tokens.known == tuple(numbers[:50])
    assert set(text_of(loaded.validation, tokens, "inputs")) == {"(unknown)" * 4}
    assert 50 - stride < loaded.train.targets["target"].max() <= 50


def test_many_windows_are_cut_out_when_they_are_asked_for(text, monkeypatch):
    written = text(TEXT, "window = 8, stride = 1", "split = { validation = 0.2, test = 0 }")
    held = written.load()
    monkeypatch.setattr(preparing, "LARGEST_HELD", 100)
    lazy = written.load()
    assert held.train.in_memory
    assert not lazy.train.in_memory
    assert lazy.fingerprint == held.fingerprint
    rows = np.array([7, 0, 3])
    for found, expected in zip(lazy.train.take(rows), held.train.take(rows), strict=True):
        (one,), (other,) = found.values(), expected.values()
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


def test_several_files_are_read_in_the_order_of_their_names(tmp_path, write):
    (tmp_path / "poems").mkdir()
    for name, content in (("b.txt", "cd"), ("a.txt", "\ufeffab"), ("c.md", "zz"), (".d.txt", "zz"), ("d.txt", "e\r\n")):
        (tmp_path / "poems" / name).write_bytes(content.encode())
    loaded = write('{ text = "poems/*.txt", window = 5 }').load()
    tokens = loaded.preparation.format.input.tokens
    assert text_of(loaded.train, tokens, "inputs") == ["abcde"]
    assert text_of(loaded.train, tokens, "targets") == ["bcde\n"]


def test_any_file_has_bytes(text):
    loaded = text(bytes(range(256)), 'window = 255, tokens = "bytes"').load()
    assert loaded.train.inputs["input"].tolist() == [list(range(255))]
    assert loaded.facts.inputs["input"].vocabulary == 256


def test_rare_words_are_unknown(text):
    loaded = text("a a a b b c " * 4, 'window = 4, tokens = "words", vocabulary = 3').load()
    assert loaded.preparation.format.input.tokens.known == ("a", "b")
    assert loaded.train.inputs["input"][0].tolist() == [1, 1, 1, 2]
    assert loaded.train.inputs["input"][1].tolist() == [2, 0, 1, 1]


def test_the_reference_of_python_needs_no_file(write):
    loaded = write('{ corpus = "python_reference", tokens = "words", window = 20 }').load()
    tokens = loaded.preparation.format.input.tokens
    assert {"statement", "expression", "class", "(", "\n"} <= set(tokens.known)
    assert len(loaded.train) > 1000
    assert len(tokens.known) < 10_000


def test_a_python_without_its_reference(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    assert "lacks its reference" in write('{ corpus = "python_reference", window = 20 }').mistake().message


@pytest.mark.parametrize(
    ("content", "keys", "lines", "code", "word", "message"),
    [
        ("", "window = 2", [], "no-examples", "a.txt", "holds no characters"),
        (" \t ", 'window = 2, tokens = "words"', [], "no-examples", "a.txt", "holds no words"),
        ("ab\ncd\xff".encode("latin-1"), "window = 2", [], "damaged-file", "a.txt", "byte 5 (line 2) is 0xff"),
        (
            "abc",
            "window = 3",
            [],
            "window",
            "window",
            "training part has 3 characters, and a window and its target take 4",
        ),
        (
            TEXT,
            "window = 20",
            ["split = { validation = 0.1, test = 0 }"],
            "window",
            "validation",
            "the validation part has",
        ),
        (TEXT, "window = 5", ["split = { seed = 1 }"], "split", "seed", "are parted by position"),
        (TEXT, "window = 5", ["split = { validation = 0.5, test = 0.5 }"], "split", "split", "leave none to train"),
        (TEXT, "window = 5", ['transform = ["flatten"]'], "transform", '"flatten"', "holds tokens"),
        ("aaaaaaaa", "window = 5", ["split = { seed = 1 }"], "split", "seed", "are parted"),
    ],
)
def test_texts_that_will_not_do(text, content, keys, lines, code, word, message):
    written = text(content, keys, *lines)
    mistake = written.mistake()
    assert (mistake.code, message in mistake.message) == (code, True), mistake.message
    line = mistake.place.source.line(mistake.place.line)
    assert word in line[mistake.place.column - 1 :]
    with pytest.raises(DataError) as caught:
        written.facts()
    assert caught.value.diagnostics == (mistake,)


@pytest.mark.parametrize(
    ("pattern", "message", "label"),
    [
        ("a*.text", "no file is called like this", "did you mean 'a.txt'?"),
        ("**/*.txt", "only the last part of a path may be a pattern", ""),
        ("b/*.txt", "there is no such folder", "not found"),
        ("http://a.b/*.txt", "is an address", ""),
    ],
)
def test_patterns_that_match_nothing(tmp_path, write, pattern, message, label):
    (tmp_path / "a.txt").write_text("abc")
    mistake = write(f'{{ text = "{pattern}", window = 2 }}').mistake()
    assert message in mistake.message
    assert mistake.label == label


def test_another_text_is_evaluated_by_the_same_tokens(text, tmp_path):
    preparation = text(TEXT, "window = 4, stride = 2").load().preparation
    (tmp_path / "new.txt").write_text("cab?ace")
    part = data.evaluate_part(tmp_path / "new.txt", preparation)
    assert part.inputs["input"].tolist() == [[3, 1, 2, 0], [2, 0, 1, 3]]
    assert part.targets["target"].tolist() == [[1, 2, 0, 1], [0, 1, 3, 5]]
    (tmp_path / "new.txt").write_text("cab")
    with pytest.raises(DataError, match="holds 3 characters, and a window and its target take 5"):
        data.evaluate_part(tmp_path / "new.txt", preparation)
    with pytest.raises(DataError, match="continues text"):
        data.read_inputs(tmp_path / "new.txt", preparation)
