"""What each command does, as a function that prints nothing; the command line and the Python API are thin over them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import Diagnostic, NetspecError, RunError, SpecError, TrainingError
from netspec.document import Document, override, parse, read
from netspec.document.written import written
from netspec.spec.sections import Spec

if TYPE_CHECKING:
    import numpy as np

    from netspec.build import Program
    from netspec.data import Dataset, Preparation
    from netspec.graph.facts import Facts
    from netspec.graph.graph import Graph
    from netspec.report.comparison import Comparison
    from netspec.report.inspection import Inspection
    from netspec.runs.directory import Run
    from netspec.runs.events import Event
    from netspec.train.checkpoint import Checkpoint

__all__ = [
    "Checked",
    "Evaluation",
    "Opened",
    "Prediction",
    "Session",
    "Trained",
    "check",
    "checked",
    "compare",
    "evaluate",
    "inspect",
    "load",
    "open_run",
    "predict",
    "resume",
    "start",
]

# JAX takes most of a second to import: each function imports what it needs when it needs it, so that a spelling mistake
# is answered first.


@dataclass(frozen=True, slots=True)
class Opened:
    """A spec that was read from a file.

    Args:
        spec: what it says.
        directory: where its relative paths start.
    """

    spec: Spec
    directory: Path

    def resolve(self) -> Graph:
        """The network: named parts, every shape known, nothing allocated.

        Raises:
            NetspecError: something does not fit, or data that is needed cannot be read.
        """
        return _graph_of(self.spec, facts_of(self))

    def build(self) -> Program:
        """Everything that the spec becomes: network, objective, optimizer; nothing allocated.

        Raises:
            NetspecError: as of `resolve`; or a section that training needs is missing.
        """
        return _program(self.spec, facts_of(self))

    def inspect(self) -> Inspection:
        """What the network is, in numbers.

        Raises:
            NetspecError: as of `resolve`.
        """
        return inspect(self)

    def train(self, out: str | Path = "runs", device: str | None = None) -> Path:
        """Train, and give the run's directory.

        Args:
            out: the directory of runs.
            device: "cpu", "gpu" or "tpu"; JAX's own choice where none is given.

        Raises:
            NetspecError: as of `build`; no such device, or a training that could not go on.
        """
        session = start(self, Path(out), device)
        for _ in session.events():
            pass
        return session.run


@dataclass(frozen=True, slots=True)
class Checked:
    """A spec without mistakes, in numbers.

    Args:
        parameters: that are learned.
        steps, batch: of the training; None where the spec says none.
    """

    parameters: int
    steps: int | None
    batch: int | None


def load(path: str | Path, settings: Sequence[str] = (), seed: int | None = None) -> Opened:
    """Read a spec.

    Args:
        settings: values that take the place of the file's, as `--set` has them: "optimizer.learning_rate=3e-4".
        seed: of everything random; the spec's unless given.

    Raises:
        SpecError: the file, an argument, or what they say.
    """
    document = read(Path(path))
    for argument in (*settings, *([] if seed is None else [f"seed={seed}"])):
        document = override(document, argument)
    return _opened(document, Path(path).parent)


def _opened(document: Document, directory: Path) -> Opened:
    from netspec.spec.decode import decode

    return Opened(decode(document), directory)


def facts_of(opened: Opened) -> Facts | None:
    """What the data tells; None where the spec has no data.

    Raises:
        DataError: the data is missing or damaged.
    """
    from netspec import data
    from netspec.graph.resolve import fill_sections

    section = fill_sections(opened.spec, None, only_data=True).data
    return None if section is None else data.facts(section, opened.directory, _places(opened.spec))


def _places(spec: Spec) -> Callable[[tuple[str | int, ...]], Any]:
    return lambda key: spec.document.value_place(("data", *key))


def check(path: Path, settings: Sequence[str] = ()) -> tuple[Diagnostic, ...]:
    """Every mistake that can be found short of training; none for a good spec."""
    try:
        checked(path, settings)
    except NetspecError as error:
        return error.diagnostics
    return ()


def checked(path: Path, settings: Sequence[str] = ()) -> Checked:
    """Go through everything short of training.

    Raises:
        NetspecError: with every mistake that was found.
    """
    from math import prod

    opened = load(path, settings)
    spec = opened.spec
    if spec.data is None:
        graph = _graph_of(spec, None)
        clock = batch = None
    else:
        program = _program(spec, facts_of(opened))
        graph, clock, batch = program.network.graph, program.clock, program.batch
    frozen = graph.frozen
    learned = sum(prod(a.shape) for p, a in graph.parameters.items() if p not in frozen)
    return Checked(learned, None if clock is None else clock.steps, batch)


def _graph_of(spec: Spec, facts: Facts | None) -> Graph:
    from netspec.graph.resolve import fill_sections, resolve

    return resolve(fill_sections(spec, facts), facts)


def _program(spec: Spec, facts: Facts | None) -> Program:
    from netspec.build import build

    if facts is None:
        place = spec.document.key_place(("model",))
        raise SpecError(
            Diagnostic(
                "missing-key", "a spec needs [data] to be trained", place, help='add [data] with source = "digits"'
            )
        )
    return build(spec, facts)


def inspect(spec: Opened | str | Path, settings: Sequence[str] = ()) -> Inspection:
    """What a network is, without allocating it.

    Args:
        spec: a spec, its file, or a run's directory.

    Raises:
        NetspecError: a mistake of the spec, or data that it needs and that cannot be read.
    """
    from netspec.graph.resolve import needs_facts
    from netspec.report import inspection

    if not isinstance(spec, Opened) and Path(spec).is_dir():
        trained = open_run(Path(spec))
        return inspection.inspect(trained.opened.spec, trained.facts)
    opened = spec if isinstance(spec, Opened) else load(spec, settings)
    try:
        facts = facts_of(opened)
    except NetspecError:
        # A network that says its own input can be looked at where its data is not.
        if needs_facts(opened.spec):
            raise
        facts = None
    return inspection.inspect(opened.spec, facts)


def compare(runs: Sequence[str | Path]) -> Comparison:
    """What differs between runs, and what they reached.

    Args:
        runs: their directories, or their names under `runs/`.

    Raises:
        RunError: one is no run, or there are fewer than two.
    """
    from netspec.report import comparison
    from netspec.runs.directory import find

    return comparison.compare([find(str(run)) for run in runs])


# -- training ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Session:
    """A training, ready to begin or to go on.

    Args:
        run: its directory.
        warnings: what a person should know before.
    """

    run: Path
    program: Program
    dataset: Dataset
    resumed: Checkpoint | None
    warnings: tuple[Diagnostic, ...] = ()

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
    dataset = _dataset(opened)
    program = _program(opened.spec, dataset.facts)
    surroundings = environment(device=described(), precision="float32", data=dataset.fingerprint)
    resolved = _resolved(opened, program, dataset)
    run = create(out, program.spec.name)
    prepare(
        run,
        spec=written(opened.spec.document),
        resolved=resolved,
        environment={**surroundings, "directory": str(opened.directory.resolve())},
    )
    return Session(run, program, dataset, None, _space(run, program))


def _space(run: Path, program: Program) -> tuple[Diagnostic, ...]:
    from netspec.report.inspection import inspect
    from netspec.train.checkpoint import free_space

    memory = inspect(program.spec, program.facts).memory
    kept = 2 if program.judge.keep else 1
    warning = free_space(run, memory.parameters * kept + memory.optimizer)
    return () if warning is None else (warning,)


def _dataset(opened: Opened) -> Dataset:
    from netspec import data
    from netspec.graph.resolve import fill_sections

    section = fill_sections(opened.spec, None, only_data=True).data
    if section is None:
        place = opened.spec.document.key_place(("model",))
        raise SpecError(
            Diagnostic(
                "missing-key", "a spec needs [data] to be trained", place, help='add [data] with source = "digits"'
            )
        )
    return data.load(section, opened.directory, _places(opened.spec))


def _resolved(opened: Opened, program: Program, dataset: Dataset) -> dict[str, Any]:
    """Everything filled in: what the run is known by from now on, its data absent or its libraries changed."""
    from netspec.report import inspection

    return {
        "spec": _plain(opened.spec.document.values),
        "facts": program.facts.to_json(),
        "preparation": dataset.preparation.to_json(),
        "steps": program.clock.steps,
        "steps_per_epoch": program.clock.per_epoch,
        "batch": program.batch,
        "network": inspection.to_json(inspection.inspect(program.spec, program.facts)),
    }


def _plain(values: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(values, default=str))


@dataclass(frozen=True, slots=True)
class Trained:
    """A run, opened to be looked at or gone on with.

    Args:
        facts, preparation: of the data that it was trained on.
    """

    run: Run
    opened: Opened
    facts: Facts
    preparation: Preparation


def open_run(path: Path) -> Trained:
    """Read a run's directory, whether its data is there or not.

    Raises:
        RunError: it is no run, or damaged.
        SpecError: its spec was changed into one with mistakes.
    """
    from netspec.data import Preparation
    from netspec.graph.facts import Facts
    from netspec.runs.directory import load

    run = load(path)
    opened = _opened(parse(run.spec, str(path / "spec.toml")), Path(run.environment.get("directory", ".")))
    try:
        facts = Facts.from_json(run.resolved["facts"])
        preparation = Preparation.from_json(run.resolved["preparation"])
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path / 'resolved.json'} is damaged: {error!r}"
        raise RunError(Diagnostic("run-damaged", message, file=str(path / "resolved.json"))) from error
    return Trained(run, opened, facts, preparation)


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
    dataset = _dataset(trained.opened)
    if dataset.fingerprint != trained.run.environment.get("data") and not edited:
        message = "the data is not what the run was trained on"
        raise RunError(
            Diagnostic("data-changed", message, file=str(path), help="--edited goes on with it all the same")
        )
    program = _program(trained.opened.spec, dataset.facts)
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


def _check_unchanged(trained: Trained) -> None:
    before = trained.run.resolved.get("spec", {})
    after = _plain(trained.opened.spec.document.values)
    changed = [f"{k}: {_shown(b)} → {_shown(a)}" for k, b, a in _differences(before, after)]
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


_ABSENT = object()


def _shown(value: Any) -> str:
    return "nothing" if value is _ABSENT else json.dumps(value)


def _differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            inner = f"{path}.{key}" if path else key
            yield from _differences(before.get(key, _ABSENT), after.get(key, _ABSENT), inner)
    elif before != after:
        yield path, before, after


def _check_fits(path: Path, checkpoint: Checkpoint, program: Program) -> None:
    if checkpoint.step > program.clock.steps:
        message = f"{path} is at step {checkpoint.step}, past the {program.clock.steps} that its spec asks for"
        raise RunError(Diagnostic("run-done", message, file=str(path)))


# -- trained networks --------------------------------------------------------------------------------------------------


def _weights(trained: Trained) -> tuple[Program, Checkpoint, dict[str, Any], dict[str, Any], tuple[Diagnostic, ...]]:
    """The program of a run, and the parameters and statistics that are its result."""
    from netspec.train.checkpoint import newest
    from netspec.train.loop import result_of

    path = trained.run.path
    checkpoint, damaged = newest(path)
    if checkpoint is None:
        message = f"{path} has no checkpoint yet" if not damaged else f"{path} has no checkpoint that is whole"
        raise RunError(
            Diagnostic("no-checkpoint", message, file=str(path), help=f"netspec resume {quote(str(path))}"), *damaged
        )
    program = _program(trained.opened.spec, trained.facts)
    parameters, statistics = result_of(program, checkpoint)
    return program, checkpoint, parameters, statistics, damaged


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a run's network reaches.

    Args:
        metrics: by "part/metric"; the part is "data" for examples that are not the run's own.
        examples: how many, by part.
    """

    run: str
    step: int
    metrics: Mapping[str, float]
    examples: Mapping[str, int]
    warnings: tuple[Diagnostic, ...] = ()


def evaluate(path: Path, data: Path | None = None, device: str | None = None) -> Evaluation:
    """Measure a run's network on its own validation and test parts, or on other examples.

    Args:
        data: a table, an NPZ file, a folder of images for each class, or MNIST's files.

    Raises:
        NetspecError: the run has no checkpoint, or the data does not fit.
    """
    from netspec.data import evaluate_part
    from netspec.train.device import capacity, choose, keep_compiled
    from netspec.train.loop import result_step
    from netspec.train.measure import Measure

    choose(device)
    keep_compiled()
    trained = open_run(path)
    program, checkpoint, parameters, statistics, damaged = _weights(trained)
    if data is not None:
        parts = {"data": evaluate_part(data, trained.preparation)}
    else:
        dataset = _dataset(trained.opened)
        parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    measured = {n: Measure(program, p, capacity())(parameters, statistics) for n, p in parts.items() if len(p)}
    metrics = {f"{n}/{m}": v for n, values in measured.items() for m, v in values.items()}
    examples = {n: len(parts[n]) for n in measured}
    return Evaluation(str(path), result_step(program, checkpoint), metrics, examples, damaged)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a run's network says of new inputs.

    Args:
        names: of the inputs: a row's number, a file's name.
        labels: the classes' names; empty where numbers are predicted.
        values: [n, classes] probabilities, or [n, outputs] numbers.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    values: np.ndarray[Any, Any]
    warnings: tuple[Diagnostic, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """One table a row: the input, and its class with the probability, or its numbers."""
        return [{"input": n, **self._row(v)} for n, v in zip(self.names, self.values, strict=True)]

    def _row(self, values: np.ndarray[Any, Any]) -> dict[str, Any]:
        if not self.labels:
            return {"value" if len(values) == 1 else f"value{i + 1}": float(v) for i, v in enumerate(values)}
        best = int(values.argmax())
        return {"class": self.labels[best], "probability": float(values[best])}


def predict(path: Path, inputs: Path, device: str | None = None) -> Prediction:
    """Let a run's network say what new inputs are.

    Args:
        inputs: a table, an NPZ file, an image, or a folder of images.

    Raises:
        NetspecError: the run has no checkpoint, or the inputs do not fit.
    """
    import numpy as np

    from netspec.data import read_inputs
    from netspec.train.device import choose, keep_compiled
    from netspec.train.measure import outputs_of

    choose(device)
    keep_compiled()
    trained = open_run(path)
    new = read_inputs(inputs, trained.preparation)
    program, _, parameters, statistics, damaged = _weights(trained)
    outputs = outputs_of(program, parameters, statistics, new.inputs)
    if program.objective.probabilities is not None:
        outputs = np.asarray(program.objective.probabilities(outputs))
    return Prediction(new.names, trained.facts.labels, outputs, damaged)
