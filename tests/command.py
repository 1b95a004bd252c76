"""The command for tests: run in this process, where JAX is there already, or as a process of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from netspec.cli import main
from netspec.commands import Session
from netspec.runs.events import Event
from netspec.train.requests import Requests


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def netspec(folder: Path, *arguments: str | Path) -> Result:
    """Run `netspec` with these arguments in a folder, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as left,
    ):
        main([str(a) for a in arguments])
    assert "Traceback" not in err.getvalue()
    return Result(int(left.value.code or 0), out.getvalue(), err.getvalue())


def started(folder: Path, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
    """Begin to run `netspec` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "netspec", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> Result:
    """Wait for what `started` began."""
    out, err = process.communicate(timeout=120)
    return Result(process.returncode, out, err)


def stopped_after(session: Session, events: int) -> Event:
    """Train, ask for a stop after so many events, and give the last one."""
    requests, seen = Requests(), []
    for event in session.events(requests):
        seen.append(event)
        if len(seen) > events:
            requests.stop()
    return seen[-1]
