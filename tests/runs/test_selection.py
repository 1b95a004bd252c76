from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from netspec.diagnostics import RunError
from netspec.runs.directory import create, prepare
from netspec.runs.labels import read_tags, retag
from netspec.runs.selection import chosen


def make(parent: Path, name: str, started: str) -> Path:
    run = create(parent, name)
    prepare(run, spec="", resolved={}, environment={"started": started})
    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven runs of one name, two of another, and a folder of two elsewhere."""
    folder = tmp_path_factory.mktemp("made")
    for i, name in enumerate(["lenet5"] * 11 + ["mlp"] * 2):
        make(folder / "runs", name, f"2025-01-01T00:00:{i:02}")
    for _ in range(2):
        make(folder / "sweep", "wide", "2024-01-01T00:00:00")
    retag(folder / "runs/lenet5-2", add=["best"])
    retag(folder / "runs/mlp-1", add=["paper", "best"])
    (folder / "runs/notes").mkdir()
    return folder


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        (["lenet5-1"], "runs/lenet5-1"),
        (["runs/mlp-2", "mlp-2", "./runs/mlp-2/", "lenet5-1"], "runs/mlp-2 runs/lenet5-1"),
        (["sweep/wide-2"], "sweep/wide-2"),
        (["lenet5-1?"], "runs/lenet5-10 runs/lenet5-11"),
        (["lenet5-[1-3]", "mlp-*"], "runs/lenet5-1 runs/lenet5-2 runs/lenet5-3 runs/mlp-1 runs/mlp-2"),
        (["sweep/*"], "sweep/wide-1 sweep/wide-2"),
        (["s*p"], "sweep/wide-1 sweep/wide-2"),
        (["sweep"], "sweep/wide-1 sweep/wide-2"),
        (["sweep", "newest"], "sweep/wide-1 sweep/wide-2 runs/mlp-2"),
        (["tag:best"], "runs/lenet5-2 runs/mlp-1"),
        (["tag:paper", "tag:best"], "runs/mlp-1 runs/lenet5-2"),
        ([], ""),
    ],
)
def test_what_is_meant(folder: Path, texts: list[str], meant: str) -> None:
    assert chosen(texts) == tuple(map(Path, meant.split()))


def test_numbers_are_in_the_order_of_numbers(folder: Path) -> None:
    assert [path.name for path in chosen(["runs"])[:11]] == [f"lenet5-{i}" for i in range(1, 12)]
    assert chosen(["wide-*"], Path("sweep")) == (Path("sweep/wide-1"), Path("sweep/wide-2"))


@pytest.mark.parametrize(
    ("text", "message", "help_"),
    [
        ("lenet5-12", "there is no run 'lenet5-12'", "did you mean 'lenet5-"),
        ("resnet-*", "no run fits 'resnet-*'", ""),
        ("tag:bestt", "no run in runs is tagged 'bestt'", "did you mean 'tag:best'?"),
        ("tag:", "no run in runs is tagged ''", ""),
        ("notes", "there is no run 'notes'", ""),
        ("", "there is no run ''", ""),
        ("nul\0*", "no run fits", ""),
        ("x" * 5000 + "*", "no run fits", ""),
    ],
)
def test_what_stands_for_no_run_is_said(folder: Path, text: str, message: str, help_: str) -> None:
    with pytest.raises(RunError) as error:
        chosen([text])
    [diagnostic] = error.value.diagnostics
    assert diagnostic.message.startswith(message)
    assert diagnostic.help.startswith(help_)


def test_where_there_are_no_runs_there_is_no_newest(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no runs yet"):
        chosen(["newest"], tmp_path)


def test_tags_are_put_on_and_taken_off(tmp_path: Path) -> None:
    run = make(tmp_path, "a", "")
    assert read_tags(run) == ()
    assert retag(run, add=["b", "a", "b"]) == ("b", "a")
    assert retag(run, add=["c"], drop=["b", "never"]) == read_tags(run) == ("a", "c")
    assert (run / "tags.json").read_text() == '[\n  "a",\n  "c"\n]\n'
    assert not [name for name in os.listdir(run) if name.endswith(".tmp")]


@pytest.mark.parametrize("tag", ["", "-x", "a b", "a/b", "\x1b[31m", "a\n", "[bold]", "x" * 101])
def test_an_unfit_tag_is_refused_and_nothing_is_changed(folder: Path, tag: str) -> None:
    run = Path("runs/lenet5-2")
    with pytest.raises(RunError, match="cannot be tagged"):
        retag(run, add=["good", tag])
    assert read_tags(run) == ("best",)


def test_tags_that_cannot_be_read_are_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text('{"best": true}')
    with pytest.raises(RunError, match="not a list of words"):
        retag(tmp_path, add=["good"])
    assert path.read_text() == '{"best": true}'


def test_two_that_tag_a_run_at_once_are_both_heard(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: retag(tmp_path, add=[f"tag{i}"]), range(24)))
    assert sorted(read_tags(tmp_path)) == sorted(f"tag{i}" for i in range(24))
