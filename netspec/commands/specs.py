"""What is done with specs: read, checked, looked at. Allocates nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import DataError, Diagnostic, NetspecError, SpecError
from netspec.document import SETTING, Document, extended, override, read, without
from netspec.spec.sections import Spec

if TYPE_CHECKING:
    from netspec.build import Program
    from netspec.commands.opened_run import Run
    from netspec.data import Dataset
    from netspec.graph.facts import Facts
    from netspec.graph.graph import Graph, Node
    from netspec.report.inspection.inspect import Inspection
    from netspec.report.notebook.mistakes import Mistakes

__all__ = [
    "Checked",
    "Opened",
    "check",
    "check_lookups",
    "checked",
    "dataset_of",
    "inspect",
    "linted",
    "load",
    "network",
    "opened_from",
    "program_of",
]

LOOKED_UP = 100_000
"""Examples whose whole numbers are held against a vocabulary together."""


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
        return program_of(self.spec, facts_of(self))

    def inspect(self) -> Inspection:
        """What the network is, in numbers.

        Raises:
            NetspecError: as of `resolve`.
        """
        return inspect(self)

    def train(self, out: str | Path = "runs", device: str | None = None, show: bool = True) -> Run:
        """Train, and give the run, which may stand wherever its directory's path may.

        An interrupt (Ctrl-C, a notebook's stop button) saves and stops: the run can be resumed.

        Args:
            out: the directory of runs.
            device: "cpu", "gpu" or "tpu"; JAX's own choice where none is given.
            show: show the training: in a notebook, in an output that changes in place; elsewhere, in lines.

        Raises:
            NetspecError: as of `build`; no such device, or a training that could not go on.
        """
        from netspec.commands.opened_run import trained
        from netspec.commands.training import start

        return trained(start([self], Path(out), device), show)

    def __repr__(self) -> str:
        return f"<the spec {self.spec.name}>"

    def _repr_html_(self) -> str:
        from netspec.document import written
        from netspec.report.notebook.specs import spec_html

        try:
            inspection = self.inspect()
        except NetspecError:
            inspection = None  # as where its data is missing
        return spec_html(self.spec.name, written(self.spec.document), inspection)


@dataclass(frozen=True, slots=True)
class Checked:
    """A spec without mistakes, in numbers.

    Args:
        parameters: that are learned.
        steps, batch: of the training; None where the spec says none.
        warnings: about what is legal and most likely wrong.
    """

    parameters: int
    steps: int | None
    batch: int | None
    warnings: tuple[Diagnostic, ...] = ()


def load(path: str | Path, settings: str | Sequence[str] = (), seed: int | None = None) -> Opened:
    """Read a spec.

    Args:
        settings: what takes the place of the file's values, as `--set` has it, "optimizer.learning_rate=3e-4"; one
            or several.
        seed: of everything random; the spec's unless given.

    Raises:
        SpecError: the file, an argument, or what they say.
    """
    directory = Path(path).parent
    document = extended(read(Path(path)), directory)
    given = [settings] if isinstance(settings, str) else settings
    for argument in (*given, *([] if seed is None else [f"seed={seed}"])):
        document = _instead(override(document, argument))
    return opened_from(document, _origin(document, directory))


def _instead(document: Document) -> Document:
    """A training's length that was set takes the place of the one in the file, which says it in the other unit."""
    for given, other in (("steps", "epochs"), ("epochs", "steps")):
        both = document.places.get(("train", given)), document.places.get(("train", other))
        if both[0] and both[1] and both[0].source.name == SETTING != both[1].source.name:
            return without(document, ("train", other))
    return document


def _origin(document: Document, directory: Path) -> Path:
    """Where the relative paths of the data start: beside the file whose text names them."""
    source = document.value_place(("data", "source")).source
    return directory if source.name in (document.source.name, SETTING) else Path(source.name).parent


def opened_from(document: Document, directory: Path) -> Opened:
    from netspec.spec.decode import decode

    return Opened(decode(document), directory)


def check(path: str | Path, settings: Sequence[str] = ()) -> Mistakes:
    """Every mistake that can be found short of training, or else every warning; none for a good spec."""
    from netspec.report.notebook.mistakes import Mistakes

    try:
        return Mistakes(checked(Path(path), settings).warnings)
    except NetspecError as error:
        return Mistakes(error.diagnostics)


def checked(path: Path, settings: Sequence[str] = (), strict: bool = False) -> Checked:
    """Go through everything short of training.

    Args:
        strict: take warnings for mistakes.

    Raises:
        NetspecError: with every mistake that was found.
    """
    from math import prod

    opened = load(path, settings)
    spec = opened.spec
    if spec.data is None and not spec.is_point:
        graph = _graph_of(spec, None)
        steps = batch = None
        warnings = _warnings(spec, graph)
    else:
        program = program_of(spec, facts_of(opened))
        graph, steps, batch = program.network.graph, program.steps, program.batch
        warnings = linted(program, _targets_of(opened, program))
        _check_start(opened, program)
    if strict and warnings:
        raise SpecError(*(replace(warning, severity="error") for warning in warnings))
    frozen = graph.frozen
    learned = sum(prod(a.shape) for p, a in graph.parameters.items() if p not in frozen)
    return Checked(learned, steps, batch, warnings)


def _check_start(opened: Opened, program: Program) -> None:
    """See that the weights that a training begins with fit; a run that is not there yet may be made before."""
    from netspec.commands.started import start_arrays

    try:
        start_arrays(program.spec, program.network.graph, opened.directory)
    except NetspecError as error:
        if {diagnostic.code for diagnostic in error.diagnostics} - {"no-run", "no-checkpoint", "file"}:
            raise


def linted(program: Program, targets: Mapping[str, Any] | None) -> tuple[Diagnostic, ...]:
    """What is legal in a spec and most likely wrong.

    Args:
        targets: the training examples', by name, where they were read.
    """
    from netspec.lint import Subject, lint

    # Targets that are read when they are asked for are too many to be looked through.
    held = None if targets is None else {name: t for name, t in targets.items() if hasattr(t, "size")}
    return lint(Subject(program.spec, program.network.graph, program, held))


def _warnings(spec: Spec, graph: Graph) -> tuple[Diagnostic, ...]:
    """The same of a spec without data."""
    from netspec.graph.fill import fill_sections
    from netspec.lint import Subject, lint

    return lint(Subject(fill_sections(spec, None), graph))


LITTLE = 10**7
"""Numbers that are read in no time to speak of."""


def _targets_of(opened: Opened, program: Program) -> Mapping[str, Any] | None:
    """The training examples' targets, where they are numbers, and little is to be read."""
    from math import prod

    facts = program.facts
    wanted = any(term.form in ("number", "distribution") and term.aim.of_data for term in program.objective.terms)
    size = sum(prod(i.shape) for i in facts.inputs.values()) * sum(facts.examples.values())
    return dataset_of(opened).train.targets if wanted and size <= LITTLE else None


def inspect(spec: Opened | str | Path, settings: Sequence[str] = ()) -> Inspection:
    """What a network is, without allocating it.

    Args:
        spec: a spec, its file, or a run's directory.

    Raises:
        NetspecError: a mistake of the spec, or data that it needs and that cannot be read.
    """
    from netspec.report.inspection.inspect import inspect as inspected

    return inspected(*looked_at(spec, settings))


def network(spec: Opened | str | Path, settings: Sequence[str] = ()) -> Graph:
    """The network itself, likewise: named parts, every shape known.

    Raises:
        NetspecError: as of `inspect`.
    """
    return _graph_of(*looked_at(spec, settings))


def looked_at(spec: Opened | str | Path, settings: Sequence[str]) -> tuple[Spec, Facts | None]:
    """A spec, and what its data tells where that can be read."""
    from netspec.commands.trained import open_run
    from netspec.graph.fill import needs_facts

    if not isinstance(spec, Opened) and Path(spec).is_dir():
        trained = open_run(Path(spec))
        return trained.opened.spec, trained.facts
    opened = spec if isinstance(spec, Opened) else load(spec, settings)
    try:
        return opened.spec, facts_of(opened)
    except NetspecError:
        # A network that says its own input can be looked at where its data is not.
        if needs_facts(opened.spec):
            raise
        return opened.spec, None


def facts_of(opened: Opened) -> Facts | None:
    """What the data tells; None where the spec has no data and its model learns from some.

    Raises:
        DataError: the data is missing or damaged.
    """
    if opened.spec.is_point:
        from netspec.graph.facts import NOTHING

        return NOTHING
    if opened.spec.data is None:
        return None
    from netspec import data
    from netspec.graph.fill import fill_sections

    section = fill_sections(opened.spec, None, only_data=True).data
    assert section is not None
    return data.facts(section, opened.directory, _places(opened.spec))


def dataset_of(opened: Opened) -> Dataset:
    from netspec import data
    from netspec.graph.fill import fill_sections

    if opened.spec.is_point:
        return data.nothing()
    section = fill_sections(opened.spec, None, only_data=True).data
    if section is None:
        place = opened.spec.document.key_place(("model",))
        raise SpecError(
            Diagnostic(
                "missing-key", "a spec needs [data] to be trained", place, help='add [data] with source = "digits"'
            )
        )
    return data.load(section, opened.directory, _places(opened.spec))


def check_lookups(graph: Graph, inputs: Mapping[str, Any]) -> None:
    """See that whole numbers which a layer looks up are ones that it has.

    Args:
        inputs: by name, [n, …].

    Raises:
        DataError: one is not.
    """
    import numpy as np

    for leaf in (leaf for leaf in graph.leaves() if leaf.kind == "embed"):
        name = leaf.sources[0] if leaf.sources else next(iter(graph.inputs))
        # Windows of a text may be too many to be held together.
        for start in range(0, len(inputs.get(name, ())), LOOKED_UP):
            _check_lookup(leaf, np.asarray(inputs[name][start : start + LOOKED_UP]), start)


def _check_lookup(first: Node, values: Any, start: int) -> None:
    import numpy as np

    vocabulary = first.steps[0].call.arguments[0]
    wrong = np.argwhere((values < 0) | (values >= vocabulary))
    if len(wrong):
        where = tuple(map(int, wrong[0]))
        wanted = f"{first.path} looks up whole numbers from 0 to {vocabulary - 1}"
        message = f"{wanted}, and input {[start + where[0], *where[1:]]} is {values[where]}"
        more = f"{len(wrong):,} are out of range" if len(wrong) > 1 else ""
        raise DataError(
            Diagnostic(
                "range", message, first.place, note=more, help="a vocabulary is one more than its largest number"
            )
        )


def _places(spec: Spec) -> Callable[[tuple[str | int, ...]], Any]:
    return lambda key: spec.document.value_place(("data", *key))


def _graph_of(spec: Spec, facts: Facts | None) -> Graph:
    from netspec.graph.fill import fill_sections
    from netspec.graph.resolve import resolve

    return resolve(fill_sections(spec, facts), facts)


def program_of(spec: Spec, facts: Facts | None) -> Program:
    from netspec.build import build

    if facts is None:
        place = spec.document.key_place(("model",))
        raise SpecError(
            Diagnostic(
                "missing-key", "a spec needs [data] to be trained", place, help='add [data] with source = "digits"'
            )
        )
    return build(spec, facts)
