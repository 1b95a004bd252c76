"""A column of texts as sequences of tokens, all of one length: what is longer is cut, what is shorter is filled up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from netspec.data.cells import Mistakes
from netspec.data.files import LARGEST_FILE, DataFile, Where
from netspec.data.format import Array, Column, Examples, InputFormat, Survey
from netspec.data.split import rows_of, sizes_of
from netspec.data.tokens import learned, parted
from netspec.diagnostics import DataError, Diagnostic
from netspec.spec.data import Split

__all__ = ["UNLEARNED", "TextColumn", "as_tokens", "cut", "one_text"]

LONGEST = 1024
"""Tokens of a text, at the most, unless a spec says otherwise."""

UNLEARNED = (0,)
"""The shape of a text before its tokens are known."""


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column whose cells are texts.

    Args:
        column: its name.
        tokens: "words", "characters" or "bytes".
        length: in tokens; None for that of the longest text, up to a bound.
        vocabulary: tokens that are told apart, at the most; None for the usual.
    """

    column: str
    tokens: str
    length: int | None = None
    vocabulary: int | None = None

    def unlearned(self) -> InputFormat:
        """The input before its tokens are known."""
        return InputFormat(UNLEARNED, "int32", (Column(self.column),))

    def added(
        self, survey: Survey, examples: Examples, by_row: Mapping[int, str], file: DataFile, where: Where, split: Split
    ) -> tuple[Survey, Examples]:
        """The survey and the examples with the texts; the tokens are those of the training part.

        Args:
            by_row: the texts, by their rows in the table.

        Raises:
            DataError: some texts are empty.
        """
        name = next(n for n, i in survey.format.inputs.items() if i.shape == UNLEARNED)
        texts = list(by_row.values())
        mistakes = Mistakes(file)
        for row, text in by_row.items():
            if not text:
                mistakes.add("missing", row, self.column)
        mistakes.check()
        target = next(iter(examples.targets.values()))
        train = rows_of(survey, sizes_of(survey, split, where), target, split.seed)[0]
        different, codes, lengths = _parted(texts, self.tokens)
        in_training = np.zeros(len(texts), bool)
        in_training[train] = True
        counts = np.bincount(codes[np.repeat(in_training, lengths)], minlength=len(different))
        tokens = learned(self.tokens, different, counts, self.vocabulary, padded=True)
        length = self.length or min(int(lengths.max()), LONGEST)
        if 4 * length * len(texts) > LARGEST_FILE:
            message = f"{len(texts):,} texts of {length:,} tokens would take {4 * length * len(texts):,} bytes"
            note = f"{LARGEST_FILE:,} are the most"
            raise DataError(Diagnostic("too-large", message, where.key("length"), note=note))
        padded = bool((lengths < length).any())
        known = replace(
            survey.format.inputs[name], shape=(length,), vocabulary=tokens.size, padded=padded, tokens=tokens
        )
        longer = int((lengths > length).sum())
        note = f"{longer:,} of {len(texts):,} texts in '{self.column}' have more than {length:,} tokens, and are cut"
        inputs = {n: i if n != name else known for n, i in survey.format.inputs.items()}
        filled = cut(tokens.numbers(different)[codes], lengths, length)
        ordered = {n: filled if n == name else examples.inputs[n] for n in inputs}
        notes = (*survey.notes, *([note] if longer else []))
        return replace(survey, format=replace(survey.format, inputs=inputs), notes=notes), replace(
            examples, inputs=ordered
        )


def as_tokens(texts: Sequence[str], rows: Sequence[int], known: InputFormat, mistakes: Mistakes) -> Array:
    """New texts of a known input, int32 [texts, length].

    Args:
        rows: their numbers in the table.
        mistakes: is told of empty texts, and of short ones where the network knows no padding.
    """
    assert known.tokens is not None
    different, codes, lengths = _parted(texts, known.tokens.kind)
    for row, length in zip(rows, lengths, strict=True):
        if length < (1 if known.padded else known.shape[0]):
            mistakes.add("short" if length else "missing", row, known.columns[0].name)
    return cut(known.tokens.numbers(different)[codes], lengths, known.shape[0])


def one_text(text: str, known: InputFormat) -> Array:
    """A text of a known input, int32 [1, length].

    Raises:
        DataError: it is empty, or too short for a network that knows no padding.
    """
    assert known.tokens is not None
    different, codes, lengths = _parted([text.strip()], known.tokens.kind)
    least = 1 if known.padded else known.shape[0]
    if lengths[0] < least:
        found = f"has {lengths[0]:,} {known.tokens.kind}, and the network takes {least:,}" if lengths[0] else "is empty"
        raise DataError(Diagnostic("short-text", f"the text {found}"))
    return cut(known.tokens.numbers(different)[codes], lengths, known.shape[0])


def _parted(texts: Sequence[str], kind: str) -> tuple[Sequence[str], Array, Array]:
    """The different tokens of some texts, those of all texts in turn, and how many each text has."""
    if kind == "words":
        # Texts are parted by a line break, which is a word of its own, and taken out again.
        different, codes = parted("\n".join(" ".join(text.split()) for text in texts), kind)
        breaks = np.flatnonzero(codes == (list(different).index("\n") if "\n" in different else -1))
        ends = np.append(breaks, len(codes)) if len(texts) else np.zeros(0, np.int64)
        return different, np.delete(codes, breaks), np.diff(ends, prepend=-1) - 1
    lengths = [len(text.encode("utf-8", "replace")) if kind == "bytes" else len(text) for text in texts]
    different, codes = parted("".join(texts), kind)
    return different, codes, np.array(lengths, np.int64)


def cut(tokens: Array, lengths: Array, length: int) -> Array:
    """Texts of one length, int32 [texts, length]; 0 fills up what is shorter.

    Args:
        tokens: of all texts in turn.
        lengths: of each text.
    """
    filled = np.zeros((len(lengths), length), np.int32)
    text = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(len(tokens)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    fits = position < length
    filled[text[fits], position[fits]] = tokens[fits]
    return filled
