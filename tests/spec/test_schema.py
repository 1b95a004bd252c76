"""The JSON Schema: it is one, accepts every good spec, and refuses mistakes where they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli

from netspec.commands import manual
from netspec.document import Document, read
from netspec.spec.decode import SECTIONS
from netspec.spec.families import FAMILIES, members
from netspec.spec.layer import Layer
from netspec.spec.schema import schema

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.toml"))
VALID = sorted((ROOT / "tests/specs/valid").glob("*.toml"))
INVALID = sorted((ROOT / "tests/specs/invalid").glob("*.toml"))

SCHEMA = schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

SEEN = ("unknown-key", "unknown-kind", "missing-key", "value", "name")
"""Codes of mistakes that a schema can see, most of them."""

BLOCK = "of a block of the spec's own, whose arguments are in the text alone"
EXPRESSION = "an expression is worked out later"
COURSE = "a course is the same wherever it stands"
TIMES = "a schema compares no two durations"
OTHER_PART = "another part of the spec makes it a mistake"
THE_DATA = "the data makes it a mistake"
UNSEEN: Mapping[str, str] = {
    "argument_called_like_python": BLOCK,
    "argument_missing": BLOCK,
    "argument_of_late_default": BLOCK,
    "argument_of_wrong_type": BLOCK,
    "argument_of_wrong_type_in_list": BLOCK,
    "argument_out_of_range": BLOCK,
    "argument_twice": BLOCK,
    "argument_unknown": BLOCK,
    "arguments_too_many": BLOCK,
    "batch_step_after_end": OTHER_PART,
    "batch_step_at_beginning": "a pattern compares no numbers",
    "batch_step_half_epoch": OTHER_PART,
    "batch_step_not_later": OTHER_PART,
    "batch_step_steps_of_epochs": OTHER_PART,
    "cell_from_data": OTHER_PART,
    "cell_output": OTHER_PART,
    "class_weights_count": THE_DATA,
    "course_expression": EXPRESSION,
    "course_not_rising": TIMES,
    "course_out_of_range": COURSE,
    "course_out_of_range_in_piece": COURSE,
    "draw_balanced_numbers": OTHER_PART,
    "embed_without_vocabulary": OTHER_PART,
    "expression_in_block": EXPRESSION,
    "expression_in_list": EXPRESSION,
    "expression_negative": EXPRESSION,
    "expression_not_whole": EXPRESSION,
    "expression_true": EXPRESSION,
    "ignore_all": THE_DATA,
    "init_share": OTHER_PART,
    "initial_of_nothing": OTHER_PART,
    "join_from": OTHER_PART,
    "let_channels": "it is a name like any other",
    "missing_input": OTHER_PART,
    "missing_loss": OTHER_PART,
    "missing_optimizer": OTHER_PART,
    "missing_train": OTHER_PART,
    "no_from": OTHER_PART,
    "not_a_number": "JSON has no such number",
    "optimizer_course_at_start": "what Optax does with a number is in its code",
    "percent": "a pattern compares no numbers",
    "phase_batch_step_late": OTHER_PART,
    "phase_name_twice": OTHER_PART,
    "phase_name_twice_by_default": OTHER_PART,
    "scale": "a schema compares no two numbers",
    "schedule_not_rising": TIMES,
    "share_input": OTHER_PART,
    "start_stars": "a schema compares no two patterns",
}
"""Mistakes of those codes that it cannot see, and why."""


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_it_has_every_section_and_every_kind() -> None:
    assert set(SCHEMA["properties"]) == set(SECTIONS)
    for family in FAMILIES.values():
        home = "layer" if issubclass(family, Layer) else family.family.replace(" ", "_")
        prefixes = {home, f"{home}_section"}
        for name in members(family):
            assert any(f"{prefix}.{name}" in SCHEMA["$defs"] for prefix in prefixes), name


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(v) for v in part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()


def test_what_it_refers_to_is_there_and_nothing_else() -> None:
    assert {r.removeprefix("#/$defs/").partition("/properties/")[0] for r in references(SCHEMA)} == set(SCHEMA["$defs"])


def test_it_holds_no_address_but_its_own_dialect() -> None:
    assert set(re.findall(r"\w+://[^/\"\s]+", json.dumps(SCHEMA))) == {"http://json-schema.org"}


@pytest.mark.parametrize("path", [*SPECS, *VALID], ids=lambda p: p.stem)
def test_it_accepts_every_good_spec(path: Path) -> None:
    assert [e.message for e in VALIDATOR.iter_errors(tomli.loads(path.read_text("utf-8")))] == []


def first_mistake(path: Path) -> tuple[str, int, int]:
    """The code of a fixture's first mistake, and the line and column where it stands."""
    text = path.with_suffix(".txt").read_text("utf-8")
    code, place = re.match(r"error\[(.+?)\]", text), re.search(r"--> \S+:(\d+):(\d+)", text)
    return code[1] if code else "", *(map(int, place.groups()) if place else (1, 1))


def paths_at(document: Document, line: int, column: int) -> set[tuple[str | int, ...]]:
    """What stands there in a document; a key, a value or both."""
    found = [*document.places.items(), *document.keys.items()]
    return {path for path, place in found if (place.line, place.column) == (line, column)} or {()}


MISTAKES = {path.stem: path for path in INVALID if first_mistake(path)[0] in SEEN}


@pytest.mark.parametrize("name", [n for n in MISTAKES if n not in UNSEEN])
def test_it_refuses_a_mistake_where_it_stands(name: str) -> None:
    _, line, column = first_mistake(MISTAKES[name])
    document = read(MISTAKES[name])
    refused = {tuple(e.absolute_path) for e in VALIDATOR.iter_errors(document.values)}
    # A schema blames the table that holds an unknown key, and what holds a word that is no kind.
    right = {p[:n] for p in paths_at(document, line, column) for n in (len(p), len(p) - 1) if n >= 0}
    assert refused & right, (refused, right)


def test_what_it_cannot_see() -> None:
    accepted = {name for name, path in MISTAKES.items() if VALIDATOR.is_valid(read(path).values)}
    assert accepted == set(UNSEEN)


def refused(text: str) -> bool:
    return not VALIDATOR.is_valid(tomli.loads(text))


MODEL = "[model]\ninput = 4\nlayers = [{layers}]\n"
OWN = '[block.own]\nargs = {{ width = "int", {name} = 1 }}\nlayers = [{{ dense = "$width" }}]\n'


@pytest.mark.parametrize(
    ("head", "layers", "wrong"),
    [
        ("", '{ own = 3 }', True),
        ("", '"own"', True),
        ("", "{ conv = 3, strid = 2 }", True),
        ("", "{ batch_norm = true, scale = false }", False),
        ("", "{ batch_norm = 3 }", True),
        ("", "{ name = 'a', conv = 3 }", False),  # a schema sees no order
        (OWN.format(name="rate"), "{ own = 3, rate = 2 }", False),
        (OWN.format(name="rate"), '"own"', False),
        (OWN.format(name="rate"), '{ residual = [{ own = 3 }, "own"] }', False),
        (OWN.format(name="rate"), "{ conv = 3, strid = 2 }", True),
        (OWN.format(name="rate"), "{ residual = [{ conv = 3, strid = 2 }] }", True),
        (OWN.format(name="rate"), '"conv"', True),
        (OWN.format(name="dropout"), "{ own = 3, dropout = 2 }", False),
        ('extends = "a.toml"\n', "{ own = 3, dropout = 2 }", False),
    ],
)  # fmt: skip
def test_blocks_of_a_specs_own(head: str, layers: str, wrong: bool) -> None:
    assert refused(f"{head}{MODEL.format(layers=layers)}") == wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[optimizer]\nlearning_rate = 0.1", False),
        ('[optimizer]\nkind = "adam"', False),
        ("[train]\nbatch = 3", False),
        ("[optimizer]\nlearnin_rate = 0.1", True),
        ('[optimizer]\nkind = "adamm"', True),
        ("[train]\nbacth = 3", True),
        ("[modle]\n", True),
    ],
)
def test_a_spec_that_extends_another_says_what_is_different(text: str, wrong: bool) -> None:
    assert refused(f'extends = "a.toml"\n{text}') == wrong
    assert refused(text), "alone it says too little"


INIT = "{{ dense = 3, init = {init} }}"


@pytest.mark.parametrize(
    ("init", "wrong"),
    [
        ('"he_normal"', False),
        ('"he_nrmal"', True),
        ('"$x"', False),
        ("0", False),
        ("[[1, 2.5], [3, 4]]", False),
        ('[["a"]]', True),
        ("{ normal = 0.02 }", False),
        ("{ normal = -0.02 }", True),
        ('{ kernel = "he_normal", bias = 0.5 }', False),
        ('{ kernel = { normal = 0.02 }, bias = "$x" }', False),
        ('{ kernel = "he_nrmal" }', True),
        ("{ kernel = { normal = true } }", True),
    ],
)
def test_initial_values(init: str, wrong: bool) -> None:
    assert refused(MODEL.format(layers=INIT.format(init=init))) == wrong


def test_the_specs_name_the_schema_that_is_beside_them() -> None:
    text = manual.schema()
    assert json.loads(text) == SCHEMA
    assert text == (ROOT / "specs/netspec.schema.json").read_text("utf-8"), "netspec schema > specs/netspec.schema.json"
    firsts = {path.name: path.read_text("utf-8").split("\n")[0] for path in SPECS}
    assert set(firsts.values()) == {"#:schema netspec.schema.json"}, firsts
