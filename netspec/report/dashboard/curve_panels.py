"""The dashboard's curves: the loss, and below it the metric that decides, or another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from netspec.report.dashboard.keys import charted
from netspec.report.dashboard.panels import Panel, Scene
from netspec.report.drawing.curves import Series, draw
from netspec.report.drawing.styles import BOLD, DIM, PALETTE
from netspec.report.progress import Progress

__all__ = ["PARTS", "RAW", "SMOOTHED", "chosen", "losses"]

LEAST, ENOUGH, ANY = 6, 9, 1000
"""Lines of a chart: with fewer there is no shape to be seen."""

RAW = "color(67)"
SMOOTHED, VALIDATION, TEST, MEMBERS = PALETTE[:4]
PARTS: Mapping[str, str] = {"training": SMOOTHED, "validation": VALIDATION, "test": TEST}
"""The colours of curves, and of the numbers that they end with."""


def losses(scene: Scene, width: int) -> Panel | None:
    """The training loss, raw and smoothed, and the losses of other parts."""

    def lines(height: int) -> Sequence[Text]:
        progress = scene.progress
        if not progress.loss.last:
            return _awaited(scene, "loss", "measured with the first steps", height)
        return _chart(scene, "loss", [*_training(scene), *_by_part(progress, "loss")], width, height)

    return Panel(LEAST, ENOUGH, ANY, 3, lines)


def _training(scene: Scene) -> list[Series]:
    progress = scene.progress
    raw = Series("training", progress.loss.points(), RAW, ".")
    if scene.looks.smoothing == "none":
        return [raw]
    curve = progress.smoother_loss if scene.looks.smoothing == "more" else progress.smoothed_loss
    return [raw, Series("smoothed", curve.points(), SMOOTHED, "*")]


def chosen(scene: Scene, width: int) -> Panel | None:
    """The curve below the loss; its place is kept from the beginning, so that nothing jumps when it appears."""
    progress = scene.progress
    names = charted(progress)
    name = scene.looks.metric if scene.looks.metric in names else names[0]

    def lines(height: int) -> Sequence[Text]:
        series = _series(progress, name)
        if not series:
            return _awaited(scene, name.replace("_", " "), "measured with the first evaluation", height)
        return _chart(scene, name.replace("_", " "), series, width, height)

    return Panel(LEAST + 1, LEAST + 1, ANY, 2, lines)


def _awaited(scene: Scene, title: str, words: str, height: int) -> Sequence[Text]:
    return [scene.look.text(title, BOLD), scene.look.text(words, DIM), *[Text()] * (height - 2)]


def _series(progress: Progress, name: str) -> list[Series]:
    own = {"gradient norm": progress.gradient_norms, "learning rate": progress.learning_rates}.get(name)
    if own is not None:
        return [Series("training", own.points(), RAW, ".")] if own.last else []
    return _by_part(progress, name)


def _by_part(progress: Progress, metric: str) -> list[Series]:
    """The curves of one metric, one for each part of the data that it was measured on; of an ensemble's members too."""
    found = []
    for name, curve in progress.measured.items():
        part, _, rest = name.partition("/")
        if curve.last and rest == f"member/{metric}":
            label = "members" if part == "validation" else f"members, {part}"
            found.append(Series(label, curve.points(), MEMBERS, "m"))
        elif curve.last and rest == metric:
            found.append(Series(part, curve.points(), PARTS.get(part, ""), part[:1]))
    return found


def _chart(scene: Scene, title: str, series: Sequence[Series], width: int, height: int) -> Sequence[Text]:
    look, scale = scene.look, scene.looks.scale
    span = _span(scene.progress)
    log = None if scale == "auto" else scale == "log"
    return draw(series, width, height, ascii=look.ascii, colour=look.colour, title=title, x_range=span, log=log)


def _span(progress: Progress) -> tuple[float, float] | None:
    """What the axis of steps spans: at least half of it is used, and it seldom changes."""
    if progress.started is None or not progress.step:
        return None
    end = float(progress.started.steps)
    while end / 2 >= progress.step:
        end /= 2
    return 0.0, max(end, float(progress.step))
