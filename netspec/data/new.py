"""New inputs and new examples, from files that a command names: read as the training's were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from netspec.data import arrays, idx, pictures, series, tables, text
from netspec.data.files import DataFile, Where, found_file, found_folder
from netspec.data.format import Array, Examples, Format, Inputs
from netspec.data.pairs import base_of, in_arrays, paired
from netspec.data.pictures import resized
from netspec.data.preparation import Part, Preparation, Prepared, prepared
from netspec.data.rows import opened
from netspec.data.texts import one_text
from netspec.diagnostics import DataError, Diagnostic
from netspec.spec.call import Shape

__all__ = ["NewInputs", "evaluate_part", "read_inputs", "read_text"]

TABLES = frozenset({".csv", ".tsv", ".txt"})


class NewInputs(NamedTuple):
    """Inputs without targets.

    Args:
        names: of each: a row's number in a table, its index in an array, an image's path.
        inputs: by name, prepared, `[n, *shape]`.
    """

    names: tuple[str, ...]
    inputs: Mapping[str, Array | Prepared]


def read_inputs(path: Path, preparation: Preparation) -> NewInputs:
    """New inputs to predict for: a table, an NPZ file, an image, or a folder of images and such folders.

    Of a series, each row of the table that a whole window ends with is the name of a forecast.

    Raises:
        DataError: the path holds nothing like what the network learned from.
    """
    file = DataFile(path, str(path))
    names, raw = _raw_inputs(file, preparation)
    if not names:
        raise file.error("no-examples", "holds no examples")
    rows = np.arange(len(names))
    return NewInputs(tuple(names), {n: prepared(r, rows, preparation.input(n)) for n, r in raw.items()})


def read_text(text: str, preparation: Preparation) -> NewInputs:
    """A text to predict for, where that is all that the network takes.

    Raises:
        DataError: the network takes more, or the text is empty or too short.
    """
    if len(preparation.format.inputs) > 1:
        names = ", ".join(preparation.format.inputs)
        message, help_ = f"the network takes several inputs: {names}", "give a table of them"
        raise DataError(Diagnostic("wrong-data", message, help=help_))
    ((name, known),) = preparation.format.inputs.items()
    return NewInputs(("text",), {name: one_text(text, known)})


def _raw_inputs(file: DataFile, preparation: Preparation) -> tuple[Sequence[str], Mapping[str, Inputs]]:
    known = preparation.format
    if known.reading == "text":
        raise file.error("wrong-data", "the network continues text", help='give its beginning: --text "…"')
    if known.paired:
        _check_paired_arrays(file)
        known = in_arrays(known)
    match _sort(file, known):
        case "series":
            rows, windows = series.read_inputs(opened(file), known)
            return [str(row) for row in rows], windows
        case "table":
            numbers, inputs = tables.read_inputs(opened(file), known)
            return [str(number) for number in numbers], inputs
        case "arrays":
            found = arrays.read_inputs(file, known)
            return [str(i) for i in range(len(next(iter(found.values()))))], found
        case "folder":
            files = pictures.images_below(found_folder(file))
            return [f.path.relative_to(file.path).as_posix() for f in files], _pictures(files, preparation)
        case _:
            return [file.path.name], _pictures([found_file(file)], preparation)


def _check_paired_arrays(file: DataFile) -> None:
    if file.path.suffix.casefold() != ".npz":
        help_ = "give an NPZ file with the arrays 'left' and 'right'"
        raise file.error("wrong-data", "the network takes pairs", help=help_)


def evaluate_part(path: Path, preparation: Preparation) -> Part:
    """New examples to evaluate with: a table, an NPZ file, a folder of images for each class, MNIST's files, or a text.

    Of MNIST's files, the test part is taken where there is one. Of a text or a series, there are as many windows as fit
    in, as far apart as those of the training. Of pairs, new ones are drawn from such examples as those were made of.

    Raises:
        DataError: the path holds nothing like what the network learned from, or classes that it does not know.
    """
    file = DataFile(path, str(path))
    known = preparation.format
    examples = _raw_examples(file, base_of(known) if known.paired else known)
    if known.paired:
        examples = paired(examples, 0, Where(path, lambda key: None))
    count = len(next(iter(examples.targets.values())))
    if not count:
        raise file.error("no-examples", "holds no examples")
    rows = np.arange(count)
    inputs = {
        name: prepared(resized(raw, preparation.transforms.get(name, ())), rows, preparation.input(name))
        for name, raw in examples.inputs.items()
    }
    targets = {name: prepared(raw, rows, preparation.target(name)) for name, raw in examples.targets.items()}
    return Part(inputs, targets)


def _raw_examples(file: DataFile, known: Format) -> Examples:
    if known.reading == "text":
        return text.read_examples(file, known)
    match _sort(file, known):
        case "series":
            return series.read_examples(opened(file), known)
        case "table":
            return tables.read_examples(opened(file), known)
        case "arrays":
            return arrays.read_examples(file, known)
        case "folder" if idx.is_idx(file.path):
            return idx.read_examples(file, known)
        case "folder":
            return pictures.read_examples(found_folder(file), known)
        case _:
            raise file.error("no-targets", "is a single image, and has no target", help="give a folder for each class")


def _pictures(files: Sequence[DataFile], preparation: Preparation) -> dict[str, Inputs]:
    ((name, known),) = preparation.format.inputs.items()
    return {name: resized(pictures.pictures_in(files, known), preparation.transforms.get(name, ()))}


def _sort(file: DataFile, known: Format) -> str:
    """What a path holds: "series", "table", "arrays", "folder" or "image", if a network of that format can take it."""
    ending = file.path.suffix.casefold()
    sort = _sort_of(file.path, ending)
    if sort is None:
        raise found_file(file).error("unknown-file", "is nothing that is read", help="give a .csv, a .npz, or an image")
    if sort in ("table", "arrays"):
        found_file(file)
    wants_table = known.reading in ("table", "series") and not (known.paired and sort == "arrays")
    if wants_table and sort != "table":
        columns = ", ".join(c.name for i in known.inputs.values() for c in i.columns)
        raise file.error("wrong-data", "the network takes a table", note=f"its columns are: {columns}")
    if not wants_table and sort == "table":
        shapes = ", ".join(str(Shape(i.shape)) for i in known.inputs.values())
        raise file.error("wrong-data", f"the network takes {shapes}, not a table", help="give an NPZ file")
    if sort in ("folder", "image"):
        _check_images(file, known)
    return known.reading if wants_table else sort


def _check_images(file: DataFile, known: Format) -> None:
    if len(known.inputs) > 1:
        names = ", ".join(f"'{i.array}'" for i in known.inputs.values())
        raise file.error("wrong-data", "the network takes several inputs", help=f"give an NPZ file of {names}")
    if known.input.white is None or known.input.shape[-1] not in (1, 3):
        shape = Shape(known.input.shape)
        message = f"the network takes arrays of {shape}, whose numbers are not known to be an image's"
        raise file.error("wrong-data", message, help="give an NPZ file")


def _sort_of(path: Path, ending: str) -> str | None:
    if path.is_dir():
        return "folder"
    if ending in TABLES:
        return "table"
    return "arrays" if ending == ".npz" else "image" if ending in pictures.ENDINGS else None
