"""Arrays in NumPy's own files. Their headers are read first, so that neither a wrong nor a huge array is ever made."""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO

import numpy as np

from netspec.data.files import LARGEST_FILE, DataFile, Where
from netspec.data.format import (
    Array,
    Dtype,
    Examples,
    Format,
    InputFormat,
    Survey,
    TargetFormat,
    class_indices,
    in_natural_order,
    input_name,
)
from netspec.diagnostics import DataError, Diagnostic, NetspecError, nearest
from netspec.spec.call import Shape
from netspec.spec.data import Split

__all__ = ["Npz", "as_numbers", "padding", "read_examples", "read_inputs"]

NOTHING = -1
"""The class of a position where nothing is to be predicted."""


@dataclass(frozen=True, slots=True)
class Npz:
    """Arrays of one file: inputs and targets.

    Args:
        path: as it was written.
        input, target: the arrays' names; of several, each is an input or target of its own.
        sequences: whether they hold sequences of vectors or of tokens.
    """

    path: str
    input: str | tuple[str, ...] = "x"
    target: str | tuple[str, ...] = "y"
    sequences: bool = False

    def survey(self, where: Where, split: Split) -> Survey:
        return self._surveyed(where.file("npz", self.path), where)

    def read(self, where: Where, split: Split) -> tuple[Survey, Examples]:
        file = where.file("npz", self.path)
        survey = self._surveyed(file, where)
        return survey, read_examples(file, survey.format)

    def _surveyed(self, file: DataFile, where: Where) -> Survey:
        with _archive(file) as archive:
            inputs = {
                name: _input_format(archive, array, self.sequences, file)
                for name, array in _names(self.input, "input", file, where).items()
            }
            names = _names(self.target, "target", file, where)
            count = _check_lengths(archive, [i.array for i in inputs.values()], [*names.values()], file)
            targets = {
                name: _targets(_array(archive, array, file), self.sequences, array, file).checked(file)
                for name, array in names.items()
            }
        return Survey(Format(inputs, targets), count)


def _names(written: str | tuple[str, ...], key: str, file: DataFile, where: Where) -> dict[str, str]:
    """The arrays of a key by the names of their inputs or targets."""
    if isinstance(written, str):
        return {key: written}
    found: dict[str, str] = {}
    for array in written:
        name = input_name(array)
        if name is None or name in found:
            why = "is the name of another one" if name else "holds no letter that a name could begin with"
            message = f"{file.name}: array '{array}' would be called '{name or ''}', which {why}"
            raise DataError(Diagnostic("name", message, where.key(key), help="change its name in the file"))
        found[name] = array
    return found


def read_inputs(file: DataFile, format: Format) -> dict[str, Array]:  # noqa: A002
    """The inputs of a file by name, `[examples, *shape]`.

    Raises:
        DataError: the file is damaged, lacks an array, or holds one of another shape.
    """
    with _archive(file) as archive:
        found = {name: _inputs(archive, file, known) for name, known in format.inputs.items()}
        _check_lengths(archive, [known.array for known in format.inputs.values()], [], file)
    return found


def read_examples(file: DataFile, format: Format) -> Examples:  # noqa: A002
    """The inputs and targets of a file.

    Raises:
        DataError: the file is damaged, lacks an array, or holds one of another shape or with unknown classes.
    """
    with _archive(file) as archive:
        inputs = {name: _inputs(archive, file, known) for name, known in format.inputs.items()}
        arrays = [known.array for known in format.inputs.values()]
        _check_lengths(archive, arrays, [known.source for known in format.targets.values()], file)
        targets = {
            name: _as_targets(_array(archive, known.source, file), file, known)
            for name, known in format.targets.items()
        }
    for name, known in format.targets.items():
        if known.kind == "class" and known.shape:
            _check_padding(targets[name], known, inputs, format, file)
    return Examples(inputs, targets)


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


def _input_format(archive: zipfile.ZipFile, array: str, sequences: bool, file: DataFile) -> InputFormat:
    """What an array is as an input: only its header is read, unless it holds whole numbers or sequences."""
    header = _header(archive, array, file)
    numbers = _dtype(header.dtype, array, file)
    sequence = sequences and len(header.shape) in ((2, 3) if numbers == "int32" else (3,))
    shape = _input_shape(header, numbers, sequence)
    # Bytes are the pixels of images, from black to white; what other numbers mean is not known.
    white = 255.0 if header.dtype == np.uint8 and len(shape) == 3 else None
    known = InputFormat(shape, numbers, (), array, white, sequence=sequence)
    if numbers == "float32" and not sequence:
        return known
    values = _values(archive, file, known)
    smallest, largest = (int(values.min()), int(values.max())) if numbers == "int32" and values.size else (-1, 0)
    vocabulary = largest + 1 if smallest >= 0 else None
    return replace(known, vocabulary=vocabulary, padded=sequence and bool(padding(values).any()))


def _dtype(found: np.dtype[np.generic], name: str, file: DataFile) -> Dtype:
    if found.kind == "i":
        return "int32"
    if found.kind in "fub":
        return "float32"
    raise file.error("wrong-type", f"array '{name}' holds {found}, and inputs must be numbers")


def _input_shape(header: _Header, numbers: Dtype, sequence: bool) -> tuple[int, ...]:
    shape = header.shape[1:]
    images = len(shape) == 2 and numbers == "float32" and not sequence
    return (*shape, 1) if images or not shape else shape


def _inputs(archive: zipfile.ZipFile, file: DataFile, known: InputFormat) -> Array:
    header = _header(archive, known.array, file)
    shape = _input_shape(header, _dtype(header.dtype, known.array, file), known.sequence)
    shorter = known.padded and shape[1:] == known.shape[1:] and len(shape) == len(known.shape) and shape < known.shape
    if shape != known.shape and not shorter:
        found = f"array '{known.array}' holds examples of {Shape(header.shape[1:])}"
        raise file.error("wrong-shape", f"{found}, where the network takes {Shape(known.shape)}")
    values = _values(archive, file, known)
    if known.sequence and not known.padded and padding(values).any():
        raise file.error("padding", f"array '{known.array}' has padding, and training knew none")
    return values


def _values(archive: zipfile.ZipFile, file: DataFile, known: InputFormat) -> Array:
    values = _filled_up(_array(archive, known.array, file), known)
    owner = f"array '{known.array}'"
    shaped = values.reshape(len(values), *known.shape)
    if not known.sequence or known.dtype == "int32":
        found = as_numbers(shaped, known.dtype, file, owner)
    else:
        found = np.where(padding(shaped)[..., None], np.nan, as_numbers(_unpadded(shaped), known.dtype, file, owner))
        found = found.astype(np.float32)
    if known.sequence:
        _check_ends(found, file, owner)
    return found


def _filled_up(values: Array, known: InputFormat) -> Array:
    """Sequences that are shorter than the longest that was learned from, padded to its length."""
    missing = known.shape[0] - values.shape[1] if known.padded else 0
    if missing <= 0:
        return values
    nothing = 0 if known.dtype == "int32" else np.nan
    around = [(0, 0), (0, missing), *[(0, 0)] * (values.ndim - 2)]
    return np.pad(values if nothing == 0 else values.astype(np.float64), around, constant_values=nothing)


def padding(values: Array) -> Array:
    """Which positions of some sequences are padding, bool [examples, length]: 0, or NaN throughout."""
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values).all(axis=-1))
    return np.asarray(values == 0) if values.ndim == 2 else np.zeros(values.shape[:2], bool)


def _unpadded(values: Array) -> Array:
    return np.where(padding(values)[..., None], 0.0, values) if values.dtype.kind == "f" else values


def _check_ends(values: Array, file: DataFile, owner: str) -> None:
    """See that padding stands at the ends, and that something stands before it."""
    empty = padding(values)
    wrong = np.argwhere(empty[:, :-1] & ~empty[:, 1:])
    what = "NaN" if values.dtype.kind == "f" else "0"
    if len(wrong):
        message = f"{owner} at {wrong[0].tolist()} holds {what}, which is padding, before the end of its sequence"
        raise file.error("padding", message, help="number what there is from 1" if what == "0" else "")
    if len(nothing := np.flatnonzero(empty.all(axis=1))):
        raise file.error("padding", f"{owner} at [{nothing[0]}] is a sequence of nothing but padding, {what}")


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


def _check_lengths(archive: zipfile.ZipFile, inputs: Sequence[str], targets: Sequence[str], file: DataFile) -> int:
    """How many examples all the arrays have.

    Raises:
        DataError: they have different numbers, or none.
    """
    first, count = inputs[0], _header(archive, inputs[0], file).shape[0]
    for array in (*inputs[1:], *targets):
        if (other := _header(archive, array, file).shape[0]) != count:
            message = f"array '{first}' has {count:,} examples, and array '{array}' has {other:,}"
            raise file.error("wrong-shape", message)
    if not count:
        raise file.error("no-examples", f"array '{first}' holds no examples")
    return count


def _targets(values: Array, sequences: bool, name: str, file: DataFile) -> TargetFormat:
    shape = values.shape[1:]
    if values.dtype.kind == "f" and values.ndim <= 2:
        return TargetFormat("number", (), (math.prod(shape),), source=name)
    if values.dtype.kind in "iubU" and math.prod(shape) == 1:
        return TargetFormat("class", _labels(values), source=name)
    if values.dtype.kind in "iub" and len(shape) == 1 and sequences:
        nothing = values == NOTHING if values.dtype.kind == "i" else np.zeros(values.shape, bool)
        return TargetFormat("class", _labels(values[~nothing]), shape, bool(nothing.any()), name)
    message = f"array '{name}' holds {values.dtype} of {Shape(shape)} an example"
    help_ = "targets are one whole number or word an example (a class), or fractions"
    if values.dtype.kind in "iub" and len(shape) == 1:
        help_ = f"{help_}; sequences = true takes a class for each position"
    raise file.error("wrong-type", message, help=help_)


def _labels(values: Array) -> tuple[str, ...]:
    return in_natural_order(str(word) for word in np.unique(_plain(values)).tolist())


def _plain(values: Array) -> Array:
    return values.astype(np.uint8) if values.dtype.kind == "b" else values


def _as_targets(values: Array, file: DataFile, known: TargetFormat) -> Array:
    name = known.source
    found = _targets(values, bool(known.shape) and known.kind == "class", name, file)
    if (found.kind, found.shape) != (known.kind, known.shape):
        expected = "classes" if known.kind == "class" else f"{math.prod(known.shape)} numbers an example"
        expected += f", {Shape(known.shape)} of them" if known.kind == "class" and known.shape else ""
        message = f"array '{name}' holds {values.dtype} of {Shape(values.shape[1:])} an example"
        raise file.error("wrong-shape", f"{message}, where there were {expected}")
    if found.kind == "number":
        return as_numbers(values, "float32", file, f"array '{name}'").reshape(len(values), *known.shape)
    indices, is_known = class_indices(_plain(values), known.labels)
    if found.padded:
        is_known |= values.reshape(-1) == NOTHING
    if not is_known.all():
        first = int(np.argmin(is_known))
        at = [int(i) for i in np.unravel_index(first, values.shape)[: 1 + len(known.shape)]]
        message = f"array '{name}' at {at} holds '{values.reshape(-1)[first]}', which is no class that is known"
        raise file.error("unknown-class", message, note=f"there are: {', '.join(known.labels)}")
    return indices.reshape(len(values), *known.shape)


def _check_padding(
    target: Array, known: TargetFormat, inputs: Mapping[str, Array], format_: Format, file: DataFile
) -> None:
    """See that nothing is to be predicted where a sequence has ended."""
    for name, values in inputs.items():
        own = format_.inputs[name]
        if own.padded and own.shape[:1] == known.shape:
            wrong = np.argwhere(padding(values) & (target >= 0))
            if len(wrong):
                message = (
                    f"array '{known.source}' has a class at {wrong[0].tolist()}, where array '{own.array}' has padding"
                )
                raise file.error("padding", message, help="-1 says that there is nothing to be predicted")
