"""The data of a spec: what is known of it before a training, and all of it, parted and prepared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from netspec.data.files import PlaceOf, Where
from netspec.data.format import Array, Chosen, Examples, Format, InputFormat, Inputs, Sizes, Source, Survey
from netspec.data.pictures import Pictures, resized
from netspec.data.preparation import Part, Pipeline, Preparation, batches, prepared
from netspec.data.split import rows_of, sizes_of
from netspec.data.transforms import Flatten, Scale, Standardize, Transform
from netspec.data.windows import Windows
from netspec.diagnostics import DataError, Diagnostic, nearest
from netspec.graph.facts import Facts, InputFacts, TargetFacts
from netspec.spec.call import Call, Mismatch, Shape
from netspec.spec.data import Data

__all__ = ["Dataset", "facts", "load"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """All that a training needs of its data.

    Args:
        facts: as `facts` gives them.
        train, validation, test: the parts; one that is not wanted is of length 0.
        preparation: what brings new inputs to the network; to be saved with the run.
        fingerprint: SHA-256 of the raw examples, so that a run can tell whether the data is still the same.
        warnings: what a person should know of the data.
    """

    facts: Facts
    train: Part
    validation: Part
    test: Part
    preparation: Preparation
    fingerprint: str
    warnings: tuple[Diagnostic, ...] = ()


def facts(data: Data, directory: Path, place: PlaceOf) -> Facts:
    """What the data tells a network, found out by reading as little as possible (tables and texts are read whole).

    Args:
        data: the section as it was decoded, its expressions worked out.
        directory: where relative paths start.
        place: gives the place in the spec of a key under [data], such as `("source", "csv")`.

    Raises:
        DataError: the data is missing, damaged, or does not fit the transforms or the split.
    """
    where = Where(directory, place)
    survey = _source(data).survey(where, data.split)
    preparation = Preparation(survey.format, _transforms(data, survey.format, where))
    return _facts(preparation, sizes_of(survey, data.split, where))


def load(data: Data, directory: Path, place: PlaceOf) -> Dataset:
    """All the examples: read, parted, and transformed by what the training part alone teaches.

    Args:
        data: the section as it was decoded, its expressions worked out.
        directory: where relative paths start.
        place: gives the place in the spec of a key under [data], such as `("source", "csv")`.

    Raises:
        DataError: the data is missing, damaged, or does not fit the transforms or the split.
    """
    where = Where(directory, place)
    survey, examples = _source(data).read(where, data.split)
    unfitted = _transforms(data, survey.format, where)
    wanted = sizes_of(survey, data.split, where)
    examples = _resized(examples, unfitted)
    rows = rows_of(survey, wanted, next(iter(examples.targets.values())), data.split.seed)
    preparation = _fitted(unfitted, survey.format, examples, rows[0])
    train, validation, test = (_part(examples, part, preparation) for part in rows)
    if not train.in_memory:
        _check_headers(examples.inputs.values())
    known = _counted(_facts(Preparation(survey.format, unfitted), wanted), train)
    warnings = tuple(Diagnostic("data", note, where.place("source"), severity="warning") for note in survey.notes)
    return Dataset(known, train, validation, test, preparation, _fingerprint(survey, examples), warnings)


def _source(data: Data) -> Source:
    source: Source = _made(data.source.lower())
    return source


def _made(call: Call) -> Any:
    """What a call of this package makes; the modules are imported only now, as they are needed."""
    module, _, name = call.name.rpartition(".")
    assert module.startswith("netspec.data."), call.name
    arguments = [_made(a) if isinstance(a, Call) else a for a in call.arguments]
    keywords = {k: _made(v) if isinstance(v, Call) else v for k, v in call.keywords}
    return getattr(import_module(module), name)(*arguments, **keywords)


def _facts(preparation: Preparation, wanted: Sizes) -> Facts:
    known = preparation.format
    inputs = {name: _input_facts(i, preparation.input(name)) for name, i in known.inputs.items()}
    targets = {n: TargetFacts(t.kind, t.labels, Shape(t.shape), t.padded) for n, t in known.targets.items()}
    return Facts(inputs, targets, wanted._asdict())


MOST_COUNTED = 1000
"""Classes whose examples are counted, at the most."""


def _counted(known: Facts, train: Part) -> Facts:
    """The facts, with how many training examples are of each class."""

    def counted(name: str, target: TargetFacts) -> TargetFacts:
        values = train.targets[name]
        if target.kind != "class" or len(target.labels) > MOST_COUNTED or not isinstance(values, np.ndarray):
            return target
        counts = np.bincount(values[values >= 0], minlength=len(target.labels))
        return replace(target, counts=tuple(counts.tolist()))

    return replace(known, targets={name: counted(name, target) for name, target in known.targets.items()})


def _input_facts(known: InputFormat, pipeline: Pipeline) -> InputFacts:
    vocabulary = known.vocabulary if pipeline.dtype == "int32" else None
    return InputFacts(Shape(pipeline.shape), pipeline.dtype, vocabulary, known.padded)


# -- transforms --------------------------------------------------------------------------------------------------------

Steps = Mapping[str, tuple[Transform, ...]]
"""By input, what is done to it in turn."""


def _transforms(data: Data, format_: Format, where: Where) -> Steps:
    """The transforms of each input, not fitted yet, if each can take what the one before it gives."""
    found: dict[str, tuple[Transform, ...]] = dict.fromkeys(format_.inputs, ())
    for i, written in enumerate(data.transform):
        transform: Transform = _made(written.lower())
        for name in _inputs_for(written.of, transform, i, format_, where):
            shape = Preparation(format_, found).input(name).shape
            _check_takes(transform, shape, format_.inputs[name], where, i)
            found[name] += (transform,)
    return found


def _inputs_for(
    of: tuple[str, ...] | None, transform: Transform, i: int, format_: Format, where: Where
) -> Iterable[str]:
    """The inputs that a transform is for."""
    known = format_.inputs
    if of is None:
        fractions = [name for name, known_input in known.items() if known_input.dtype == "float32"]
        return fractions or known
    if format_.paired:
        message = f"{transform.kind} cannot be for one of a pair: both are brought to the network alike"
        raise DataError(Diagnostic("choice", message, where.place("transform", i, "of"), help="leave 'of' out"))
    for name in of:
        if name not in known:
            guess = nearest(name, known)
            label = f"did you mean '{guess}'?" if guess else ""
            message, note = f"the data has no input '{name}'", f"it has: {', '.join(known)}"
            raise DataError(
                Diagnostic("unknown-name", message, where.place("transform", i, "of"), label=label, note=note)
            )
    return of


def _check_takes(transform: Transform, shape: tuple[int, ...], known: InputFormat, where: Where, i: int) -> None:
    place = where.place("transform", i, transform.kind)
    if known.tokens is not None or known.looked_up:
        what = "tokens" if known.tokens is not None else "numbers of different values"
        message = f"{transform.kind} is for measures, and the input holds {what}, which are looked up"
        raise DataError(Diagnostic("transform", message, place, help="leave it out; { embed = 16 } makes vectors"))
    try:
        after = transform.shape(shape)
    except Mismatch as mismatch:
        raise DataError(Diagnostic("shape", f"{transform.kind} {mismatch.message}", place)) from mismatch
    if known.padded and after != shape:
        message = f"{transform.kind} would mix the positions of sequences that differ in length"
        raise DataError(Diagnostic("transform", message, place))


def _fitted(unfitted: Steps, format_: Format, examples: Examples, train: Array) -> Preparation:
    """Each transform learns from what the ones before it make of the training part."""
    fitted: dict[str, tuple[Transform, ...]] = {}
    for name, transforms in unfitted.items():
        if format_.paired and fitted:
            fitted[name] = next(iter(fitted.values()))  # the left ones are all that there are
            continue
        fitted[name] = ()
        for transform in transforms:
            before = Preparation(format_, fitted).input(name)
            fitted[name] += (transform.fit(batches(examples.inputs[name], train, before)),)
    return Preparation(format_, fitted, _measures(format_, fitted) if format_.reading == "series" else {})


def _measures(format_: Format, fitted: Steps) -> dict[str, tuple[Standardize | Scale, ...]]:
    """Of a series' target: what is done to its column in the inputs, as long as there is one."""
    ((name, known),) = format_.inputs.items()
    ((target, own),) = format_.targets.items()
    channel = [c.name for c in known.columns].index(own.source)
    steps = takewhile(lambda t: not isinstance(t, Flatten), fitted[name])
    measures = tuple(t.of_channel(channel) for t in steps if isinstance(t, Standardize | Scale))
    return {target: measures} if measures else {}


# -- parts -------------------------------------------------------------------------------------------------------------


def _part(examples: Examples, rows: Array, preparation: Preparation) -> Part:
    inputs = {name: prepared(raw, rows, preparation.input(name)) for name, raw in examples.inputs.items()}
    targets = {name: prepared(raw, rows, preparation.target(name)) for name, raw in examples.targets.items()}
    return Part(inputs, targets)


def _resized(examples: Examples, transforms: Steps) -> Examples:
    """The same examples; images are resized as they are decoded if that comes first: their sizes may differ then."""
    return replace(examples, inputs={n: resized(raw, transforms[n]) for n, raw in examples.inputs.items()})


def _check_headers(inputs: Iterable[Inputs]) -> None:
    for raw in inputs:
        of = raw.of if isinstance(raw, Chosen) else raw
        if isinstance(of, Pictures):
            of.check_headers()


def _fingerprint(survey: Survey, examples: Examples) -> str:
    digest = hashlib.sha256(repr(survey.format).encode("utf-8", "surrogatepass"))
    for raw in (*examples.inputs.values(), *examples.targets.values()):
        for part in _raw_bytes(raw):
            digest.update(part)
    return digest.hexdigest()


def _raw_bytes(raw: Inputs) -> Iterable[Any]:
    """All that some inputs are made of, as bytes."""
    if isinstance(raw, Pictures):
        return (hashlib.sha256(file.content()).digest() for file in raw.files)
    if isinstance(raw, Chosen):
        return (*_raw_bytes(raw.of), np.ascontiguousarray(raw.rows).data)
    if isinstance(raw, Windows):
        return (np.ascontiguousarray(raw.values).data, np.ascontiguousarray(raw.starts).data)
    return (np.ascontiguousarray(raw).data,)
