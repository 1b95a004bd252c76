"""Trainings as a person begins them: the data read, the run's directory made, events recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.commands.specs import Opened, check_lookups, dataset_of, linted, program_of
from netspec.diagnostics import Diagnostic, Place, RunError, SpecError, TrainingError
from netspec.document import written

if TYPE_CHECKING:
    from netspec.build import Program
    from netspec.data import Dataset
    from netspec.runs.events import Event
    from netspec.train.checkpoint import Checkpoint
    from netspec.train.requests import Requests

__all__ = ["Session", "check_abreast", "plain", "start"]


@dataclass(frozen=True, slots=True)
class Session:
    """A training, ready to begin or to go on.

    Args:
        runs: the directory of each run; several, where one spec is trained with several seeds at once.
        seeds: of each.
        resumed: where each goes on.
        over: which of the runs are not gone on with, while others are.
        start: weights to begin with, by path, in the place of initial ones.
        warnings: what a person should know before.
        remarks: what is legal in the spec and most likely wrong, a line each.
    """

    runs: tuple[Path, ...]
    seeds: tuple[int, ...]
    program: Program
    dataset: Dataset
    resumed: tuple[Checkpoint | None, ...]
    start: Mapping[str, Any] | None = None
    warnings: tuple[Diagnostic, ...] = ()
    remarks: tuple[Diagnostic, ...] = ()
    over: frozenset[int] = frozenset()

    @property
    def run(self) -> Path:
        """The directory of the run, or of the first of several."""
        return self.runs[0]

    def events(self, requests: Requests | None = None) -> Iterator[Event]:
        """Train, and record: each event is on the disk before it is given.

        Args:
            requests: what a person asks of it while it goes on; looked at after every window of steps.

        Yields:
            What happens; of several runs, the mean of what happens to each.

        Raises:
            TrainingError: the training could not go on, or could not be recorded.
            RunError: another process trains this run, or the checkpoint does not fit.
        """
        from netspec.runs.together import as_one

        recorded = self._recorded(requests)
        if len(self.runs) == 1:
            yield from (event for _, event in recorded)
            return
        for event in as_one(recorded, len(self.runs)):
            yield event
        if getattr(event, "reason", "") == "diverged":
            raise TrainingError(Diagnostic("diverged", f"none of the {len(self.runs)} runs came to an end"))

    def _recorded(self, requests: Requests | None) -> Iterator[tuple[int, Event]]:
        from netspec.commands.reported import reported
        from netspec.runs.directory import lock
        from netspec.runs.records import Recorder, cut_back
        from netspec.train.loop import Learner, train_abreast

        with ExitStack() as held:
            for run in self.runs:
                held.enter_context(lock(run))
            each = zip(self.runs, self.seeds, self.resumed, strict=True)
            learners = [Learner(*one, ended=i in self.over) for i, one in enumerate(each)]
            events = train_abreast(self.program, self.dataset, learners, start=self.start, requests=requests)
            first = next(events)  # the checkpoint fits: only now may the record be cut back to it
            going = {i: learner for i, learner in enumerate(learners) if not learner.ended}
            for learner in going.values():
                assert learner.run is not None
                cut_back(learner.run, 0 if learner.resumed is None else learner.resumed.step)
            recorders = {i: held.enter_context(Recorder(self.runs[i])) for i in going}
            told = reported(chain([first], events), self.program.spec, self.runs)
            for i, event in held.enter_context(closing(told)):
                try:
                    recorders[i].record(event)
                except RunError as error:
                    raise TrainingError(*error.diagnostics) from error
                yield i, event


def start(opened: Sequence[Opened], out: Path = Path("runs"), device: str | None = None) -> Session:
    """Prepare a new training: read the data, build the program, make the run's directory.

    Args:
        opened: the spec; or the same one several times, with other seeds, to be trained at once.
        out: the directory of runs.
        device: "cpu", "gpu" or "tpu"; JAX's own choice where none is given.

    Raises:
        NetspecError: a mistake in the spec or the data, or no such device.
    """
    from netspec.commands.reported import check_installed
    from netspec.commands.started import keep_loaded, start_arrays
    from netspec.train.device import choose, keep_compiled

    choose(device)
    keep_compiled()
    first = opened[0]
    check_installed(first.spec)
    dataset = dataset_of(first)
    program = program_of(first.spec, dataset.facts)
    for part in (dataset.train, dataset.validation, dataset.test):
        check_lookups(program.network.graph, part.inputs)
    if len(opened) > 1:
        check_abreast(program)
    begun = start_arrays(program.spec, program.network.graph, first.directory)
    runs = _created(opened, program, dataset, out)
    for run in runs:
        keep_loaded(program.network.graph, run)
    remarks = _remarks(program, dataset)
    if begun is not None:
        remarks = (Diagnostic("start", begun.remark, severity="warning"), *remarks)
    return Session(
        runs,
        tuple(one.spec.seed for one in opened),
        program,
        dataset,
        (None,) * len(runs),
        None if begun is None else begun.arrays,
        (*dataset.warnings, *_space(runs[0], program, len(runs))),
        remarks,
    )


def check_abreast(program: Program) -> None:
    """See that a spec can be trained with several seeds at once.

    Raises:
        SpecError: it cannot.
    """
    document = program.spec.document
    if program.members is not None:
        place = document.key_place(("train", "members"))
        help_ = "train one seed at a time, with --seed"
        message = "the members of an ensemble are trained side by side already, and so cannot several seeds be"
        raise SpecError(Diagnostic("choice", message, place, help=help_))
    stopping = [phase for phase in program.phases if phase.train.stop is not None]
    if stopping and len(program.phases) > 1:
        place = document.key_place(stopping[0].spec.at("train", "stop"))
        message = "phases that end early end at other steps with other seeds, which side by side is not there yet"
        raise SpecError(Diagnostic("unsupported", message, place, help="train one seed at a time, with --seed"))


def _created(opened: Sequence[Opened], program: Program, dataset: Dataset, out: Path) -> tuple[Path, ...]:
    """The directories of new runs, with all that is known of them before the first step."""
    from netspec.runs.directory import create, prepare
    from netspec.runs.environment import environment
    from netspec.train.device import described

    surroundings = environment(device=described(), precision="float32", data=dataset.fingerprint)
    resolved = _resolved(opened[0], program, dataset)
    runs = tuple(create(out, program.spec.name) for _ in opened)
    together = {"together": [run.name for run in runs]} if len(runs) > 1 else {}
    for run, one in zip(runs, opened, strict=True):
        prepare(
            run,
            spec=written(one.spec.document),
            resolved={**resolved, "spec": plain(one.spec.document.values)},
            environment={**surroundings, **together, "directory": str(one.directory.resolve())},
        )
    return runs


def _remarks(program: Program, dataset: Dataset) -> tuple[Diagnostic, ...]:
    """What `check` warns about, in short: where it is, and what."""
    found = linted(program, dataset.train.targets)
    return tuple(Diagnostic(one.code, one.message + _at(one.place), severity="warning") for one in found)


def _at(place: Place | None) -> str:
    return "" if place is None else f" ({place.source.name}:{place.line})"


def _space(run: Path, program: Program, runs: int) -> tuple[Diagnostic, ...]:
    from netspec.report.inspection.inspect import inspect
    from netspec.train.checkpoint import free_space

    memory = inspect(program.spec, program.facts).memory
    kept = 2 if any(phase.judge.keep for phase in program.phases) else 1
    warning = free_space(run, runs * (memory.parameters * kept + memory.optimizer))
    return () if warning is None else (warning,)


def _resolved(opened: Opened, program: Program, dataset: Dataset) -> dict[str, Any]:
    """Everything filled in: what the run is known by from now on, its data absent or its libraries changed."""
    from netspec.report.inspection.inspect import inspect, to_json

    return {
        "spec": plain(opened.spec.document.values),
        "facts": program.facts.to_json(),
        "preparation": dataset.preparation.to_json(),
        "steps": program.steps,
        "steps_per_epoch": program.clock.per_epoch,
        "batch": program.batch,
        "network": to_json(inspect(program.spec, program.facts)),
    }


def plain(values: Mapping[str, Any]) -> Any:
    """The values of a document as JSON has them."""
    return json.loads(json.dumps(values, default=str))
