"""Where examples come from, and what is done to them before a network sees them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated

from pydantic import Field

from netspec.spec.call import Call, call
from netspec.spec.kind import Kind, Table, item_of, items_of
from netspec.spec.values import Count, Fraction, Integer

__all__ = ["Data", "Source", "Split", "Transform"]


class Source(Kind, family="source"):
    """Where examples come from."""

    @abstractmethod
    def lower(self) -> Call:
        """The call that reads the examples, given the directory that relative paths start from."""


class _Bundled(Source, abstract=True):
    def lower(self) -> Call:
        return call("netspec.data.sources.bundled", self.kind)


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


class Csv(Source):
    """A table in a text file with a header.

    csv: the file, beside the spec.
    target: the column to be predicted; the last one unless said otherwise.
    """

    csv: str
    target: str | None = None

    def lower(self) -> Call:
        return call("netspec.data.sources.csv", self.csv, target=self.target)


class Npz(Source):
    """NumPy arrays in one file, one example a row.

    npz: the file, beside the spec.
    input, target: the arrays' names.
    """

    npz: str
    input: str = "x"
    target: str = "y"

    def lower(self) -> Call:
        return call("netspec.data.sources.npz", self.npz, input=self.input, target=self.target)


class Idx(Source):
    """MNIST's four files in a folder, gzipped or not (LeCun et al., 1998); its own test part is the test part.

    idx: the folder, beside the spec.
    """

    idx: str

    def lower(self) -> Call:
        return call("netspec.data.sources.idx", self.idx)


class Images(Source):
    """Image files, a folder for each class.

    images: the folder of folders, beside the spec.
    """

    images: str

    def lower(self) -> Call:
        return call("netspec.data.sources.images", self.images)


class Transform(Kind, family="transform"):
    """What is done to every input, in turn; what it needs to know it learns from the training part alone."""

    @abstractmethod
    def lower(self) -> Call:
        """The call that makes the transform."""


class Resize(Transform):
    """Images to another height and width, bilinearly.

    resize: height and width.
    """

    resize: tuple[Count, Count]

    def lower(self) -> Call:
        return call("netspec.data.transforms.Resize", tuple(self.resize))


class Standardize(Transform):
    """Mean 0 and variance 1: by channel for images, by column otherwise."""

    def lower(self) -> Call:
        return call("netspec.data.transforms.Standardize")


class Scale(Transform):
    """From the smallest and largest number to a range: over all pixels of images, by column otherwise.

    scale: the range.
    """

    scale: tuple[float, float] = (0.0, 1.0)

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
    """How examples are parted. The seed is the split's own, so that runs with different seeds are tested alike.

    validation, test: their shares; 0 for none.
    seed: of the permutation that parts them.
    """

    validation: Fraction = 0.1
    test: Fraction = 0.2
    seed: Integer = 0


class Data(Table):
    """Where examples come from, how they are parted, and what is done to them.

    source: `"digits"`, `{ csv = "points.csv", target = "side" }`, …
    transform: a list, in turn.
    split: shares of validation and test.
    """

    source: Annotated[Source, *item_of(Source)]
    transform: Annotated[tuple[Transform, ...], *items_of(Transform)] = ()
    split: Split = Field(default_factory=Split)
