"""Every command of the README does what the README says, and every spec in it is a good one."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from sklearn.datasets import load_digits

from tests.command import netspec

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
CONSOLE = [line for language, text in BLOCKS if language == "console" for line in text.splitlines()]
SPECS = [text for language, text in BLOCKS if language == "toml"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a newcomer stands: the specs, and a picture of a digit."""
    from PIL import Image

    made = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "specs", made / "specs")
    pixels = load_digits().images[3] * 255 / 16
    Image.fromarray(pixels.astype("uint8")).save(made / "digit.png")
    return made


def test_the_tour(folder: Path) -> None:
    """The console lines in their order; a line that is no command is what the one before prints."""
    printed = ""
    for line in CONSOLE:
        if not line.startswith("$ "):
            assert line in printed.splitlines()
            continue
        words = shlex.split(line[2:])
        assert words[0] == "netspec"
        if words[1] == "resume":
            _kill(folder / "runs" / words[2])
        result = netspec(folder, *words[1:])
        begins_again = words[1] == "resume" and "it begins again" in result.err
        assert (line, result.code, "" if begins_again else result.err) == (line, 0, "")
        printed = result.out
    assert re.search(r"digit\.png,3,0\.\d+", printed)


def _kill(run: Path) -> None:
    """Bring a finished run to what a kill before its first checkpoint leaves."""
    shutil.rmtree(run / "checkpoints")
    events = (run / "events.jsonl").read_text().splitlines(keepends=True)
    (run / "events.jsonl").write_text("".join(events[: len(events) // 2]))


def test_the_spec_is_the_one_in_specs() -> None:
    assert (ROOT / "specs" / "lenet5.toml").read_text().endswith(SPECS[0])


def test_the_mistake_is_the_one_that_is_printed(folder: Path) -> None:
    shown = next(text for _, text in BLOCKS if text.startswith("error[unknown-key]"))
    text = (folder / "specs" / "lenet5.toml").read_text().replace("padding = 0, ", "padding = 0, strid = 2, ")
    (folder / "specs" / "misspelt.toml").write_text(text)
    result = netspec(folder, "check", "specs/misspelt.toml")
    (folder / "specs" / "misspelt.toml").unlink()
    assert result.code == 2
    numbers = re.compile(r"\d+")
    assert numbers.sub("#", result.err.strip()) == numbers.sub(
        "#", shown.strip().replace("lenet5.toml", "misspelt.toml")
    )


def test_the_block_of_ones_own(folder: Path) -> None:
    rest = README.split("[loss]")[1].split("```")[0]
    data = '[data]\nsource = "digits"\n'
    (folder / "own.toml").write_text(f"{data}{SPECS[1]}\n[loss]{rest}")
    result = netspec(folder, "check", "own.toml")
    assert (result.code, result.err) == (0, "")


def test_how_a_network_learns(folder: Path) -> None:
    rest = README.split("[loss]")[1].split("```")[0].split("[optimizer]")[0]
    (learning,) = (text for text in SPECS if "[[phase]]" in text)
    model = '[data]\nsource = "digits"\n[model]\nlayers = [{ conv = 8 }, "relu", "flatten", { dense = "$classes" }]\n'
    (folder / "learning.toml").write_text(f"{model}[loss]{rest}\n{learning}")
    result = netspec(folder, "check", "learning.toml")
    assert (result.code, result.err) == (0, "")


def test_the_table_has_every_command() -> None:
    from netspec.cli import app

    listed = re.findall(r"^\| `netspec (\w+)", README, re.MULTILINE)
    assert listed == [(c.name or c.callback.__name__) for c in app.registered_commands if c.callback]
