"""What brings new inputs to a network as the training ones were brought; saved with every run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from netspec.data import transforms as changes
from netspec.data.format import Array, Column, Dtype, Format, InputFormat, Inputs, TargetFormat
from netspec.data.tokens import Tokens
from netspec.data.transforms import Measure, Transform

__all__ = ["LARGEST_HELD", "Part", "Pipeline", "Preparation", "Prepared", "batches", "prepared"]

LARGEST_HELD = 2 * 2**30
"""Bytes of a part's prepared inputs that are held in memory, at the most."""

BATCH_BYTES = 64 * 2**20
"""Bytes of inputs that are prepared together."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What is done to one input, or to one target, from its raw form on.

    Args:
        raw: the shape of a raw one.
        raw_dtype: what the numbers of a raw one are, once they are for a network.
        transforms: in turn.
    """

    raw: tuple[int, ...]
    raw_dtype: Dtype
    transforms: tuple[Transform, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one as the network takes it."""
        shape = self.raw
        for transform in self.transforms:
            shape = transform.shape(shape)
        return shape

    @property
    def dtype(self) -> Dtype:
        """What its numbers are then."""
        given = [t.dtype for t in self.transforms if t.dtype]
        return given[-1] if given else self.raw_dtype

    def apply(self, raw: Array) -> Array:
        """Raw ones `[n, *raw]` as the network takes them, `[n, *shape]`."""
        found = raw
        for transform in self.transforms:
            found = transform(found)
        return found.astype(self.dtype, copy=False)


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is needed to bring new inputs to a network, and its outputs to people.

    Args:
        format: what inputs and targets look like before any transform; the columns' words and the labels.
        transforms: by input, with all that they learned from the training part.
        measures: by target, what brought it to the measure that the network predicts it in.
    """

    format: Format
    transforms: Mapping[str, tuple[Transform, ...]] = field(default_factory=dict)
    measures: Mapping[str, tuple[Measure, ...]] = field(default_factory=dict)

    def input(self, name: str) -> Pipeline:
        """What is done to an input."""
        known = self.format.inputs[name]
        return Pipeline(known.shape, known.dtype, self.transforms.get(name, ()))

    def target(self, name: str) -> Pipeline:
        """What is done to a target."""
        known = self.format.targets[name]
        return Pipeline(known.shape, known.dtype, self.measures.get(name, ()))

    def measured_back(self, name: str, outputs: Array) -> Array:
        """What a network predicts of a target, in the target's own measure."""
        for measure in reversed(self.measures.get(name, ())):
            outputs = measure.back(outputs)
        return outputs

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back exactly."""
        known = self.format
        inputs = {
            n: {**asdict(i), "transforms": changes.to_json(self.transforms.get(n, ()))} for n, i in known.inputs.items()
        }
        targets = {
            n: {**asdict(t), "transforms": changes.to_json(self.measures.get(n, ()))} for n, t in known.targets.items()
        }
        rest = {"reading": known.reading, "stride": known.stride, "paired": known.paired}
        return {"inputs": inputs, "targets": targets, **rest}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Preparation:
        """The preparation that `to_json` wrote.

        Raises:
            ValueError: something in it is missing or unknown.
        """
        try:
            inputs = {n: _input_from_json(i) for n, i in data["inputs"].items()}
            targets = {n: TargetFormat(**_tuples(t, "transforms")) for n, t in data["targets"].items()}
            transforms = {n: changes.from_json(i["transforms"]) for n, i in data["inputs"].items()}
            measures = {n: changes.from_json(t["transforms"]) for n, t in data["targets"].items() if t["transforms"]}
            known = Format(inputs, targets, data["reading"], data["stride"], data["paired"])
            return Preparation(known, transforms, measures)  # type: ignore[arg-type]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no preparation: {error}") from error


def _tuples(data: Mapping[str, Any], *left_out: str) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k not in left_out}


def _input_from_json(data: Mapping[str, Any]) -> InputFormat:
    columns = tuple(Column(c["name"], tuple(c["words"])) for c in data["columns"])
    tokens = None if data["tokens"] is None else Tokens(**_tuples(data["tokens"]))
    return InputFormat(columns=columns, tokens=tokens, **_tuples(data, "columns", "tokens", "transforms"))


@dataclass(frozen=True, slots=True)
class Prepared:
    """Inputs that are too many to be held: read and transformed when they are asked for, like an array by its rows.

    Args:
        raw: all raw inputs.
        rows: those of them that these are.
    """

    raw: Inputs
    rows: Array
    pipeline: Pipeline

    @property
    def shape(self) -> tuple[int, ...]:
        """As an array's."""
        return (len(self.rows), *self.pipeline.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """As an array's."""
        return np.dtype(self.pipeline.dtype)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, wanted: Array | slice | int) -> Array:
        """Some of the inputs, prepared.

        Raises:
            DataError: a file that holds one is damaged.
        """
        rows = self.rows[wanted]
        found = self.pipeline.apply(self.raw[np.atleast_1d(rows)])
        return found if np.ndim(rows) else found[0]


@dataclass(frozen=True, slots=True)
class Part:
    """Examples that serve one end: to train, to validate or to test.

    Args:
        inputs: by name, prepared, `[n, *shape]`, float32 or int32.
        targets: by name, class indices (int32) `[n, …]`, or numbers (float32) `[n, …]`.
    """

    inputs: Mapping[str, Array | Prepared]
    targets: Mapping[str, Array | Prepared]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    @property
    def in_memory(self) -> bool:
        """Whether all of it is arrays that are held, rather than read when they are asked for."""
        return all(isinstance(array, np.ndarray) for array in (*self.inputs.values(), *self.targets.values()))

    def take(self, indices: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        """Inputs and targets of some examples, by their numbers in the part."""
        return {n: a[indices] for n, a in self.inputs.items()}, {n: a[indices] for n, a in self.targets.items()}


def batches(raw: Inputs, rows: Array, pipeline: Pipeline) -> Iterator[Array]:
    """Prepared inputs of some rows, a batch of bounded size at a time."""
    numbers = max(math.prod(pipeline.shape), math.prod(pipeline.raw))
    size = max(1, BATCH_BYTES // (4 * max(numbers, 1)))
    for start in range(0, len(rows), size):
        yield pipeline.apply(raw[rows[start : start + size]])


def prepared(raw: Inputs, rows: Array, pipeline: Pipeline) -> Array | Prepared:
    """The inputs of some rows: held as an array if they are few enough, and else read when they are asked for."""
    wanted = Prepared(raw, rows, pipeline)
    if math.prod(wanted.shape) * wanted.dtype.itemsize > LARGEST_HELD:
        return wanted
    held = np.empty(wanted.shape, wanted.dtype)
    start = 0
    for batch in batches(raw, rows, pipeline):
        held[start : start + len(batch)] = batch
        start += len(batch)
    return held
