"""The dashboard's panels of what a training consists of: its phases, and the members of an ensemble."""

from __future__ import annotations

from rich.text import Text

from netspec.report.dashboard.panels import Panel, Scene, between, fixed
from netspec.report.drawing.frame import Look
from netspec.report.drawing.styles import BOLD, DIM, GOOD
from netspec.report.drawing.wording import count, duration, measure
from netspec.report.progress import Best, Progress

__all__ = ["members", "phases"]

VALUE, TIME, ALONE = 8, 9, 18


def phases(scene: Scene, width: int) -> Panel | None:
    """Which phase of how many it is, and what each one reached."""
    progress, look = scene.progress, scene.look
    started, entered = progress.started, progress.entered
    if started is None or entered is None:
        return None
    title = look.text("phases", BOLD).append_text(look.text(f"  {entered.number} of {count(started.phases)}", DIM))
    metric = f"best {started.metric.rpartition('/')[2].replace('_', ' ')}"
    fits = title.cell_len + 2 + len(metric) <= width
    lines = [between(title, look.text(metric if fits else "best", DIM), width, look)]
    for over in progress.passed:
        of = "" if over.metric == started.metric else f" {over.metric.rpartition('/')[2].replace('_', ' ')}"
        mark = look.text("✓ ", GOOD)
        lines.append(_reached(mark, f"{over.name}{of}", over.best, duration(over.seconds), width, look))
    over_now = progress.finished is not None and progress.finished.reason == "done"
    mark = look.text("✓ ", GOOD) if over_now else look.text("▸ ", BOLD)
    now = max(scene.now, progress.time) if progress.finished is None else progress.time
    lines.append(_reached(mark, entered.phase, progress.best, duration(now - entered.time), width, look))
    if entered.number < started.phases and not over_now:
        lines.append(look.text(f"  {count(started.phases - entered.number)} more", DIM))
    return fixed(lines)


def _reached(mark: Text, name: str, best: Best | None, seconds: str, width: int, look: Look) -> Text:
    value = look.text(f"{measure(best.value if best else None):>{VALUE}}")
    value.append_text(look.text(f"{seconds:>{TIME}}", DIM))
    return between(mark.append_text(look.text(name)), value, width, look)


def members(scene: Scene, width: int) -> Panel | None:
    """What an ensemble reaches as one, and what its members do alone: their mean, and how far they lie apart."""
    progress, look = scene.progress, scene.look
    started = progress.started
    if started is None or started.members < 2:
        return None
    title = look.text(f"{count(started.members)} members", BOLD)
    heads = look.text(f"{'as one':>{VALUE}}{'each alone':>{ALONE}}", DIM)
    rows = [_of_members(progress, name, width, look) for name in _measured_alone(progress)]
    awaited = [look.text("measured with the first evaluation", DIM)]
    return fixed([between(title, heads, width, look), *(rows or awaited)])


def _measured_alone(progress: Progress) -> list[str]:
    """The part/metrics of which the members' own values are known, too; one part is enough."""
    names = [name for name in progress.measured if "/member/" not in name and "/spread/" not in name]
    alone = [name for name in names if _beside(name, "member") in progress.measured]
    return [name for name in alone if name.startswith(alone[0].partition("/")[0])]


def _beside(name: str, what: str) -> str:
    part, _, metric = name.partition("/")
    return f"{part}/{what}/{metric}"


def _of_members(progress: Progress, name: str, width: int, look: Look) -> Text:
    newest = [progress.measured.get(key) for key in (name, _beside(name, "member"), _beside(name, "spread"))]
    whole, mean, spread = (measure(curve.last[1] if curve and curve.last else None) for curve in newest)
    alone = f"{mean} ± {spread}"
    cells = look.text(f"{whole:>{VALUE}}").append_text(look.text(f"{alone:>{ALONE}}"))
    return between(look.text(name.partition("/")[2].replace("_", " "), DIM), cells, width, look)
