"""Examples as points of a plane: over what a network says there, or along the principal components of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.report.drawing.wording import measure
from netspec.report.pictures.canvas import MARKS, colour_of, legend_below, named, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_embedding", "draw_regions"]

Array = np.ndarray[Any, Any]

LABELLED = 12
"""Classes up to which each is named where its examples are, too."""

NAMED = 20
"""Classes that are told apart, at the most: the others are grey."""

SIZE = (7.0, 6.0)


def draw_embedding(
    points: Array,
    explained: tuple[float, float],
    truths: Array | None,
    labels: Sequence[str],
    title: str,
    form: str,
) -> bytes:
    """The picture of examples along two principal components.

    Args:
        points: [n, 2].
        explained: the shares of the variance that the two explain.
        truths: of each its class, -1 for none, or its number; None where nothing is known.
        labels: the classes' names; empty for numbers.
        form: "png" or "svg".
    """

    def onto(figure: Figure) -> None:
        axes = figure.add_subplot()
        words = [
            f"principal component {i + 1} ({100 * share:.1f} % of the variance)" for i, share in enumerate(explained)
        ]
        axes.set(title=title, xlabel=words[0], ylabel=words[1])
        axes.axhline(0, color="#e4e4e4", linewidth=0.7, zorder=0)
        axes.axvline(0, color="#e4e4e4", linewidth=0.7, zorder=0)
        if truths is not None and labels:
            _by_class(axes, points, truths, labels, at_centres=True)
            legend_below(figure, axes, columns=_columns(labels))
        elif truths is not None:
            shown = axes.scatter(
                points[:, 0],
                points[:, 1],
                c=truths,
                cmap="viridis",
                s=_size(len(points)) * 0.8,
                linewidth=0.3,
                edgecolor="black",
            )
            figure.colorbar(shown, ax=axes, label="target")
        else:
            axes.scatter(points[:, 0], points[:, 1], color=colour_of(0), s=_size(len(points)) * 0.6, linewidth=0)

    return picture(onto, (SIZE[0], SIZE[1] + _legend_height(labels if truths is not None else ())), form)


def draw_regions(
    x: Array,
    y: Array,
    values: Array,
    points: Array,
    truths: Array,
    said: Array,
    labels: Sequence[str],
    axes_named: tuple[str, str],
    target: str,
    title: str,
    form: str,
) -> bytes:
    """The picture of what a network says of a plane.

    Args:
        x, y: of the grid.
        values: [len(y), len(x), classes] probabilities, or [len(y), len(x)] numbers.
        points, truths, said: the examples, what is true of them, and what the network says.
        labels: the classes' names; empty for numbers.
        form: "png" or "svg".
    """

    def onto(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set(title=title, xlabel=named(axes_named[0]), ylabel=named(axes_named[1]))
        if labels:
            _ground(axes, x, y, values)
            _by_class(axes, points, truths, labels, at_centres=False)
            wrong = (truths >= 0) & (truths != said)
            if wrong.any():
                ring: Any = {"s": 110, "facecolor": "none", "edgecolor": "black", "linewidth": 1.6}
                axes.scatter(points[wrong, 0], points[wrong, 1], **ring, zorder=5, label="said wrongly")
            legend_below(figure, axes, columns=_columns(labels))
        else:
            _surface(figure, axes, x, y, values, points, truths, target)
        axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))

    return picture(onto, (SIZE[0], SIZE[1] + _legend_height(labels)), form)


def _legend_height(labels: Sequence[str]) -> float:
    return 0.22 * -(-min(len(labels), NAMED + 1) // _columns(labels)) if labels else 0.0


def _columns(labels: Sequence[str]) -> int:
    longest = max((len(named(label, 24)) for label in labels), default=1)
    return max(1, min(10, 76 // (longest + 5)))


def _by_class(axes: Axes, points: Array, truths: Array, labels: Sequence[str], *, at_centres: bool) -> None:
    """A colour and a mark for each class; of very many, for the most frequent."""
    classes = np.flatnonzero(np.bincount(truths[truths >= 0], minlength=len(labels)))
    counts = np.bincount(truths[truths >= 0], minlength=len(labels))
    told = np.sort(classes[np.argsort(-counts[classes], kind="stable")][:NAMED])
    others = ~np.isin(truths, told)
    if others.any():
        axes.scatter(points[others, 0], points[others, 1], color="#bbbbbb", s=10, linewidth=0, label="others", zorder=1)
    for j, i in enumerate(told.tolist()):
        own = points[truths == i]
        number = i if len(labels) <= NAMED else j
        mark, colour = MARKS[number % len(MARKS)], colour_of(number)
        axes.scatter(
            own[:, 0], own[:, 1], color=colour, marker=mark, s=_size(len(points)),
            linewidth=0.5, edgecolor="white", label=named(labels[i], 24), zorder=3,
        )  # fmt: skip
        if at_centres and len(told) <= LABELLED:
            box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": colour, "alpha": 0.85}
            axes.annotate(
                named(labels[i], 12),
                tuple(np.median(own, axis=0)),
                ha="center",
                va="center",
                fontsize=8,
                bbox=box,
                zorder=6,
            )


def _size(points: int) -> float:
    """Of a mark, the smaller the more there are."""
    return 90.0 if points <= 50 else 36.0 if points <= 500 else 15.0


def _ground(axes: Axes, x: Array, y: Array, values: Array) -> None:
    """The class that is said at each point, the paler the less sure, with lines between the regions."""
    from matplotlib.colors import to_rgb

    count = values.shape[-1]
    first = values.argmax(axis=-1)
    sure = np.clip((values.max(axis=-1) - 1.0 / count) / (1.0 - 1.0 / count), 0.0, 1.0)
    share = (0.10 + 0.32 * sure)[..., None]
    colours = np.array([to_rgb(colour_of(i)) for i in range(count)])[first]
    extent = (float(x[0]), float(x[-1]), float(y[0]), float(y[-1]))
    ground = 1.0 - share * (1.0 - colours)
    axes.imshow(ground, extent=extent, origin="lower", aspect="auto", interpolation="nearest")
    for i in np.unique(first).tolist():
        others = np.delete(values, i, axis=-1).max(axis=-1)
        lead = values[..., i] - others
        if lead.min() < 0 < lead.max():
            axes.contour(x, y, lead, levels=[0.0], colors="#444444", linewidths=0.9)


def _surface(
    figure: Figure, axes: Axes, x: Array, y: Array, values: Array, points: Array, truths: Array, target: str
) -> None:
    finite = np.concatenate([values.ravel(), truths])
    finite = finite[np.isfinite(finite)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    scale: Any = {"cmap": "viridis", "vmin": low, "vmax": high}
    extent = (float(x[0]), float(x[-1]), float(y[0]), float(y[-1]))
    shown = axes.imshow(values, extent=extent, origin="lower", aspect="auto", interpolation="bilinear", **scale)
    if high > low:
        lines = axes.contour(x, y, values, levels=8, colors="white", linewidths=0.6)
        axes.clabel(lines, fmt=lambda value: measure(float(value)), fontsize=7)
    axes.scatter(
        points[:, 0],
        points[:, 1],
        c=truths,
        s=_size(len(points)) * 0.8,
        edgecolor="black",
        linewidth=0.7,
        **scale,
        zorder=3,
    )
    figure.colorbar(shown, ax=axes, label=f"{named(target)}: ground predicted, points true")
