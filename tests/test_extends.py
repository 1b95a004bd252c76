"""Specs that start from others: what they say together, where their mistakes stand, and where their data is."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.commands import check, load
from netspec.diagnostics import SpecError, render
from netspec.document import extended, read, written

BASE = """
name = "base"
[let]
width = 4
[data]
source = "iris"
split = { validation = 0.2, test = 0.2 }
[block.pair]
layers = [{ dense = "$width" }, "relu"]
[model]
layers = ["pair", { dense = "$classes" }]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "adam"
learning_rate = 1e-3
b1 = 0.8
[train]
epochs = 3
"""


@pytest.fixture
def over(tmp_path: Path) -> Path:
    (tmp_path / "base.toml").write_text(BASE)
    (tmp_path / "inner").mkdir()
    return tmp_path / "inner" / "over.toml"


def together(path: Path, text: str) -> dict[str, object]:
    path.write_text(f'extends = "../base.toml"\n{text}')
    values = extended(read(path), path.parent).values
    assert load(path).spec is not None
    return values


def test_sections_are_put_together_key_by_key(over: Path) -> None:
    values = together(over, 'name = "over"\n[optimizer]\nb1 = 0.9\n[let]\nwidth = 8\n')
    assert values["name"] == "over"
    assert values["optimizer"] == {"kind": "adam", "learning_rate": 1e-3, "b1": 0.9}
    assert values["let"] == {"width": 8}
    assert "extends" not in values


def test_another_kind_takes_the_whole_sections_place(over: Path) -> None:
    values = together(over, '[optimizer]\nkind = "sgd"\nlearning_rate = 0.1\n')
    assert values["optimizer"] == {"kind": "sgd", "learning_rate": 0.1}
    values = together(over, '[optimizer]\nkind = "adam"\nb1 = 0.5\n')
    assert values["optimizer"] == {"kind": "adam", "learning_rate": 1e-3, "b1": 0.5}


def test_values_lists_and_blocks_are_replaced_whole(over: Path) -> None:
    values = together(over, '[data]\nsplit = { test = 0.5 }\n[block.pair]\nlayers = [{ dense = "$width * 2" }]\n')
    assert values["data"] == {"source": "iris", "split": {"test": 0.5}}
    assert values["block"] == {"pair": {"layers": [{"dense": "$width * 2"}]}}


def test_a_mistake_stands_in_the_file_that_makes_it(over: Path) -> None:
    over.write_text('extends = "../base.toml"\n[optimizer]\nb1 = "much"\n[train]\nepoch = 2\n')
    (over.parent.parent / "base.toml").write_text(BASE.replace("learning_rate", "learning_rte"))
    places = {(d.place.source.name, d.place.line) for d in check(over) if d.place}
    assert places == {(str(over), 3), (str(over), 5), (str(over.parent.parent / "base.toml"), 16)}


def test_data_is_found_beside_the_file_that_names_it(over: Path) -> None:
    points = "x,side\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(160))
    (over.parent.parent / "points.csv").write_text(points)
    (over.parent.parent / "base.toml").write_text(BASE.replace('"iris"', '{ csv = "points.csv" }'))
    over.write_text('extends = "../base.toml"\n')
    assert check(over) == ()
    over.write_text('extends = "../base.toml"\n[data]\nsource = { csv = "points.csv" }\n')
    assert [d.message for d in check(over)] == ["points.csv: there is no such file"]


def test_what_is_written_stands_alone(over: Path) -> None:
    values = together(over, "[train]\nepochs = 5\n")
    text = written(extended(read(over), over.parent))
    alone = over.parent / "alone.toml"
    alone.write_text(text)
    assert read(alone).values == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('extends = "bse.toml"', "there is no file"),
        ("extends = 3", "must be the path of a spec"),
        ('extends = "over.toml"', "go round in a circle"),
    ],
)
def test_what_cannot_be_extended_is_said_in_place(over: Path, text: str, message: str) -> None:
    over.write_text(text)
    (diagnostic,) = check(over)
    assert message in diagnostic.message
    assert (diagnostic.place is not None, f" 1 | {text}" in render(diagnostic)) == (True, True)


def test_it_cannot_be_set(over: Path) -> None:
    over.write_text(BASE)
    with pytest.raises(SpecError, match="extends"):
        load(over, ["extends=../base.toml"])


def test_a_length_that_is_set_takes_the_place_of_the_other(over: Path) -> None:
    over.write_text(BASE)
    train = load(over, ["train.steps=20"]).spec.train
    assert train is not None
    assert (train.steps, train.epochs) == (20, None)
    with pytest.raises(SpecError, match="both 'epochs' and 'steps'"):
        load(over, ["train.steps=20", "train.epochs=2"])
