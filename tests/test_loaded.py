"""Layers of an earlier run as a layer: the same numbers come out, and a run that loads another outlives it."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from netspec import commands
from netspec.commands.started import start_arrays
from netspec.commands.trained import open_run, weights_of
from netspec.diagnostics import NetspecError
from tests.command import netspec

LEARNED = """
[[loss]]
kind = "cross_entropy"
output = "output"
[optimizer]
kind = "adam"
learning_rate = 1e-3
[train]
steps = 3
batch = 64
"""
FIRST = f"""
[let]
width = 3
[data]
source = "digits"
transform = ["flatten"]
[block.two]
args = {{ width = "int", skip = "name" }}
layers = [{{ dense = "$width", name = "a", bias = false }}, "batch_norm", {{ add = ["$skip", "batch_norm1"] }}, "relu"]
[model]
layers = [
  {{ dense = "$width", name = "stem" }},
  {{ side = ["relu", {{ dense = "$classes" }}], output = "early" }},
  {{ two = "$width", skip = "stem" }},
  {{ residual = [{{ dense = "$width * 2" }}, "tanh"], shortcut = "projection", times = 2 }},
  {{ parallel = [[{{ dense = 6, name = "one" }}, {{ share = "one" }}], []], name = "par" }},
  {{ concat = ["input", "input"], name = "twice" }},
  {{ dense = "$width", name = "small" }},
  {{ concat = ["par", "small"], name = "both" }},
  {{ dense = "$classes" }},
]
{LEARNED}
[[loss]]
kind = "cross_entropy"
output = "early"
"""
SECOND = f"""
[data]
source = "digits"
transform = ["flatten"]
[block.two]
args = {{ width = 7 }}
layers = [{{ dense = "$width" }}]
[model]
layers = [
  {{ load = "runs/first-1", upto = "both", freeze = true, name = "old" }}, "relu", "two", {{ dense = "$classes" }},
]
{LEARNED}"""
THIRD = f"""
[data]
source = "digits"
transform = ["flatten"]
[model]
layers = [{{ load = "second-1" }}, {{ dense = "$classes" }}]
{LEARNED}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, one that loads it, and one that loads that."""
    made = tmp_path_factory.mktemp("loaded")
    for name, text in (("first", FIRST), ("second", SECOND), ("third", THIRD)):
        (made / f"{name}.toml").write_text(text)
        found = netspec(made, "train", f"{name}.toml", "--json")
        assert found.code == 0, found
    return made


def outputs(run: Path, layer: str) -> np.ndarray:
    """What a layer of a run gives for some digits."""
    program, _, parameters, statistics, _ = weights_of(open_run(run))
    x = jax.random.normal(jax.random.key(0), (3, 64))
    network = program.network
    return np.asarray(network.apply(parameters, statistics, {"input": x}, also=frozenset({layer})).values[layer])


def test_what_is_frozen_gives_what_the_run_gave(folder: Path) -> None:
    with contextlib.chdir(folder):
        np.testing.assert_array_equal(outputs(Path("runs/second-1"), "old"), outputs(Path("runs/first-1"), "both"))


def test_the_weights_of_a_run_that_loads_one_are_the_beginning_of_the_next(folder: Path) -> None:
    with contextlib.chdir(folder):
        opened = commands.load("third.toml")
        graph = opened.resolve()
        begun = start_arrays(opened.spec, graph, opened.directory)
        program, _, parameters, statistics, _ = weights_of(open_run(Path("runs/second-1")))
        assert begun is not None
        assert begun.arrays.keys() == {f"load1/{path}" for path in (*parameters, *statistics)}
        for path, array in {**parameters, **statistics}.items():
            np.testing.assert_array_equal(begun.arrays[f"load1/{path}"], array)
        # Frozen there, frozen here.
        assert {p.removeprefix("load1/") for p in graph.frozen} == program.network.graph.frozen
    assert begun.remark == f"load1 begins with {len(parameters)} parameters of second-1"


def test_side_heads_and_their_outputs_are_left_out(folder: Path) -> None:
    with contextlib.chdir(folder):
        graph = commands.load("second.toml").resolve()
    assert list(graph.outputs) == ["output"]
    assert not any("side" in path for path in graph.parameters)
    assert [n.name for n in graph.nodes] == ["old", "relu1", "two1", "dense1"]


def test_section_start_takes_the_rest_or_what_it_names(folder: Path) -> None:
    (folder / "again.toml").write_text(f'{SECOND}[start]\nrun = "second-1"\n')
    (folder / "over.toml").write_text(
        f'{SECOND}[start]\nrun = "third-1"\nonly = "old/**"\nrename = {{ "load1/**" = "**" }}\n'
    )
    with contextlib.chdir(folder):
        opened = commands.load("again.toml")
        begun = start_arrays(opened.spec, opened.resolve(), opened.directory)
        assert begun is not None
        assert begun.arrays.keys() == weights_of(open_run(Path("runs/second-1")))[2].keys() | set(
            opened.resolve().statistics
        )
        assert begun.remark.startswith("old begins with 14 parameters of runs/first-1; started 4 of 18 parameters from")
        opened = commands.load("over.toml")
        assert start_arrays(opened.spec, opened.resolve(), opened.directory) is not None


def test_a_run_outlives_the_one_that_it_loads(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    shutil.copytree(folder / "runs/third-1", tmp_path / "runs/third-1")
    alone = netspec(tmp_path, "evaluate", "third-1", "--json")
    there = netspec(folder, "evaluate", "third-1", "--json")
    assert (alone.code, alone.err) == (0, "")
    assert alone.json()["metrics"] == there.json()["metrics"]
    assert netspec(tmp_path, "inspect", "runs/third-1").code == 0


def test_a_training_from_weights_elsewhere_is_not_compiled_without_them(folder: Path) -> None:
    (folder / "warm.toml").write_text(SECOND.replace(", freeze = true", ""))
    result = netspec(folder, "compile", "warm.toml", "-o", "warm.py")
    assert (result.code, (folder / "warm.py").exists()) == (2, False)
    assert "the weights of an earlier run have no source" in result.err


def test_its_network_compiles(folder: Path) -> None:
    network = SECOND.replace(", freeze = true", "").partition("[[loss]]")[0]
    (folder / "network.toml").write_text(network)
    assert netspec(folder, "compile", "network.toml", "-o", "network.py").code == 0
    compile((folder / "network.py").read_text(), "network.py", "exec")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ('{ load = "runs/frist-1" }', "did you mean 'runs/first-1'?"),
        ('{ load = "a\\u0000b" }', "error[no-run]"),
        ('{ load = "first-1", upto = "bot" }', "did you mean 'both'?"),
        ('{ dense = 8 }, { load = "first-1" }', "reads [8] of float32, and first-1 was trained on [64] of float32"),
        ('{ load = "first-1", init = "zeros" }', "has no parameters to give initial values"),
        ("{ load = 3 }", "must be a string"),
        ('"load"', "needs a value"),
    ],
)
def test_what_cannot_be_loaded(folder: Path, layer: str, message: str) -> None:
    text = SECOND.split("[block")[0] + f"[model]\nlayers = [{layer}]\n"
    (folder / "wrong.toml").write_text(text)
    found = netspec(folder, "check", "wrong.toml")
    assert found.code == 2
    assert message in found.err
    assert "wrong.toml:6:" in found.err


def test_runs_that_load_each_other_or_are_damaged(folder: Path, tmp_path: Path) -> None:
    facts = (folder / "runs/first-1/resolved.json").read_text()
    text = SECOND.split("[block")[0] + '[model]\nlayers = [{ load = "../NEXT-1" }]\n'
    for name, other in (("a", "b"), ("b", "a"), ("c", "d")):
        (tmp_path / f"runs/{name}-1").mkdir(parents=True)
        (tmp_path / f"runs/{name}-1/spec.toml").write_text(text.replace("NEXT", other))
        (tmp_path / f"runs/{name}-1/resolved.json").write_text(facts)
    (tmp_path / "spec.toml").write_text(text.replace("../NEXT", "a"))
    assert "the run ../a-1 is inside itself" in netspec(tmp_path, "check", "spec.toml").err
    for damage in ("", "[]", '{"facts": {}}', '{"facts": {"inputs": {"input": {"shape": [1e400]}}}}', "[" * 100_000):
        (tmp_path / "runs/a-1/resolved.json").write_text(damage)
        found = netspec(tmp_path, "check", "spec.toml")
        assert (found.code, "cannot read runs/a-1/resolved.json" in found.err) == (2, True), damage
    (tmp_path / "runs/a-1/resolved.json").write_text(
        json.dumps({"facts": {"inputs": {}, "targets": {}, "examples": {}}})
    )
    with contextlib.chdir(tmp_path), pytest.raises(NetspecError):
        commands.load("spec.toml").resolve()
