"""Whatever a text says: `check` answers with mistakes inside it, or with nothing, and never with an exception."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.commands import check
from netspec.diagnostics import Diagnostic, render
from netspec.document.plain import toml
from netspec.graph import resolve
from netspec.spec.initial import Initial
from netspec.spec.layer import Layer
from netspec.spec.losses import Loss
from netspec.spec.schedules import Schedule
from netspec.spec.transforms import Transform

FOLDER = Path(__file__).parent
GOOD = [
    p.read_text() for p in (*sorted((FOLDER / "valid").glob("*.toml")), *sorted(FOLDER.parents[1].glob("specs/*.toml")))
]
BAD = [p.read_text() for p in sorted((FOLDER / "invalid").glob("*.toml")) if not p.stem.startswith("bomb")]

# Data that has to be read would only make it slow: the networks are what is tried here.
GOOD = [re.sub(r'source = ("digits"|\{.*\})', 'source = "iris"', text) for text in GOOD]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


def hold(text: str, folder: Path) -> tuple[Diagnostic, ...]:
    """Check a text, and its mistakes: each has a place that is there, and can be shown."""
    path = folder / "spec.toml"
    path.write_text(text, encoding="utf-8", newline="")
    diagnostics = check(path)
    for diagnostic in diagnostics:
        assert diagnostic.message
        assert len(render(diagnostic)) < 5000
        place = diagnostic.place
        if place is None:
            assert diagnostic.file
            continue
        lines = place.source.text.split("\n")
        assert 1 <= place.line <= len(lines)
        assert 1 <= place.column <= place.end_column <= len(lines[place.line - 1]) + 1
    return diagnostics


TOKEN = re.compile(r'"[^"\n]*"|[A-Za-z_]\w*|[0-9][\w.+-]*|\s+|.', re.DOTALL)
VALUES = [
    *('"relu"', "{}", "[]", "{ dense = 3 }", '{ block = ["relu"] }', "true", "nan", "-inf", "0", "-1", "1.5", "1e308"),
    *(
        "2147483647",
        "9223372036854775807",
        '"$classes * 2"',
        '""',
        '"$"',
        '"é\\u0000"',
        "1979-05-27",
        "[[1.0]]",
        "[1, 2]",
    ),
    *('"all"', '"5%"', '"10 epochs"', '"validation/loss"', '"$channels"', '"$rate"', '"projection"', "5e-324"),
]
OTHERS = [
    *("name", "from", "times", "init", "freeze", "activation", "kind", "layers", "conv"),
    *("\n", ",", "=", "#", '"', "[model]\n", "x = 1\n"),
]


@st.composite
def edited(draw: st.DrawFn) -> str:
    """A spec with tokens left out, doubled, swapped, or replaced by others."""
    tokens = TOKEN.findall(draw(st.sampled_from(GOOD + BAD)))
    rng = draw(st.randoms(use_true_random=False))
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(tokens))
        other = rng.randrange(len(tokens))
        tokens[place] = rng.choice(["", tokens[place] * 2, tokens[other], rng.choice(VALUES), rng.choice(OTHERS)])
    return "".join(tokens)


keys = st.sampled_from(
    ["dense", "conv", "kernel", "stride", "padding", "init", "name", "times", "width", "bias", "on", "é"]
)
values = st.recursive(
    st.one_of(
        st.sampled_from([tomli.loads(f"x = {value}")["x"] for value in VALUES]),
        st.sampled_from(["relu", "flatten", "batch_norm", "adam", "cosine", "cross_entropy", "iris", "scale", "unit"]),
        st.integers(-(2**63), 2**63 - 1),
        st.integers(0, 9),
        st.floats(),
        st.text(max_size=5),
        st.text(max_size=9).map("${}".format),
    ),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(keys, inside, max_size=3),
    max_leaves=6,
)


@st.composite
def regrown(draw: st.DrawFn) -> str:
    """A good spec in which some values are others, of whatever type, and some keys have other names."""
    rng = draw(st.randoms(use_true_random=False))
    spec = tomli.loads(draw(st.sampled_from(GOOD)))
    for _ in range(rng.randint(1, 3)):
        change(spec, rng, draw(values), draw(keys))
    return toml(spec)


def change(node: Any, rng: random.Random, value: Any, key: str) -> None:
    """Replace, rename or leave out something inside a table or a list."""
    steps: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
    if not steps:
        return
    step = rng.choice(steps)
    if isinstance(node[step], dict | list) and rng.random() < 0.8:
        change(node[step], rng, value, key)
    elif isinstance(node, dict) and rng.random() < 0.3:
        node[key] = node.pop(step)
    elif rng.random() < 0.2:
        del node[step]
    else:
        node[step] = value


INTEGERS = [0, 1, 2, 3, 4, 5, 7, 8, 16, 2**31 - 1]
FRACTIONS = [0.0, 1e-300, 0.1, 0.5, 0.999, 1.0, 2.0, 1e300]
FAMILIES = [
    sorted(set(Layer.kinds) - {"conv", "dense", "embed", "block", "residual"}),
    *map(sorted, (Loss.kinds, Schedule.kinds, Initial.kinds, Transform.kinds, {"iris", "wine", "diabetes"})),
    ["adam", "sgd", "rprop", "adadelta", "muon", "lion", "noisy_sgd"],
    ["same", "valid", "pad", "projection", "identity"],
    ["3 epochs", "50%", "all", "train/loss", "validation/error", "**", "dense1/*", "code", "tower", "first", "dense1"],
    ["$channels", "$channels // 2", "$classes", "$features - 3", "$2 ** channels", "$1 / 3", "$width", "$rate"],
]


@st.composite
def altered(draw: st.DrawFn) -> str:
    """A good spec with other values of the same types, and with list elements left out, doubled and moved."""
    rng = draw(st.randoms(use_true_random=False))
    spec = tomli.loads(draw(st.sampled_from(GOOD)))
    for _ in range(rng.randint(1, 3)):
        alter(spec, rng)
    return toml(spec)


def alter(node: Any, rng: random.Random) -> None:
    steps: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
    if not steps:
        return
    step = rng.choice(steps)
    value = node[step]
    if isinstance(value, list) and value and rng.random() < 0.2:
        value.insert(rng.randint(0, len(value)), rng.choice([value.pop(), rng.choice(value)] if value[1:] else value))
    elif isinstance(value, dict | list):
        alter(value, rng)
    else:
        alike = [family for family in FAMILIES if value in family] or FAMILIES[-2:]
        pools: dict[type, list[Any]] = {bool: [True, False], int: INTEGERS, float: FRACTIONS, str: rng.choice(alike)}
        node[step] = rng.choice(pools[type(value)])


@settings(max_examples=150, deadline=None)
@given(text=st.one_of(edited(), regrown(), altered()))
def test_any_spec_is_good_or_told_what_is_wrong(text: str, folder: Path) -> None:
    hold(text, folder)


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_is_told_what_is_wrong(text: str, folder: Path) -> None:
    assert hold(text.encode(errors="replace").decode(), folder)


NESTED = "".join(f"[block.b{i}]\nlayers = [{{ b{i + 1} = true, times = 10 }}]\n" for i in range(20))


@pytest.mark.parametrize(
    ("layers", "more"),
    [
        ("{ dense = 4, times = 2000000000 }", ""),
        ("{ conv = 2147483647 }, { conv = 2147483647 }", ""),
        ("{ conv = 1, kernel = 2147483647 }", ""),
        ("{ conv = 1, kernel = 2147483647, padding = 2147483647, dilation = 2147483647 }", ""),
        ("{ max_pool = 2147483647, padding = 2147483646, stride = 1 }", ""),
        ("{ dense = 2147483647 }, { dense = 2147483647 }", ""),
        ("{ embed = 2147483647, vocabulary = 2147483647 }", ""),
        ('"b0"', NESTED + '[block.b20]\nlayers = ["relu"]\n'),
        ('"relu",' * 100_000, ""),
        ('"rellu",' * 90_000, ""),
        ('"b0"', "".join(f'[block.b{i}]\nlayers = ["b{i + 1}"]\n' for i in range(5_000))),
        ('"b"', f"[block.b]\nlayers = ['relu']\nargs = {{ {', '.join(f'a{i} = 1' for i in range(30_000))} }}\n"),
    ],
    ids=lambda text: text[:40],
)
def test_a_bomb_is_refused_quickly(layers: str, more: str, folder: Path) -> None:
    begun = time.perf_counter()
    assert hold(f"[model]\ninput = [4, 4, 2]\nlayers = [{layers}]\n{more}", folder)
    assert time.perf_counter() - begun < 30


def test_layers_that_all_differ_are_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "MOST_DIFFERENT", 10)
    layers = '{ dense = 3, times = 11 }, { dense = "$channels + 1", times = 2000000000 }'
    (diagnostic,) = hold(f"[model]\ninput = [3]\nlayers = [{layers}]\n", folder)
    assert diagnostic.message == "the network has more than 10 layers that differ"
