"""Trainings as a person begins them and goes on with them: the data read, the run's directory made, events recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from netspec.commands.specs import Opened, check_lookups, dataset_of, linted, program_of
from netspec.commands.trained import Trained, open_run
from netspec.diagnostics import Diagnostic, Place, RunError, TrainingError
from netspec.document import written

if TYPE_CHECKING:
    from netspec.build import Program
    from netspec.data import Dataset
    from netspec.runs.events import Event
    from netspec.train.checkpoint import Checkpoint

__all__ = ["Session", "resume", "start"]


@dataclass(frozen=True, slots=True)
class Session:
    """A training, ready to begin or to go on.

    Args:
        run: its directory.
        warnings: what a person should know before.
        remarks: what is legal in the spec and most likely wrong, a line each.
    """

    run: Path
    program: Program
    dataset: Dataset
    resumed: Checkpoint | None
    warnings: tuple[Diagnostic, ...] = ()
    remarks: tuple[Diagnostic, ...] = ()

    def events(self, interrupted: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """Train, and record: each event is on the disk before it is given.

        Args:
            interrupted: is asked after every window of steps; where it says so, the training saves and stops.

        Raises:
            TrainingError: the training could not go on, or could not be recorded.
            RunError: another process trains this run, or the checkpoint does not fit.
        """
        from netspec.runs.directory import lock
        from netspec.runs.records import Recorder, cut_back
        from netspec.train.loop import train

        with lock(self.run):
            events = train(self.program, self.dataset, run=self.run, resumed=self.resumed, interrupted=interrupted)
            started = next(events)  # the checkpoint fits: only now may the record be cut back to it
            cut_back(self.run, 0 if self.resumed is None else self.resumed.step)
            with Recorder(self.run) as recorder:
                for event in chain([started], events):
                    try:
                        recorder.record(event)
                    except RunError as error:
                        raise TrainingError(*error.diagnostics) from error
                    yield event


def start(opened: Opened, out: Path = Path("runs"), device: str | None = None) -> Session:
    """Prepare a new training: read the data, build the program, make the run's directory.

    Args:
        out: the directory of runs.
        device: "cpu", "gpu" or "tpu"; JAX's own choice where none is given.

    Raises:
        NetspecError: a mistake in the spec or the data, or no such device.
    """
    from netspec.runs.directory import create, prepare
    from netspec.runs.environment import environment
    from netspec.train.device import choose, described, keep_compiled

    choose(device)
    keep_compiled()
    dataset = dataset_of(opened)
    program = program_of(opened.spec, dataset.facts)
    for part in (dataset.train, dataset.validation, dataset.test):
        check_lookups(program.network.graph, part.inputs)
    surroundings = environment(device=described(), precision="float32", data=dataset.fingerprint)
    resolved = _resolved(opened, program, dataset)
    run = create(out, program.spec.name)
    prepare(
        run,
        spec=written(opened.spec.document),
        resolved=resolved,
        environment={**surroundings, "directory": str(opened.directory.resolve())},
    )
    return Session(run, program, dataset, None, (*dataset.warnings, *_space(run, program)), _remarks(program, dataset))


def resume(path: Path, device: str | None = None, edited: bool = False) -> Session:
    """Prepare to go on where a run stopped.

    Args:
        edited: go on although the run's spec was changed since.

    Raises:
        RunError: the run is done, its spec or its data were changed, its checkpoints do not fit.
    """
    from netspec.runs.environment import versions
    from netspec.train.checkpoint import newest
    from netspec.train.device import choose, described, keep_compiled

    choose(device)
    keep_compiled()
    trained = open_run(path)
    if trained.run.state == "done" and not edited:
        raise RunError(
            Diagnostic(
                "run-done",
                f"{path} is done: there is nothing to go on with",
                help=f"netspec evaluate {quote(str(path))}",
            )
        )
    if not edited:
        _check_unchanged(trained)
    dataset = dataset_of(trained.opened)
    if dataset.fingerprint != trained.run.environment.get("data") and not edited:
        message = "the data is not what the run was trained on"
        raise RunError(
            Diagnostic("data-changed", message, file=str(path), help="--edited goes on with it all the same")
        )
    program = program_of(trained.opened.spec, dataset.facts)
    checkpoint, damaged = newest(path)
    warnings = list(damaged)
    if checkpoint is not None:
        _check_fits(path, checkpoint, program)
        now = versions()
        changed = [f"{k} {v} → {now.get(k)}" for k, v in checkpoint.versions.items() if now.get(k) != v]
        if described() != trained.run.environment.get("device"):
            changed.append(f"device {trained.run.environment.get('device')} → {described()}")
        if changed:
            message = f"going on under other versions, so perhaps to other bits: {', '.join(changed)}"
            warnings.append(Diagnostic("versions", message, severity="warning"))
    return Session(path, program, dataset, checkpoint, tuple(warnings))


def _remarks(program: Program, dataset: Dataset) -> tuple[Diagnostic, ...]:
    """What `check` warns about, in short: where it is, and what."""
    found = linted(program, dataset.train.targets)
    return tuple(Diagnostic(one.code, one.message + _at(one.place), severity="warning") for one in found)


def _at(place: Place | None) -> str:
    return "" if place is None else f" ({place.source.name}:{place.line})"


def _space(run: Path, program: Program) -> tuple[Diagnostic, ...]:
    from netspec.report.inspection import inspect
    from netspec.train.checkpoint import free_space

    memory = inspect(program.spec, program.facts).memory
    kept = 2 if program.judge.keep else 1
    warning = free_space(run, memory.parameters * kept + memory.optimizer)
    return () if warning is None else (warning,)


def _resolved(opened: Opened, program: Program, dataset: Dataset) -> dict[str, Any]:
    """Everything filled in: what the run is known by from now on, its data absent or its libraries changed."""
    from netspec.report import inspection

    return {
        "spec": _plain(opened.spec.document.values),
        "facts": program.facts.to_json(),
        "preparation": dataset.preparation.to_json(),
        "steps": program.steps,
        "steps_per_epoch": program.clock.per_epoch,
        "batch": program.batch,
        "network": inspection.to_json(inspection.inspect(program.spec, program.facts)),
    }


def _plain(values: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(values, default=str))


def _check_unchanged(trained: Trained) -> None:
    from netspec.report import values
    from netspec.report.differences import differences

    both = [trained.run.resolved.get("spec", {}), _plain(trained.opened.spec.document.values)]
    changed = [
        f"{d.path}: {' → '.join('nothing' if v is None else values.written(v) for v in d.values)}"
        for d in differences(both)
    ]
    if changed:
        raise RunError(
            Diagnostic(
                "spec-changed",
                f"the spec of {trained.run.path} was changed since it was trained",
                file=str(trained.run.path / "spec.toml"),
                note="; ".join(changed),
                help="change it back, train anew, or say --edited if it is meant",
            )
        )


def _check_fits(path: Path, checkpoint: Checkpoint, program: Program) -> None:
    phase = checkpoint.meta.get("phase", 0)
    if phase >= len(program.phases):
        message = f"{path} is in its phase {phase + 1}, and its spec has {len(program.phases)}"
        raise RunError(Diagnostic("run-done", message, file=str(path)))
    end = checkpoint.meta["behind"] + program.phases[phase].clock.steps
    if checkpoint.step > end:
        message = f"{path} is at step {checkpoint.step}, past the {end} that its spec asks for"
        raise RunError(Diagnostic("run-done", message, file=str(path)))
