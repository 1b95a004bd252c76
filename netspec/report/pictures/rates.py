"""The loss over the learning rate that grew, with the rate that is suggested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from netspec.report.drawing.wording import setting
from netspec.report.pictures.canvas import COLOURS, legend_below, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

SIZE = (6.8, 4.6)


def draw(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    marks: Mapping[str, float],
    title: str,
    form: str,
) -> bytes:
    """The picture.

    Args:
        rates, losses, smoothed: of each step, lists; finite.
        marks: rates that are pointed out, by what they are.
        form: "png" or "svg".
    """

    def onto(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set(title=title, xlabel="learning rate", ylabel="loss", xscale="log")
        axes.plot(rates, losses, color="#bbbbbb", linewidth=0.9, label="loss of each batch")
        axes.plot(rates, smoothed, color=COLOURS[0], linewidth=2.0, label="smoothed")
        axes.xaxis.set_major_formatter(lambda rate, _: setting(rate))
        # What comes after the least would shrink the rest: it goes up without end.
        low, high = min(smoothed), max(smoothed[: smoothed.index(min(smoothed)) + 1])
        room = 0.2 * (high - low) or 1.0
        axes.set_ylim(low - room, high + 2 * room)
        for (name, rate), style, colour in zip(marks.items(), ("-", "--", ":"), COLOURS[1:], strict=False):
            axes.axvline(rate, color=colour, linestyle=style, linewidth=1.4, label=f"{name}: {setting(rate)}")
        legend_below(figure, axes)

    return picture(onto, SIZE, form)
