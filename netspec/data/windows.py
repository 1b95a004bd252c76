"""Windows over what stands in a row, such as a text's tokens or a table's rows in time; and the parting by position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netspec.data.files import Where
from netspec.data.format import Array, Sizes
from netspec.diagnostics import DataError, Diagnostic
from netspec.spec.data import Split

__all__ = ["Places", "Windows", "everywhere", "places_of", "regions"]


@dataclass(frozen=True, slots=True)
class Windows:
    """Stretches of one length, cut out when they are asked for: so many that overlap would not fit into memory.

    Args:
        values: [positions, …].
        starts: where each begins.
        offset: of what is cut out, from there.
        length: of what is cut out.
    """

    values: Array
    starts: Array
    offset: int
    length: int

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: Array) -> Array:
        """Some of them, [rows, length, …]."""
        found: Array = self.values[(self.starts[rows] + self.offset)[:, None] + np.arange(self.length)]
        return found


@dataclass(frozen=True, slots=True)
class Places:
    """Where the windows of each part begin: those to train with come first.

    Args:
        sizes: how many each part has.
        starts: of all.
    """

    sizes: Sizes
    starts: Array


def regions(split: Split, positions: int, what: str, where: Where) -> tuple[range, range, range]:
    """The stretches to train, validate and test with, in this order, with nothing between them.

    Args:
        positions: how many there are.
        what: they are, in words.

    Raises:
        DataError: nothing would be left to train with; or the split has a seed, and nothing is drawn.
    """
    if "seed" in split.model_fields_set:
        message = f"{what} are parted by position, and a seed changes nothing"
        raise DataError(Diagnostic("split", message, where.place("split", "seed"), help="leave 'seed' out"))
    validation, test = round(split.validation * positions), round(split.test * positions)
    train = positions - validation - test
    if train <= 0:
        message = f"of {positions:,} {what}, {validation:,} to validate and {test:,} to test with leave none to train"
        raise DataError(Diagnostic("split", message, where.place("split"), help="make the shares smaller"))
    return range(train), range(train, train + validation), range(train + validation, positions)


def places_of(
    split: Split, parts: tuple[range, range, range], span: int, stride: int, what: str, where: Where
) -> Places:
    """Where windows begin that lie within one part each.

    Args:
        span: positions that a window takes, its target included.
        stride: positions from one to the next.
        what: the positions are, in words.

    Raises:
        DataError: a part that is wanted has no room for one window.
    """
    starts = [np.arange(part.start, part.stop - span + 1, stride) for part in parts]
    shares = {"validation": split.validation, "test": split.test}
    for name, part, found in zip(("train", *shares), parts, starts, strict=True):
        if not len(found) and (name == "train" or shares[name] > 0):
            which = "training" if name == "train" else name
            message = f"the {which} part has {len(part):,} {what}, and a window and its target take {span:,}"
            key = where.key("window") if name == "train" else where.place("split", name)
            help_ = "make the window shorter" if name == "train" else f"or have no such part: [data.split] {name} = 0"
            raise DataError(Diagnostic("window", message, key, help=help_))
    return Places(Sizes(*map(len, starts)), np.concatenate(starts))


def everywhere(positions: int, span: int, stride: int) -> Array:
    """Where windows begin in all of something."""
    return np.arange(0, positions - span + 1, stride)
