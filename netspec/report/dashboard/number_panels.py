"""The dashboard's panels of single numbers: results, pace, time, and how the training fares."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from netspec.report.dashboard.curve_panels import PARTS, RAW, SMOOTHED
from netspec.report.dashboard.health import ratio_of, worst_dead
from netspec.report.dashboard.panels import Panel, Scene, between, fixed, pair
from netspec.report.drawing.frame import Look
from netspec.report.drawing.styles import BOLD, DIM, WARNING
from netspec.report.drawing.wording import age, count, duration, measure, measured_name, percent, setting, storage
from netspec.report.progress import Curve, Progress

__all__ = ["ALIKE", "fares", "gauge", "ordered", "pace", "results", "time"]

ALIKE = 10.0
"""Two numbers that differ by no more than this factor are alike in what follows from them."""

USUAL_RATIO = 1e-3
"""What a step adds to weights, by rule of thumb, as a share of them (Karpathy, Recipe, 2019)."""

LABEL, ROOMY = 15, 32
ENOUGH_RESULTS, LEAST_FARES = 5, 3


def results(scene: Scene, width: int) -> Panel | None:
    """What the network does: losses, metrics, the best so far."""
    progress, look = scene.progress, scene.look
    raw = progress.stepped.loss if progress.stepped else None
    smoothed = progress.smoother_loss.last if scene.looks.smoothing == "more" else progress.smoothed_loss.last
    lines = [
        pair("training loss", measure(raw), width, look, RAW),
        pair(
            "training loss, smoothed" if width >= ROOMY else "smoothed",
            measure(smoothed[1] if smoothed else None),
            width,
            look,
            SMOOTHED,
        ),
    ]
    metric = progress.started.metric if progress.started else ""
    for name, curve in ordered(progress):
        value = measure(curve.last[1] if curve.last else None)
        lines.append(pair(measured_name(name), value, width, look, PARTS.get(name.partition("/")[0], "")))
        lines += [_best(progress, width, look)] if name == metric else []
    return Panel(1, min(ENOUGH_RESULTS, len(lines)), len(lines), 3, lambda height: lines[:height])


def ordered(progress: Progress) -> list[tuple[str, Curve]]:
    """What is evaluated, of the network as a whole: losses first, then the metric that decides, then the others."""
    metric = progress.started.metric if progress.started else ""
    awaited = {} if progress.measured or not metric else {"validation/loss": Curve(), metric: Curve()}
    whole = {name: curve for name, curve in (awaited | dict(progress.measured)).items() if name.count("/") == 1}
    return sorted(whole.items(), key=lambda item: (not item[0].endswith("/loss"), item[0] != metric))


def _best(progress: Progress, width: int, look: Look) -> Text:
    assert progress.started is not None
    best = progress.best
    value = measure(best.value if best else None)
    step = f", step {count(best.step)}" if best else ""
    label = f"best {progress.started.metric.rpartition('/')[2].replace('_', ' ')}{step}"
    return pair(label if len(label) + len(value) < width else f"best{step}", value, width, look, BOLD)


def pace(scene: Scene, width: int) -> Panel | None:
    """How it learns, and how fast."""
    stepped = scene.progress.stepped
    known = (
        ("learning rate", setting(stepped.learning_rate if stepped else None)),
        ("gradient norm", measure(stepped.gradient_norm if stepped else None)),
        ("examples/s", count(stepped.examples_per_second) if stepped else "–"),
    )
    return fixed([pair(label, value, width, scene.look) for label, value in known])


def time(scene: Scene, width: int) -> Panel | None:
    """Where the time went, and the clocks."""
    progress, look, now = scene.progress, scene.look, scene.now
    saved = progress.saved
    where = f"checkpoint, step {count(saved.step)}" if saved else "checkpoint"
    clocks = [
        pair("elapsed", duration(progress.elapsed(now) if progress.started else None), width, look),
        pair(where, age(max(now, progress.time) - saved.time) if saved else "none yet", width, look),
    ]
    shares = [_share(label, share, width, look) for label, share in progress.shares().items()]
    if not shares:
        return fixed(clocks)
    least = len(shares) + len(clocks)
    return Panel(least, least, least + 1, 1, lambda height: [*shares, *[Text()] * (height - least), *clocks])


def _share(label: str, share: float, width: int, look: Look) -> Text:
    value = look.text(f"{percent(share):>6}")
    bar = gauge(share, width - LABEL - 1 - value.cell_len, DIM, look, track=False)
    return between(Text.assemble(look.text(f"{label:<{LABEL}}", DIM), bar, no_wrap=True), value, width, look)


def fares(scene: Scene, width: int) -> Panel | None:
    """How the training fares: what it generalises, how far steps go, what it takes of the device."""
    lines = [*_generalises(scene, width), *_moves(scene, width), *_takes(scene, width)]
    least = min(LEAST_FARES, len(lines))
    return Panel(least, least, len(lines), 1, lambda height: lines[:height]) if lines else None


def _generalises(scene: Scene, width: int) -> Sequence[Text]:
    measured, smoothed = scene.progress.measured.get("validation/loss"), scene.progress.smoothed
    if measured is None or measured.last is None or smoothed is None:
        return []
    return [pair("gap to validation", measure(measured.last[1] - smoothed), width, scene.look)]


def _moves(scene: Scene, width: int) -> Sequence[Text]:
    examined = scene.progress.examined
    if examined is None:
        return []
    look, ratio = scene.look, ratio_of(examined.layers)
    worst, dead = worst_dead(examined.layers)
    usual = ratio is None or USUAL_RATIO / ALIKE**2 <= ratio <= USUAL_RATIO * ALIKE**2
    lines = [pair("update / weights", measure(ratio), width, look, "" if usual else WARNING)]
    if worst:
        lines.append(pair(f"dead units, {worst}", percent(dead), width, look, "" if dead < 0.5 else WARNING))
    return lines


def _takes(scene: Scene, width: int) -> Sequence[Text]:
    progress, look = scene.progress, scene.look
    examined, times = progress.examined, progress.compilations
    seconds = f" ({progress.spent.compiling:.1f} s)" if times else ""
    lines = [pair("compilations", f"{count(times)}{seconds}", width, look)] if progress.stepped else []
    if examined is not None:
        skipped = pair("skipped steps", count(examined.skipped), width, look, WARNING if examined.skipped else "")
        held = (("memory", examined.memory), ("memory, peak", max(examined.peak or 0, examined.memory or 0)))
        lines = [*(pair(label, storage(size), width, look) for label, size in held if size), *lines]
        lines = [skipped, *lines] if examined.skipped else [*lines, skipped]
    return lines


def gauge(share: float, width: int, style: str, look: Look, track: bool = True) -> Text:
    """A bar of that width, filled up to the share; its rest drawn too where `track` says so."""
    cells = max(0, width)
    filled = min(cells, round(max(0.0, min(1.0, share)) * cells))
    tip = "╸" if 0 < filled < cells else "━" if filled else ""
    rest = ("─" if track else " ") * (cells - filled)
    return look.text("━" * (filled - 1) + tip, style).append_text(look.text(rest, DIM))
