"""What brings new inputs to a network as the training ones were brought; saved with every run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from netspec.data import arrays, idx, pictures, tables, transforms
from netspec.data.files import DataFile, found_file, found_folder
from netspec.data.format import Array, Column, Dtype, Examples, Format, Inputs
from netspec.data.pictures import Pictures
from netspec.data.rows import opened
from netspec.data.transforms import Resize, Transform
from netspec.spec.call import Shape

__all__ = [
    "LARGEST_HELD",
    "NewInputs",
    "Part",
    "Preparation",
    "Prepared",
    "batches",
    "evaluate_part",
    "prepared",
    "read_inputs",
]

LARGEST_HELD = 2 * 2**30
"""Bytes of a part's prepared inputs that are held in memory, at the most."""

BATCH_BYTES = 64 * 2**20
"""Bytes of inputs that are prepared together."""

TABLES = frozenset({".csv", ".tsv", ".txt"})


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is needed to bring new inputs to a network.

    Args:
        format: what the inputs look like before any transform; the columns' words and the labels.
        transforms: with all that they learned from the training part.
    """

    format: Format
    transforms: tuple[Transform, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input as the network takes it."""
        shape = self.format.shape
        for transform in self.transforms:
            shape = transform.shape(shape)
        return shape

    @property
    def dtype(self) -> Dtype:
        """What the numbers of such an input are."""
        given = [t.dtype for t in self.transforms if t.dtype]
        return given[-1] if given else self.format.dtype

    def apply(self, raw: Array) -> Array:
        """Raw inputs `[n, *format.shape]` as the network takes them, `[n, *shape]`."""
        found = raw
        for transform in self.transforms:
            found = transform(found)
        return found.astype(self.dtype, copy=False)

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back exactly."""
        return {"format": asdict(self.format), "transforms": transforms.to_json(self.transforms)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Preparation:
        """The preparation that `to_json` wrote.

        Raises:
            ValueError: something in it is missing or unknown.
        """
        try:
            given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data["format"].items()}
            columns = tuple(Column(c["name"], tuple(c["words"])) for c in given.pop("columns"))
            return Preparation(Format(columns=columns, **given), transforms.from_json(data["transforms"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no preparation: {error}") from error


@dataclass(frozen=True, slots=True)
class Prepared:
    """Inputs that are too many to be held: read and transformed when they are asked for, like an array by its rows.

    Args:
        raw: all raw inputs.
        rows: those of them that these are.
    """

    raw: Inputs
    rows: Array
    preparation: Preparation

    @property
    def shape(self) -> tuple[int, ...]:
        """As an array's."""
        return (len(self.rows), *self.preparation.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """As an array's."""
        return np.dtype(self.preparation.dtype)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, wanted: Array | slice | int) -> Array:
        """Some of the inputs, prepared.

        Raises:
            DataError: a file that holds one is damaged.
        """
        rows = self.rows[wanted]
        found = self.preparation.apply(self.raw[np.atleast_1d(rows)])
        return found if np.ndim(rows) else found[0]


@dataclass(frozen=True, slots=True)
class Part:
    """Examples that serve one end: to train, to validate or to test.

    Args:
        inputs: by name, prepared, `[n, *shape]`, float32 or int32.
        targets: by name, class indices (int32) `[n, …]`, or numbers (float32) `[n, …]`.
    """

    inputs: Mapping[str, Array | Prepared]
    targets: Mapping[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    @property
    def in_memory(self) -> bool:
        """Whether the inputs are arrays that are held, rather than read when they are asked for."""
        return all(isinstance(array, np.ndarray) for array in self.inputs.values())

    def take(self, indices: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        """Inputs and targets of some examples, by their numbers in the part."""
        return {n: a[indices] for n, a in self.inputs.items()}, {n: a[indices] for n, a in self.targets.items()}


def batches(raw: Inputs, rows: Array, preparation: Preparation) -> Iterator[Array]:
    """Prepared inputs of some rows, a batch of bounded size at a time."""
    numbers = max(math.prod(preparation.shape), math.prod(preparation.format.shape))
    size = max(1, BATCH_BYTES // (4 * max(numbers, 1)))
    for start in range(0, len(rows), size):
        yield preparation.apply(raw[rows[start : start + size]])


def prepared(raw: Inputs, rows: Array, preparation: Preparation) -> Array | Prepared:
    """The inputs of some rows: held as an array if they are few enough, and else read when they are asked for."""
    wanted = Prepared(raw, rows, preparation)
    if math.prod(wanted.shape) * wanted.dtype.itemsize > LARGEST_HELD:
        return wanted
    held = np.empty(wanted.shape, wanted.dtype)
    start = 0
    for batch in batches(raw, rows, preparation):
        held[start : start + len(batch)] = batch
        start += len(batch)
    return held


# -- new inputs and new examples -------------------------------------------------------------------------------------


class NewInputs(NamedTuple):
    """Inputs without targets.

    Args:
        names: of each: a row's number in a table, its index in an array, an image's path.
        inputs: prepared, `[n, *shape]`.
    """

    names: tuple[str, ...]
    inputs: Array | Prepared


def read_inputs(path: Path, preparation: Preparation) -> NewInputs:
    """New inputs to predict for: a table, an NPZ file, an image, or a folder of images and such folders.

    Raises:
        DataError: the path holds nothing like what the network learned from.
    """
    names, raw = _raw_inputs(DataFile(path, str(path)), preparation)
    if not names:
        raise DataFile(path, str(path)).error("no-examples", "holds no examples")
    return NewInputs(tuple(names), prepared(raw, np.arange(len(names)), preparation))


def _raw_inputs(file: DataFile, preparation: Preparation) -> tuple[Sequence[str], Inputs]:
    known = preparation.format
    match _sort(file, known):
        case "table":
            numbers, inputs = tables.read_inputs(opened(file), known)
            return [str(number) for number in numbers], inputs
        case "arrays":
            inputs = arrays.read_inputs(file, known)
            return [str(i) for i in range(len(inputs))], inputs
        case "folder":
            files = pictures.images_below(found_folder(file))
            return [f.path.relative_to(file.path).as_posix() for f in files], _pictures(files, preparation)
        case _:
            return [file.path.name], _pictures([found_file(file)], preparation)


def evaluate_part(path: Path, preparation: Preparation) -> Part:
    """New examples to evaluate with: a table, an NPZ file, a folder of images for each class, or MNIST's files.

    Of MNIST's files, the test part is taken where there is one.

    Raises:
        DataError: the path holds nothing like what the network learned from, or classes that it does not know.
    """
    file = DataFile(path, str(path))
    examples = _raw_examples(file, preparation)
    if not len(examples.targets):
        raise file.error("no-examples", "holds no examples")
    inputs = prepared(examples.inputs, np.arange(len(examples.targets)), preparation)
    return Part({"input": inputs}, {"target": examples.targets})


def _raw_examples(file: DataFile, preparation: Preparation) -> Examples:
    known = preparation.format
    match _sort(file, known):
        case "table":
            return tables.read_examples(opened(file), known)
        case "arrays":
            return arrays.read_examples(file, known)
        case "folder" if idx.is_idx(file.path):
            return idx.read_examples(file, known)
        case "folder":
            return with_resize(pictures.read_examples(found_folder(file), known), preparation.transforms)
        case _:
            raise file.error("no-targets", "is a single image, and has no target", help="give a folder for each class")


def with_resize(examples: Examples, transforms: Sequence[Transform]) -> Examples:
    """The same examples; images are resized as they are decoded if that comes first: their sizes may differ then."""
    if isinstance(examples.inputs, Pictures) and transforms and isinstance(transforms[0], Resize):
        return replace(examples, inputs=examples.inputs.resized(transforms[0]))
    return examples


def _pictures(files: Sequence[DataFile], preparation: Preparation) -> Inputs:
    found = Examples(pictures.pictures_in(files, preparation.format), np.empty(0))
    return with_resize(found, preparation.transforms).inputs


def _sort(file: DataFile, format_: Format) -> str:
    """What a path holds: "table", "arrays", "folder" or "image", if a network of that format can take it."""
    ending = file.path.suffix.casefold()
    sort = _sort_of(file.path, ending)
    if sort is None:
        raise found_file(file).error("unknown-file", "is nothing that is read", help="give a .csv, a .npz, or an image")
    if sort in ("table", "arrays"):
        found_file(file)
    if format_.columns and sort != "table":
        columns = ", ".join(c.name for c in format_.columns)
        raise file.error("wrong-data", "the network takes a table", note=f"its columns are: {columns}")
    if not format_.columns and sort == "table":
        raise file.error(
            "wrong-data", f"the network takes {Shape(format_.shape)}, not a table", help="give an NPZ file"
        )
    if sort in ("folder", "image") and (format_.white is None or format_.shape[-1] not in (1, 3)):
        message = f"the network takes arrays of {Shape(format_.shape)}, whose numbers are not known to be an image's"
        raise file.error("wrong-data", message, help="give an NPZ file")
    return sort


def _sort_of(path: Path, ending: str) -> str | None:
    if path.is_dir():
        return "folder"
    if ending in TABLES:
        return "table"
    return "arrays" if ending == ".npz" else "image" if ending in pictures.ENDINGS else None
