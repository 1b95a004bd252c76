"""Runs that were trained on text, series and pairs: what they say of new ones, and how they continue a text."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from command import netspec
from scipy.special import softmax

from netspec import commands
from netspec.commands import load
from netspec.data import preparation as preparing
from netspec.train.continuation import Writer

ALPHABET = "abcdefghijklmnopqrstuvwxyz"

REST = """
[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.03

[train]
epochs = 12
batch = 16
"""


def spec(source: str, layers: str, rest: str = REST, name: str = "t", split: str = "") -> str:
    return f'name = "{name}"\n[data]\nsource = {source}\n{split}\n[model]\nlayers = [{layers}]\n{rest}'


SPECS = {
    "letters": spec(
        '{ text = "alphabet.txt", window = 6 }', '{ embed = 16 }, { gru = 24 }, { dense = "$classes" }', name="letters"
    ),
    "last": spec(
        '{ text = "alphabet.txt", window = 4, stride = 1 }',
        '{ embed = 16 }, "flatten", { dense = "$classes" }',
        name="last",
    ),
    "chorus": spec(
        '{ text = "alphabet.txt", window = 6 }',
        '{ embed = 16 }, { gru = 12 }, { dense = "$classes" }',
        f"{REST}members = 2\n",
        name="chorus",
    ),
    "moods": spec(
        '{ csv = "moods.csv", text = "line", tokens = "words" }',
        '{ embed = 8 }, "global_avg_pool", { dense = "$classes" }',
        name="moods",
    ),
    "series": spec(
        '{ csv = "series.csv", window = 3, horizon = 2 }',
        '"flatten", { dense = "$targets" }',
        REST.replace("cross_entropy", "squared_error").replace("epochs = 12", "epochs = 60"),
        name="series",
        split='transform = ["standardize"]',
    ),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    (folder / "alphabet.txt").write_text(ALPHABET * 60)
    good, bad = ["fine", "lovely", "warm"], ["dull", "long", "cold"]
    lines = [
        f"{a} and {b}{' indeed' * (i % 3)}"
        for words in (good, bad)
        for i, (a, b) in enumerate(itertools.product(words, words))
    ]
    rows = [f"{line},{'good' if i < 9 else 'bad'}" for i, line in enumerate(lines)]
    (folder / "moods.csv").write_text("line,mood\n" + "\n".join(rows * 10) + "\n")
    # Two waves of which each number is a fixed sum of the three before: a linear network forecasts them exactly.
    t = np.arange(200)
    (folder / "series.csv").write_text(
        "up,down\n" + "".join(f"{500 + 100 * np.sin(i / 3):.6f},{70 + 9 * np.cos(i / 3):.6f}\n" for i in t)
    )
    for name, text in SPECS.items():
        (folder / f"{name}.toml").write_text(text)
        result = netspec(folder, "train", f"{name}.toml")
        assert result.code == 0, result.err
    return folder


@pytest.mark.parametrize(
    ("run", "prompt", "tokens", "expected"),
    [
        ("letters", "a", 30, (ALPHABET * 2)[1:31]),
        ("letters", "mnopqrstuvw", 5, "xyzab"),
        ("chorus", "mnop", 12, "qrstuvwxyzab"),
        ("last", "efgh", 4, "ijkl"),
        ("last", "cdefgh", 2, "ij"),
    ],
)
def test_a_text_is_continued_as_it_was_learned(home, run, prompt, tokens, expected):
    asked = ("predict", f"{run}-1", "--text", prompt, "--tokens", tokens, "--temperature", 0)
    found = netspec(home, *map(str, asked), "--json").json()
    assert found == {"prompt": prompt, "text": expected, "tokens": tokens}
    assert netspec(home, *map(str, asked)).out == prompt + expected + "\n"


def test_draws_follow_their_seed(home):
    asked = ("predict", "letters-1", "--text", "a", "--tokens", "40", "--temperature", "3", "--json")
    texts = [netspec(home, *asked, *seed).json()["text"] for seed in ((), ("--seed", "0"), ("--seed", "1"))]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[2]) == 40
    # At a temperature without bounds every letter is as likely: of 2,000 none is missing. The unknown one never comes.
    found = netspec(home, *asked[:4], "--tokens", "2000", "--temperature", "1000", "--json").json()
    assert set(found["text"]) == set(ALPHABET)


def test_an_ensemble_draws_from_the_mean_of_its_members(tmp_path):
    (tmp_path / "alphabet.txt").write_text(ALPHABET * 30)
    (tmp_path / "a.toml").write_text(SPECS["chorus"])
    program = load(tmp_path / "a.toml").build()
    each = [program.network.initialise(jax.random.key(i))[0] for i in range(2)]
    each = [{path: 3.0 * value for path, value in one.items()} for one in each]  # far from saying all the same
    prompt = np.array([3, 5, 2])
    alone = replace(program, spec=replace(program.spec, train=program.spec.train.model_copy(update={"members": None})))
    writers = [Writer(alone, one, {}, special=1) for one in each]
    writers.append(Writer(program, jax.tree.map(lambda *leaves: np.stack(leaves), *each), {}, special=1))
    first, second, together = (softmax(w._logits(*w._weights, *w._in_window(prompt, 0))) for w in writers)
    assert abs(first - second).max() > 0.05
    np.testing.assert_allclose(together, (first + second) / 2, rtol=1e-4)
    assert not writers[2].looks_ahead(prompt)
    assert len(list(writers[2].tokens(prompt, 5, 1.0, 0))) == 5


def test_an_unknown_character_is_told_and_passed_on(home):
    result = netspec(home, "predict", "letters-1", "--text", "é1abc", "--tokens", "3", "--temperature", "0")
    assert result.out == "é1abcdef\n"
    assert "training has not seen these characters: '1'; 'é'" in result.err


@pytest.mark.parametrize(
    ("run", "arguments", "message"),
    [
        ("letters", ["--text", ""], "--text holds nothing to go on from"),
        ("letters", ["--text", "a", "--tokens", "0"], "--tokens must be from 1 to 1,000,000, not 0"),
        ("letters", ["--text", "a", "--temperature", "-0.5"], "--temperature must be from 0 to 1,000, not -0.5"),
        ("letters", ["--text", "a", "--out", "a.csv"], "--out is for predictions"),
        ("letters", [], "there is neither"),
        ("letters", ["alphabet.txt", "--text", "a"], "not both"),
        ("letters", ["alphabet.txt"], "the network continues text"),
        ("letters", ["alphabet.txt", "--tokens", "3"], "--tokens, --temperature and --seed go with --text"),
        ("last", ["--text", "abc"], "the network reads 4 characters to say the next, and --text has 3"),
        ("series", ["--text", "abc"], "reads no text"),
        ("moods", ["--text", "fine", "--tokens", "3"], "--tokens is for a network that continues text"),
        ("moods", ["--text", " "], "the text is empty"),
    ],
)
def test_what_cannot_be_continued(home, run, arguments, message):
    result = netspec(home, "predict", f"{run}-1", *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.out == ""


@pytest.mark.parametrize(
    ("layers", "ahead"),
    [
        ('{ embed = 8 }, { conv = 8, kernel = 3 }, { dense = "$classes" }', True),
        ('{ embed = 8 }, { conv = 8, kernel = 3, causal = true }, { dense = "$classes" }', False),
        ('{ embed = 8 }, { attention = 2 }, { dense = "$classes" }', True),
        ('{ embed = 8 }, { attention = 2, causal = true }, { dense = "$classes" }', False),
    ],
)
def test_a_network_that_looks_ahead_is_noticed(tmp_path, layers, ahead):
    (tmp_path / "alphabet.txt").write_text(ALPHABET * 30)
    (tmp_path / "a.toml").write_text(spec('{ text = "alphabet.txt", window = 6 }', layers))
    program = load(tmp_path / "a.toml").build()
    writer = Writer(program, *program.network.initialise(jax.random.key(0)), special=1)
    assert writer.looks_ahead(np.array([3, 5, 2])) == ahead
    assert not writer.looks_ahead(np.arange(1, 7))


def test_a_text_is_classified(home):
    found = netspec(home, "predict", "moods-1", "--text", "cold and dull", "--json").json()["predictions"]
    assert found[0]["class"] == "bad"
    assert found[0]["probability"] > 0.9
    (home / "new.csv").write_text("line\nwarm\ndull and long indeed indeed indeed\n")
    rows = netspec(home, "predict", "moods-1", "new.csv").out.splitlines()
    assert [row.split(",")[:2] for row in rows] == [["input", "class"], ["2", "good"], ["3", "bad"]]
    metrics = netspec(home, "evaluate", "moods-1", "--data", "moods.csv", "--json").json()["metrics"]
    assert metrics["data/accuracy"] == 1


def test_another_text_is_evaluated(home):
    (home / "other.txt").write_text(ALPHABET[3:] + ALPHABET)
    metrics = netspec(home, "evaluate", "letters-1", "--data", "other.txt", "--json").json()["metrics"]
    assert metrics["data/accuracy"] > 0.95
    assert metrics["data/perplexity"] == pytest.approx(np.exp(metrics["data/loss"]))
    (home / "other.txt").write_text("zyxwvutsrq" * 5)
    metrics = netspec(home, "evaluate", "letters-1", "--data", "other.txt", "--json").json()["metrics"]
    assert metrics["data/accuracy"] < 0.2


def test_forecasts_are_in_the_series_own_measure(home):
    rows = ["up,down", *(f"{500 + 100 * np.sin(i / 3):.6f},{70 + 9 * np.cos(i / 3):.6f}" for i in range(300, 304))]
    (home / "new.csv").write_text("\n".join(rows))
    found = netspec(home, "predict", "series-1", "new.csv", "--json").json()["predictions"]
    assert [row["input"] for row in found] == ["4", "5"]
    expected = [[70 + 9 * np.cos((first + i) / 3) for i in range(2)] for first in (303, 304)]
    assert np.allclose([[row["value1"], row["value2"]] for row in found], expected, atol=0.3)
    # Errors are counted in deviations of the column: 9 / √2 of its own measure.
    metrics = netspec(home, "evaluate", "series-1", "--json").json()["metrics"]
    assert metrics["test/root_mean_squared_error"] < 0.05


def test_windows_that_are_not_held_train_to_the_same(home, monkeypatch):
    held = commands.evaluate(home / "runs" / "last-1").metrics
    monkeypatch.setattr(preparing, "LARGEST_HELD", 500)
    (home / "streamed.toml").write_text(SPECS["last"].replace('"last"\n[data]', '"streamed"\n[data]'))
    result = netspec(home, "train", "streamed.toml")
    assert result.code == 0, result.err
    streamed = commands.evaluate(home / "runs" / "streamed-1").metrics
    assert streamed == pytest.approx(held, rel=1e-3)


def test_what_is_saved_of_a_text_can_be_read(home):
    resolved = json.loads((home / "runs" / "last-1" / "resolved.json").read_text())
    tokens = resolved["preparation"]["inputs"]["input"]["tokens"]
    assert tokens == {"kind": "characters", "known": list(ALPHABET), "padded": False}
    assert resolved["facts"]["inputs"]["input"]["vocabulary"] == 27
