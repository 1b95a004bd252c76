"""Runs taken away, so that a kill in between never leaves a part of a run that looks like one.

A run that is removed is first renamed to what no run is called, and is gone from then on; only then are its files
deleted. What a killed removal left of them, the next one in the same folder takes away.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from netspec.diagnostics import Diagnostic, RunError
from netspec.runs.atomic import sync_folder, writing
from netspec.runs.directory import ENVIRONMENT, LOCK, RESOLVED, SPEC, lock
from netspec.runs.glance import Glance
from netspec.runs.labels import TAGS
from netspec.runs.records import EVENTS
from netspec.runs.references import Reference

__all__ = ["Doomed", "Removal", "check_whole", "doomed", "remove"]

_GONE = re.compile(r"\.removed-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Doomed:
    """A run that is to be removed.

    Args:
        run: what it came to.
        size: bytes of its files.
        checkpoint: the step of its newest checkpoint; None where it has none.
        strangers: what there is in its directory that is not the run's.
    """

    run: Glance
    size: int
    checkpoint: int | None
    strangers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """What would be lost, and who would miss it."""

    runs: tuple[Doomed, ...]
    references: tuple[Reference, ...]


def doomed(run: Glance) -> Doomed:
    """What is lost if a run is removed."""
    return Doomed(run, _size(run.path), _newest_checkpoint(run.path), _strangers(run.path))


def check_whole(run: Path) -> None:
    """See that a directory is a run, and the run itself: what somebody's folder with a `spec.toml` in it is not.

    Raises:
        RunError: it is none, or a link to one.
    """
    if os.path.islink(os.path.normpath(run)):  # a slash at the end would follow it
        message = f"{run} is a link to {os.path.realpath(run)}"
        raise RunError(Diagnostic("no-run", message, file=str(run), help="name the run itself"))
    if sum(os.path.isfile(run / name) for name in _FILES) < 2:
        message = f"{run} is no run: a run has {', '.join(_FILES)}"
        raise RunError(Diagnostic("no-run", message, file=str(run)))


def _strangers(run: Path) -> tuple[str, ...]:
    """What there is in a run's directory that is not the run's."""
    names = sorted(os.listdir(run))
    return tuple(name for name in names if name not in _OWN and not re.fullmatch(r"\..+\.[0-9]+\.tmp", name))


_FILES = (SPEC, RESOLVED, ENVIRONMENT, EVENTS)
_OWN = frozenset({*_FILES, LOCK, TAGS, "checkpoints", "loaded", "tensorboard", "wandb"})


def remove(runs: Sequence[Path]) -> None:
    """Remove runs, all that is in their directories; links in them are removed, and not what they lead to.

    Raises:
        RunError: one of them is none, or is being trained: none is removed then; or the system does not allow it.
    """
    for run in runs:
        check_whole(run)
    real = [Path(os.path.realpath(run)) for run in runs]
    for run in real:
        with lock(run):  # and not all at once, which would take as many open files
            pass
    for run in real:
        with lock(run):
            _delete(_hidden(run))
    for parent in {run.parent for run in real}:
        for left in _left_over(parent):
            shutil.rmtree(left, ignore_errors=True)


def _hidden(run: Path) -> Path:
    """The run under a name that no run has."""
    gone = run.with_name(f".removed-{secrets.token_hex(8)}")
    with writing(run):
        run.rename(gone)
        sync_folder(gone.parent)
    return gone


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)  # which goes by open folders, and follows no links
    except FileNotFoundError:
        pass  # another removal has cleared it away
    except OSError as error:
        message = f"the run is gone from the list, and its files could not all be deleted: {error.strerror or error}"
        help_ = "delete that folder by hand"
        raise RunError(Diagnostic("not-permitted", message, file=str(folder), help=help_)) from error


def _left_over(parent: Path) -> Iterator[Path]:
    """What killed removals have left in a folder."""
    with writing(parent):
        names = os.listdir(parent)
    return (parent / name for name in names if _GONE.fullmatch(name))


def _size(run: Path) -> int:
    """Bytes of the files in a run's directory; of links to others, none."""
    total = 0
    for folder, _, names in os.walk(run):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:  # gone since
                continue
    return total


def _newest_checkpoint(run: Path) -> int | None:
    """The step of a run's newest checkpoint, whole or not; None where there is none."""
    try:
        names = os.listdir(run / "checkpoints")
    except OSError:
        return None
    return max((int(found[1]) for name in names if (found := re.fullmatch("step-([0-9]{9,18})", name))), default=None)
