"""Small still pictures as SVG: points, bars, lines between axes. Their colours are the page's style's affair."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from netspec.report.drawing.wording import setting
from netspec.report.page.markup import Html, clipped, joined, tag

__all__ = ["Frame", "bars", "circle", "dots", "line", "picture", "ticks", "whisker"]

LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 10.0, 40.0


@dataclass(frozen=True, slots=True)
class Frame:
    """Where numbers are in a picture.

    Args:
        across, up: the lowest and the highest number of each axis.
        width, height: of the picture, axes included.
        logarithmic: whether the axis across is.
    """

    across: tuple[float, float]
    up: tuple[float, float]
    width: float = 420.0
    height: float = 300.0
    logarithmic: bool = False

    def x(self, value: float) -> float:
        """How far from the left edge."""
        return LEFT + (self.width - LEFT - RIGHT) * self._share(value)

    def y(self, value: float) -> float:
        """How far from the top edge."""
        low, high = self.up
        return self.height - BOTTOM - (self.height - TOP - BOTTOM) * ((value - low) / (high - low))

    def _share(self, value: float) -> float:
        low, high = self.across
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low)


def picture(frame: Frame, label: str, across: str, up: str, *marks: Html) -> Html:
    """A picture with its axes.

    Args:
        label: what is seen, for those who do not see it.
        across, up: what the axes are called.
    """
    return tag(
        "svg",
        _axes(frame, across, up),
        *marks,
        viewBox=f"0 0 {frame.width:g} {frame.height:g}",
        width=f"{frame.width:g}",
        height=f"{frame.height:g}",
        class_="plot",
        role="img",
        aria_label=label,
    )


def _axes(frame: Frame, across: str, up: str) -> Html:
    bottom, right = frame.height - BOTTOM, frame.width - RIGHT
    marks = [Html(f'<path class="axis" d="M{LEFT:g} {TOP:g}V{bottom:g}H{right:g}"/>')]
    for value in _ticks_across(frame):
        x = frame.x(value)
        marks.append(Html(f'<path class="grid" d="M{x:.1f} {TOP:g}V{bottom:g}"/>'))
        marks.append(_text(setting(value), x, bottom + 15, "middle"))
    for value in ticks(*frame.up, 5):
        y = frame.y(value)
        marks.append(Html(f'<path class="grid" d="M{LEFT:g} {y:.1f}H{right:g}"/>'))
        marks.append(_text(setting(value), LEFT - 6, y + 4, "end"))
    marks.append(_text(across, (LEFT + right) / 2, frame.height - 6, "middle", "title"))
    marks.append(_text(up, 12, (TOP + bottom) / 2, "middle", "title", turned=True))
    return tag("g", *marks, aria_hidden="true")


def _text(words: str, x: float, y: float, anchor: str, class_: str = "tick", *, turned: bool = False) -> Html:
    turn = f"rotate(-90 {x:.1f} {y:.1f})" if turned else None
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "transform": turn, "class": class_}
    return tag("text", clipped(words, 48), **place)


def _ticks_across(frame: Frame) -> list[float]:
    if not frame.logarithmic:
        return ticks(*frame.across, 6)
    low, high = frame.across
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
    return found if len(found) < 8 else [v for v in found if f"{v:e}".startswith("1.0")]


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two others, few enough to be read.

    >>> ticks(0.0, 9.3, 5)
    [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def dots(frame: Frame, points: Iterable[tuple[float, float]]) -> Html:
    """Many points as one mark."""
    path = "".join(f"M{frame.x(x):.1f} {frame.y(y):.1f}h0" for x, y in points)
    return Html(f'<path class="dots" d="{path}"/>')


def line(frame: Frame, points: Sequence[tuple[float, float]], class_: str = "line") -> Html:
    """A line through points."""
    path = "L".join(f"{frame.x(x):.1f} {frame.y(y):.1f}" for x, y in points)
    return Html(f'<path class="{class_}" d="M{path}"/>')


def circle(frame: Frame, point: tuple[float, float], name: str, label: str, *, held: bool) -> Html:
    """One point with its label; what it is called is said where the mouse rests on it.

    Args:
        held: whether it stands out.
    """
    x, y = frame.x(point[0]), frame.y(point[1])
    mark = tag(
        "circle",
        tag("title", clipped(name)),
        class_="point held" if held else "point",
        cx=f"{x:.1f}",
        cy=f"{y:.1f}",
        r=5,
    )
    return joined([mark, _text(label, x + 9, y - 7, "start", "label")])


def whisker(frame: Frame, x: float, y: float, half: float) -> Html:
    """An upright interval around a point."""
    at = frame.x(x)
    return Html(f'<path class="error" d="M{at:.1f} {frame.y(y - half):.1f}V{frame.y(y + half):.1f}"/>')


def bars(frame: Frame, edges: Sequence[float], counts: Sequence[int]) -> Html:
    """A histogram; each bar says what it counts."""
    return joined(_bars(frame, edges, counts))


def _bars(frame: Frame, edges: Sequence[float], counts: Sequence[int]) -> Iterator[Html]:
    bottom = frame.y(0.0)
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        x, y = frame.x(low), frame.y(count)
        width = max(frame.x(high) - x - 1, 0.5)
        said = tag("title", f"{setting(low)} to {setting(high)}: {count:,}")
        yield tag(
            "rect",
            said,
            class_="bar",
            x=f"{x + 0.5:.1f}",
            y=f"{y:.1f}",
            width=f"{width:.1f}",
            height=f"{bottom - y:.1f}",
        )
