"""A document with overrides, written as a text of its own: always valid, always equal, and mostly as it was."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st
from test_document import Writer, names, normal, tables, values

from netspec.diagnostics import SpecError
from netspec.document import Document, override, parse, written

SPEC = """\
# The smallest spec.

# who
name = "demo"                # a name

[optimizer]                  # how
kind = "sgd"
learning_rate = 1e-3         # a guess

[model]
layers = [
  { conv = 6, kernel = 5 },  # first
  "relu",
  {},
]

[train]
[train.keep]
  best = "validation/loss"   # kept
"""


def overridden(text: str, *arguments: str) -> Document:
    document = parse(text, "demo.toml")
    for argument in arguments:
        document = override(document, argument)
    return document


@pytest.mark.parametrize(
    ("arguments", "before", "after"),
    [
        ([], "", ""),
        (["name=demo"], "", ""),
        (["name=other"], '"demo"  ', '"other"  '),
        (["optimizer.learning_rate=3e-4"], "1e-3  ", "0.0003  "),
        (["optimizer.learning_rate=1"], "1e-3  ", "1  "),
        (["model.layers.0.conv=8"], "conv = 6", "conv = 8"),
        (["model.layers.0.stride=[1, 2]"], "kernel = 5 }", "kernel = 5, stride = [1, 2] }"),
        (["model.layers.0={dense = 3}"], "{ conv = 6, kernel = 5 }", "{ dense = 3 }"),
        (["model.layers.0={kernel = 5, conv = 6}"], "{ conv = 6, kernel = 5 }", "{ kernel = 5, conv = 6 }"),
        (["model.layers.2.dense=3"], "  {},", "  { dense = 3 },"),
        (["seed=3"], "# a name\n", "# a name\nseed = 3\n"),
        (["optimizer.momentum=0.9"], "# a guess\n", "# a guess\nmomentum = 0.9\n"),
        (["optimizer.clip.value=1"], "# a guess\n", "# a guess\nclip = { value = 1 }\n"),
        (["optimizer.a=1", "optimizer.b=2"], "# a guess\n", "# a guess\na = 1\nb = 2\n"),
        (["optimizer={kind = 'lion'}"], 'kind = "sgd"\nlearning_rate = 1e-3         # a guess\n', 'kind = "lion"\n'),
        (["train.epochs=3"], "[train]\n", "[train]\nepochs = 3\n"),
        (["train.keep.patience=3"], "# kept\n", "# kept\n  patience = 3\n"),
        (
            ["schedule.kind=cosine", "schedule.warmup=5"],
            "# kept\n",
            '# kept\n\n[schedule]\nkind = "cosine"\nwarmup = 5\n',
        ),
        (["block.a.args.n=1"], "# kept\n", "# kept\n\n[block.a.args]\nn = 1\n"),
        (['"odd key".x=1'], "# kept\n", '# kept\n\n["odd key"]\nx = 1\n'),
    ],
)
def test_the_text_changes_only_where_a_value_did(arguments: list[str], before: str, after: str) -> None:
    assert before in SPEC
    assert written(overridden(SPEC, *arguments)) == SPEC.replace(before, after, 1)


@pytest.mark.parametrize(
    ("text", "argument", "expected"),
    [
        ("# top\n[a]\n", "seed=1", "# top\nseed = 1\n\n[a]\n"),
        ("# top\n\n# of a\n[a]\n", "seed=1", "# top\n\nseed = 1\n\n# of a\n[a]\n"),
        ("", "seed=1", "seed = 1\n\n"),
        ("a = 1\r\nb = 2", "c=3", "a = 1\r\nb = 2\r\nc = 3\r\n"),
        ("a.b = 1 # gone\n", "a.c=2", "[a]\nb = 1\nc = 2\n"),
        ("[a.b]\nc = 1 # kept\n", "a.d=2", "[a.b]\nc = 1 # kept\n\n[a]\nd = 2\n"),
        ("[a] # gone\nb = 1\n", "a=2", "a = 2\n"),
        ("[[a]]\nb = 1\n", "a=[]", "a = []\n"),
        ("[[a]]\nb = 1\n[[a]]\n", "a.0.c=2", "[[a]]\nb = 1\nc = 2\n[[a]]\n"),
        ('a = """\nx"""\n', "a=y", 'a = "y"\n'),
    ],
)
def test_other_forms(text: str, argument: str, expected: str) -> None:
    assert written(overridden(text, argument)) == expected


def test_a_long_list_is_written_line_by_line() -> None:
    layers = [{"dense": 1000 + i, "activation": "relu"} for i in range(5)]
    document = Document(parse("model.x = 1", "a.toml").source, {"model": {"layers": layers}}, {}, {})
    text = written(document)
    assert tomli.loads(text) == document.values
    assert '\n  { dense = 1001, activation = "relu" },\n' in text


paths = st.lists(st.one_of(names, st.integers(0, 3).map(str)), min_size=1, max_size=3)


@given(tables, st.lists(st.tuples(paths, values), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_any_override_of_any_document(
    table: dict[str, Any], changes: list[tuple[list[str], Any]], rng: random.Random
) -> None:
    writer = Writer(rng)
    document = parse("".join(writer.sections(table)), "any.toml")
    for path, value in changes:
        document = changed(document, path, value, writer)
    assert list_firsts(tomli.loads(written(document))) == list_firsts(document.values)
    assert normal(tomli.loads(written(document))) == normal(document.values)


def changed(document: Document, path: list[str], value: Any, writer: Writer) -> Document:
    """The document overridden, where the path leads anywhere; as likely as not at a place that is there."""
    keys = [json.dumps(str(p)) for p in writer.rng.choice([path, list(path_in(document.values, writer.rng))])]
    try:
        return override(document, f"{'.'.join(keys) or 'a'} = {writer.value(value)}")
    except SpecError:
        return document


def path_in(value: Any, rng: random.Random) -> list[str | int]:
    steps = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not steps or rng.random() < 0.3:
        return []
    step = rng.choice(steps)
    return [step, *path_in(value[step], rng)]


def list_firsts(value: Any, listed: bool = False) -> Any:
    """The first key of every table inside a list: it names the kind."""
    if isinstance(value, dict):
        first = [next(iter(value), None)] if listed else []
        return first + [list_firsts(v, listed) for _, v in sorted(value.items())]
    return [list_firsts(v, True) for v in value] if isinstance(value, list) else None
