"""Where examples come from. Only what may be written: the work is done by what `lower` names, in `netspec.data`."""

from abc import abstractmethod
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from netspec.spec.call import Call, call
from netspec.spec.kind import Kind, Table, item_of
from netspec.spec.values import (
    Count,
    Literally,
    Switch,
    must_be,
    one_of,
)

__all__ = ["Source"]


class Source(Kind, family="source"):
    """Where examples come from."""

    @abstractmethod
    def lower(self) -> Call:
        """The call that makes the source: an object that surveys and reads its examples."""


class _Bundled(Source, abstract=True):
    def lower(self) -> Call:
        return call("netspec.data.bundled.Bundled", self.kind)


class Digits(_Bundled):
    """1,797 handwritten digits, 8 × 8 grey pixels from 0 to 16, ten classes (Alpaydin and Kaynak, 1998)."""


class Iris(_Bundled):
    """150 flowers by four measurements, three classes (Fisher, 1936)."""


class Wine(_Bundled):
    """178 wines by 13 measurements, three classes."""


class BreastCancer(_Bundled):
    """569 tumours by 30 measurements, two classes (Street et al., 1993)."""


class Diabetes(_Bundled):
    """442 patients by ten measurements, and how far their disease went after a year (Efron et al., 2004)."""


TASKS = ("classify", "regress")
TOKENS = ("characters", "bytes", "words")

_Task = Annotated[str | None, PlainValidator(one_of(TASKS)), WithJsonSchema({"enum": list(TASKS)})]
_Tokens = Annotated[str, PlainValidator(one_of(TOKENS)), WithJsonSchema({"enum": list(TOKENS)})]


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _words(value: Any) -> tuple[str, ...]:
    parts = tuple(value) if isinstance(value, list | tuple) else (value,)
    if parts and all(map(_is_word, parts)) and len(set(parts)) == len(parts):
        return parts
    raise must_be("a name, or a list of different names", value)


def _word_or_words(value: Any) -> str | tuple[str, ...]:
    found = _words(value)
    return found if isinstance(value, list | tuple) else found[0]


_WORDS_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
)
_Words = Annotated[tuple[str, ...], PlainValidator(_words), _WORDS_SCHEMA]
_WordOrWords = Annotated[str | tuple[str, ...], PlainValidator(_word_or_words), _WORDS_SCHEMA]


def _check_together(table: Table, key: str, others: tuple[str, ...], needed: bool) -> None:
    """See that keys which only mean something beside another one (or without it) stand so."""
    if (getattr(table, key) is None) == needed:
        for other in (o for o in others if o in table.model_fields_set and getattr(table, o) is not None):
            how = "goes with" if needed else "does not go with"
            raise PydanticCustomError(
                "choice", "has '{key}', which {how} '{other}'", {"key": other, "how": how, "other": key}
            )


def _check_vocabulary(tokens: str, vocabulary: Any) -> None:
    if tokens == "bytes" and vocabulary is not None:
        message = "has '{key}', and there are 256 bytes whatever it says"
        raise PydanticCustomError("choice", message, {"key": "vocabulary"})
    if isinstance(vocabulary, int) and vocabulary < 3:
        message = "has a '{key}' of {found}, which leaves no room for tokens"
        raise PydanticCustomError("choice", message, {"key": "vocabulary", "found": vocabulary})


class Csv(Source):
    """A table in a text file (UTF-8), its cells parted by commas, semicolons or tabs, its first row the columns' names.

    A column of numbers stays one; a column of words becomes 0 and 1 for two different words, and one column a word for
    more. A target of words is a class. So is one of whole numbers, such as 0 and 1 or -1 and +1, where there are at
    most 20 different ones, each found twice or more on average. Any other target is a number. Empty cells, and NA and
    its like, are mistakes.

    All columns together are the input `input`; those of `lookup` and `text` are inputs of their own, called after the
    column in small letters with _ for whatever else there is. A text without other columns beside it is `input` itself.

    With `window` the rows are moments in time, in order: an input is so many rows, [window, columns], the target's own
    column among them, and what is to be predicted are the target's next `horizon` numbers. A column of words, such as
    dates, is passed over. Such a table is parted by position: the first rows are to train with, the ones after them to
    validate and the last to test, and no row is in two parts. `standardize` and `scale` bring the target to the measure
    of its column in the inputs, so losses and errors are counted in that measure; predictions are brought back.

    csv: the file, beside the spec.
    target: the column to be predicted; the last one unless said otherwise. Of a list, each is a target of its own.
    task: "classify" or "regress", where the target's own look says the wrong thing.
    lookup: columns of whole numbers or words, each to be looked up in an `embed` of its own: a single number, from 0
        in the order of the values. All rows of the file together say which values there are.
    text: a column of texts, each a sequence of whole numbers: 0 fills up what is shorter; of words and characters, 1 is
        one that training has not seen.
    tokens: what a text is parted into: "words" (and punctuation; capitals stay), "characters" or "bytes".
    length: of a text in tokens; a longer one is cut. The longest has it unless said otherwise, up to 1,024.
    vocabulary: tokens that are told apart, at the most, 0 and 1 among them; the rarest of the training part become
        unknown. Words have 10,000 unless said otherwise, characters as many as there are.
    window: rows that a forecast looks at.
    horizon: numbers that are forecast, one a row.
    stride: rows from one window to the next; 1 unless said otherwise.
    """

    example = '{ csv = "points.csv", target = "side" }'

    csv: str
    target: _WordOrWords | None = None
    task: _Task = None
    lookup: _Words | None = None
    text: str | None = None
    tokens: _Tokens = "words"
    length: Count | None = None
    vocabulary: Count | None = None
    window: Count | None = None
    horizon: Count = 1
    stride: Count | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Csv":
        _check_together(self, "text", ("tokens", "length", "vocabulary"), needed=True)
        _check_together(self, "window", ("horizon", "stride"), needed=True)
        _check_together(self, "window", ("lookup", "text", "task"), needed=False)
        _check_vocabulary(self.tokens, self.vocabulary)
        if self.window is not None and isinstance(self.target, tuple):
            message = "has a list of targets in '{key}', which does not go with 'window'"
            raise PydanticCustomError("choice", message, {"key": "target"})
        return self

    def lower(self) -> Call:
        if self.window is not None:
            keys = {"target": self.target, "horizon": self.horizon, "stride": self.stride or 1}
            return call("netspec.data.series.Series", self.csv, self.window, **keys)
        keys = {"target": self.target, "task": self.task, "lookup": self.lookup or ()}
        return call("netspec.data.tables.Csv", self.csv, **keys, text=self._text())

    def _text(self) -> Call | None:
        if self.text is None:
            return None
        return call("netspec.data.texts.TextColumn", self.text, self.tokens, self.length, self.vocabulary)


class Npz(Source):
    """NumPy arrays in one file, one example a row of each.

    Fractions and bytes become float32 and signed whole numbers int32, as an embedding needs. Images without channels
    (rank 3) get an axis for one. A target of whole numbers or words is a class; one of fractions is a number, or a row
    of them. Of a list of arrays, each is an input or target of its own, called after the array.

    With `sequences`, arrays of rank 3 are vectors in turn, [length, channels], and whole numbers [length] tokens in
    turn. A position of NaN throughout, or the whole number 0, fills up what is shorter, at its end. A target of whole
    numbers [length] is a class for each position, or -1 where nothing is to be predicted.

    npz: the file, beside the spec.
    input, target: the arrays' names.
    sequences: whether the arrays hold sequences.
    """

    example = '{ npz = "arrays.npz" }'

    npz: str
    input: _WordOrWords = "x"
    target: _WordOrWords = "y"
    sequences: Switch = False

    def lower(self) -> Call:
        keys = {"input": self.input, "target": self.target, "sequences": self.sequences}
        return call("netspec.data.arrays.Npz", self.npz, **keys)


class _RunningText(Source, abstract=True):
    """Text that a network learns to continue."""

    tokens: _Tokens = "characters"
    window: Count = 64
    stride: Count | None = None
    vocabulary: Count | None = None

    @model_validator(mode="after")
    def _fits(self) -> "_RunningText":
        _check_vocabulary(self.tokens, self.vocabulary)
        return self

    def _cut(self) -> Call:
        return call("netspec.data.text.Cut", self.tokens, self.window, self.stride or self.window, self.vocabulary)


class Text(_RunningText):
    """Text to learn to continue: an example is `window` tokens, and its target the token after each of them.

    The text is parted by position: the beginning is to train with, what follows to validate, the end to test, and no
    token is in two parts. The tokens are those of the training part; any other one is unknown, which is token 0 (bytes
    are all known). `netspec predict RUN --text "…"` continues a text. Several files are read in the order of their
    names, one right after the other.

    text: a file of UTF-8 beside the spec, or several: `"poems/*.txt"`.
    tokens: "characters"; "words" and punctuation, capitals as they stand, and line breaks; or "bytes", of any file.
    window: tokens of an example.
    stride: tokens from one window to the next; as many as `window` unless said otherwise, so that none is read twice.
    vocabulary: tokens that are told apart, at the most, the unknown one among them; the rarest become unknown. Words
        have 10,000 unless said otherwise, characters as many as there are.
    """

    example = '{ text = "poems.txt" }'

    text: str

    def lower(self) -> Call:
        return call("netspec.data.text.Text", self.text, self._cut())


CORPORA = ("python_reference",)


class Corpus(_RunningText):
    """Text that is there without a download, to learn to continue, as of the source `text`.

    "python_reference" is the reference of the Python language that Python itself brings along for `help()`, half a
    million characters. It differs a little from one version of Python to the next, and results with it.

    corpus: "python_reference".
    tokens: "characters"; "words" and punctuation, capitals as they stand, and line breaks; or "bytes".
    window: tokens of an example.
    stride: tokens from one window to the next; as many as `window` unless said otherwise, so that none is read twice.
    vocabulary: tokens that are told apart, at the most, the unknown one among them; the rarest become unknown. Words
        have 10,000 unless said otherwise, characters as many as there are.
    """

    corpus: Literally(*CORPORA)  # type: ignore[valid-type]

    def lower(self) -> Call:
        return call("netspec.data.text.Corpus", self.corpus, self._cut())


class Pairs(Source):
    """Two examples of another source at a time, `left` and `right`, and whether they are of the same class.

    The targets are `is_same` ("different" or "same", about half the pairs each), `left_label` and `right_label`. A part
    has as many pairs as it has examples: each is the left one once, and no example of one part meets one of another.
    The split's seed says which are paired. Transforms are learned from the examples, and applied to both.

    pairs: the other source, of classes and one input: `{ pairs = "digits" }`, `{ pairs = { idx = "mnist" } }`.
    """

    pairs: Annotated[Source, *item_of(Source)]

    @model_validator(mode="after")
    def _fits(self) -> "Pairs":
        if isinstance(self.pairs, Pairs | _RunningText) or getattr(self.pairs, "window", None) is not None:
            message = "is made of examples of one class each, which such a source has none of"
            raise PydanticCustomError("choice", message, {"key": "pairs"})
        return self

    def lower(self) -> Call:
        return call("netspec.data.pairs.Pairs", self.pairs.lower())


class Idx(Source):
    """MNIST's four files in a folder, gzipped or not (LeCun et al., 1998); its own test part is the test part.

    idx: the folder, beside the spec.
    """

    example = '{ idx = "mnist" }'

    idx: str

    def lower(self) -> Call:
        return call("netspec.data.idx.Idx", self.idx)


class Images(Source):
    """Image files, a folder for each class, with pixels from 0 to 255.

    The first image says whether all become grey or coloured. Their sizes must agree, unless the first transform is
    `resize`, which is then applied to each as it is read.

    images: the folder of folders, beside the spec.
    """

    example = '{ images = "photos" }'

    images: str

    def lower(self) -> Call:
        return call("netspec.data.pictures.Images", self.images)
