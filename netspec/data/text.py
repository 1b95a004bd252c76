"""Running text as windows of tokens, the target of each token being the next one."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from netspec.data.files import DataFile, Where, found_file, found_folder, listed
from netspec.data.format import Array, Examples, Format, InputFormat, Survey, TargetFormat, sole
from netspec.data.tokens import learned, parted
from netspec.data.windows import Windows, everywhere, places_of, regions
from netspec.diagnostics import DataError, Diagnostic, nearest
from netspec.spec.data import Split

__all__ = ["Corpus", "Cut", "Text", "read_examples"]

LARGEST_TEXT = 2**30
"""Bytes of a text, at the most: it is held while it is parted into tokens."""

MOST_FILES = 100_000
"""Files of a text, at the most."""

_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Cut:
    """How a text is cut into examples.

    Args:
        tokens: "characters", "words" or "bytes".
        window: tokens of an example.
        stride: tokens from one window to the next.
        vocabulary: tokens that are told apart, at the most; None for the usual.
    """

    tokens: str
    window: int
    stride: int
    vocabulary: int | None = None

    def read(self, content: str | bytes, file: DataFile, where: Where, split: Split) -> tuple[Survey, Examples]:
        different, codes = parted(content, self.tokens)
        what = self.tokens
        if not len(codes):
            raise file.error("no-examples", f"holds no {what}")
        parts = regions(split, len(codes), what, where)
        places = places_of(split, parts, self.window + 1, self.stride, what, where)
        counts = np.bincount(codes[: len(parts[0])], minlength=len(different))
        tokens = learned(self.tokens, different, counts, self.vocabulary)
        numbers = tokens.numbers(different).astype(np.min_scalar_type(tokens.size))[codes]
        target = TargetFormat("class", tokens.labels, (self.window,)).checked(file)
        known = InputFormat((self.window,), "int32", vocabulary=tokens.size, tokens=tokens)
        survey = Survey(sole(known, target, "text", self.stride), len(places.starts), parts=places.sizes)
        return survey, _examples(numbers, places.starts, self.window)


@dataclass(frozen=True, slots=True)
class Text:
    """The text of one file, or of several.

    Args:
        path: as it was written; its last part may be a pattern.
    """

    path: str
    cut: Cut

    def survey(self, where: Where, split: Split) -> Survey:
        return self.read(where, split)[0]

    def read(self, where: Where, split: Split) -> tuple[Survey, Examples]:
        named = where.named("text", self.path)
        return self.cut.read(_content(_files(named), named, self.cut.tokens), named, where, split)


@dataclass(frozen=True, slots=True)
class Corpus:
    """A text that comes with Python.

    Args:
        name: "python_reference".
    """

    name: str
    cut: Cut

    def survey(self, where: Where, split: Split) -> Survey:
        return self.read(where, split)[0]

    def read(self, where: Where, split: Split) -> tuple[Survey, Examples]:
        try:
            from pydoc_data.topics import topics
        except ImportError as error:
            message = "this Python lacks its reference, which a full installation has (the module pydoc_data)"
            raise DataError(Diagnostic("no-such-file", message, where.key("corpus"))) from error
        named = where.named("corpus", self.name)
        return self.cut.read("\n".join(topics[name] for name in sorted(topics)), named, where, split)


def read_examples(file: DataFile, format: Format) -> Examples:  # noqa: A002
    """Every window of a new text, as far apart as those of the training.

    Raises:
        DataError: there is no such file, or it is no text, or too short for a window.
    """
    tokens, (window,) = format.input.tokens, format.input.shape
    assert tokens is not None
    numbers = tokens.encode(_content([found_file(file)], file, tokens.kind))
    starts = everywhere(len(numbers), window + 1, format.stride)
    if not len(starts):
        found = f"holds {len(numbers):,} {tokens.kind}"
        raise file.error("window", f"{found}, and a window and its target take {window + 1:,}")
    return _examples(numbers, starts, window)


def _examples(numbers: Array, starts: Array, window: int) -> Examples:
    inputs, targets = (Windows(numbers, starts, offset, window) for offset in (0, 1))
    return Examples({"input": inputs}, {"target": targets})


# -- files -------------------------------------------------------------------------------------------------------------


def _files(named: DataFile) -> list[DataFile]:
    """The file that a name means, or the files that a pattern does, in the order of their names."""
    if not _WILD.intersection(named.name):
        return [found_file(named)]
    if _WILD.intersection(named.path.parent.as_posix()) and not named.path.parent.is_dir():
        raise named.error("no-such-file", "only the last part of a path may be a pattern")
    folder = found_folder(replace(named, path=named.path.parent))
    with folder.readable():
        others = sorted(p.name for p in folder.path.iterdir() if not p.name.startswith(".") and p.is_file())
    names = [name for name in others if fnmatch.fnmatchcase(name, named.path.name)]
    if not names:
        guess = nearest(named.path.name, others)
        label = f"did you mean '{guess}'?" if guess else ""
        note = f"there are: {listed(others, len(others))}" if others else f"there are no files in {folder.path}"
        raise named.error("no-such-file", "no file is called like this", label, note)
    if len(names) > MOST_FILES:
        raise named.error("too-large", f"{len(names):,} files are called like this, and {MOST_FILES:,} are the most")
    return [found_file(replace(named, path=folder.path / name, name=_beside(named.name, name))) for name in names]


def _beside(written: str, name: str) -> str:
    folder, slash, _ = written.rpartition("/")
    return f"{folder}{slash}{name}"


def _content(files: Sequence[DataFile], named: DataFile, kind: str) -> str | bytes:
    """What some files hold, one after the other."""
    found, size = [], 0
    for file in files:
        with file.readable():
            size += file.path.stat().st_size
        if size > LARGEST_TEXT:
            raise named.error("too-large", f"has more than {LARGEST_TEXT:,} bytes, the most that is read of a text")
        found.append(file.content())
    if kind == "bytes":
        return b"".join(found)
    return "".join(_decoded(content, file) for content, file in zip(found, files, strict=True))


def _decoded(content: bytes, file: DataFile) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte {error.start:,} (line {line:,}) is 0x{content[error.start]:02x}, which is no UTF-8 text"
        raise file.error("damaged-file", found, help='save it as UTF-8, or say tokens = "bytes"') from error
