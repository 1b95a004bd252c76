"""The dashboard as text: what each file in `expected` shows is what a person sees at that moment and size."""

from __future__ import annotations

import dataclasses
import io
import math
import time
from pathlib import Path

import pytest
from made_events import events
from made_progress import LAYERS, examined, in_phases, of_members, warned
from rich.console import Console

from netspec.report.dashboard.keys import Key, Looks, looking, turned
from netspec.report.dashboard.view import view
from netspec.report.progress import Progress, advance
from netspec.runs.events import Alerted, Evaluated, Stepped

EXPECTED = Path(__file__).parent / "expected"


def shown(progress, width, height, later=2.0, **options):
    console = Console(width=width, file=io.StringIO(), color_system=None, legacy_windows=False)
    console.print(view(progress, progress.time + later, width, height, **options))
    return console.file.getvalue()


KEYS = (Key("e", "stop after epoch", "save and stop where this epoch ends"), Key("w", "save", "save a checkpoint now"))


def states(training):
    """By name, what is shown."""
    going = examined(training(492))
    return {
        "training": going,
        "begun": training(0),
        "done": examined(training(1200, "done"), skipped=2),
        "diverged": training(492, "diverged"),
        "phases": in_phases(2),
        "ensemble": of_members(going),
        "warned": warned(going),
    }


@pytest.mark.parametrize(
    ("name", "width", "height", "pressed", "options"),
    [
        ("training", 160, 36, "", {"keys": True}),
        ("training", 100, 36, "", {"keys": True}),
        ("training", 80, 24, "", {"keys": True}),
        ("training", 60, 24, "", {"keys": True}),
        ("training", 40, 24, "", {"keys": True}),
        ("training-uncoloured", 100, 24, "", {"colour": False}),
        ("training-ascii", 100, 36, "", {"colour": False, "ascii": True, "keys": True}),
        ("training-ascii", 60, 24, "", {"colour": False, "ascii": True}),
        ("training-turned", 160, 30, "plsmfh", {"keys": True}),
        ("training-saving", 80, 24, "", {"asked": "saving", "keys": True}),
        ("training-stopping", 80, 24, "", {"stopping": True}),
        ("begun", 160, 24, "", {"keys": True}),
        ("begun", 80, 24, "", {}),
        ("done", 100, 24, "", {}),
        ("diverged", 80, 24, "", {}),
        ("phases", 160, 30, "", {}),
        ("phases", 80, 36, "", {}),
        ("ensemble", 100, 36, "", {}),
        ("warned", 160, 24, "", {"keys": True}),
        ("warned", 80, 24, "", {"keys": True}),
    ],
)
def test_the_dashboard_as_text(training, name, width, height, pressed, options):
    progress, looks = states(training)[name.partition("-")[0]], Looks()
    for key in pressed:
        looks = turned(looks, key, progress)
    keys = (*looking(looks), *KEYS) if options.pop("keys", False) else ()
    text = shown(progress, width, height, looks=looks, keys=keys, **options)
    assert text == (EXPECTED / f"{name}-{width}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [1, 20, 40, 59, 60, 61, 80, 99, 100, 130, 250])
@pytest.mark.parametrize("height", [1, 3, 8, 9, 12, 17, 24, 60])
def test_a_frame_is_never_larger_than_the_terminal(training, width, height):
    progress, looks = training(492, "diverged"), Looks(explained=True)
    for state in (Progress(), training(0), training(4), training(40), progress, with_much(progress), in_phases(3)):
        for ascii_only in (False, True):
            lines = view(state, state.time, width, height, ascii=ascii_only, looks=looks, keys=looking(looks)).lines
            assert 0 < len(lines) <= height
            assert all(line.cell_len <= width for line in lines)
            assert not ascii_only or all(line.plain.isascii() for line in lines)


def with_much(progress):
    """That state with more metrics and alerts than any screen has room for, and numbers of every kind."""
    many = {f"validation/{'long_' * i}metric": 10.0 ** (i - 20) for i in range(30)}
    when, step = progress.time, progress.step
    odd = [
        Evaluated(when, step, 12.3, many, 1.0, False),
        Stepped(when, step + 4, 12.4, math.nan, None, math.inf, math.inf),
        *(Alerted(when, step, "odd", "odd " * i, "help") for i in range(20)),
    ]
    for event in odd:
        progress = advance(progress, event)
    layers = {f"{'deep_' * (i % 9)}{i}/{j}": LAYERS["block2/gate"] for i in range(40) for j in range(5)}
    return examined(progress, layers | {"odd": dict.fromkeys(("gradient", "weights", "update"), math.nan)}, 10**9)


def test_a_stranger_s_text_steers_nothing(training):
    vicious = "\x1b]0;title\x07[bold]x[/bold]\r\n\u202e名前"
    progress = of_members(in_phases(3))
    layers = {f"{vicious}{i}/{vicious}": LAYERS["block2/gate"] for i in range(3)}
    progress = examined(progress, layers)
    measured = {f"validation/{vicious}": 0.5, f"validation/member/{vicious}": 0.5, f"{vicious}/accuracy": 0.5}
    progress = advance(progress, Evaluated(progress.time, progress.step, 1.0, measured, 0.1, False))
    text_of_all = {"name": vicious, "run": vicious, "device": vicious, "metric": f"validation/{vicious}"}
    progress = dataclasses.replace(
        progress,
        started=dataclasses.replace(progress.started, **text_of_all),
        entered=dataclasses.replace(progress.entered, phase=vicious),
        passed=tuple(dataclasses.replace(p, name=vicious, metric=vicious) for p in progress.passed),
        alerts=(Alerted(0.0, 1, "a", vicious, vicious),),
    )
    for width, height in ((40, 24), (80, 50), (120, 60), (200, 60)):
        for looks in (Looks(), Looks(metric=vicious, unfolded=True)):
            frame = view(progress, 0.0, width, height, asked=vicious, looks=looks, keys=(Key("x", vicious, vicious),))
            text = "\n".join(line.plain for line in frame.lines)
            assert not set(text) & set("\x1b\x07\r\u202e")
            assert width == 40 or "[bold]" in text
            assert len(frame.lines) == len(text.split("\n"))
            assert all(line.cell_len <= width for line in frame.lines)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 36), (160, 36), (250, 60)])
def test_a_frame_of_a_long_training_of_a_deep_network_takes_under_20_milliseconds(long_training, width, height):
    console = Console(force_terminal=True, color_system="256", width=width, file=io.StringIO())
    taken = []
    for _ in range(11):
        begun = time.process_time()
        console.print(view(long_training, long_training.time, width, height, looks=Looks(unfolded=True)))
        taken.append(time.process_time() - begun)
    assert min(taken) < 0.020  # what it costs where nothing else wants the processor


@pytest.fixture(scope="module")
def long_training():
    """100,000 records of steps, and 200 layers."""
    progress = advance(Progress(), next(events()))
    for i in range(1, 100_001):
        loss, norm = math.exp(-i / 20_000) * (1.5 + math.sin(i)), 1.1 + math.cos(i)
        progress = advance(progress, Stepped(i / 100, i, i / 40, loss, 1e-3 / i, norm, 2000.0))
        if i % 100 == 0:
            measured = {"validation/loss": loss, "validation/accuracy": 1 - loss}
            progress = advance(progress, Evaluated(i / 100, i, i / 40, measured, 0.1, False))
    shares = {"gradient": 0.1, "weights": 2.0, "update": 1e-3, "dead": 0.1, "saturated": 0.1}
    return examined(
        progress,
        {f"block{i // 5}/layer{i % 5}": {k: v * (1 + i % 7) / 4 for k, v in shares.items()} for i in range(200)},
    )


def test_nothing_but_the_clocks_moves_with_the_time(training):
    progress = training(492)
    before, after = (shown(progress, 100, 24, later).splitlines() for later in (1.0, 3.0))
    changed = [line for line, other in zip(before, after, strict=True) if line != other]
    assert len(changed) == 3  # time left, elapsed, age of the checkpoint


def test_without_colour_nothing_is_told_by_colour(training):
    lines = view(training(492), 0.0, 100, 24, colour=False).lines
    assert not any("color" in str(span.style) or "bright" in str(span.style) for line in lines for span in line.spans)


def test_colours_stay_with_their_words(training):
    frame = view(training(492, "diverged"), 0.0, 100, 24)
    styles = {
        part.strip(): str(segment.style)
        for segment in Console(force_terminal=True, width=100, color_system="256").render(frame)
        for part in segment.text.split("  ")
        if part.strip()
    }
    assert "bold" in styles["lenet5"]
    assert styles["cpu, 2 cores · 61,706 parameters · batch 32 · seed 0"] == "bright_black"
    assert styles["validation loss"] == "bright_black"
    assert styles["0.1346"] == "color(208)"
    assert styles["examples/s"] == "bright_black"
    assert styles["2,000"] == "none"
    assert styles["the loss is not a number; conv2 was the first"] == "none"
    assert styles["└┬────────────────┬────────────────┬────────────────┬"] == "bright_black"
