"""Text as whole numbers and back: characters, words or bytes, each a number."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_TOKENS", "Tokens", "learned", "parted"]

Array = NDArray[Any]

MOST_TOKENS = 1_000_000
"""Tokens that are told apart, at the most: each is a row of an embedding."""

MOST_WORDS = 10_000
"""Words that are told apart, unless a spec says otherwise."""

BYTES = 256

CHUNK = 2**22
"""Characters that are worked on together."""

_WORD = re.compile(r"\n|\w+(?:['’]\w+)*|[^\w\s]")
_NO_SPACE_BEFORE = frozenset(".,;:!?)]}%”’»…\n")
_NO_SPACE_AFTER = frozenset("([{“‘«\n")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Which token is which number: padding, where there is some, the unknown one, and then those that are known.

    Args:
        kind: "characters", "words" or "bytes".
        known: in the order of their numbers; empty for bytes, which are all known.
        padded: whether 0 is padding.
    """

    kind: str
    known: tuple[str, ...] = ()
    padded: bool = False

    @property
    def unknown(self) -> int | None:
        """The number of what training has not seen; None for bytes."""
        return None if self.kind == "bytes" else int(self.padded)

    @property
    def first(self) -> int:
        """The number of the first token that stands for itself."""
        return int(self.padded) + int(self.unknown is not None)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.first + (BYTES if self.kind == "bytes" else len(self.known))

    @property
    def labels(self) -> tuple[str, ...]:
        """What each number stands for, in words."""
        special = ["(padding)"] * self.padded + ["(unknown)"] * (self.unknown is not None)
        each = [f"0x{i:02x}" for i in range(BYTES)] if self.kind == "bytes" else self.known
        return (*special, *each)

    def encode(self, content: str | bytes) -> Array:
        """A text's tokens, int32 [tokens]."""
        different, codes = parted(content, self.kind)
        return self.numbers(different)[codes]

    def numbers(self, different: Sequence[str]) -> Array:
        """The number of each of some tokens, int32."""
        if self.kind == "bytes":
            return np.arange(BYTES, dtype=np.int32) + self.first
        index = {token: i for i, token in enumerate(self.known, self.first)}
        return np.array([index.get(token, self.unknown) for token in different], np.int32)

    def decode(self, numbers: Iterable[int]) -> str:
        """The text that tokens make: words with spaces between them, as far as text is written with some."""
        return "".join(self.pieces(numbers))

    def pieces(self, numbers: Iterable[int], before: str = "") -> Iterator[str]:
        """The text that tokens make, piece by piece.

        Args:
            before: the text that it follows.
        """
        if self.kind == "bytes":
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            for number in numbers:
                yield decoder.decode(bytes([number - self.first] if number >= self.first else []))
            yield decoder.decode(b"", final=True)
            return
        last = before[-1:]
        for number in numbers:
            token = self.labels[number] if number < self.first else self.known[number - self.first]
            yield " " + token if self.kind == "words" and _spaced(last, token) else token
            last = token[-1:]


def _spaced(last: str, word: str) -> bool:
    return bool(last) and not last.isspace() and last not in _NO_SPACE_AFTER and word not in _NO_SPACE_BEFORE


def parted(content: str | bytes, kind: str) -> tuple[Sequence[str], Array]:
    """A text's different tokens, and which of them stand in it in turn, [tokens]; bytes by their own numbers.

    Args:
        content: text; for bytes, either.
    """
    if kind == "bytes":
        raw = content.encode("utf-8", "replace") if isinstance(content, str) else content
        return (), np.frombuffer(raw, np.uint8)
    assert isinstance(content, str)
    return _characters(content) if kind == "characters" else _words(content)


def _characters(text: str) -> tuple[Sequence[str], Array]:
    seen = np.zeros(0x110000, bool)
    for chunk in _code_points(text):
        seen[chunk] = True
    points = np.flatnonzero(seen)
    smallest = np.min_scalar_type(max(len(points) - 1, 0))
    rank = np.zeros(0x110000, smallest)
    rank[points] = np.arange(len(points))
    codes = [np.zeros(0, smallest), *(rank[chunk] for chunk in _code_points(text))]
    return [chr(p) for p in points.tolist()], np.concatenate(codes)


def _code_points(text: str) -> Iterator[Array]:
    for start in range(0, len(text), CHUNK):
        yield np.frombuffer(text[start : start + CHUNK].encode("utf-32-le", "surrogatepass"), np.uint32)


def _words(text: str) -> tuple[Sequence[str], Array]:
    index: dict[str, int] = {}
    codes = np.fromiter((index.setdefault(match[0], len(index)) for match in _WORD.finditer(text)), np.int32)
    return list(index), codes


def learned(kind: str, different: Sequence[str], counts: Array, bound: int | None, padded: bool = False) -> Tokens:
    """The tokens that training knows: all that it has, or the most frequent ones, in the order of the alphabet.

    Args:
        different: as `parted` gives them.
        counts: how often each stands in the training part.
        bound: numbers there may be at the most; None for the usual.
        padded: whether 0 is padding.
    """
    if kind == "bytes":
        return Tokens(kind, (), padded)
    most = (bound or (MOST_WORDS if kind == "words" else MOST_TOKENS)) - Tokens(kind, (), padded).first
    seen = [(-int(count), token) for token, count in zip(different, counts, strict=True) if count]
    return Tokens(kind, tuple(sorted(token for _, token in sorted(seen)[: max(most, 0)])), padded)
