"""What a run's network says of its examples, in the pieces that a page shows."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netspec.report.page.contents import (
    Confusion,
    Missing,
    Mistake,
    Mistakes,
    Pair,
    Reconstructions,
    Residuals,
)

if TYPE_CHECKING:
    import numpy as np

    from netspec.commands.outcomes import Outcomes
    from netspec.commands.trained import Trained

__all__ = ["Predictions", "predictions"]

POINTS = 1_000
"""Examples of a scatter, at the most."""

BINS = 40

COLUMNS = 4
"""Numbers of an output that have a picture each; of more, there is one picture of all."""

PAIRS, WORST = 12, 6
"""Reconstructions that are shown, at the most."""

THUMBNAIL = 96
"""Pixels of a picture's longer side, at the most."""

SMALL = 48
"""Pixels of the longer side up to which a picture is kept bit by bit."""

NUMBERS = 8
"""Numbers of an input that is no picture."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What there is to show, and why some of it is not there."""

    confusion: Confusion | Missing
    mistakes: Mistakes | Missing
    residuals: tuple[Residuals, ...] | Missing
    reconstructions: Reconstructions | Missing


def predictions(trained: Trained, pictures: int, device: str | None = None) -> Predictions:
    """What a run's network says of its test part, or of the validation or training part where there is none.

    Args:
        pictures: at the most.

    Raises:
        NetspecError: the run has no checkpoint, or its data is missing.
    """
    from netspec.commands.outcomes import outcomes

    found = outcomes(trained.run.path, device=device)
    return Predictions(
        _confusion(found), _mistakes(found, pictures), _residuals(found), _reconstructions(found, pictures)
    )


def _missing(found: Outcomes, name: str) -> Missing:
    return Missing(found.missing.get(name, "the network says nothing of the kind"))


def _confusion(found: Outcomes) -> Confusion | Missing:
    if found.confusion is None:
        return _missing(found, "confusion")
    note = f"{found.examples:,} of its {found.of:,} examples, drawn at random." if found.examples < found.of else ""
    return Confusion(found.part, found.labels, tuple(map(tuple, found.confusion.tolist())), note)


def _mistakes(found: Outcomes, pictures: int) -> Mistakes | Missing:
    if found.mistakes is None or found.truths is None or found.said is None:
        return _missing(found, "mistakes")
    shown = tuple(_mistake(found, i) for i in found.mistakes[:pictures].tolist())
    return Mistakes(found.part, found.examples, len(found.mistakes), shown)


def _mistake(found: Outcomes, i: int) -> Mistake:
    assert found.truths is not None
    assert found.said is not None
    image = found.image_of(i)
    return Mistake(
        row=int(found.rows[i]),
        truth=found.labels[int(found.truths[i])],
        said=found.labels[int(found.said[i])],
        sure=None if found.sure is None else float(found.sure[i]),
        picture=None if image is None else picture(image),
        inputs="" if image is not None else _in_numbers(found, i),
    )


def _in_numbers(found: Outcomes, i: int) -> str:
    """The first few numbers of an input."""
    import numpy as np

    numbers = np.asarray(next(iter(found.inputs.values()))[i : i + 1]).reshape(-1)
    written = ", ".join(f"{number:.4g}" for number in numbers[:NUMBERS].tolist())
    return f"{written}, …" if len(numbers) > NUMBERS else written


def picture(image: np.ndarray[Any, Any]) -> str:
    """An image of bytes [height, width, channels] as a data: URI; a large one as a thumbnail."""
    from PIL import Image

    opened = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    form = "PNG" if max(opened.size) <= SMALL or opened.mode == "RGBA" else "JPEG"
    opened.thumbnail((THUMBNAIL, THUMBNAIL))
    file = io.BytesIO()
    opened.save(file, format=form, optimize=True)
    return f"data:image/{form.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


# -- numbers -----------------------------------------------------------------------------------------------------------


def _residuals(found: Outcomes) -> tuple[Residuals, ...] | Missing:
    if found.residuals is None or found.truths is None or found.said is None:
        return _missing(found, "residuals")
    name = found.target or found.output
    truths, said = (array.reshape(len(array), -1) for array in (found.truths, found.said))
    if not 1 < truths.shape[1] <= COLUMNS:
        return tuple(_residual(found.part, name, truths.reshape(-1), said.reshape(-1)))
    columns = range(truths.shape[1])
    return tuple(one for i in columns for one in _residual(found.part, f"{name} {i + 1}", truths[:, i], said[:, i]))


def _residual(part: str, name: str, truths: Any, said: Any) -> Sequence[Residuals]:
    """One, or none where no number is finite."""
    import numpy as np

    finite = np.isfinite(truths) & np.isfinite(said)
    truths, said = truths[finite], said[finite]
    if not len(truths):
        return []
    off = said - truths
    counts, edges = np.histogram(off, bins=min(BINS, max(5, round(np.sqrt(len(off))))))
    kept = np.unique(np.linspace(0, len(off) - 1, min(len(off), POINTS)).round().astype(int))
    spread = float(np.var(truths))
    return [
        Residuals(
            part,
            name,
            len(off),
            _plain(truths[kept]),
            _plain(said[kept]),
            _plain(edges),
            tuple(counts.tolist()),
            float(np.sqrt(np.mean(off**2))),
            float(np.mean(off)),
            1.0 - float(np.mean(off**2)) / spread if spread > 0 else None,
        )
    ]


def _plain(values: Any) -> tuple[float, ...]:
    return tuple(float(f"{value:.5g}") for value in values.tolist())


def _reconstructions(found: Outcomes, pictures: int) -> Reconstructions | Missing:
    import numpy as np

    if found.reconstructions is None or found.truths is None:
        return _missing(found, "reconstructions")
    if found.reconstructed_image_of(0) is None:
        return _missing(found, "pictures")
    off = (found.reconstructions - found.truths).reshape(found.examples, -1)
    errors = np.sqrt(np.mean(np.square(off, dtype=np.float64), axis=1))
    some = np.unique(np.linspace(0, found.examples - 1, min(PAIRS, pictures)).round().astype(int))
    worst = np.argsort(-errors)[: min(WORST, pictures)]
    return Reconstructions(
        found.part,
        found.examples,
        tuple(_pair(found, i, errors) for i in some.tolist()),
        tuple(_pair(found, i, errors) for i in worst.tolist()),
    )


def _pair(found: Outcomes, i: int, errors: Any) -> Pair:
    given, made = found.image_of(i), found.reconstructed_image_of(i)
    assert given is not None
    assert made is not None
    return Pair(int(found.rows[i]), picture(given), picture(made), float(f"{errors[i]:.4g}"))
