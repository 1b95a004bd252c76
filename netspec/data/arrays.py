"""Arrays in NumPy's own files. Their headers are read first, so that neither a wrong nor a huge array is ever made."""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np

from netspec.data.files import LARGEST_FILE, DataFile, Where
from netspec.data.format import Array, Dtype, Examples, Format, Survey, Targets, class_indices, in_natural_order
from netspec.diagnostics import NetspecError, nearest
from netspec.spec.call import Shape

__all__ = ["Npz", "as_numbers", "read_examples", "read_inputs"]


@dataclass(frozen=True, slots=True)
class Npz:
    """Two arrays of one file: inputs and targets.

    Args:
        path: as it was written.
        input, target: the arrays' names.
    """

    path: str
    input: str = "x"
    target: str = "y"

    def survey(self, where: Where) -> Survey:
        return self._surveyed(where.file("npz", self.path))

    def read(self, where: Where) -> tuple[Survey, Examples]:
        file = where.file("npz", self.path)
        survey = self._surveyed(file)
        return survey, read_examples(file, survey.format)

    def _surveyed(self, file: DataFile) -> Survey:
        with _archive(file) as archive:
            header = _header(archive, self.input, file)
            values = _array(archive, self.target, file)
        _check_lengths(file, self.input, header.shape, self.target, values.shape)
        targets = _targets(values, file, self.target).checked(file)
        numbers = _dtype(header.dtype, self.input, file)
        shape = _input_shape(header, numbers)
        # Bytes are the pixels of images, from black to white; what other numbers mean is not known.
        white = 255.0 if header.dtype == np.uint8 and len(shape) == 3 else None
        known = (targets.target, targets.labels, targets.outputs)
        return Survey(Format(shape, numbers, *known, (), self.input, self.target, white), header.shape[0])


def read_inputs(file: DataFile, format: Format) -> Array:  # noqa: A002
    """The inputs of a file, `[examples, *shape]`.

    Raises:
        DataError: the file is damaged, lacks the array, or holds one of another shape.
    """
    with _archive(file) as archive:
        return _inputs(archive, file, format)


def read_examples(file: DataFile, format: Format) -> Examples:  # noqa: A002
    """The inputs and targets of a file.

    Raises:
        DataError: the file is damaged, lacks an array, or holds one of another shape or with unknown classes.
    """
    with _archive(file) as archive:
        inputs = _inputs(archive, file, format)
        values = _array(archive, format.target_name, file)
    _check_lengths(file, format.input_name, inputs.shape, format.target_name, values.shape)
    return Examples(inputs, _as_targets(values, file, format))


# -- the file --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Header:
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]


@contextmanager
def _archive(file: DataFile) -> Iterator[zipfile.ZipFile]:
    """The file, opened; within it, whatever is broken in the file is a DataError."""
    with file.readable():
        stream = file.path.open("rb")
    try:
        with stream, warnings.catch_warnings(action="ignore"), zipfile.ZipFile(stream) as archive:
            yield archive
    except NetspecError:
        raise
    # zipfile and NumPy let through whatever they trip over: struct.error, TokenError, OSError for a wild offset.
    except Exception as error:
        raise file.error("damaged-file", f"is no NPZ file, or a damaged one: {error}") from error


@contextmanager
def _member(archive: zipfile.ZipFile, name: str, file: DataFile) -> Iterator[tuple[IO[bytes], _Header]]:
    members = {m.filename.removesuffix(".npy"): m for m in archive.infolist()}
    if name not in members:
        guess = nearest(name, members)
        label = f"did you mean '{guess}'?" if guess else ""
        raise file.error("no-such-array", f"has no array '{name}'", label, f"there are: {', '.join(sorted(members))}")
    with archive.open(members[name]) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
        _check_header(shape, dtype, members[name].file_size, name, file)
    with archive.open(members[name]) as stream:
        yield stream, _Header(shape, dtype)


def _check_header(shape: tuple[int, ...], dtype: np.dtype[np.generic], size: int, name: str, file: DataFile) -> None:
    if dtype.hasobject:
        message = f"array '{name}' holds Python objects, which may run code when they are read"
        raise file.error("object-array", message, help="save it as an array of numbers or of words")
    promised = math.prod(shape) * dtype.itemsize
    if promised > LARGEST_FILE:
        message = (
            f"array '{name}' {Shape(shape)} has {promised:,} bytes, and {LARGEST_FILE:,} are the most that is read"
        )
        raise file.error("too-large", message)
    if promised > size or min(shape, default=0) < 0:
        message = f"array '{name}' {Shape(shape)} needs {promised:,} bytes, and the file holds {size:,}"
        raise file.error("damaged-file", message)
    if not shape:
        raise file.error("wrong-shape", f"array '{name}' is a single number; there must be one row an example")


def _header(archive: zipfile.ZipFile, name: str, file: DataFile) -> _Header:
    with _member(archive, name, file) as (_, header):
        return header


def _array(archive: zipfile.ZipFile, name: str, file: DataFile) -> Array:
    with _member(archive, name, file) as (stream, _):
        array: Array = np.lib.format.read_array(stream, allow_pickle=False)
        return array


# -- inputs ----------------------------------------------------------------------------------------------------------


def _dtype(found: np.dtype[np.generic], name: str, file: DataFile) -> Dtype:
    if found.kind == "i":
        return "int32"
    if found.kind in "fub":
        return "float32"
    raise file.error("wrong-type", f"array '{name}' holds {found}, and inputs must be numbers")


def _input_shape(header: _Header, numbers: Dtype) -> tuple[int, ...]:
    shape = header.shape[1:]
    images = len(shape) == 2 and numbers == "float32"
    return (*shape, 1) if images or not shape else shape


def _inputs(archive: zipfile.ZipFile, file: DataFile, format_: Format) -> Array:
    header = _header(archive, format_.input_name, file)
    shape = _input_shape(header, _dtype(header.dtype, format_.input_name, file))
    if shape != format_.shape:
        found = f"array '{format_.input_name}' holds examples of {Shape(header.shape[1:])}"
        raise file.error("wrong-shape", f"{found}, where the network takes {Shape(format_.shape)}")
    values = _array(archive, format_.input_name, file)
    return as_numbers(values.reshape(len(values), *shape), format_.dtype, file, f"array '{format_.input_name}'")


def as_numbers(values: Array, dtype: Dtype, file: DataFile, owner: str) -> Array:
    """The values as numbers of a type; bytes stay what they are, since they are small and their numbers are exact.

    Raises:
        DataError: some are not finite, or too large for the type.
    """
    if values.dtype in (np.uint8, np.bool_):
        return values
    limits = np.iinfo(np.int32) if dtype == "int32" else np.finfo(np.float32)
    # NaN compares as false, so that it is found too.
    fits = (values >= limits.min) & (values <= limits.max)
    if not fits.all():
        where = np.argwhere(~fits)[0].tolist()
        message = f"{owner} at {where} holds {values[tuple(where)]}, and must hold finite numbers that fit {dtype}"
        raise file.error("not-finite", f"{message} ({(~fits).sum():,} do not)")
    return values.astype(dtype, copy=False)


# -- targets ---------------------------------------------------------------------------------------------------------


def _check_lengths(file: DataFile, x: str, inputs: tuple[int, ...], y: str, targets: tuple[int, ...]) -> None:
    if inputs[0] != targets[0]:
        message = f"array '{x}' has {inputs[0]:,} examples, and array '{y}' has {targets[0]:,}"
        raise file.error("wrong-shape", message)
    if not inputs[0]:
        raise file.error("no-examples", f"array '{x}' holds no examples")


def _targets(values: Array, file: DataFile, name: str) -> Targets:
    if values.dtype.kind == "f" and values.ndim <= 2:
        return Targets("number", (), math.prod(values.shape[1:]))
    if values.dtype.kind in "iubU" and math.prod(values.shape[1:]) == 1:
        words = np.unique(_plain(values)).tolist()
        return Targets("class", in_natural_order(str(w) for w in words))
    message = f"array '{name}' holds {values.dtype} of {Shape(values.shape[1:])} an example"
    help_ = "targets are one whole number or word an example (a class), or fractions"
    raise file.error("wrong-type", message, help=help_)


def _plain(values: Array) -> Array:
    return values.astype(np.uint8) if values.dtype.kind == "b" else values


def _as_targets(values: Array, file: DataFile, format_: Format) -> Array:
    name = format_.target_name
    found = _targets(values, file, name)
    if (found.target, found.outputs) != (format_.target, format_.outputs):
        expected = "classes" if format_.target == "class" else f"{format_.outputs} numbers an example"
        message = f"array '{name}' holds {values.dtype} of {Shape(values.shape[1:])} an example"
        raise file.error("wrong-shape", f"{message}, where there were {expected}")
    if found.target == "number":
        return as_numbers(values, "float32", file, f"array '{name}'").reshape(len(values), found.outputs)
    indices, known = class_indices(_plain(values), format_.labels)
    if not known.all():
        first = int(np.argmin(known))
        message = f"array '{name}' at [{first}] holds '{values.reshape(-1)[first]}', which is no class that is known"
        raise file.error("unknown-class", message, note=f"there are: {', '.join(format_.labels)}")
    return indices
