"""What a training ran on."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netspec.runs.environment import environment, versions


def test_it_is_json_with_what_was_passed_in_and_what_was_found() -> None:
    found = environment(device="cpu, 2 cores", precision="float32", data="sha256:1f")
    assert json.loads(json.dumps(found)) == found
    assert (found["device"], found["precision"], found["data"]) == ("cpu, 2 cores", "float32", "sha256:1f")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(found["started"])).total_seconds()) < 60
    assert found["versions"] == versions()
    assert versions()["jax"]


def test_the_commit_is_that_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    facts = {"device": "cpu", "precision": "float32", "data": ""}
    assert environment(**facts)["commit"] is None

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        return subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    assert environment(**facts)["commit"] is None
    git("commit", "--allow-empty", "--message", "first")
    assert environment(**facts)["commit"] == git("rev-parse", "HEAD")
    monkeypatch.setenv("PATH", "")
    assert environment(**facts)["commit"] is None
