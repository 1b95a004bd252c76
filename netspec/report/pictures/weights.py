"""How the weights of a network's layers are spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.report.drawing.wording import measure, setting
from netspec.report.pictures.canvas import colour_of, named, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST", "draw"]

Array = np.ndarray[Any, Any]

MOST = 24
"""Parameters that are shown, at the most."""

BINS = 60
"""Of a histogram, at the most."""


def draw(parameters: Mapping[str, Array], title: str, form: str) -> bytes:
    """The picture: a histogram for each parameter with two axes or more, or for all where there is none.

    Args:
        parameters: by path.
        form: "png" or "svg".
    """
    several = {path: array for path, array in parameters.items() if array.ndim > 1} or dict(parameters)
    shown = list(several.items())[:MOST]
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    note = "" if len(shown) == len(several) else f", {len(shown)} of {len(several)}"

    def onto(figure: Figure) -> None:
        figure.suptitle(f"{title}: weights{note}", fontsize=11)
        for i, (path, array) in enumerate(shown):
            _histogram(figure.add_subplot(rows, columns, 1 + i), path, array)

    return picture(onto, (max(5.0, 2.9 * columns), 0.6 + 2.1 * rows), form)


def _histogram(axes: Axes, path: str, array: Array) -> None:
    values = np.asarray(array, np.float64).ravel()
    finite = values[np.isfinite(values)]
    axes.set_title(f"{named(path, 30)} [{', '.join(map(str, array.shape))}]", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.xaxis.set_major_formatter(lambda value, _: setting(value))
    axes.set_yticks([])
    if not len(finite):
        return
    axes.hist(finite, bins=int(min(BINS, max(8.0, 1.5 * len(finite) ** 0.5))), color=colour_of(0), linewidth=0)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_xlabel(f"mean {measure(float(finite.mean()))}, deviation {measure(float(finite.std()))}", fontsize=7)
