"""The commands that look at a loss: what they print, draw and refuse."""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import netspec

POINT = """
name = "{name}"

[model]
point = [2.0, 1.0]

[loss]
kind = "quadratic"
condition = 25.0

[optimizer]
kind = "{name}"
learning_rate = {rate}

[train]
steps = 60
"""

FLOWERS = """
name = "flowers"

[data]
source = "iris"
transform = ["standardize"]

[model]
layers = [{ dense = 4, activation = "tanh" }, { dense = "$classes" }]

[loss]
kind = "cross_entropy"
penalties = [{ l2 = 0.01 }]

[optimizer]
kind = "adam"
learning_rate = 0.02

[train]
steps = 120
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two points, a network, and runs/flowers-1."""
    home = tmp_path_factory.mktemp("home")
    for name, rate in (("sgd", 0.03), ("adam", 0.1)):
        (home / f"{name}.toml").write_text(POINT.format(name=name, rate=rate))
    (home / "flowers.toml").write_text(FLOWERS)
    assert netspec(home, "train", "flowers.toml", "--json").code == 0
    return home


def png_size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_paths(home: Path) -> None:
    result = netspec(home, "paths", "sgd.toml", "adam.toml", "--json", "-o", "both.png")
    assert (result.code, result.err) == (0, "")
    assert png_size(home / "both.png") == (1024, 1024)
    found = result.json()
    assert (found["function"], found["minima"]) == ("quadratic", [[0.0, 0.0]])
    sgd, adam = found["paths"]
    assert [(p["spec"], p["optimizer"], p["steps"]) for p in (sgd, adam)] == [("sgd", "sgd", 60), ("adam", "adam", 60)]
    x, y = 2.0 * (1 - 0.03) ** 60, 1.0 * (1 - 0.03 * 25) ** 60
    assert sgd["end"] == pytest.approx([x, y], rel=1e-4, abs=1e-6)
    assert sgd["distance"] == pytest.approx((x * x + y * y) ** 0.5, rel=1e-4)
    assert sgd["loss"] == pytest.approx(0.5 * (x * x + 25 * y * y), rel=1e-3)
    assert len(sgd["points"]) == 61
    assert not sgd["diverged"]


def test_paths_are_drawn_unless_they_are_asked_for_as_json(home: Path) -> None:
    result = netspec(home, "paths", "sgd.toml", "--set", "optimizer.learning_rate=10.0")
    assert "diverged" in result.out
    assert "drawn in paths.png" in result.out
    (home / "paths.png").unlink()
    assert netspec(home, "paths", "sgd.toml", "--json").code == 0
    assert not (home / "paths.png").exists()


def test_a_point_is_recorded_resumed_and_compared(home: Path) -> None:
    for name in ("sgd", "adam"):
        assert netspec(home, "train", f"{name}.toml", "--json").code == 0
    assert netspec(home, "evaluate", "sgd-1", "--json").json()["examples"] == {"train": 1}
    assert netspec(home, "compare", "sgd-1", "adam-1", "--json").code == 0
    assert netspec(home, "inspect", "sgd-1").out.startswith("sgd  [2] · a point\n")
    curved = netspec(home, "curvature", "sgd-1", "--json").json()
    assert (curved["largest"], curved["smallest"]) == pytest.approx((25.0, 1.0), rel=1e-5)
    assert curved["condition"] == pytest.approx(25.0, rel=1e-5)
    # Resumed from nothing, a run ends where it had ended.
    before = netspec(home, "evaluate", "adam-1", "--json").json()["metrics"]
    for checkpoint in (home / "runs/adam-1/checkpoints").iterdir():
        for file in checkpoint.iterdir():
            file.unlink()
        checkpoint.rmdir()
    (home / "runs/adam-1/events.jsonl").write_text("")
    assert netspec(home, "resume", "adam-1", "--json").code == 0
    assert netspec(home, "evaluate", "adam-1", "--json").json()["metrics"] == before


def test_landscape(home: Path) -> None:
    command = ("landscape", "flowers-1", "--size", "5", "--radius", "0.5", "--json", "-o")
    result = netspec(home, *command, "around.svg")
    assert (result.code, result.err) == (0, "")
    found = result.json()
    assert [found[k] for k in ("run", "step", "radius", "examples")] == ["runs/flowers-1", 120, 0.5, 120]
    assert found["steps"] == [-0.5, -0.25, 0.0, 0.25, 0.5]
    assert found["losses"][2][2] == found["loss"]
    assert sum(loss < found["loss"] for row in found["losses"] for loss in row) == 0  # it was trained
    svg = (home / "around.svg").read_text()
    assert svg.startswith("<?xml")
    assert netspec(home, *command, "again.svg").json() == found
    assert (home / "again.svg").read_text() == svg


def test_curvature(home: Path) -> None:
    result = netspec(home, "curvature", "flowers-1", "--json")
    found = result.json()
    assert (found["parameters"], found["products"]) == (35, 35)
    assert found["smallest"] <= found["largest"]
    # A constant added to all the last biases changes nothing: one eigenvalue is 0.
    assert found["nearest"] < found["tolerance"]
    assert found["condition"] is None
    text = netspec(home, "curvature", "flowers-1").out
    assert "no condition number: an eigenvalue cannot be told from 0" in text


def test_a_learning_rate(home: Path) -> None:
    result = netspec(home, "lr", "flowers.toml", "--json", "-o", "rates.png")
    assert (result.code, result.err) == (0, "")
    found = result.json()
    assert (found["spec"], found["optimizer"]) == ("flowers", "adam")
    assert found["suggested"] == pytest.approx(found["least"] / 10, rel=0.05)
    assert found["rates"][0] == pytest.approx(1e-7)
    assert png_size(home / "rates.png") == (1088, 736)
    text = netspec(home, "lr", "flowers.toml").out
    assert text.endswith(f"[optimizer] learning_rate = {found['suggested']:g}\n")
    assert not list((home / "runs").glob("flowers-[2-9]")), "nothing is recorded"


MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "another ending": (("paths", "sgd.toml", "-o", "x.gif"), "--out writes .png or .svg, not x.gif"),
    "a network": (("paths", "flowers.toml"), "paths are those of a point, and this is a network"),
    "three axes": (("paths", "sgd.toml", "--set", "model.point=[1.0, 2.0, 3.0]"), "this point has 3 axes"),
    "a long way": (("paths", "sgd.toml", "--set", "train.steps=2000000"), "of 1,000,000 steps at the most"),
    "an even size": (("landscape", "flowers-1", "--size", "4"), "--size must be an odd number from 3 to 201, not 4"),
    "no radius": (("landscape", "flowers-1", "--radius", "0"), "--radius must be above 0, not 0"),
    "no such part": (("curvature", "flowers-1", "--part", "tset"), "--part must be one of train, validation, test"),
    "no examples": (("curvature", "flowers-1", "--examples", "0"), "--examples must be at least 1, not 0"),
    "no steps": (("curvature", "flowers-1", "--steps", "0"), "--steps must be from 1 to"),
    "falling rates": (("lr", "flowers.toml", "--from", "1", "--to", "0.1"), "rates grow from above 0"),
    "few steps": (("lr", "flowers.toml", "--steps", "3"), "--steps must be from 10 to 100,000, not 3"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes(case: str, home: Path) -> None:
    command, message = MISTAKES[case]
    result = netspec(home, *command)
    assert result.code == 2
    assert message in result.err


def test_different_functions_are_told(home: Path) -> None:
    (home / "other.toml").write_text(POINT.format(name="sgd", rate=0.1).replace("25.0", "5.0"))
    result = netspec(home, "paths", "sgd.toml", "other.toml")
    assert result.code == 2
    assert "this is quadratic(condition=5.0), the first spec's quadratic(condition=25.0)" in result.err


def test_without_matplotlib_it_is_said_before_anything_is_done(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[..., Any] = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "matplotlib" else find(name, *rest)
    )
    for command in (("paths", "sgd.toml"), ("landscape", "flowers-1"), ("lr", "flowers.toml", "-o", "x.png")):
        result = netspec(home, *command)
        assert result.code == 2
        assert "pip install 'netspec[plot]'" in result.err
    assert netspec(home, "paths", "sgd.toml", "--json").code == 0
