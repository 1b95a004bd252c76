"""The dashboard of a training: one screen of text, a pure function of the training's state, the time and the size.

From 100 columns on, curves stand beside the numbers; from 60 on, below them; under that, everything is one line.
Knows nothing of terminals, threads or files: `live` shows it while a training goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.text import Text

from netspec.report.curves import Series, draw
from netspec.report.frame import Frame, Look, beside, fitted, stacked
from netspec.report.keys import USUAL, Key, Looks
from netspec.report.progress import Curve, Progress
from netspec.report.styles import BAD, BOLD, DIM, PALETTE, STATES, WARNING
from netspec.report.wording import age, count, duration, epochs, measure, measured_name, percent, setting

__all__ = ["view"]

WIDE, NARROW = 100, 60
LEAST_LINES = 9
"""With fewer lines than this, everything is one line however wide the terminal is."""
NUMBERS_WIDTH = 38
LEAST_CHART, TWO_CHARTS = 6, 17
LEAST_BAR = 12
ALERTS_SHOWN = 3

RAW = "color(67)"
SMOOTHED, VALIDATION, TEST = PALETTE[:3]
PARTS: Mapping[str, str] = {"training": SMOOTHED, "validation": VALIDATION, "test": TEST}
"""The colours of curves, and of the numbers that they end with."""


def view(
    progress: Progress,
    now: float,
    width: int,
    height: int,
    *,
    ascii: bool = False,  # noqa: A002
    colour: bool = True,
    stopping: bool = False,
    asked: str = "",
    looks: Looks = USUAL,
    keys: Sequence[Key] = (),
) -> Frame:
    """The dashboard as at most `height` lines of at most `width` columns.

    Args:
        progress: the state of the training.
        now: seconds since 1970.
        width: columns of the terminal.
        height: lines that may be used.
        ascii: use nothing but ASCII.
        colour: use colour; without it, curves are told apart by marker and label.
        stopping: a stop was asked for, and the trainer is about to save.
        asked: what else was asked for and did not happen yet, in a few words.
        looks: what the keys have changed.
        keys: the keys that can be pressed, named in the last line where there is room; none where none can be.
    """
    if looks.paused is not None:
        progress, now = looks.paused, looks.paused.time
    look = Look(ascii, colour)
    if width < NARROW or height < LEAST_LINES:
        return Frame((_one_line(progress, now, width, look, stopping),))
    head = [_head(progress, width, look), _bar(progress, now, width, look, stopping), Text()]
    foot = _alerts(progress, width, look)
    body = _two_columns if width >= WIDE else _one_column
    return Frame((*head, *body(progress, now, width, height - len(head) - len(foot), look), *foot))


def _one_line(progress: Progress, now: float, width: int, look: Look, stopping: bool) -> Text:
    """As much as fits, and no half of anything: how far, how good, how long, and whose."""
    started = progress.started
    if started is None:
        return fitted(look.text("starting"), width, look)
    state = "stopping" if stopping else _ending(progress) or f"{duration(progress.left(now))} left"
    metrics = [f"{measured_name(n).split()[-1]} {measure(c.last[1])}" for n, c in _deciding(progress) if c.last]
    loss = "compiling" if progress.smoothed is None else f"loss {measure(progress.smoothed)}"
    line = f"{count(progress.step)}/{count(started.steps)}"
    for part in (loss, state, *metrics):
        line = f"{line}  {part}" if len(line) + 2 + len(part) <= width else line
    named = look.text(f"{started.name}  {line}")
    return named if named.cell_len <= width else fitted(look.text(line), width, look)


def _head(progress: Progress, width: int, look: Look) -> Text:
    started = progress.started
    if started is None:
        return fitted(look.text("netspec", BOLD), width, look)
    left = look.text(started.name, BOLD)
    if started.run:
        left.append_text(look.text(f"  {started.run}", DIM))
    facts = f"{started.device} · {count(started.parameters)} parameters · batch {started.batch} · seed {started.seed}"
    return _between(left, look.text(facts, DIM), width, look)


def _bar(progress: Progress, now: float, width: int, look: Look, stopping: bool) -> Text:
    """How far the training is, as a bar and in words."""
    started = progress.started
    if started is None:
        return fitted(look.text("starting", DIM), width, look)
    of = epochs(started.steps / started.steps_per_epoch)
    step = look.text(f"step {count(progress.step)} of {count(started.steps)}")
    entered = progress.entered
    phase = "" if entered is None else f" · phase {entered.number} of {started.phases}: {entered.phase}"
    epoch = look.text(phase or f" · epoch {progress.epoch:.1f} of {of}", DIM)
    state = look.text(" · ", DIM).append_text(_state(progress, now, look, stopping))
    roomy = step.cell_len + epoch.cell_len + state.cell_len + 2 + LEAST_BAR <= width
    words = Text.assemble(step, epoch if roomy else "", state, no_wrap=True)
    share = progress.step / started.steps if started.steps else 1.0
    style = BAD if progress.finished and progress.finished.reason == "diverged" else SMOOTHED
    bar = _gauge(share, width - words.cell_len - 2, style, look)
    return fitted(Text.assemble(bar, "  ", words, no_wrap=True), width, look)


def _state(progress: Progress, now: float, look: Look, stopping: bool) -> Text:
    ending = _ending(progress)
    if ending:
        return look.text(ending, STATES.get(ending, WARNING))
    if stopping:
        return look.text("stopping: finishing the step and saving", WARNING)
    if progress.stepped is None:
        return look.text("compiling", WARNING)
    return look.text(f"{duration(progress.left(now))} left", BOLD)


def _ending(progress: Progress) -> str:
    return progress.finished.reason if progress.finished else ""


def _two_columns(progress: Progress, now: float, width: int, height: int, look: Look) -> list[Text]:
    """Curves at the left, as high as there is room, the numbers at the right."""
    chart_width = width - NUMBERS_WIDTH - 3
    numbers = _within(height, [_results(progress, look), _pace(progress, look), _time(progress, now, look)])
    curves = _charts(progress, chart_width, height, look)
    return [beside(left, right, chart_width + 3) for left, right in _side_by_side(curves, numbers)]


def _one_column(progress: Progress, now: float, width: int, height: int, look: Look) -> list[Text]:
    """The numbers in two blocks, and the curves below them where there is room."""
    half = (width - 3) // 2
    room = min(height, NUMBERS_WIDTH)
    left = _within(room, [_results(progress, look, half), _pace(progress, look, half)])
    right = _within(room, [_time(progress, now, look, half)])
    numbers = [beside(a, b, half + 3) for a, b in _side_by_side(left, right)]
    rest = height - len(numbers) - 1
    charts = _charts(progress, width, rest, look)
    return [*numbers, Text(), *charts] if charts else numbers


def _side_by_side(left: Sequence[Text], right: Sequence[Text]) -> Iterable[tuple[Text, Text]]:
    lines = max(len(left), len(right))
    return zip([*left, *[Text()] * (lines - len(left))], [*right, *[Text()] * (lines - len(right))], strict=True)


def _within(height: int, blocks: Sequence[Sequence[Text]]) -> list[Text]:
    """The blocks under each other, a blank line between them if there is room for it."""
    lines = stacked(blocks)
    return list(lines) if len(lines) <= height else [line for block in blocks for line in block][:height]


def _results(progress: Progress, look: Look, width: int = NUMBERS_WIDTH) -> list[Text]:
    """What the network does: losses, metrics, the best so far."""
    raw = progress.stepped.loss if progress.stepped else None
    lines = [
        _pair("training loss", measure(raw), width, look, RAW),
        _pair("training loss, smoothed", measure(progress.smoothed), width, look, SMOOTHED),
    ]
    for name, curve in _ordered(progress):
        value = measure(curve.last[1] if curve.last else None)
        lines.append(_pair(measured_name(name), value, width, look, PARTS.get(name.partition("/")[0], "")))
    best, started = progress.best, progress.started
    if best and started:
        metric = started.metric.rpartition("/")[2].replace("_", " ")
        label = f"best {metric}, step {count(best.step)}"
        lines.append(_pair(label, measure(best.value), width, look, BOLD))
    return lines


def _pace(progress: Progress, look: Look, width: int = NUMBERS_WIDTH) -> list[Text]:
    stepped = progress.stepped
    known = (
        ("learning rate", setting(stepped.learning_rate if stepped else None)),
        ("gradient norm", measure(stepped.gradient_norm if stepped else None)),
        ("examples/s", count(stepped.examples_per_second) if stepped else "–"),
    )
    return [_pair(label, value, width, look) for label, value in known]


def _time(progress: Progress, now: float, look: Look, width: int = NUMBERS_WIDTH) -> list[Text]:
    """Where the time went, and the clocks."""
    saved, started = progress.saved, progress.started
    shares = [_share(label, share, width, look) for label, share in progress.shares().items()]
    where = f"checkpoint, step {count(saved.step)}" if saved else "checkpoint"
    clocks = [
        _pair("elapsed", duration(progress.elapsed(now) if started else None), width, look),
        _pair(where, age(max(now, progress.time) - saved.time) if saved else "none yet", width, look),
    ]
    return [*shares, Text(), *clocks] if shares else clocks


def _share(label: str, share: float, width: int, look: Look) -> Text:
    value = look.text(f"{percent(share):>6}")
    gauge = _gauge(share, width - 16 - value.cell_len, DIM, look, track=False)
    return _between(Text.assemble(look.text(f"{label:<15}", DIM), gauge, no_wrap=True), value, width, look)


def _ordered(progress: Progress) -> list[tuple[str, Curve]]:
    """What was evaluated: losses first, then the metric that decides, then the others."""
    metric = progress.started.metric if progress.started else ""
    return sorted(progress.measured.items(), key=lambda item: (not item[0].endswith("/loss"), item[0] != metric))


def _deciding(progress: Progress) -> list[tuple[str, Curve]]:
    """The curve of the metric that says which step was best, where that is not a loss."""
    metric = progress.started.metric if progress.started else ""
    return [(n, c) for n, c in progress.measured.items() if n == metric and not n.endswith("/loss")]


def _charts(progress: Progress, width: int, height: int, look: Look) -> Sequence[Text]:
    """The loss, and below it the metric that decides, where there is room for both."""
    if height < LEAST_CHART:
        return []
    if not progress.loss.last:
        return [look.text("curves appear with the first steps", DIM)]
    losses = [
        Series("training", progress.loss.points(), RAW, "."),
        Series("smoothed", progress.smoothed_loss.points(), SMOOTHED, "*"),
        *_by_part(progress, "loss"),
    ]
    metric = progress.started.metric.rpartition("/")[2] if progress.started else "loss"
    measured = _by_part(progress, metric) if metric != "loss" else []
    if not measured or height < TWO_CHARTS:
        return _chart("loss", losses, progress, width, height, look)
    lower = height * 2 // 5
    upper = _chart("loss", losses, progress, width, height - 1 - lower, look)
    return [*upper, Text(), *_chart(metric.replace("_", " "), measured, progress, width, lower, look)]


def _chart(
    title: str, series: Sequence[Series], progress: Progress, width: int, height: int, look: Look
) -> Sequence[Text]:
    span = _span(progress)
    return draw(series, width, height, ascii=look.ascii, colour=look.colour, title=title, x_range=span)


def _by_part(progress: Progress, metric: str) -> list[Series]:
    """The curves of one metric, one for each part of the data that it was measured on."""
    named = ((*name.partition("/"), curve) for name, curve in progress.measured.items())
    return [
        Series(part, curve.points(), PARTS.get(part, ""), part[:1])
        for part, _, name, curve in named
        if name == metric and curve.last
    ]


def _span(progress: Progress) -> tuple[float, float] | None:
    """What the axis of steps spans: at least half of it is used, and it seldom changes."""
    if progress.started is None or not progress.step:
        return None
    end = float(progress.started.steps)
    while end / 2 >= progress.step:
        end /= 2
    return 0.0, max(end, float(progress.step))


def _alerts(progress: Progress, width: int, look: Look) -> list[Text]:
    """The newest diagnoses, one line each; of the last one the remedy has a line of its own where there is no room."""
    lines = []
    for i, alert in enumerate(shown := progress.alerts[-ALERTS_SHOWN:], 1):
        line = look.text(f"▲ step {count(alert.step)}  ", WARNING)
        remedy = look.text(alert.help, DIM)
        indent = line.cell_len
        line.append_text(look.text(alert.message))
        below = i == len(shown) and line.cell_len + 3 + remedy.cell_len > width
        if alert.help and not below:
            line.append_text(look.text(" · ", DIM)).append_text(remedy)
        lines.append(fitted(line, width, look))
        if alert.help and below:
            lines.append(fitted(Text.assemble(" " * indent, remedy), width, look))
    return [Text(), *lines] if lines else []


def _pair(label: str, value: str, width: int, look: Look, style: str = "") -> Text:
    return _between(look.text(label, DIM), look.text(value, style), width, look)


def _gauge(share: float, width: int, style: str, look: Look, track: bool = True) -> Text:
    """A bar of that width, filled up to the share; its rest drawn too where `track` says so."""
    cells = max(0, width)
    filled = min(cells, round(max(0.0, min(1.0, share)) * cells))
    tip = "╸" if 0 < filled < cells else "━" if filled else ""
    rest = ("─" if track else " ") * (cells - filled)
    return look.text("━" * (filled - 1) + tip, style).append_text(look.text(rest, DIM))


def _between(left: Text, right: Text, width: int, look: Look) -> Text:
    """One at the left edge, one at the right, the left one shortened where they would meet."""
    right = fitted(right, width, look)
    line = fitted(left, max(0, width - right.cell_len - 1), look)
    line.append(" " * (width - line.cell_len - right.cell_len))
    return line.append_text(right)
