"""The dashboard of a training: one screen of text, a pure function of the training's state, the time and the size.

From 150 columns on, curves, layers and numbers stand beside each other; from 100 on, curves and numbers; from 60 on,
the curves below the numbers; under that, everything is one line. Knows nothing of terminals, threads or files: `live`
shows it while a training goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from netspec.report.dashboard import curve_panels, layer_panels, number_panels, part_panels
from netspec.report.dashboard.curve_panels import SMOOTHED
from netspec.report.dashboard.keys import USUAL, Key, Looks
from netspec.report.dashboard.number_panels import gauge
from netspec.report.dashboard.panels import Panel, Scene, abreast, arranged, between
from netspec.report.drawing.frame import Frame, Look, fitted
from netspec.report.drawing.styles import BAD, BOLD, DIM, STATES, WARNING
from netspec.report.drawing.wording import count, duration, epochs, measure, measured_name
from netspec.report.progress import Curve, Progress

__all__ = ["view"]

LEAST_LINES = 9
"""With fewer lines than this, everything is one line however wide the terminal is."""

ENOUGH, ENOUGH_FOR_HELP = 16, 18
"""Lines that the panels keep beside diagnoses and keys, and from which on keys are explained where that was asked for.
"""

LEAST_ABOVE, LEAST_BELOW = 9, 6
"""Lines of the numbers that curves below them leave, and lines with fewer of which there are none below."""

LEAST_BAR, HELP_WIDTH = 12, 64
ALERTS_SHOWN = 3
GAP = 3

PANELS: Mapping[str, Callable[[Scene, int], Panel | None]] = {
    "results": number_panels.results,
    "pace": number_panels.pace,
    "time": number_panels.time,
    "fares": number_panels.fares,
    "losses": curve_panels.losses,
    "chosen": curve_panels.chosen,
    "phases": part_panels.phases,
    "members": part_panels.members,
    "layers": layer_panels.layers,
}

RANKS = ("results", "losses", "pace", "time", "phases", "members", "chosen", "layers", "fares")
"""What matters most first: where there is no room for all that stands in a column, its last ones are left out."""

ALWAYS = frozenset({"results", "pace", "time"})
"""What moves together before it is left out."""


@dataclass(frozen=True, slots=True)
class Column:
    """Panels below each other.

    Args:
        width: of each; None takes an equal share of what the others leave.
        panels: from top to bottom.
    """

    width: int | None
    panels: tuple[str, ...]


NUMBERS = 38

Layout = tuple[tuple[Column, ...], ...]
"""Columns beside each other, and more of them below."""

LAYOUTS: Mapping[int, Layout] = {
    150: (
        (
            Column(None, ("losses", "chosen")),
            Column(50, ("layers", "phases", "members")),
            Column(NUMBERS, ("results", "pace", "time", "fares")),
        ),
    ),
    100: (
        (
            Column(None, ("losses", "chosen", "layers")),
            Column(NUMBERS, ("results", "pace", "time", "phases", "members", "fares")),
        ),
    ),
    60: (
        (Column(None, ("results", "pace")), Column(None, ("time", "fares"))),
        (Column(None, ("losses", "chosen", "phases", "members", "layers")),),
    ),
}
"""By the least width that it is for, how the panels stand."""


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
    scene = Scene(progress, now, look, looks)
    layout = next((LAYOUTS[least] for least in LAYOUTS if least <= width), None)
    if layout is None or height < LEAST_LINES:
        return Frame((_one_line(scene, width, _state(scene, asked, stopping, short=True)),))
    head = [_head(progress, width, look), _bar(scene, width, _state(scene, asked, stopping, short=False)), Text()]
    foot = _foot(scene, keys, width, height - len(head))
    return Frame((*head, *_body(scene, layout, width, height - len(head) - len(foot)), *foot))


def _foot(scene: Scene, keys: Sequence[Key], width: int, height: int) -> list[Text]:
    """Diagnoses and keys: as much of both as leaves the panels enough of the lines."""
    named = _named(keys, scene, width, height)
    every, newest = (_alerts(scene.progress, width, scene.look, most) for most in (ALERTS_SHOWN, 1))
    if scene.looks.explained and height >= ENOUGH_FOR_HELP:
        return named
    choices = ([*every, *named], every or named, newest)
    return next((lines for lines in choices if height - len(lines) >= ENOUGH), newest[: height // 3])


def _body(scene: Scene, layout: Layout, width: int, height: int) -> list[Text]:
    """The panels as the layout has them: the last columns get the lines that those above them leave."""
    lines: list[Text] = []
    for i, columns in enumerate(layout):
        last = i + 1 == len(layout)
        room = height - len(lines) - (1 if lines else 0)
        if not last and room - LEAST_BELOW - 1 >= LEAST_ABOVE:
            room -= LEAST_BELOW + 1
        if room >= LEAST_BELOW or not lines:
            lines += [*([Text()] if lines else []), *_beside(scene, columns, width, room, last=last)]
    return lines


def _beside(scene: Scene, columns: Sequence[Column], width: int, height: int, *, last: bool) -> list[Text]:
    """The columns beside each other; above other columns, none is longer than the first."""
    built = {i: _built(scene, column, column.width) for i, column in enumerate(columns) if column.width is not None}
    empty = {i for i, panels in built.items() if not any(panels.values())}
    taken = sum(column.width or 0 for i, column in enumerate(columns) if i not in empty)
    rest = (width - taken - GAP * (len(columns) - len(empty) - 1)) // max(1, len(columns) - len(built))
    drawn: list[tuple[int, Sequence[Text]]] = []
    for i, column in enumerate(columns):
        if i not in empty:
            room = height if last or not drawn else len(drawn[0][1])
            panels = built[i] if i in built else _built(scene, column, rest)
            drawn.append((column.width or rest, arranged(panels, RANKS, room, ALWAYS)))
    return abreast(drawn, GAP)


def _built(scene: Scene, column: Column, width: int) -> dict[str, Panel | None]:
    return {name: PANELS[name](scene, width) for name in column.panels}


def _one_line(scene: Scene, width: int, state: Text) -> Text:
    """As much as fits, and no half of anything: how far, how good, how long, and whose."""
    progress, look = scene.progress, scene.look
    started = progress.started
    if started is None:
        return fitted(look.text("starting"), width, look)
    metrics = [f"{measured_name(n).split()[-1]} {measure(c.last[1])}" for n, c in _deciding(progress) if c.last]
    loss = [] if progress.smoothed is None else [f"loss {measure(progress.smoothed)}"]
    line = f"{count(progress.step)}/{count(started.steps)}"
    for part in (*loss, state.plain, *metrics):
        line = f"{line}  {part}" if len(line) + 2 + len(part) <= width else line
    named = look.text(f"{started.name}  {line}")
    return named if named.cell_len <= width else fitted(look.text(line), width, look)


def _deciding(progress: Progress) -> list[tuple[str, Curve]]:
    """The curve of the metric that says which step was best, where that is not a loss."""
    metric = progress.started.metric if progress.started else ""
    return [(n, c) for n, c in progress.measured.items() if n == metric and not n.endswith("/loss")]


def _head(progress: Progress, width: int, look: Look) -> Text:
    started = progress.started
    if started is None:
        return fitted(look.text("netspec", BOLD), width, look)
    left = look.text(started.name, BOLD)
    if started.run:
        left.append_text(look.text(f"  {started.run}", DIM))
    facts = [
        started.device,
        f"{count(started.parameters)} parameters",
        f"batch {started.batch}",
        f"seed {started.seed}",
    ]
    while len(facts) > 1 and left.cell_len + 2 + len(" · ".join(facts)) > width:
        facts.pop()
    return between(left, look.text(" · ".join(facts), DIM), width, look)


def _bar(scene: Scene, width: int, state: Text) -> Text:
    """How far the training is, as a bar and in words; they keep their places while numbers grow."""
    progress, look = scene.progress, scene.look
    started, entered = progress.started, progress.entered
    if started is None:
        return fitted(look.text("starting", DIM), width, look)
    steps, of = count(started.steps), epochs(started.steps / started.steps_per_epoch)
    step = look.text(f"step {count(progress.step):>{len(steps)}} of {steps}")
    phase = "" if entered is None else f" · phase {entered.number} of {started.phases}: {entered.phase}"
    epoch = look.text(phase or f" · epoch {f'{progress.epoch:,.1f}':>{len(of) + 2}} of {of}", DIM)
    state = look.text(" · ", DIM).append_text(state)
    roomy = step.cell_len + epoch.cell_len + state.cell_len + 2 + LEAST_BAR <= width
    words = Text.assemble(step, epoch if roomy else "", state, no_wrap=True)
    share = progress.step / started.steps if started.steps else 1.0
    style = BAD if progress.finished and progress.finished.reason == "diverged" else SMOOTHED
    bar = gauge(share, width - words.cell_len - 2, style, look)
    return fitted(Text.assemble(bar, "  ", words, no_wrap=True), width, look)


def _state(scene: Scene, asked: str, stopping: bool, *, short: bool) -> Text:
    """What goes on, in a few words."""
    progress, look = scene.progress, scene.look
    if progress.finished is not None:
        ending = progress.finished.reason
        return look.text(ending, STATES.get(ending, WARNING))
    if stopping:
        return look.text("stopping" if short else "stopping: finishing the step and saving", WARNING)
    if asked or scene.looks.paused:
        return look.text(asked or "paused", WARNING)
    if progress.is_compiling:
        return look.text("compiling", WARNING)
    return look.text(f"{duration(progress.left(scene.now))} left", BOLD)


def _alerts(progress: Progress, width: int, look: Look, most: int) -> list[Text]:
    """The newest diagnoses, one line each; of the last one the remedy has a line of its own where there is no room."""
    lines = []
    for i, alert in enumerate(shown := progress.alerts[-most:], 1):
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


def _named(keys: Sequence[Key], scene: Scene, width: int, height: int) -> list[Text]:
    """The keys in one line, or explained one by one where that was asked for and there is room."""
    look = scene.look
    if not keys:
        return []
    if scene.looks.explained and height >= ENOUGH_FOR_HELP:
        lines = [look.text(f"{key.key}  ", BOLD).append_text(look.text(key.meaning, DIM)) for key in keys]
        several = max(1, min(len(keys), width // HELP_WIDTH))
        each = -(-len(lines) // several)
        own = (width - GAP * (several - 1)) // several
        columns = [(own, [fitted(line, own, look) for line in lines[i : i + each]]) for i in range(0, len(lines), each)]
        return [Text(), *abreast(columns, GAP)]
    line = Text(no_wrap=True)
    for key in keys:
        word = look.text(key.state, SMOOTHED) if key.state else look.text(key.word, DIM)
        one = Text.assemble("  " if line.plain else "", look.text(key.key, BOLD), " ", word)
        if line.cell_len + one.cell_len <= width:
            line.append_text(one)
    return [Text(), line]
