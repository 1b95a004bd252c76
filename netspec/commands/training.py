"""Trainings as a person begins them and goes on with them: the data read, the run's directory made, events recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from netspec.commands.specs import Opened, check_lookups, dataset_of, linted, program_of
from netspec.commands.trained import Trained, open_run
from netspec.diagnostics import Diagnostic, Place, RunError, SpecError, TrainingError
from netspec.document import written

if TYPE_CHECKING:
    from netspec.build import Program
    from netspec.data import Dataset
    from netspec.report.differences import Difference
    from netspec.runs.events import Event
    from netspec.train.checkpoint import Checkpoint

__all__ = ["Session", "resume", "start"]


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

    def events(self, interrupted: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """Train, and record: each event is on the disk before it is given.

        Args:
            interrupted: is asked after every window of steps; where it says so, the training saves and stops.

        Yields:
            What happens; of several runs, the mean of what happens to each.

        Raises:
            TrainingError: the training could not go on, or could not be recorded.
            RunError: another process trains this run, or the checkpoint does not fit.
        """
        from netspec.runs.together import as_one

        recorded = self._recorded(interrupted)
        if len(self.runs) == 1:
            yield from (event for _, event in recorded)
            return
        for event in as_one(recorded, len(self.runs)):
            yield event
        if getattr(event, "reason", "") == "diverged":
            raise TrainingError(Diagnostic("diverged", f"none of the {len(self.runs)} runs came to an end"))

    def _recorded(self, interrupted: Callable[[], bool]) -> Iterator[tuple[int, Event]]:
        from netspec.runs.directory import lock
        from netspec.runs.records import Recorder, cut_back
        from netspec.train.loop import Learner, train_abreast

        with ExitStack() as held:
            for run in self.runs:
                held.enter_context(lock(run))
            each = zip(self.runs, self.seeds, self.resumed, strict=True)
            learners = [Learner(*one, ended=i in self.over) for i, one in enumerate(each)]
            events = train_abreast(self.program, self.dataset, learners, start=self.start, interrupted=interrupted)
            first = next(events)  # the checkpoint fits: only now may the record be cut back to it
            going = {i: learner for i, learner in enumerate(learners) if not learner.ended}
            for learner in going.values():
                assert learner.run is not None
                cut_back(learner.run, 0 if learner.resumed is None else learner.resumed.step)
            recorders = {i: held.enter_context(Recorder(self.runs[i])) for i in going}
            for i, event in chain([first], events):
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
    from netspec.commands.started import keep_loaded, start_arrays
    from netspec.train.device import choose, keep_compiled

    choose(device)
    keep_compiled()
    first = opened[0]
    dataset = dataset_of(first)
    program = program_of(first.spec, dataset.facts)
    for part in (dataset.train, dataset.validation, dataset.test):
        check_lookups(program.network.graph, part.inputs)
    if len(opened) > 1:
        _check_abreast(program)
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


def _check_abreast(program: Program) -> None:
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
            resolved={**resolved, "spec": _plain(one.spec.document.values)},
            environment={**surroundings, **together, "directory": str(one.directory.resolve())},
        )
    return runs


def resume(path: Path, device: str | None = None, edited: bool = False) -> Session:
    """Prepare to go on where a run stopped; runs that were trained at once go on at once.

    Args:
        edited: go on although the run's spec was changed since.

    Raises:
        RunError: the run is done, its spec or its data were changed, its checkpoints do not fit.
    """
    from netspec.train.device import choose, keep_compiled

    choose(device)
    keep_compiled()
    trained = open_run(path)
    each = [trained if p == path else open_run(p) for p in _together(trained, edited)]
    if all(one.run.state == "done" for one in each) and not edited:
        message, help_ = f"{path} is done: there is nothing to go on with", f"netspec evaluate {quote(str(path))}"
        raise RunError(Diagnostic("run-done", message, help=help_))
    for one in each:
        if edited:
            _check_alike(trained, one)
        else:
            _check_unchanged(one)
    dataset = dataset_of(trained.opened)
    if dataset.fingerprint != trained.run.environment.get("data") and not edited:
        message = "the data is not what the run was trained on"
        raise RunError(
            Diagnostic("data-changed", message, file=str(path), help="--edited goes on with it all the same")
        )
    program = program_of(trained.opened.spec, dataset.facts)
    if len(each) > 1:
        _check_abreast(program)
    over = _over([one.run.state for one in each])
    resumed, warnings = _checkpoints([one.run.path for one in each], over, program, edited)
    if resumed[0] is not None:
        warnings += _changed(trained, resumed[0])
    begun = None if resumed[0] is not None else _begun(program, trained)
    runs, seeds = tuple(one.run.path for one in each), tuple(one.opened.spec.seed for one in each)
    return Session(runs, seeds, program, dataset, resumed, begun, warnings, over=over)


def _together(trained: Trained, edited: bool) -> list[Path]:
    """The runs that were trained at once, the run's own among them.

    Raises:
        RunError: one of them is gone.
    """
    path, named = trained.run.path, trained.run.environment.get("together")
    names = [str(name) for name in named] if isinstance(named, list) else []
    if path.name not in names:
        return [path]
    found = [name for name in names if Path(name).name == name and (path.parent / name).is_dir()]
    if len(found) < len(names) and not edited:
        gone = ", ".join(name for name in names if name not in found)
        message = f"{path} was trained at once with runs that are gone: {gone}"
        help_ = "--edited goes on without them, perhaps to other bits"
        raise RunError(Diagnostic("no-run", message, file=str(path), help=help_))
    return [path if name == path.name else path.parent / name for name in found]


def _begun(program: Program, trained: Trained) -> Mapping[str, Any] | None:
    from netspec.commands.started import start_arrays

    begun = start_arrays(program.spec, program.network.graph, trained.opened.directory)
    return None if begun is None else begun.arrays


def _over(states: Sequence[str]) -> frozenset[int]:
    """Which of several runs are not gone on with: what is done, and what diverged while others did not."""
    ended = ("done", "diverged") if set(states) - {"done", "diverged"} else ("done",)
    over = frozenset(i for i, state in enumerate(states) if state in ended)
    return over if len(over) < len(states) else frozenset()


def _checkpoints(
    runs: Sequence[Path], over: frozenset[int], program: Program, edited: bool
) -> tuple[tuple[Checkpoint | None, ...], tuple[Diagnostic, ...]]:
    """Where each run goes on: all at one step; anew, where there is no such step.

    Raises:
        RunError: a checkpoint does not fit the program.
    """
    from netspec.train.checkpoint import newest

    found = [newest(run) for run in runs]
    warnings = tuple(damage for _, damages in found for damage in damages)
    own = [checkpoint for checkpoint, _ in found]
    if edited:
        _check_together(runs, own)
        own = [c and replace(c, meta={**c.meta, "ended": False}) for c in own]
    # Saved as it ended, a run is in no need of a step that others have, too.
    going = [i for i, c in enumerate(own) if i not in over and (c is None or not c.meta["ended"])]
    steps = [c.step for i, c in enumerate(own) if c is not None and i in going]
    if len(steps) < len(going):
        return (None,) * len(runs), warnings
    # Killed amid a save, some runs are a checkpoint ahead: the one before is still there.
    behind = {i for i in going if (c := own[i]) is not None and c.step > min(steps)}
    own = [newest(run, min(steps))[0] if i in behind else c for i, (run, c) in enumerate(zip(runs, own, strict=True))]
    if any((c := own[i]) is None or c.step != min(steps) for i in going):
        return (None,) * len(runs), warnings
    for i in set(range(len(runs))) - over:
        _check_fits(runs[i], own[i], program)
    first = next(c for i, c in enumerate(own) if i in going or i not in over)
    return tuple(first if i in over else c for i, c in enumerate(own)), warnings


def _check_together(runs: Sequence[Path], ended: Sequence[Checkpoint | None]) -> None:
    """See that runs which were trained at once, and ended, can go on at once.

    Raises:
        RunError: they ended at different steps.
    """
    steps = [checkpoint.step for checkpoint in ended if checkpoint is not None and checkpoint.meta["ended"]]
    if len(set(steps)) > 1:
        message = (
            f"{runs[0].name} and those that were trained with it ended at different steps, and cannot go on at once"
        )
        raise RunError(Diagnostic("run-done", message, help="train anew"))


def _changed(trained: Trained, checkpoint: Checkpoint) -> tuple[Diagnostic, ...]:
    """A warning where versions or the device are not those of the checkpoint."""
    from netspec.runs.environment import versions
    from netspec.train.device import described

    now = versions()
    changed = [f"{k} {v} → {now.get(k)}" for k, v in checkpoint.versions.items() if now.get(k) != v]
    if described() != trained.run.environment.get("device"):
        changed.append(f"device {trained.run.environment.get('device')} → {described()}")
    if not changed:
        return ()
    message = f"going on under other versions, so perhaps to other bits: {', '.join(changed)}"
    return (Diagnostic("versions", message, severity="warning"),)


def _remarks(program: Program, dataset: Dataset) -> tuple[Diagnostic, ...]:
    """What `check` warns about, in short: where it is, and what."""
    found = linted(program, dataset.train.targets)
    return tuple(Diagnostic(one.code, one.message + _at(one.place), severity="warning") for one in found)


def _at(place: Place | None) -> str:
    return "" if place is None else f" ({place.source.name}:{place.line})"


def _space(run: Path, program: Program, runs: int) -> tuple[Diagnostic, ...]:
    from netspec.report.inspection import inspect
    from netspec.train.checkpoint import free_space

    memory = inspect(program.spec, program.facts).memory
    kept = 2 if any(phase.judge.keep for phase in program.phases) else 1
    warning = free_space(run, runs * (memory.parameters * kept + memory.optimizer))
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


def _written(found: Iterable[Difference]) -> list[str]:
    from netspec.report import values

    return [f"{d.path}: {' → '.join('nothing' if v is None else values.written(v) for v in d.values)}" for d in found]


def _check_alike(trained: Trained, other: Trained) -> None:
    """See that the specs of runs that go on at once were changed alike.

    Raises:
        RunError: they differ in more than the seed.
    """
    from netspec.report.differences import differences

    both = [_plain({**one.opened.spec.document.values, "seed": 0}) for one in (trained, other)]
    changed = _written(differences(both))
    if changed:
        message = f"{trained.run.path} and {other.run.path} go on at once, and their specs differ"
        raise RunError(Diagnostic("spec-changed", message, note="; ".join(changed), help="change them alike"))


def _check_unchanged(trained: Trained) -> None:
    from netspec.report.differences import differences

    both = [trained.run.resolved.get("spec", {}), _plain(trained.opened.spec.document.values)]
    changed = _written(differences(both))
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


def _check_fits(path: Path, checkpoint: Checkpoint | None, program: Program) -> None:
    assert checkpoint is not None
    phase = checkpoint.meta.get("phase", 0)
    if phase >= len(program.phases):
        message = f"{path} is in its phase {phase + 1}, and its spec has {len(program.phases)}"
        raise RunError(Diagnostic("run-done", message, file=str(path)))
    end = checkpoint.meta["behind"] + program.phases[phase].clock.steps
    if checkpoint.step > end:
        message = f"{path} is at step {checkpoint.step}, past the {end} that its spec asks for"
        raise RunError(Diagnostic("run-done", message, file=str(path)))
