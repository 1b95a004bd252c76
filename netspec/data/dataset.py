"""The data of a spec: what is known of it before a training, and all of it, parted and prepared."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from netspec.data.files import PlaceOf, Where
from netspec.data.format import Array, Examples, Format, Source, Survey
from netspec.data.pictures import Pictures
from netspec.data.preparation import Part, Preparation, batches, prepared, with_resize
from netspec.data.split import Sizes, parts, sizes
from netspec.data.transforms import Transform
from netspec.diagnostics import DataError, Diagnostic
from netspec.graph.facts import Facts
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
    """

    facts: Facts
    train: Part
    validation: Part
    test: Part
    preparation: Preparation
    fingerprint: str


def facts(data: Data, directory: Path, place: PlaceOf) -> Facts:
    """What the data tells a network, found out by reading as little as possible (a table is read whole).

    Args:
        data: the section as it was decoded, its expressions worked out.
        directory: where relative paths start.
        place: gives the place in the spec of a key under [data], such as `("source", "csv")`.

    Raises:
        DataError: the data is missing, damaged, or does not fit the transforms or the split.
    """
    where = Where(directory, place)
    survey = _source(data).survey(where)
    transforms = _transforms(data, survey.format, where)
    return _facts(survey, transforms, sizes(data.split, survey.examples, survey.tests, where))


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
    survey, examples = _source(data).read(where)
    unfitted = _transforms(data, survey.format, where)
    wanted = sizes(data.split, survey.examples, survey.tests, where)
    examples = with_resize(examples, unfitted)
    rows = _rows(survey, wanted, examples.targets, data.split.seed)
    preparation = _fitted(unfitted, survey.format, examples, rows[0])
    train, validation, test = (_part(examples, part, preparation) for part in rows)
    if isinstance(examples.inputs, Pictures) and not train.in_memory:
        examples.inputs.check_headers()
    return Dataset(
        _facts(survey, unfitted, wanted), train, validation, test, preparation, _fingerprint(survey, examples)
    )


def _source(data: Data) -> Source:
    source: Source = _made(data.source.lower())
    return source


def _made(call: Call) -> Any:
    """What a call of this package makes; the modules are imported only now, as they are needed."""
    module, _, name = call.name.rpartition(".")
    assert module.startswith("netspec.data."), call.name
    return getattr(import_module(module), name)(*call.arguments, **dict(call.keywords))


def _transforms(data: Data, format_: Format, where: Where) -> tuple[Transform, ...]:
    """The transforms, not fitted yet, if each can take what the one before it gives."""
    transforms: tuple[Transform, ...] = tuple(_made(t.lower()) for t in data.transform)
    shape = format_.shape
    for i, transform in enumerate(transforms):
        try:
            shape = transform.shape(shape)
        except Mismatch as mismatch:
            place = where.place("transform", i, transform.kind)
            raise DataError(Diagnostic("shape", f"{transform.kind} {mismatch.message}", place)) from mismatch
    return transforms


def _facts(survey: Survey, transforms: tuple[Transform, ...], wanted: Sizes) -> Facts:
    preparation = Preparation(survey.format, transforms)
    known = survey.format
    return Facts.of(Shape(preparation.shape), known.labels, known.outputs, wanted._asdict(), preparation.dtype)


def _rows(survey: Survey, wanted: Sizes, targets: Array, seed: int) -> tuple[Array, Array, Array]:
    """The rows of each part; a test part of the source's own is its last rows."""
    own = survey.tests or 0
    parted = survey.examples - own
    classes = targets[:parted] if survey.format.target == "class" else None
    train, validation, test = parts(wanted._replace(test=wanted.test - own), classes, seed)
    return train, validation, np.arange(parted, survey.examples) if own else test


def _fitted(unfitted: Sequence[Transform], format_: Format, examples: Examples, train: Array) -> Preparation:
    """Each transform learns from what the ones before it make of the training part."""
    preparation = Preparation(format_)
    for transform in unfitted:
        fitted = transform.fit(batches(examples.inputs, train, preparation))
        preparation = replace(preparation, transforms=(*preparation.transforms, fitted))
    return preparation


def _part(examples: Examples, rows: Array, preparation: Preparation) -> Part:
    return Part({"input": prepared(examples.inputs, rows, preparation)}, {"target": examples.targets[rows]})


def _fingerprint(survey: Survey, examples: Examples) -> str:
    digest = hashlib.sha256(repr(survey.format).encode())
    inputs = examples.inputs
    if isinstance(inputs, Pictures):
        for file in inputs.files:
            digest.update(hashlib.sha256(file.content()).digest())
    else:
        digest.update(np.ascontiguousarray(inputs).data)
    digest.update(np.ascontiguousarray(examples.targets).data)
    return digest.hexdigest()
