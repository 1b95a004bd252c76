"""Emitted source against netspec's own functions: the same bits, in an interpreter that has no netspec."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from own import Case, with_source, write_job

HERE = Path(__file__).parent
SPECS = HERE.parents[1] / "specs"
PADDED = {"padded_memory": "int32", "padded_words": "int32", "padded_numbers": "float32"}
SMALLER = {"resnet50": 32, "mobilenet": 32, "squeezenet": 64, "googlenet": 80}
"""Networks for pictures that are run on small ones."""


def cases() -> list[Case]:
    forms = [
        Case(path.stem, text=path.read_text("utf-8"), padded=PADDED.get(path.stem, ""))
        for path in sorted((HERE / "forms").glob("*.toml"))
    ]
    valid = HERE.parent / "specs" / "valid"
    trained = [*valid.glob("loss_*.toml"), *valid.glob("schedule_*.toml"), *valid.glob("train_*.toml")]
    trained += (HERE / "trained").glob("*.toml")
    specs = [Case(path.stem, path=str(path)) for path in sorted([*with_source(SPECS), *trained])]
    smaller = [
        Case(f"small_{name}", str(SPECS / f"{name}.toml"), settings=(f"model.input=[{n}, {n}, 3]",), compare="outputs")
        for name, n in SMALLER.items()
    ]
    return [*forms, *specs, *smaller]


CASES = {case.name: case for case in cases()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each case, with what both sides found."""
    whole = tmp_path_factory.mktemp("emitted")
    for case in CASES.values():
        write_job(whole / case.name, case)
    folders = [str(path) for path in sorted(whole.iterdir())]
    # Machine code that is not optimised takes half as long to be made; what XLA makes of a network is the same.
    settings = os.environ | {"XLA_FLAGS": "--xla_backend_optimization_level=0", "JAX_PLATFORMS": "cpu"}
    commands = [[sys.executable, str(HERE / "own.py")], [sys.executable, "-I", str(HERE / "stranger.py")]]
    running = [
        subprocess.Popen([*command, *folders], env=settings, stderr=subprocess.PIPE, text=True) for command in commands
    ]
    for process in running:
        _, told = process.communicate()
        assert process.returncode == 0, told[-3000:]
    return whole


@pytest.mark.parametrize("name", CASES)
def test_the_same_bits(name: str, folder: Path) -> None:
    own, emitted = _found(folder / name / "own.npz"), _found(folder / name / "emitted.npz")
    assert set(own) == set(emitted)
    assert own
    different = [key for key, value in own.items() if not np.array_equal(value, emitted[key], equal_nan=True)]
    assert not different


def _found(path: Path) -> dict[str, Any]:
    return dict(np.load(path))
