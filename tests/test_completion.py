"""What the Tab key offers, asked for as shells do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from netspec.cli import app
from netspec.cli.completion import CHOICES, completed, families, words
from netspec.commands import KINDS
from netspec.report.comparison.compare import AXES, COSTS, VALUES
from netspec.report.drawing.styles import STATES
from netspec.spec.families import FAMILIES, members
from netspec.spec.optimizers import OPEN, Clip
from netspec.spec.pages import pages

ROOT = Path(__file__).parents[1]
HOSTILE = "$(touch owned)"

Ask = Callable[..., list[str]]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """What Bash is offered for the last of some words, in a folder with runs and specs."""
    for name in ("lenet5-1", "lenet5-2", "vgg-1", HOSTILE, "notes"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        if name != "notes":
            (tmp_path / "runs" / name / "spec.toml").touch()
    (tmp_path / "runs/lenet5-2/tags.json").write_text(json.dumps(["best", HOSTILE, 7]))
    (tmp_path / "runs/vgg-1/tags.json").write_text('{"damaged"')
    record = {"event": "evaluated", "metrics": {"validation/accuracy": 0.9, "validation/loss": 0.3}}
    (tmp_path / "runs/lenet5-2/events.jsonl").write_text(json.dumps(record))
    (tmp_path / "specs").mkdir()
    for name in ("lenet5.toml", "lenet300.toml", "notes.md", f"{HOSTILE}.toml"):
        (tmp_path / "specs" / name).touch()
    (tmp_path / "own.toml").touch()
    monkeypatch.chdir(tmp_path)

    def asked(*given: str, shell: str = "bash") -> list[str]:
        monkeypatch.setenv("_NETSPEC_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("COMP_WORDS", "\n".join(("netspec", *given)))
        monkeypatch.setenv("COMP_CWORD", str(len(given)))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", " ".join(("netspec", *given)))
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        with pytest.raises(SystemExit) as ended:
            completed(app)([], prog_name="netspec")
        assert ended.value.code == 0
        return capsys.readouterr().out.split()

    return asked


@pytest.mark.parametrize(
    ("given", "offered"),
    [
        (["eva"], ["evaluate"]),
        (["evaluate", ""], ["lenet5-1", "lenet5-2", "vgg-1"]),
        (["evaluate", "len"], ["lenet5-1", "lenet5-2"]),
        (["evaluate", "runs/v"], ["runs/vgg-1"]),
        (["evaluate", "lenet5-1"], []),
        (["evaluate", "$("], []),
        (["evaluate", "nowhere/"], []),
        (["compare", "vgg-1", "n"], ["newest"]),
        (["compare", "vgg-1", "t"], ["tag:best"]),
        # Bash takes words apart at colons, and wants what follows the last.
        (["compare", "tag", ":"], ["best"]),
        (["compare", "tag", ":", "b"], ["best"]),
        (["compare", "tag", ":", "best", "v"], ["vgg-1"]),
        (["train", ""], ["own.toml", "specs/lenet300.toml", "specs/lenet5.toml"]),
        (["train", "specs/lenet5"], ["specs/lenet5.toml"]),
        (["check", "own.toml", "s"], ["specs/lenet300.toml", "specs/lenet5.toml"]),
        (["inspect", "l"], ["lenet5-1", "lenet5-2"]),
        (["train", "own.toml", "--device", ""], ["cpu", "gpu", "tpu"]),
        (["landscape", "vgg-1", "--part", "t"], ["test", "train"]),
        (["inspect", "own.toml", "--graph", "s"], ["svg"]),
        (["explain", "conv"], ["conv_transposed"]),
        (["runs", "--state", "d"], ["diverged", "done"]),
        (["runs", "--sort", "validation/l"], ["validation/loss"]),
        (["runs", "tag", "vgg-1", "--add", "b"], ["best"]),
        (["runs", "re"], ["remove", "rename"]),
        (["compare", "vgg-1", "--metric", ""], ["validation/accuracy", "validation/loss"]),
        (["compare", "vgg-1", "--cost", "m"], ["multiply-adds"]),
        (["plot", "vgg-1", "--kind", "c"], ["confusion", "curves"]),
        (["explain", "[tr"], []),
        (["list", "init"], ["initial_values"]),
        (["train", "--se"], ["--set", "--seed", "--seeds"]),
        (["predict", "vgg-1", ""], []),  # the shell offers files
    ],
)
def test_what_is_offered(ask: Ask, given: list[str], offered: list[str]) -> None:
    assert ask(*given) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_a_word_with_its_colon(ask: Ask, shell: str) -> None:
    offered = " ".join(ask("compare", "tag:b", shell=shell))
    assert "best" in offered
    assert "tag" in offered
    # Zsh takes what it is offered for code.
    assert "touch" not in " ".join(ask("evaluate", "", shell=shell))


def test_choices_are_those_that_there_are() -> None:
    assert {
        "STATE": (*STATES,),
        "WHICH": VALUES,
        "AXIS": (*AXES,),
        "WHAT": (*COSTS,),
        "KIND": KINDS,
    } == CHOICES


def test_words_are_those_of_the_manual() -> None:
    of_optax = {name for names, _ in OPEN.values() for name in names()}
    known = {page.name for page in pages()}
    whole_families = {family.family for family in FAMILIES.values()} - {"optimizer"}
    of_optax |= members(Clip).keys()
    assert known - of_optax - whole_families - {"value"} == (set(words()) & known) - of_optax - whole_families
    # Optax itself has functions that a spec cannot ask for; they are few.
    assert len(set(words()) - known) <= 5
    assert {"adam", "lion", "sgd", "muon", "newton"} <= set(words())
    assert families() == (*(word.replace(" ", "_") for word in FAMILIES), "sections", "values")


def test_it_loads_neither_jax_nor_the_spec_and_a_shell_takes_its_answer(tmp_path: Path) -> None:
    (tmp_path / "runs/lenet5-1").mkdir(parents=True)
    (tmp_path / "runs/lenet5-1/spec.toml").touch()
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    program = tmp_path / "netspec"
    report = "print(*sorted(m for m in ('jax', 'numpy', 'rich', 'netspec.spec') if m in sys.modules), file=sys.stderr)"
    source = f"import atexit, sys\natexit.register(lambda: {report})\nfrom netspec.cli import main\nmain()\n"
    program.write_text(f"#!{sys.executable}\n{source}")
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    script = (
        'eval "$(netspec --show-completion bash 2>/dev/null)"; COMP_WORDS=(netspec evaluate l); COMP_CWORD=2;'
        '_netspec_completion netspec; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    answered = subprocess.run(
        [bash, "--norc", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert answered.stdout == "lenet5-1\n"
    assert answered.stderr.strip() == ""
