"""The `[data]` section: where examples come from, how they are parted, and what is done to them."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field

from netspec.spec.augmentations import Augmentations
from netspec.spec.kind import Table, item_of, items_of
from netspec.spec.sources import Source
from netspec.spec.transforms import Transform
from netspec.spec.values import (
    Fraction,
    Integer,
    Literally,
)

__all__ = ["Data", "Split"]

Self = TypeVar("Self", bound="Data")


class Split(Table):
    """How examples are parted: by chance, each part with its fair share of every class.

    The seed is the split's own, so that runs with different seeds are tested alike. Running text and series are parted
    by position instead, the training part first, and the shares are of their tokens or rows.

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
    augment: a list of what is done at random to the images of each training batch, in turn.
    split: shares of validation and test.
    target: "input" where the network is to give back what it is given, as an autoencoder is.
    """

    source: Annotated[Source, *item_of(Source)]
    target: Literally("input") | None = None  # type: ignore[valid-type]
    transform: Annotated[tuple[Transform, ...], *items_of(Transform)] = ()
    augment: Augmentations = ()
    split: Split = Field(default_factory=Split)

    def filled(self: Self, names: Mapping[str, Any]) -> Self:
        """The same section with the expressions of its source, transforms and split worked out."""
        parts = {
            "source": self.source.filled(names),
            "transform": tuple(t.filled(names) for t in self.transform),
            "augment": tuple(a.filled(names) for a in self.augment),
            "split": self.split.filled(names),
        }
        return self.model_copy(update=parts)
