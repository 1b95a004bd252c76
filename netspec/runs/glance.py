"""What is told of a run at a glance: from a few lines of its record and a file or two beside it.

A list of thousands of runs is made of this, so a run costs no more than a few system calls and a few lines of JSON.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from netspec.diagnostics import Diagnostic, RunError
from netspec.runs.atomic import reading
from netspec.runs.directory import ENDS, ENVIRONMENT, LOCK, PARENT, RESOLVED, SPEC, State, is_locked
from netspec.runs.labels import TAGS, tags_in
from netspec.runs.records import EVENTS
from netspec.runs.skim import Skim, skim

__all__ = ["Glance", "glance", "glances"]

LARGEST = 2**22
"""Bytes that are read of a file beside the record, at the most."""


@dataclass(frozen=True, slots=True)
class Glance:
    """A run, as a list of runs shows it.

    Args:
        path: its directory.
        state: as in `Run`.
        tags: that people gave it.
        metric: the "part/metric" that decides which step was best, in its last phase; None before it began.
        higher_is_better: whether more of that is better.
        best, best_step: the best value of it so far, and when.
        metrics: by "part/metric": of the parameters that are kept, or of the last evaluation.
        step, steps: made so far, and planned.
        epoch, epochs: passes over the training examples, made so far and planned.
        seconds: of training, of all sessions, up to the last thing that is recorded.
        time: when that was, in seconds since 1970.
        device: what it runs on, in words.
        seed: of everything random.
        began: seconds since 1970 when its first session began; None where nothing says so.
        together: the names of the runs that were trained at once with it, its own among them.
        damages: a warning for each part of it that is missing or cannot be read.
    """

    path: Path
    state: State
    tags: tuple[str, ...] = ()
    metric: str | None = None
    higher_is_better: bool = False
    best: float | None = None
    best_step: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    steps: int | None = None
    epoch: float = 0.0
    epochs: float | None = None
    seconds: float | None = None
    time: float | None = None
    device: str | None = None
    seed: int | None = None
    began: float | None = None
    together: tuple[str, ...] = ()
    damages: tuple[Diagnostic, ...] = ()

    @property
    def name(self) -> str:
        """What it is called: its directory's name."""
        return self.path.name

    def elapsed(self, now: float) -> float | None:
        """Seconds of training: until now where it is still going on."""
        if self.seconds is None or self.time is None or self.state != "running":
            return self.seconds
        return self.seconds + max(0.0, now - self.time)


def glance(path: Path) -> Glance:
    """What is told of a run at a glance; what cannot be read of it is in its damages.

    Raises:
        RunError: there is no run.
    """
    found = _glance(path)
    if found is None:
        raise RunError(Diagnostic("no-run", f"there is no run in {path}", file=str(path)))
    return found


def glances(parent: Path = PARENT) -> tuple[tuple[Glance, ...], tuple[Diagnostic, ...]]:
    """The runs under a folder, the newest first, and a warning for each folder in it that cannot be read."""
    if not os.path.isdir(parent):
        return (), ()
    with reading(parent):
        names = [name for name in os.listdir(parent) if not name.startswith(".")]
    runs: list[Glance] = []
    damages: list[Diagnostic] = []
    for name in names:
        try:
            found = _glance(parent / name)
        except RunError as error:
            damages += _warnings(error)
        else:
            runs += [found] if found else []
    runs.sort(key=lambda run: (run.began or 0.0, run.name), reverse=True)
    return tuple(runs), tuple(damages)


def _glance(path: Path) -> Glance | None:
    try:
        with reading(path):
            names = frozenset(os.listdir(path))
    except FileNotFoundError:
        return None
    except RunError:
        if os.path.isdir(path):
            raise
        return None  # a file among the runs
    if names.isdisjoint((SPEC, RESOLVED, ENVIRONMENT, EVENTS)) or _is_being_made(path, names):
        return None
    damages = [_lacks(path, name) for name in (SPEC, RESOLVED) if name not in names]
    environment = _part(lambda: _environment(path), dict[str, Any](), damages)
    tags = _part(lambda: _tags(path), tuple[str, ...](), damages) if TAGS in names else ()
    record, state = _part(lambda: _training(path, names), _UNTOLD, damages)
    if record.size and record.time is None:
        message = f"{EVENTS} holds no event"
        damages.append(Diagnostic("run-damaged", message, file=str(path / EVENTS), severity="warning"))
    return _seen(path, state, tags, environment, record, tuple(damages))


def _is_being_made(path: Path, names: frozenset[str]) -> bool:
    """Whether the files that a run begins with are being written at this moment: its spec is the last of them."""
    if SPEC in names or EVENTS in names:
        return False
    try:
        return time.time() - path.stat().st_mtime < 1.0
    except OSError:
        return True  # and removed again


Part = TypeVar("Part")


def _part(read: Callable[[], Part], otherwise: Part, damages: list[Diagnostic]) -> Part:
    """A part of a run; where it is damaged, what stands for it, and the damage is noted."""
    try:
        return read()
    except RunError as error:
        damages += _warnings(error)
        return otherwise


def _warnings(error: RunError) -> list[Diagnostic]:
    return [replace(d, severity="warning") for d in error.diagnostics]


def _lacks(path: Path, name: str) -> Diagnostic:
    return Diagnostic("run-damaged", f"{path.name} lacks its {name}", file=str(path / name), severity="warning")


def _environment(run: Path) -> dict[str, Any]:
    path = run / ENVIRONMENT
    try:
        data = json.loads(_content(path))
    except FileNotFoundError:
        raise RunError(_lacks(run, ENVIRONMENT)) from None
    except (ValueError, RecursionError) as error:
        raise RunError(Diagnostic("run-damaged", f"{ENVIRONMENT} is not JSON: {error}", file=str(path))) from error
    if not isinstance(data, dict):
        message = f"{ENVIRONMENT} holds {type(data).__name__} where an object is expected"
        raise RunError(Diagnostic("run-damaged", message, file=str(path)))
    return data


def _tags(run: Path) -> tuple[str, ...]:
    try:
        return tags_in(_content(run / TAGS), run / TAGS)
    except FileNotFoundError:
        return ()  # dropped since


def _content(path: Path) -> bytes:
    with reading(path):
        # What is no file, such as a pipe that somebody put there, is not waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return os.read(descriptor, min(os.fstat(descriptor).st_size, LARGEST))
        finally:
            os.close(descriptor)


# -- the record --------------------------------------------------------------------------------------------------------


def _training(run: Path, names: frozenset[str]) -> tuple[Skim, State]:
    """What the record says, and what has become of the run."""
    record = skim(run) if EVENTS in names else Skim()
    if record.end is not None and not _is_taken_since(run, record.written):
        return record, ENDS.get(record.end.reason, "failed")
    if is_locked(run):
        return record, "running"
    if record.end is None:
        record = skim(run)  # again, as a training records its end before it lets go of the lock
    return record, "stopped" if record.end is None else ENDS.get(record.end.reason, "failed")


def _is_taken_since(run: Path, written: int) -> bool:
    """Whether a training may have taken the run since its record was written to: whoever locks it writes who he is.

    Both times are of one clock, and what cannot be told apart by it counts as taken.
    """
    try:
        return os.stat(run / LOCK).st_mtime_ns >= written
    except FileNotFoundError:
        return False


_UNTOLD: tuple[Skim, State] = (Skim(), "stopped")


def _seen(
    path: Path,
    state: State,
    tags: tuple[str, ...],
    environment: Mapping[str, Any],
    record: Skim,
    damages: tuple[Diagnostic, ...],
) -> Glance:
    """The run, from what its parts say."""
    began, device, together = _began(environment), environment.get("device"), environment.get("together")
    device = device if isinstance(device, str) else None
    together = tuple(map(str, together)) if isinstance(together, list) else ()
    first = record.first
    if first is None:
        return Glance(path, state, tags, device=device, began=began, together=together, damages=damages)
    course = record.course or first
    best, best_step = record.best_value()
    return Glance(
        path,
        state,
        tags,
        metric=course.metric,
        higher_is_better=course.higher_is_better,
        best=best,
        best_step=best_step,
        metrics=record.metrics(),
        step=record.step(),
        steps=course.steps,
        epoch=record.epoch(),
        epochs=course.steps / course.steps_per_epoch if course.steps_per_epoch else None,
        seconds=record.seconds(),
        time=record.time,
        device=device or first.device,
        seed=first.seed,
        began=first.time if began is None else began,
        together=together,
        damages=damages,
    )


def _began(environment: Mapping[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(str(environment.get("started"))).timestamp()
    except (ValueError, OverflowError, OSError):  # a year that no clock of the system has
        return None
