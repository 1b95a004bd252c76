"""Runs given other names. Runs that were trained at once know each other by name, and go on knowing each other."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from netspec.diagnostics import Diagnostic, RunError
from netspec.runs.atomic import sync_folder, write_json, writing
from netspec.runs.directory import ENVIRONMENT, check_name, lock
from netspec.runs.glance import glance
from netspec.runs.removal import check_whole
from netspec.runs.selection import NEWEST

__all__ = ["rename"]


def rename(run: Path, name: str) -> Path:
    """Give a run another name, in the same folder; where it is then.

    Killed in between, it has one of both names, and is whole. Runs that were trained at once then miss one of them, and
    refuse to go on without it; to name it once more mends that.

    Raises:
        RunError: it is no run, or is being trained; the name is not fit for a run, or is taken; or the system does not
            allow it.
    """
    check_whole(run)
    check_name(name, f"a run cannot be called {name!r}")
    if name == NEWEST:
        raise RunError(Diagnostic("run-name", f"a run cannot be called {name!r}", note="that means the newest run"))
    given, run = run, Path(os.path.realpath(run))
    target = run.with_name(name)
    not_others = (run.name, name, "", "..")
    others = [other for other in glance(run).together if Path(other).name == other not in not_others]
    known = [run, *(run.with_name(other) for other in others if (run.with_name(other) / ENVIRONMENT).is_file())]
    with ExitStack() as held:
        for one in known:
            held.enter_context(lock(one))
        held.enter_context(_claimed(target))
        tables = {one: table for one in known if (table := _table(one / ENVIRONMENT)) is not None}
        with _undone(tables):
            for one, table in tables.items():
                # Under both names until it has one: a kill leaves none of them that seems to have been trained alone.
                _write(one, {**table, "together": _renamed(table["together"], run.name, [run.name, name])})
            with writing(run):
                run.rename(target)
                sync_folder(target.parent)
    for one, table in tables.items():
        place = target if one == run else one
        _write(place, {**table, "together": _renamed(table["together"], run.name, [name])})
    return given.with_name(name) if given.name == run.name else target


@contextmanager
def _claimed(target: Path) -> Iterator[None]:
    """A directory of that name, empty, which nobody else can have then; gone again where that comes to nothing.

    Raises:
        RunError: there is something of that name.
    """
    try:
        with writing(target):
            target.mkdir()
    except RunError as error:
        if not os.path.lexists(target):
            raise
        is_empty = target.is_dir() and not os.listdir(target)
        help_ = "choose another name" + ", or remove that empty folder" * is_empty
        raise RunError(
            Diagnostic("run-taken", f"there is a {target.name} already", file=str(target), help=help_)
        ) from error
    try:
        yield
    except BaseException:
        with suppress(OSError):
            target.rmdir()
        raise


@contextmanager
def _undone(tables: Mapping[Path, Mapping[str, Any]]) -> Iterator[None]:
    """Within it, what fails leaves the runs' environments as they were."""
    try:
        yield
    except BaseException:
        for run, table in tables.items():
            with suppress(RunError):
                _write(run, table)
        raise


def _table(path: Path) -> Mapping[str, Any] | None:
    """The environment of a run that was trained at once with others; None of any other."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) and isinstance(data.get("together"), list) else None


def _write(run: Path, table: Mapping[str, Any]) -> None:
    write_json(run / ENVIRONMENT, table)


def _renamed(names: Sequence[Any], old: str, new: Sequence[str]) -> list[Any]:
    """The names with other ones in the place of one, each once."""
    found = [entry for name in names for entry in (new if name == old else [name])]
    return list(dict.fromkeys(map(str, found)))
