"""A run's directory: made, found, read and locked. The directory is the truth; there is nothing beside it.

Knows the names of the files and what they hold in outline; the events are the affair of `records`, and the checkpoints
that of the trainer.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from netspec.diagnostics import Diagnostic, RunError, nearest
from netspec.runs.atomic import reading, sync_folder, write_json, write_text, writing
from netspec.runs.events import Finished
from netspec.runs.records import EVENTS, last_event

__all__ = [
    "ENDS",
    "ENVIRONMENT",
    "LOCK",
    "PARENT",
    "RESOLVED",
    "SPEC",
    "Run",
    "State",
    "check_name",
    "create",
    "find",
    "folders",
    "is_locked",
    "is_run",
    "load",
    "lock",
    "prepare",
]

PARENT = Path("runs")

SPEC = "spec.toml"
RESOLVED = "resolved.json"
ENVIRONMENT = "environment.json"
LOCK = "lock"

State = Literal["running", "done", "interrupted", "diverged", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run's directory says of it; its events are read on their own, as they may be many.

    Args:
        path: the directory.
        spec: the spec's text, as written, with what it extends written in.
        resolved: the spec with everything filled in.
        environment: what it trains or trained on; "started" tells when.
        state: "running" while a process trains it; otherwise how the training ended, and "stopped" where the
            process ended without a word.
    """

    path: Path
    spec: str
    resolved: Mapping[str, Any]
    environment: Mapping[str, Any]
    state: State


def create(parent: Path, name: str) -> Path:
    """Make the directory of a new run: `name`-1 under `parent`, or one more than the highest number there.

    Two processes never get the same one.

    Raises:
        RunError: the name is not fit for a directory, or the system does not allow it.
    """
    check_name(name, f"a run's directory cannot be named after {name!r}")
    with writing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        number = max(_numbers(parent, name), default=0) + 1
        while not _made(parent / f"{name}-{number}"):
            number += 1
        sync_folder(parent)
    return parent / f"{name}-{number}"


def check_name(name: str, refusal: str) -> None:
    """See that a text can be the name of a run, or of a tag: in any file system, and typed in any shell.

    Raises:
        RunError: it cannot; the message is the refusal.
    """
    if not _NAME.fullmatch(name):
        note = "a name has at most 100 letters, digits, dots, hyphens and underscores, a letter or a digit first"
        raise RunError(Diagnostic("run-name", refusal, note=note))


_NAME = re.compile(r"[^\W_][\w.-]{0,99}")


def prepare(run: Path, *, spec: str, resolved: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
    """Write what is known of a run before its first step.

    Raises:
        RunError: the disk is full, or the system does not allow writing.
    """
    write_json(run / ENVIRONMENT, environment)
    write_json(run / RESOLVED, resolved)
    write_text(run / SPEC, spec)


def load(path: Path) -> Run:
    """Read a run.

    Raises:
        RunError: there is no such directory, or one of its files is missing or damaged.
    """
    if not is_run(path):
        raise RunError(Diagnostic("no-run", f"there is no run in {path}", file=str(path)))
    return Run(
        path=path,
        spec=_text(path / SPEC),
        resolved=_table(path / RESOLVED),
        environment=_table(path / ENVIRONMENT),
        state=_state(path),
    )


def find(text: str, parent: Path = PARENT) -> Path:
    """The directory of the run that a person means: a path, or the bare name of one under `parent`, which comes first.

    Raises:
        RunError: there is none; the nearest name and the runs there are in the message.
    """
    bare = Path(text).name == text
    for path in (parent / text, Path(text)) if bare else (Path(text), parent / text):
        if is_run(path):
            return path
    names = [path.name for path in folders(parent)]
    meant = nearest(Path(text).name, names)
    raise RunError(
        Diagnostic(
            "no-run",
            f"there is no run {text!r}, neither as a path nor in {parent}",
            note=_listed(names) if names else f"{parent} holds no runs yet",
            help=f"did you mean {meant!r}?" if meant else "",
        )
    )


@contextmanager
def lock(run: Path) -> Iterator[None]:
    """Hold the run for this process as long as the block lasts: nobody else trains it, and readers see it "running".

    The system lets go of it when the process ends, however it ends.

    Raises:
        RunError: another process holds it ("run-busy"), or the file system has no locks.
    """
    path = run / LOCK
    with writing(path):
        # No link is followed: what it led to would be written over.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        with writing(path):
            if not _taken(descriptor):
                raise RunError(_busy(run, os.pread(descriptor, 200, 0)))
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    # A reader holds the lock for an instant to see whether it is free, so one refusal says little.
    for _ in range(20):
        if _locks(descriptor, fcntl.LOCK_EX):
            return True
        time.sleep(0.02)
    return False


def _locks(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _busy(run: Path, holder: bytes) -> Diagnostic:
    who = holder.decode(errors="replace") or "another process"
    return Diagnostic("run-busy", f"{run.name} is being trained by {who}", file=str(run))


ENDS: Mapping[str, State] = {"done": "done", "interrupted": "interrupted", "diverged": "diverged"}


def _state(run: Path) -> State:
    # The lock comes first: a training records its end before it lets go.
    if is_locked(run):
        return "running"
    last = last_event(run)
    return ENDS.get(last.reason, "failed") if isinstance(last, Finished) else "stopped"


def is_locked(run: Path) -> bool:
    """Whether a process trains the run now."""
    path = run / LOCK
    with reading(path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe that somebody put there is not waited for
        except FileNotFoundError:
            return False
        try:
            return not _locks(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)


def is_run(path: Path) -> bool:
    """Whether a run was begun there; a damaged one counts, so that reading it can say what is wrong."""
    return any(os.path.isfile(path / name) for name in (SPEC, RESOLVED, ENVIRONMENT, EVENTS))


def folders(parent: Path) -> list[Path]:
    """The runs under a folder, the last touched first; what is hidden is none, such as what is being removed."""
    if not os.path.isdir(parent):
        return []
    with reading(parent):
        shown = (path for path in parent.iterdir() if not path.name.startswith("."))
        return sorted(filter(is_run, shown), key=_touched, reverse=True)


def _touched(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # removed since it was listed


def _numbers(parent: Path, name: str) -> Iterator[int]:
    pattern = re.compile(rf"{re.escape(name)}-([0-9]{{1,9}})")
    return (int(found[1]) for path in parent.iterdir() if (found := pattern.fullmatch(path.name)))


def _made(path: Path) -> bool:
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def _text(path: Path) -> str:
    with reading(path):
        try:
            return path.read_bytes().decode()
        except FileNotFoundError:
            raise _damaged(path, f"{path.parent.name} lacks its {path.name}") from None
        except UnicodeDecodeError as error:
            raise _damaged(path, f"{path.name} is not UTF-8 from byte {error.start} on") from error


def _table(path: Path) -> dict[str, Any]:
    text = _text(path)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"{path.name} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise _damaged(path, f"{path.name} holds {type(data).__name__} where an object is expected")
    return data


def _damaged(path: Path, message: str) -> RunError:
    return RunError(Diagnostic("run-damaged", message, file=str(path)))


def _listed(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"the runs there: {', '.join(names[:most])}{more}"
