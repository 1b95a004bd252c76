"""Specs that are wrong, each with what a person is told; and specs that are right, of which nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.commands import check
from netspec.diagnostics import render

FOLDER = Path(__file__).parent
INVALID = sorted((FOLDER / "invalid").glob("*.toml"))
VALID = sorted((FOLDER / "valid").glob("*.toml"))


def told(path: Path) -> str:
    return "\n\n".join(render(diagnostic) for diagnostic in check(path))


@pytest.mark.parametrize("path", INVALID, ids=lambda p: p.stem)
def test_what_a_mistake_gets(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    assert f"{told(Path(path.name))}\n" == path.with_suffix(".txt").read_text("utf-8")


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_a_good_spec_has_no_mistake(path: Path) -> None:
    # Some hold a thing just to show that it is legal: of that there are warnings.
    assert [diagnostic for diagnostic in check(path) if diagnostic.severity == "error"] == []


UNKNOWN_KEY = """\
error[unknown-key]: conv has no key 'strid'
  --> specs/lenet5.toml:8:41
   |
 8 |   { conv = 16, kernel = 5, padding = 0, strid = 2, activation = "tanh" },
   |                                         ^^^^^ did you mean 'stride'?
   = conv takes: kernel, stride, padding, causal, dilation, groups, bias, norm, activation"""

RESIDUAL_MISMATCH = """\
error[shape]: residual1 adds [14, 14, 32] to [28, 28, 16]
  --> specs/lenet5.toml:11:5
   |
11 |   { residual = [
   |     ^^^^^^^^ F(x) leaves as [14, 14, 32]: conv3 (line 12) has stride 2
   = help: shortcut = "projection" brings x to the same shape"""


@pytest.mark.parametrize(("name", "expected"), [("unknown_key", UNKNOWN_KEY), ("residual_mismatch", RESIDUAL_MISMATCH)])
def test_the_examples_of_the_language(
    name: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "specs" / "lenet5.toml"
    path.parent.mkdir()
    path.write_text((FOLDER / "invalid" / f"{name}.toml").read_text())
    monkeypatch.chdir(tmp_path)
    assert told(Path("specs/lenet5.toml")) == expected


def test_every_mistake_has_its_text() -> None:
    texts = {path.stem for path in (FOLDER / "invalid").glob("*.txt")}
    assert texts == {path.stem for path in INVALID}
