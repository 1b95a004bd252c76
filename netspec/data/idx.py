"""The format of MNIST: a magic number, sizes of four bytes each with the high byte first, and the bytes themselves.

Two zero bytes, the type (8: unsigned bytes) and the number of axes make the magic number (LeCun et al., 1998).
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np

from netspec.data.files import LARGEST_FILE, DataFile, Where
from netspec.data.format import (
    Array,
    Examples,
    Format,
    InputFormat,
    Survey,
    TargetFormat,
    class_indices,
    in_natural_order,
    sole,
)
from netspec.spec.call import Shape
from netspec.spec.data import Split

__all__ = ["Idx", "is_idx", "read_examples"]

IMAGES, LABELS = 3, 1
TRAIN, TEST = "train", "t10k"
WHITE = 255.0


@dataclass(frozen=True, slots=True)
class Idx:
    """MNIST's files in a folder; the test part may be absent.

    Args:
        path: as it was written.
    """

    path: str

    def survey(self, where: Where, split: Split) -> Survey:
        folder = where.folder("idx", self.path)
        counts, shape = _sizes(folder, TRAIN)
        tests = None
        if _has(folder, TEST):
            tests, test_shape = _sizes(folder, TEST)
            _check_same(folder, (*test_shape, 1), (*shape, 1))
        labels = _labels(folder, TRAIN)
        names = in_natural_order(str(v) for v in np.unique(labels).tolist())
        target = TargetFormat("class", names).checked(folder)
        known = sole(InputFormat((*shape, 1), "float32", white=WHITE), target)
        return Survey(known, counts + (tests or 0), tests)

    def read(self, where: Where, split: Split) -> tuple[Survey, Examples]:
        folder = where.folder("idx", self.path)
        survey = self.survey(where, split)
        read = [_part(folder, part, survey.format) for part in (TRAIN, TEST) if _has(folder, part)]
        inputs = np.concatenate([inputs for inputs, _ in read])
        targets = np.concatenate([targets for _, targets in read])
        return survey, Examples({"input": inputs}, {"target": targets})


def is_idx(folder: Path) -> bool:
    """Whether a folder holds files of this format."""
    return any(folder.glob("*-idx1-ubyte*")) or any(folder.glob("*.idx1-ubyte*"))


def read_examples(folder: DataFile, format: Format) -> Examples:  # noqa: A002
    """The test part of a folder, or its only part.

    Raises:
        DataError: a file is missing or damaged, or holds another shape or unknown labels.
    """
    images, targets = _part(folder, TEST if _has(folder, TEST) else TRAIN, format)
    white = format.input.white or WHITE
    return Examples({"input": images if white == WHITE else images * np.float32(white / WHITE)}, {"target": targets})


def _part(folder: DataFile, part: str, format_: Format) -> tuple[Array, Array]:
    _, shape = _sizes(folder, part)
    _check_same(folder, (*shape, 1), format_.input.shape)
    images = _content(_file(folder, part, IMAGES), IMAGES)
    labels = _labels(folder, part)
    indices, known = class_indices(labels, format_.target.labels)
    if not known.all():
        first = int(np.argmin(known))
        message = f"byte {first + 8:,} is label {labels[first]}, which is no class that is known"
        raise _file(folder, part, LABELS).error(
            "unknown-class", message, note=f"there are: {', '.join(format_.target.labels)}"
        )
    return images[..., None], indices


def _labels(folder: DataFile, part: str) -> Array:
    return _content(_file(folder, part, LABELS), LABELS)


def _sizes(folder: DataFile, part: str) -> tuple[int, tuple[int, ...]]:
    """How many examples a part has, and the height and width of its images."""
    files = _file(folder, part, IMAGES), _file(folder, part, LABELS)
    (images, *shape), (labels,) = (_header(file, axes) for file, axes in zip(files, (IMAGES, LABELS), strict=True))
    if images != labels:
        raise files[0].error("wrong-shape", f"holds {images:,} images, and {files[1].path.name} {labels:,} labels")
    if not images * math.prod(shape):
        raise files[0].error("no-examples", f"holds {images:,} images of {shape[0]} × {shape[1]}")
    return images, tuple(shape)


def _check_same(folder: DataFile, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected:
        message = f"holds images of {Shape(found)}, where {Shape(expected)} is expected"
        raise folder.error("wrong-shape", message)


def _names(part: str, axes: int) -> list[str]:
    what = "images" if axes == IMAGES else "labels"
    return [f"{part}-{what}{dot}idx{axes}-ubyte{end}" for dot in "-." for end in ("", ".gz")]


def _has(folder: DataFile, part: str) -> bool:
    """Whether a part is there at all; half of it is a mistake that shows when it is read."""
    return any((folder.path / name).is_file() for axes in (IMAGES, LABELS) for name in _names(part, axes))


def _file(folder: DataFile, part: str, axes: int) -> DataFile:
    for name in _names(part, axes):
        if (folder.path / name).is_file():
            return folder.inside(folder.path / name)
    raise folder.error("no-such-file", f"there is no {_names(part, axes)[0]} in it, gzipped or not")


def _header(file: DataFile, axes: int) -> tuple[int, ...]:
    """The sizes in a file's header, held against the file's own size unless that takes unpacking all of it."""
    sizes = _read(file, axes, content=False)[0]
    if file.path.suffix != ".gz":
        with file.readable():
            _check_length(file, axes, math.prod(sizes), file.path.stat().st_size - _length(axes))
    return sizes


def _content(file: DataFile, axes: int) -> Array:
    sizes, content = _read(file, axes, content=True)
    return np.frombuffer(content, np.uint8).reshape(sizes)


def _read(file: DataFile, axes: int, content: bool) -> tuple[tuple[int, ...], bytes]:
    with file.readable():
        try:
            with _stream(file) as stream:
                sizes = _read_header(stream, file, axes)
                return sizes, _read_content(stream, file, axes, sizes) if content else b""
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise file.error("damaged-file", f"its compressed content is damaged: {error}") from error


def _length(axes: int) -> int:
    """Bytes of a header."""
    return 4 * (axes + 1)


def _stream(file: DataFile) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(file.path)) if file.path.suffix == ".gz" else file.path.open("rb")


def _read_header(stream: IO[bytes], file: DataFile, axes: int) -> tuple[int, ...]:
    length = _length(axes)
    header = stream.read(length)
    expected = 0x0800 + axes
    magic = int.from_bytes(header[:4], "big")
    if len(header) >= 4 and magic != expected:
        raise file.error("damaged-file", f"bytes 0 to 3 are 0x{magic:08x}, where 0x{expected:08x} is expected")
    if len(header) < length:
        raise file.error("damaged-file", f"ends at byte {len(header)}, within its header of {length} bytes")
    sizes: tuple[int, ...] = struct.unpack(f">{axes}I", header[4:])
    if math.prod(sizes) > LARGEST_FILE:
        message = f"its header promises {math.prod(sizes):,} bytes, and {LARGEST_FILE:,} are the most that is read"
        raise file.error("too-large", message)
    return sizes


def _read_content(stream: IO[bytes], file: DataFile, axes: int, sizes: tuple[int, ...]) -> bytes:
    expected = math.prod(sizes)
    content = stream.read(expected + 1)
    _check_length(file, axes, expected, len(content))
    return content


def _check_length(file: DataFile, axes: int, expected: int, found: int) -> None:
    """The bytes after the header are as many as it promises, or a DataError says where the file ends."""
    header = _length(axes)
    if found < expected:
        message = f"ends at byte {header + found:,}, where its header promises {header + expected:,} bytes"
        raise file.error("damaged-file", message)
    if found > expected:
        raise file.error("damaged-file", f"goes on after byte {header + expected:,}, where its header has it end")
