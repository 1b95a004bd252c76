"""Weights that a training begins with, out of runs and files on the disk."""

from __future__ import annotations

import contextlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from netspec import commands
from netspec.commands.started import start_arrays
from netspec.commands.trained import open_run, weights_of
from netspec.diagnostics import NetspecError
from netspec.graph.resolve import resolve
from tests.command import netspec

SPEC = """
[data]
source = "iris"
transform = ["standardize"]
[model]
layers = [{ dense = 5, name = "hidden" }, "batch_norm", "relu", { dense = "$classes", name = "head" }]
[loss]
kind = "cross_entropy"
[optimizer]
kind = "adam"
learning_rate = 0.01
[train]
steps = 30
"""
MEMBERS = SPEC + "members = 2\n"
KEPT = SPEC + 'evaluate = 10\nkeep = { best = "train/loss" }\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each spec, in `runs`; and the weights of the first as a file beside the specs."""
    made = tmp_path_factory.mktemp("started")
    for name, text in (("first", SPEC), ("kept", KEPT), ("members", MEMBERS)):
        (made / f"{name}.toml").write_text(text)
        assert netspec(made, "train", f"{name}.toml", "--json").code == 0
    (made / "sub").mkdir()
    safetensors.numpy.save_file(result(made / "runs/first-1"), made / "first.safetensors")
    return made


def result(run: Path) -> dict[str, np.ndarray]:
    _, _, parameters, statistics, _ = weights_of(open_run(run))
    return {path: np.asarray(array) for path, array in {**parameters, **statistics}.items()}


def started(folder: Path, start: str, spec: str = SPEC) -> commands.Opened:
    path = folder / "again.toml"
    path.write_text(f"{spec}\n[start]\n{start}\n")
    return commands.load(path)


@pytest.mark.parametrize(
    ("start", "run"),
    [
        ('run = "runs/first-1"', "first-1"),
        ('run = "first-1"', "first-1"),
        ('run = "kept-1"', "kept-1"),
        ('weights = "first.safetensors"', "first-1"),
        ('weights = "sub/../first.safetensors"', "first-1"),
    ],
)
def test_a_run_s_result_and_a_file_s_arrays(folder: Path, start: str, run: str) -> None:
    opened = started(folder, start)
    with contextlib.chdir(folder):
        found = start_arrays(opened.spec, opened.resolve(), opened.directory)
        expected = result(folder / "runs" / run)
    assert found is not None
    assert found.arrays.keys() == expected.keys()
    for path, array in expected.items():
        np.testing.assert_array_equal(found.arrays[path], array)
    assert found.remark.startswith("started 6 of 6 parameters and 2 running statistics from ")


def test_paths_start_beside_the_spec_wherever_one_stands(folder: Path) -> None:
    opened = started(folder, 'run = "runs/first-1"')
    with contextlib.chdir(folder / "sub"):
        assert start_arrays(opened.spec, opened.resolve(), opened.directory) is not None
    (folder / "sub/child.toml").write_text('extends = "../first.toml"\n[start]\nweights = "own.safetensors"\n')
    safetensors.numpy.save_file(result(folder / "runs/first-1"), folder / "sub/own.safetensors")
    opened = commands.load(folder / "sub/child.toml")
    assert start_arrays(opened.spec, opened.resolve(), opened.directory) is not None


def test_a_spec_without_has_none(folder: Path) -> None:
    opened = commands.load(folder / "first.toml")
    assert start_arrays(opened.spec, opened.resolve(), opened.directory) is None


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ('run = "first-2"', "did you mean 'first-1'"),
        ('run = "a\\u0000b"', "no-run"),
        ('run = ""', "no-run"),
        ('run = "members-1"', "members-1 is an ensemble of 2 networks"),
        ('weights = "firs.safetensors"', "did you mean 'first.safetensors'?"),
        ('weights = "runs"', "is a folder, not a file"),
        ('weights = "https://a.b/c.safetensors"', "is an address"),
        ('weights = "pickled.pt"', "is no file of safetensors"),
        ('weights = "torn.safetensors"', "is no file of safetensors"),
        ('weights = "twice.safetensors"', "two arrays have the same name"),
        ('run = "first-1"\nonly = "tail/**"', "'tail/**' matches no parameter"),
    ],
)
def test_what_cannot_be_begun_with(folder: Path, start: str, message: str) -> None:
    (folder / "pickled.pt").write_bytes(pickle.dumps({"hidden/kernel": [1.0]}))
    data = (folder / "first.safetensors").read_bytes()
    (folder / "torn.safetensors").write_bytes(data[: len(data) // 2])
    header = (
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    )
    (folder / "twice.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    opened = started(folder, start)
    with contextlib.chdir(folder), pytest.raises(NetspecError) as error:
        start_arrays(opened.spec, opened.resolve(), opened.directory)
    assert message in str(error.value)
    assert "again.toml:1" in str(error.value)
    assert all(d.place is not None for d in error.value.diagnostics)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("", "[start] needs 'run' or 'weights'"),
        ('run = "a"\nweights = "b"', "[start] has both 'run' and 'weights'"),
        ('run = "a"\nonyl = "c"', "did you mean 'only'?"),
        ('run = "a"\nonly = []', "must be a pattern over paths, or a list of them"),
        ('run = "a"\nrename = { "a/*" = "b" }', "the same stars on both sides"),
        ('run = "a"\nrename = { "a" = 1 }', "must be a table of patterns"),
    ],
)
def test_what_the_section_cannot_say(folder: Path, start: str, message: str) -> None:
    with pytest.raises(NetspecError) as error:
        started(folder, start)
    assert message in str(error.value)


def test_only_the_numbers_of_another_width_are_told(folder: Path) -> None:
    opened = started(folder, 'run = "first-1"', SPEC.replace("dense = 5", "dense = 4"))
    with contextlib.chdir(folder), pytest.raises(NetspecError) as error:
        start_arrays(opened.spec, resolve(opened.spec, opened.build().facts), opened.directory)
    assert "hidden/kernel is [4, 4] here and [4, 5] there" in str(error.value)
    assert "head/bias" not in str(error.value)


def test_a_training_begins_there(folder: Path) -> None:
    still = SPEC.replace("learning_rate = 0.01", "learning_rate = 1e-30").replace("steps = 30", "steps = 1")
    (folder / "still.toml").write_text(f'{still}\n[start]\nrun = "first-1"\nonly = "hidden/*"\n')
    (folder / "anew.toml").write_text(still)
    for name in ("still", "anew"):
        found = netspec(folder, "train", f"{name}.toml")
        assert found.code == 0
        assert ("started 2 of 6 parameters from first-1" in found.err) == (name == "still")
    first, begun, anew = (result(folder / "runs" / name) for name in ("first-1", "still-1", "anew-1"))
    for path, array in begun.items():
        if not path.startswith("batch_norm1/"):
            np.testing.assert_allclose(array, (first if path.startswith("hidden/") else anew)[path], atol=1e-20)
