"""Pictures of runs: which there are, which of them a run has, and each as the content of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import Diagnostic, NetspecError, RunError, SpecError, nearest

if TYPE_CHECKING:
    from netspec.build.targets import Aim
    from netspec.commands.sample import Sample
    from netspec.commands.trained import Trained
    from netspec.graph.graph import Graph

__all__ = ["KINDS", "Drawn", "Wanted", "others", "plot", "usual"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants to see.

    Args:
        form: "png" or "svg".
        by: what is along the x axis of curves: "step", "examples" or "time"; "step" unless given.
        part: of the data; as each kind has it unless given.
        layer: its path.
        examples: that are looked at, at the most.
        device: where to compute.
    """

    form: str
    by: str | None = None
    part: str | None = None
    layer: str | None = None
    examples: int | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture.

    Args:
        kind: of it.
        data: the content of its file.
        what: it shows, in words.
    """

    kind: str
    data: bytes
    what: str
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of picture.

    Args:
        draw: of some runs.
        options: what of `Wanted` it heeds.
        why_not: of what is known of a run, its first loss and its network, why it has no such picture; None where it
            has one. A kind without this takes any number of runs.
        likely: whether a run may have such a picture, by its spec and its data alone: no network is made for that.
    """

    draw: Callable[[Sequence[Path], Wanted], Drawn]
    options: tuple[str, ...] = ()
    why_not: Callable[[Trained, Aim, Graph], str | None] | None = None
    likely: Callable[[Trained], bool] = lambda trained: True


def usual(runs: Sequence[Path]) -> str:
    """The kind that is drawn unless one is named: curves, or bars of more specs than colours can tell apart."""
    from netspec.report.pictures.canvas import TOLD_APART
    from netspec.report.pictures.groups import grouped

    return "bars" if len(runs) > TOLD_APART and len(grouped(runs)) > TOLD_APART else "curves"


def others(runs: Sequence[Path], kind: str) -> tuple[str, ...]:
    """The other kinds that runs have, as far as that is known without their networks."""
    from netspec.commands.trained import open_run

    several = [name for name, known in _KINDS.items() if known.why_not is None]
    try:
        trained = open_run(runs[0]) if len(runs) == 1 else None
    except NetspecError:  # of a run that is damaged, there are the curves
        trained = None
    found = several if trained is None else [name for name, known in _KINDS.items() if known.likely(trained)]
    return tuple(name for name in found if name != kind)


def plot(runs: Sequence[Path], kind: str, wanted: Wanted) -> Drawn:
    """A picture of runs.

    Args:
        runs: their directories, at least one.
        kind: one of `KINDS`.

    Raises:
        NetspecError: there is no such kind, the runs have no such picture, or something that it needs is missing.
    """
    known = _KINDS.get(kind)
    if known is None:
        guess = nearest(kind, _KINDS)
        note, help_ = f"there are: {', '.join(_KINDS)}", f"did you mean '{guess}'?" if guess else ""
        raise SpecError(Diagnostic("plot", f"there is no picture of the kind '{kind}'", note=note, help=help_))
    _check_options(kind, known, wanted)
    if known.why_not is not None:
        if len(runs) > 1:
            several = ", ".join(name for name, other in _KINDS.items() if other.why_not is None)
            message = f"{kind} shows one run, and there are {len(runs)}"
            raise SpecError(Diagnostic("plot", message, help=f"of several runs there are: {several}"))
        _check_applies(kind, runs[0])
    return known.draw(runs, wanted)


def _check_options(kind: str, known: _Kind, wanted: Wanted) -> None:
    for option in ("by", "part", "layer", "examples"):
        if getattr(wanted, option) is not None and option not in known.options:
            with_it = ", ".join(name for name, other in _KINDS.items() if option in other.options)
            raise SpecError(Diagnostic("plot", f"--{option} is for {with_it}, and changes nothing in {kind}"))
    if wanted.by not in (None, "step", "examples", "time"):
        raise SpecError(Diagnostic("plot", f"--by is step, examples or time, not {wanted.by}"))


def _check_applies(kind: str, run: Path) -> None:
    """See that a run has such a picture, before anything is worked out for it.

    Raises:
        RunError: it has none; which it has is in the message.
    """
    from netspec.commands.specs import program_of
    from netspec.commands.trained import open_run

    trained = open_run(run)
    program = program_of(trained.opened.spec, trained.facts)
    aim, graph = program.objective.terms[0].aim, program.network.graph
    found = {name: own.why_not(trained, aim, graph) if own.why_not else None for name, own in _KINDS.items()}
    why = found[kind]
    if why is not None:
        there = ", ".join(name for name, other in found.items() if other is None)
        message = f"{run.name} has no {kind} to be drawn: {why}"
        raise RunError(Diagnostic("plot", message, file=str(run), help=f"of this run there are: {there}"))


# -- of any number of runs ---------------------------------------------------------------------------------------------


def _curves(runs: Sequence[Path], wanted: Wanted) -> Drawn:
    from netspec.report.pictures import curves
    from netspec.report.pictures.groups import grouped
    from netspec.report.pictures.traces import panels_of

    by: Any = wanted.by or "step"
    groups = grouped(runs)
    if not panels_of(groups, by):
        names = ", ".join(run.name for run in runs[:3])
        message = f"there is nothing to draw: no record of {names} holds a step"
        raise RunError(Diagnostic("plot", message, file=str(runs[0])))
    what = runs[0].name if len(runs) == 1 else f"{len(runs)} runs"
    return Drawn("curves", curves.draw(groups, by, wanted.form), f"{what} by {by}")


def _bars(runs: Sequence[Path], wanted: Wanted) -> Drawn:
    from netspec.report.drawing.wording import measured_name
    from netspec.report.pictures import bars
    from netspec.report.pictures.groups import grouped

    metric, higher, found = bars.finals(grouped(runs), wanted.part)
    what = runs[0].name if len(runs) == 1 else f"{len(runs)} runs"
    return Drawn("bars", bars.draw(metric, higher, found, wanted.form), f"{measured_name(metric)} of {what}")


# -- of one run's network ----------------------------------------------------------------------------------------------


def _sample(runs: Sequence[Path], wanted: Wanted, most: int | None = None) -> Sample:
    from netspec.commands.sample import MOST_EXAMPLES, sample_of

    return sample_of(runs[0], wanted.part, wanted.device, wanted.examples or most or MOST_EXAMPLES)


def _called(run: str, step: int) -> str:
    from netspec.report.pictures.canvas import named

    return f"{named(Path(run).name)}, step {step:,}"


def _looked_at(sample: Sample) -> str:
    """Which examples a picture is of, in words."""
    drawn = f" of {sample.of:,}, drawn at random" if len(sample) < sample.of else ""
    plural = "" if sample.of == 1 else "s"
    return f"{sample.part}, {len(sample):,}{drawn} example{plural}"


def _confusion(runs: Sequence[Path], wanted: Wanted) -> Drawn:
    from netspec.commands.outcomes import outcomes_of
    from netspec.report.pictures import confusion

    sample = _sample(runs, wanted)
    found = outcomes_of(sample)
    assert found.confusion is not None
    of = f"{found.output}: " if len(sample.program.network.graph.outputs) > 1 else ""
    right = "" if found.accuracy is None else f", {100 * found.accuracy:.2f} % right"
    title = f"{_called(found.run, found.step)}\n{of}{_looked_at(sample)}{right}"
    data = confusion.draw(found.confusion, found.labels, title, wanted.form)
    return Drawn("confusion", data, f"{len(found.labels)} classes; {_looked_at(sample)}", found.warnings)


def _no_confusion(trained: Trained, aim: Aim, graph: Graph) -> str | None:
    from netspec.commands.outcomes import MOST_CLASSES, kind_of

    if kind_of(aim) not in ("class", "positions"):
        return "what it predicts are no classes"
    count = len(aim.labels)
    return f"{count:,} classes are more than the {MOST_CLASSES:,} that are counted" if count > MOST_CLASSES else None


def _filters(runs: Sequence[Path], wanted: Wanted) -> Drawn:
    from netspec.commands.filters import filters
    from netspec.report.pictures import tiles
    from netspec.train.device import choose

    choose(wanted.device)
    found = filters(runs[0], wanted.layer)
    title = f"{_called(found.run, found.step)}: {found.layer}"
    what = f"{len(found.kernels)} kernels of {found.layer}"
    return Drawn("filters", tiles.draw_filters(found.kernels, title, wanted.form), what, found.warnings)


def _no_filters(trained: Trained, aim: Aim, graph: Graph) -> str | None:
    from netspec.commands.filters import no_filters

    return no_filters(trained.preparation, graph)


RECONSTRUCTED = 20
"""Examples whose reconstructions are shown, unless more are asked for."""


def _reconstructions(runs: Sequence[Path], wanted: Wanted) -> Drawn:
    from netspec.commands.outcomes import outcomes_of
    from netspec.report.drawing.wording import measure
    from netspec.report.pictures import tiles

    sample = _sample(runs, wanted)
    found = outcomes_of(sample)
    assert found.said is not None
    assert found.truths is not None
    error = float(((found.said - found.truths) ** 2).mean() ** 0.5)
    shown = range(0, len(sample), max(1, -(-len(sample) // min(RECONSTRUCTED, len(sample)))))
    images = [(found.image_of(i), found.reconstructed_image_of(i)) for i in shown]
    pairs = [(before, after) for before, after in images if before is not None and after is not None]
    title = f"{_called(found.run, found.step)}: {_looked_at(sample)}, root mean squared error {measure(error)}"
    data = tiles.draw_reconstructions([a for a, _ in pairs], [b for _, b in pairs], title, wanted.form)
    return Drawn("reconstructions", data, f"{len(pairs)} of {_looked_at(sample)}", found.warnings)


def _no_reconstructions(trained: Trained, aim: Aim, graph: Graph) -> str | None:
    from netspec.commands.outcomes import kind_of
    from netspec.data.pixels import image_shape

    if kind_of(aim) != "input":
        return "the network does not give back its input"
    return None if image_shape(trained.preparation, aim.target or "") else "its inputs are no images"


def _regions(runs: Sequence[Path], wanted: Wanted) -> Drawn:
    from netspec.commands.regions import regions
    from netspec.report.pictures import points

    sample = _sample(runs, wanted, POINTS)
    found = regions(sample)
    title = f"{_called(found.run, found.step)}\n{_looked_at(sample)}"
    data = points.draw_regions(
        found.x, found.y, found.values, found.points, found.truths, found.said, found.labels, found.axes,
        found.target, title, wanted.form,
    )  # fmt: skip
    return Drawn("regions", data, _looked_at(sample), sample.warnings)


def _no_regions(trained: Trained, aim: Aim, graph: Graph) -> str | None:
    from netspec.commands.regions import no_regions

    return no_regions(trained, aim)


POINTS = 2000
"""Examples that are shown as points, unless more are asked for."""


def _embedding(runs: Sequence[Path], wanted: Wanted) -> Drawn:
    from netspec.commands.embedding import embedding
    from netspec.report.pictures import points

    sample = _sample(runs, wanted, POINTS)
    found = embedding(sample, wanted.layer)
    number = f"{len(found.points):,} {found.what}, " if found.what != "examples" else ""
    of = f"{found.layer}, {found.features:,} numbers"
    title = f"{_called(found.run, found.step)}: {of}\n{number}{_looked_at(sample)}"
    data = points.draw_embedding(found.points, found.explained, found.truths, found.labels, title, wanted.form)
    return Drawn("embedding", data, f"{of}; {_looked_at(sample)}", sample.warnings)


def _no_embedding(trained: Trained, aim: Aim, graph: Graph) -> str | None:
    from netspec.commands.embedding import no_embedding
    from netspec.commands.outcomes import kind_of

    if trained.opened.spec.is_point:
        return "it learned from no examples"
    return no_embedding(graph, aim.output, kind_of(aim))


def _weights(runs: Sequence[Path], wanted: Wanted) -> Drawn:
    from netspec.commands.filters import parameters
    from netspec.report.pictures import weights
    from netspec.train.device import choose

    choose(wanted.device)
    found = parameters(runs[0])
    data = weights.draw(found.arrays, _called(found.run, found.step), wanted.form)
    count = len(found.arrays)
    return Drawn("weights", data, f"{count:,} array{'s' * (count != 1)} of parameters", found.warnings)


# -- what a run may have, by its spec and its data ---------------------------------------------------------------------


def _of_classes(trained: Trained) -> bool:
    return any(target.kind == "class" for target in trained.facts.targets.values()) and not _gives_back(trained)


def _gives_back(trained: Trained) -> bool:
    """Whether the first loss is held against an input."""
    spec, facts = trained.opened.spec, trained.facts
    own = spec.losses[0].target
    named = own is None and spec.data is not None and spec.data.target == "input"
    return named or (own is not None and own not in facts.targets and (own == "input" or own in facts.inputs))


def _of_images(trained: Trained) -> bool:
    from netspec.data.pixels import image_shape

    return any(image_shape(trained.preparation, name) for name in trained.preparation.format.inputs)


def _of_two_numbers(trained: Trained) -> bool:
    inputs = list(trained.facts.inputs.values())
    return len(inputs) == 1 and tuple(inputs[0].shape) == (2,)


def _of_examples(trained: Trained) -> bool:
    return not trained.opened.spec.is_point


_KINDS: Mapping[str, _Kind] = {
    "curves": _Kind(_curves, ("by",)),
    "bars": _Kind(_bars, ("part",)),
    "confusion": _Kind(_confusion, ("part", "examples"), _no_confusion, _of_classes),
    "filters": _Kind(_filters, ("layer",), _no_filters, _of_images),
    "reconstructions": _Kind(
        _reconstructions, ("part", "examples"), _no_reconstructions, lambda run: _gives_back(run) and _of_images(run)
    ),
    "regions": _Kind(_regions, ("part", "examples"), _no_regions, _of_two_numbers),
    "embedding": _Kind(_embedding, ("part", "examples", "layer"), _no_embedding, _of_examples),
    "weights": _Kind(_weights, (), lambda trained, aim, graph: None),
}

KINDS = tuple(_KINDS)
"""The kinds of pictures; the first two are of any number of runs."""
