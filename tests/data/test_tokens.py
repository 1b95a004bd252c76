"""Text as numbers and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.data.tokens import Tokens, learned, parted


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("abca\n", "characters", ["a", "b", "c", "a", "\n"]),
        ("né 𝔸", "characters", ["n", "é", " ", "𝔸"]),
        ("Don't stop: it's 3.5!", "words", ["Don't", "stop", ":", "it's", "3", ".", "5", "!"]),
        ("One\n\n  two_2 — 'x'", "words", ["One", "\n", "\n", "two_2", "—", "'", "x", "'"]),
        ("", "words", []),
        ("", "characters", []),
    ],
)
def test_what_a_text_is_parted_into(text, kind, expected):
    different, codes = parted(text, kind)
    assert [different[i] for i in codes] == expected
    assert len(set(different)) == len(different)


def test_bytes_are_their_own_numbers():
    assert parted("é\n", "bytes")[1].tolist() == [0xC3, 0xA9, 10]
    tokens = Tokens("bytes", (), padded=True)
    assert tokens.encode("é").tolist() == [0xC3 + 1, 0xA9 + 1]
    assert (tokens.size, tokens.unknown, tokens.labels[11]) == (257, None, "0x0a")


def test_training_knows_its_most_frequent_tokens():
    different, codes = parted("b b b a a c d a b", "words")
    counts = np.bincount(codes[:-2], minlength=len(different))  # the last two are not to train with
    tokens = learned("words", different, counts, 4, padded=True)
    # Of four numbers, two are padding and the unknown; b is found three times, a twice, c and d once.
    assert tokens.known == ("a", "b")
    assert tokens.encode("a b c x").tolist() == [2, 3, 1, 1]
    assert tokens.labels == ("(padding)", "(unknown)", "a", "b")
    assert learned("characters", ["a", "b"], np.array([1, 0]), None).known == ("a",)


@given(text=st.text(max_size=80), kind=st.sampled_from(["characters", "bytes"]))
def test_characters_and_bytes_read_back(text, kind):
    different, codes = parted(text, kind)
    tokens = learned(kind, different, np.bincount(codes, minlength=len(different)), None)
    assert tokens.decode(tokens.encode(text).tolist()) == text


@pytest.mark.parametrize(
    ("before", "words", "expected"),
    [
        ("", ["Yes", ",", "it", "is", "(", "so", ")", "!", "\n", "Then"], "Yes, it is (so)!\nThen"),
        ("He said", ["so", "."], " so."),
        ("He said ", ["so"], "so"),
    ],
)
def test_words_are_written_with_spaces(before, words, expected):
    tokens = Tokens("words", tuple(sorted(set(words))))
    numbers = [tokens.known.index(w) + 1 for w in words]
    assert "".join(tokens.pieces(numbers, before)) == expected


def test_a_character_of_several_bytes_is_written_when_it_is_whole():
    tokens = Tokens("bytes")
    assert list(tokens.pieces([0xE2, 0x82, 0xAC, 0xC3])) == ["", "", "€", "", "\ufffd"]
