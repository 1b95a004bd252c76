"""What is done with runs: opened, evaluated, asked for predictions, compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from netspec.commands.specs import Opened, check_lookups, dataset_of, opened_from, program_of
from netspec.diagnostics import Diagnostic, RunError
from netspec.document import parse

if TYPE_CHECKING:
    import numpy as np

    from netspec.build import Program
    from netspec.data import NewInputs, Preparation
    from netspec.graph.facts import Facts
    from netspec.report.comparison.compare import Axis, Comparison, CostKind, Value
    from netspec.runs.directory import Run
    from netspec.train.checkpoint import Checkpoint

__all__ = [
    "Evaluation",
    "Prediction",
    "Trained",
    "compare",
    "evaluate",
    "open_run",
    "predict",
    "predict_inputs",
    "weights_of",
]


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
    opened = opened_from(parse(run.spec, str(path / "spec.toml")), Path(run.environment.get("directory", ".")))
    if "name" not in opened.spec.document.values:
        # A spec without a name is called after its file, and that was not `spec.toml`.
        named = replace(opened.spec, name=str(run.resolved.get("network", {}).get("name", opened.spec.name)))
        opened = replace(opened, spec=named)
    try:
        facts = Facts.from_json(run.resolved["facts"])
        preparation = Preparation.from_json(run.resolved["preparation"])
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path / 'resolved.json'} is damaged: {error!r}"
        raise RunError(Diagnostic("run-damaged", message, file=str(path / "resolved.json"))) from error
    return Trained(run, opened, facts, preparation)


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

    def _repr_html_(self) -> str:
        from netspec.report.notebook.results import evaluation_html

        return evaluation_html(self.run, self.step, self.metrics, self.examples)


def evaluate(path: Path, data: Path | None = None, device: str | None = None) -> Evaluation:
    """Measure a run's network on its own validation and test parts, or on other examples.

    Args:
        data: a table, an NPZ file, a folder of images for each class, MNIST's files, or a text.

    Raises:
        NetspecError: the run has no checkpoint, or the data does not fit.
    """
    from netspec.data import evaluate_part
    from netspec.train.device import capacity, choose, keep_compiled
    from netspec.train.measure import Measure
    from netspec.train.saved import phase_of, result_step
    from netspec.train.state import Weights

    choose(device)
    keep_compiled()
    trained = open_run(path)
    program, checkpoint, parameters, statistics, damaged = weights_of(trained)
    if data is not None:
        parts = {"data": evaluate_part(data, trained.preparation)}
    else:
        dataset = dataset_of(trained.opened)
        parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    for part in parts.values():
        check_lookups(program.network.graph, part.inputs)
    phase, abreast, weights = phase_of(program, checkpoint), program.members, Weights(parameters, statistics)
    measured = {
        n: Measure(phase, p, capacity(), abreast, ensemble=abreast is not None)(weights)[0]
        for n, p in parts.items()
        if len(p)
    }
    metrics = {f"{n}/{m}": v for n, values in measured.items() for m, v in values.items()}
    examples = {n: len(parts[n]) for n in measured}
    return Evaluation(str(path), result_step(program, checkpoint), metrics, examples, damaged)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a run's network says of new inputs.

    Args:
        names: of the inputs: a row's number, a file's name.
        labels: the classes' names; empty where numbers are predicted.
        values: [n, classes] probabilities, or [n, outputs] numbers; [n, length, classes] where positions have classes.
        lengths: of the inputs that are sequences of different lengths, in positions; empty otherwise.
        spread: of an ensemble, how far its members lie apart: the standard deviation of each value.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    values: np.ndarray[Any, Any]
    warnings: tuple[Diagnostic, ...] = ()
    lengths: tuple[int, ...] = ()
    spread: np.ndarray[Any, Any] | None = None

    def rows(self) -> list[dict[str, Any]]:
        """One table a row: the input, and its class with the probability, each position's class, or its numbers."""
        apart = [None] * len(self.names) if self.spread is None else self.spread
        rows = [{"input": n, **self._row(v, s)} for n, v, s in zip(self.names, self.values, apart, strict=True)]
        for row, length in zip(rows, self.lengths, strict=False):
            if "classes" in row:
                row["classes"] = row["classes"][:length]
        return rows

    def _repr_html_(self) -> str:
        from netspec.report.notebook.results import prediction_html

        return prediction_html(self.rows())

    def _row(self, values: np.ndarray[Any, Any], spread: np.ndarray[Any, Any] | None) -> dict[str, Any]:
        if not self.labels:
            return _numbered("value", values) | ({} if spread is None else _numbered("spread", spread))
        if values.ndim > 1:
            return {"classes": [self.labels[i] for i in values.argmax(axis=-1).reshape(-1).tolist()]}
        best = int(values.argmax())
        apart = {} if spread is None else {"spread": float(spread[best])}
        return {"class": self.labels[best], "probability": float(values[best])} | apart


def _numbered(word: str, values: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Numbers by name, counted from 1 where there are several."""
    flat = values.reshape(-1)
    return {word if len(flat) == 1 else f"{word}{i + 1}": float(v) for i, v in enumerate(flat)}


def predict(path: Path, inputs: Path, device: str | None = None) -> Prediction:
    """Let a run's network say what new inputs are.

    Args:
        inputs: a table, an NPZ file, an image, or a folder of images.

    Raises:
        NetspecError: the run has no checkpoint, or the inputs do not fit.
    """
    from netspec.data import read_inputs
    from netspec.train.device import choose, keep_compiled

    choose(device)
    keep_compiled()
    trained = open_run(path)
    return predict_inputs(trained, read_inputs(inputs, trained.preparation))


def predict_inputs(trained: Trained, new: NewInputs) -> Prediction:
    """What a run's network says of inputs that were read.

    Raises:
        NetspecError: the run has no checkpoint, or the inputs do not fit.
    """
    import numpy as np

    from netspec.build.ensemble import combined
    from netspec.train.measure import outputs_of
    from netspec.train.saved import phase_of
    from netspec.train.state import Weights

    program, checkpoint, parameters, statistics, damaged = weights_of(trained)
    check_lookups(program.network.graph, new.inputs)
    phase = phase_of(program, checkpoint)
    outputs = outputs_of(phase, Weights(parameters, statistics), new.inputs, program.members)
    aim = phase.objective.terms[0].aim

    def meaning(outputs: Any) -> np.ndarray[Any, Any]:
        if phase.objective.probabilities is not None:
            return np.asarray(phase.objective.probabilities(outputs))
        return trained.preparation.measured_back(aim.target, outputs) if aim.target and aim.of_data else outputs

    together = outputs if program.members is None else combined(phase.objective, {aim.output: outputs})[aim.output]
    values = meaning(np.asarray(together))
    spread = None if program.members is None else meaning(outputs).std(axis=0)
    lengths = _lengths(trained.facts, new.inputs)
    return Prediction(new.names, aim.labels, values, damaged, lengths, spread)


def _lengths(facts: Facts, inputs: Mapping[str, Any]) -> tuple[int, ...]:
    """The lengths of sequences that end in padding."""
    import numpy as np

    from netspec.data.arrays import padding

    for name, known in facts.inputs.items():
        if known.padded:
            return tuple((~padding(np.asarray(inputs[name][:]))).sum(axis=1).tolist())
    return ()


def compare(
    runs: str | Path | Sequence[str | Path],
    *,
    baseline: str | None = None,
    metric: str | None = None,
    value: Value = "result",
    by: Axis = "step",
    cost: CostKind = "time",
) -> Comparison:
    """What differs between runs, what they reached and how sure that is; seeds of one spec are taken together.

    Args:
        runs: their directories, their names under `runs/`, folders of runs, patterns ("lenet5-*") or "tag:NAME".
        baseline: what the others are held against: a run, or a spec's name; the first unless given.
        metric: what they are judged by, as "part/metric" or without the part; what decided in training unless given.
        value: what of a metric is compared: "result" (of the parameters that a run kept), "last", "best", "min",
            "max" or "mean".
        by: what curves are drawn over: "step", "examples" or "time".
        cost: "time", "parameters", "multiply-adds" or "examples".

    Raises:
        RunError: one is no run, or there are fewer than two.
    """
    from netspec.report.comparison.compare import compare as compared
    from netspec.runs.selection import chosen

    found = chosen([str(run) for run in ([runs] if isinstance(runs, (str, Path)) else runs)])
    return compared(found, baseline=baseline, metric=metric, value=value, by=by, cost=cost)


def weights_of(
    trained: Trained,
) -> tuple[Program, Checkpoint, dict[str, Any], dict[str, Any], tuple[Diagnostic, ...]]:
    """The program of a run, and the parameters and statistics that are its result."""
    from netspec.train.checkpoint import newest
    from netspec.train.saved import result_of

    path = trained.run.path
    checkpoint, damaged = newest(path)
    if checkpoint is None:
        message = f"{path} has no checkpoint yet" if not damaged else f"{path} has no checkpoint that is whole"
        help_ = f"netspec resume {quote(str(path))}"
        if trained.run.state == "diverged":
            message = f"{path} diverged before its first checkpoint"
            help_ = f"train anew, or change {quote(str(path / 'spec.toml'))} and say {help_} --edited"
        raise RunError(Diagnostic("no-checkpoint", message, file=str(path), help=help_), *damaged)
    program = program_of(trained.opened.spec, trained.facts)
    parameters, statistics = result_of(program, checkpoint)
    return program, checkpoint, parameters, statistics, damaged
