"""Where examples come from, and what is done to them before a network sees them.

Only what may be written: the work is done by what `lower` names, in `netspec.data`.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, PlainValidator, WithJsonSchema

from netspec.spec.call import Call, call
from netspec.spec.expression import Expression
from netspec.spec.kind import Kind, Table, item_of, items_of
from netspec.spec.values import LARGEST_COUNT, Count, Fraction, Integer, Literally, as_expression, must_be, one_of

__all__ = ["Data", "Source", "Split", "Transform"]

Self = TypeVar("Self", bound="Data")


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


class Csv(Source):
    """A table in a text file (UTF-8), its cells parted by commas, semicolons or tabs, its first row the columns' names.

    A column of numbers stays one; a column of words becomes 0 and 1 for two different words, and one column a word for
    more. A target of words is a class. So is one of whole numbers, such as 0 and 1 or -1 and +1, where there are at
    most 20 different ones, each found twice or more on average. Any other target is a number. Empty cells, and NA and
    its like, are mistakes.

    csv: the file, beside the spec.
    target: the column to be predicted; the last one unless said otherwise.
    task: "classify" or "regress", where the target's own look says the wrong thing.
    """

    csv: str
    target: str | None = None
    task: Annotated[str | None, PlainValidator(one_of(TASKS)), WithJsonSchema({"enum": list(TASKS)})] = None

    def lower(self) -> Call:
        return call("netspec.data.tables.Csv", self.csv, target=self.target, task=self.task)


class Npz(Source):
    """NumPy arrays in one file, one example a row of each.

    Fractions and bytes become float32 and signed whole numbers int32, as an embedding needs. Images without channels
    (rank 3) get an axis for one. A target of whole numbers or words is a class;
    one of fractions is a number, or a row of them.

    npz: the file, beside the spec.
    input, target: the arrays' names.
    """

    npz: str
    input: str = "x"
    target: str = "y"

    def lower(self) -> Call:
        return call("netspec.data.arrays.Npz", self.npz, input=self.input, target=self.target)


class Idx(Source):
    """MNIST's four files in a folder, gzipped or not (LeCun et al., 1998); its own test part is the test part.

    idx: the folder, beside the spec.
    """

    idx: str

    def lower(self) -> Call:
        return call("netspec.data.idx.Idx", self.idx)


class Images(Source):
    """Image files, a folder for each class, with pixels from 0 to 255.

    The first image says whether all become grey or coloured. Their sizes must agree, unless the first transform is
    `resize`, which is then applied to each as it is read.

    images: the folder of folders, beside the spec.
    """

    images: str

    def lower(self) -> Call:
        return call("netspec.data.pictures.Images", self.images)


class Transform(Kind, family="transform"):
    """What is done to every input, in turn; what it needs to know it learns from the training part alone."""

    @abstractmethod
    def lower(self) -> Call:
        """The call that makes the transform."""


def _parts(value: Any) -> tuple[Any, ...]:
    return tuple(as_expression(p) or p for p in value) if isinstance(value, list | tuple) else ()


def _is_length(value: Any) -> bool:
    return isinstance(value, Expression) or (type(value) is int and 1 <= value <= LARGEST_COUNT)


def _height_and_width(value: Any) -> tuple[Any, ...]:
    parts = _parts(value)
    if len(parts) != 2 or not all(map(_is_length, parts)):
        raise must_be("a list of height and width, each a whole number from 1", value)
    return parts


class Resize(Transform):
    """Images to another height and width, bilinearly; where they shrink, every pixel counts.

    resize: height and width.
    """

    resize: Annotated[
        tuple[Count, Count],
        PlainValidator(_height_and_width),
        WithJsonSchema({"type": "array", "items": {"type": ["integer", "string"]}, "minItems": 2, "maxItems": 2}),
    ]

    def lower(self) -> Call:
        return call("netspec.data.transforms.Resize", tuple(self.resize))


class Standardize(Transform):
    """Mean 0 and variance 1: by channel for images, by column otherwise. What never varies becomes 0."""

    def lower(self) -> Call:
        return call("netspec.data.transforms.Standardize")


def _is_finite(value: Any) -> bool:
    return isinstance(value, Expression) or (type(value) in (int, float) and abs(value) <= LARGEST_COUNT)


def _range(value: Any) -> tuple[Any, ...]:
    low, high = parts if len(parts := _parts(value)) == 2 else (None, None)
    numbers = not isinstance(low, Expression) and not isinstance(high, Expression)
    if not _is_finite(low) or not _is_finite(high) or (numbers and not low < high):
        raise must_be("a list of two numbers, the lower one first", value)
    return tuple(p if isinstance(p, Expression) else float(p) for p in (low, high))


class Scale(Transform):
    """From the smallest and largest number to a range: over all pixels of images, by column otherwise.

    They are the training part's, so others may fall somewhat outside.

    scale: the range.
    """

    scale: Annotated[
        tuple[float, float],
        PlainValidator(_range),
        WithJsonSchema({"type": "array", "items": {"type": ["number", "string"]}, "minItems": 2, "maxItems": 2}),
    ] = (0.0, 1.0)

    def lower(self) -> Call:
        return call("netspec.data.transforms.Scale", *self.scale)


class FlattenInput(Transform):
    """All axes in one."""

    kind = "flatten"

    def lower(self) -> Call:
        return call("netspec.data.transforms.Flatten")


class Rgb(Transform):
    """Grey images with three channels, each the same."""

    def lower(self) -> Call:
        return call("netspec.data.transforms.Rgb")


class Split(Table):
    """How examples are parted: by chance, each part with its fair share of every class.

    The seed is the split's own, so that runs with different seeds are tested alike.

    validation, test: their shares of all examples; 0 for none.
    seed: of the permutation that parts them.
    """

    validation: Fraction = 0.1
    test: Fraction = 0.1
    seed: Integer = 0


class Data(Table):
    """Where examples come from, how they are parted, and what is done to them.

    source: `"digits"`, `{ csv = "points.csv", target = "side" }`, …
    transform: a list, in turn.
    split: shares of validation and test.
    target: "input" where the network is to give back what it is given, as an autoencoder is.
    """

    source: Annotated[Source, *item_of(Source)]
    target: Literally("input") | None = None  # type: ignore[valid-type]
    transform: Annotated[tuple[Transform, ...], *items_of(Transform)] = ()
    split: Split = Field(default_factory=Split)

    def filled(self: Self, names: Mapping[str, Any]) -> Self:
        """The same section with the expressions of its source, transforms and split worked out."""
        parts = {
            "source": self.source.filled(names),
            "transform": tuple(t.filled(names) for t in self.transform),
            "split": self.split.filled(names),
        }
        return self.model_copy(update=parts)
