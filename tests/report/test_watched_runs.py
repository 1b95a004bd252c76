"""Several runs on one screen as text: what each file in `expected` shows is what a person sees at that size."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from netspec.report.dashboard import view as dashboard
from netspec.report.dashboard.chosen import ALL, Chosen, Watched, keys_of, pressed, shown
from netspec.report.dashboard.side_by_side import view
from netspec.report.drawing.sparks import spark
from netspec.report.progress import Progress
from netspec.runs.events import Alerted

EXPECTED = Path(__file__).parent / "expected"


@pytest.fixture
def runs(training):
    """One that is done, one that goes on, one whose process died, one that has just begun."""
    return (
        watched("runs/lenet5-1", training(1200, "done"), "done"),
        watched("runs/lenet5-2", training(492), "running"),
        watched("runs/lenet5-3", training(200), "stopped"),
        Watched("runs/mlp-1", Progress(), "running"),
    )


def watched(name, progress, state):
    return Watched(name, dataclasses.replace(progress, started=dataclasses.replace(progress.started, run=name)), state)


def drawn(runs, width, height, later=2.0, **options):
    now = max(run.progress.time for run in runs[1:2]) + later
    return view(runs, now, width, height, **options)


def text(frame, width):
    console = Console(width=width, file=io.StringIO(), color_system=None, legacy_windows=False)
    console.print(frame)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("name", "several", "width", "height", "options"),
    [
        ("four-80", 4, 80, 24, {}),
        ("four-100", 4, 100, 30, {"notes": ["runs/mlp-2 has begun: n shows it"]}),
        ("four-plain-80", 4, 80, 16, {"ascii": True, "colour": False}),
        ("four-160", 4, 160, 24, {}),
        ("four-200", 4, 200, 24, {}),
    ],
)
def test_several_runs_as_text(runs, name, several, width, height, options):
    frame = drawn(runs[:several], width, height, keys=keys_of(ALL, several), **options)
    assert text(frame, width) == (EXPECTED / f"watched-{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("several", "width", "height", "overlaid"), [(2, 123, 24, 0), (2, 160, 30, 0), (3, 200, 50, 20)]
)
def test_where_there_is_room_each_has_its_dashboard_beside_the_others(runs, several, width, height, overlaid):
    lines = text(drawn(runs[:several], width, height, keys=keys_of(ALL, several)), width).splitlines()
    each = (width + 3) // several - 3
    for i, (run, state) in enumerate(zip(runs[:several], ("done", "running", "stopped"), strict=False)):
        column = [line[i * (each + 3) : i * (each + 3) + each].rstrip() for line in lines]
        assert column[0] == f"{'> ' if i == 0 else '  '}{i + 1}  {run.name}  {state}"
        now = runs[1].progress.time + 2 if state == "running" else run.progress.time
        alone = text(dashboard.view(shown(run), now, each, height - 2 - overlaid), each).splitlines()
        assert column[1 : 1 + len(alone)] == alone
    assert lines[-1].startswith("1–9 one run   tab next   q leave")
    assert bool(overlaid) == any(line.startswith("validation accuracy   ⠤⠤ 1 runs/lenet5-1") for line in lines)


@pytest.mark.parametrize("width", [1, 20, 40, 59, 60, 80, 123, 160, 200, 1100])
@pytest.mark.parametrize("height", [1, 2, 3, 4, 9, 20, 24, 60])
def test_a_frame_is_never_larger_than_the_terminal(runs, width, height):
    damaged = dataclasses.replace(runs[2], problem="removed or renamed " * 9)
    for several in (runs[:1], runs[3:], runs, (*runs, damaged) * 3 + runs[:1]):
        for chosen in (ALL, Chosen(len(several) - 1), Chosen(alone=True), Chosen(paused=tuple(several))):
            for explained in (False, True):
                looks = dataclasses.replace(chosen.looks, explained=explained, scale="log", metric="loss")
                asked = dataclasses.replace(chosen, looks=looks)
                keys = keys_of(asked, len(several))
                frame = view(
                    several, 0.0, width, height, chosen=asked, keys=keys, notes=["newer"], ascii=height % 2 == 0
                )
                assert 0 < len(frame.lines) <= height
                assert all(line.cell_len <= width for line in frame.lines)


def test_of_more_runs_than_lines_those_around_the_selected_one_are_shown(runs):
    many = tuple(dataclasses.replace(runs[1], name=f"runs/{i}") for i in range(16))
    for selected in (0, 7, 15):
        lines = text(view(many, 0.0, 80, 6, chosen=Chosen(selected)), 80).splitlines()
        assert len(lines) == 6
        assert [">", f"{selected + 1}", f"runs/{selected}"] in [line.split()[:3] for line in lines]


def test_a_stranger_s_text_steers_nothing(training):
    vicious = "\x1b]0;title\x07[bold]x[/bold]\r\n\u202e名前"
    progress = training(492)
    started = dataclasses.replace(progress.started, name=vicious, device=vicious, metric=f"validation/{vicious}")
    progress = dataclasses.replace(
        progress,
        started=started,
        measured={f"validation/{vicious}": progress.measured["validation/accuracy"]},
        alerts=(Alerted(0.0, 1, "a", vicious, vicious),),
    )
    several = (Watched(vicious, progress, "running", vicious), Watched(vicious, progress, "failed", vicious))
    for width in (40, 80, 160):
        for chosen in (ALL, Chosen(alone=True)):
            frame = view(several, 0.0, width, 40, chosen=chosen, notes=[vicious])
            said = text(frame, width)
            assert not set(said) & set("\x1b\x07\r\u202e")
            assert "[bold]" in said
            assert all(line.cell_len <= width for line in frame.lines)


def test_a_process_that_died_has_ended_and_its_clock_stands_still(runs):
    dead = (runs[2],)
    early, late = (text(view(dead, dead[0].progress.time + wait, 100, 24), 100) for wait in (1, 86_400))
    assert early == late
    assert "· stopped" in early
    assert shown(runs[2]).elapsed(1e12) == runs[2].progress.elapsed(runs[2].progress.time)


def test_without_colour_nothing_is_told_by_colour(runs):
    for several in (runs, runs[:2]):
        frame = drawn(several, 160, 40, colour=False, keys=keys_of(ALL, len(several)))
        spans = [str(span.style) for line in frame.lines for span in line.spans]
        assert not any("color" in style or "bright" in style for style in spans)


KEYS = [
    ("2", Chosen(1, alone=True)),
    ("22", Chosen(1)),
    ("23", Chosen(2, alone=True)),
    ("20", Chosen(1)),
    ("\t\t", Chosen(2)),
    ("\t\t\t\t", Chosen(0)),
    ("\t\n", Chosen(1, alone=True)),
    ("\n\t\n", Chosen(1)),
    ("59", ALL),
    ("zé²", ALL),
]


@pytest.mark.parametrize(("keys", "expected"), KEYS)
def test_keys_choose_a_run(runs, keys, expected):
    chosen = ALL
    for key in keys:
        chosen = pressed(chosen, key, runs)
    assert chosen == expected


def test_keys_of_one_run_choose_none(runs):
    assert [pressed(ALL, key, runs[:1]) for key in "1\t\n0"] == [ALL] * 4
    assert pressed(ALL, "1", ()) == ALL


def test_a_paused_view_stays_as_it_is(runs):
    chosen = pressed(ALL, "p", runs)
    later = (runs[0], dataclasses.replace(runs[1], progress=Progress()), *runs[2:])
    before = drawn(runs, 100, 30, chosen=chosen)
    assert text(drawn(later, 100, 30, chosen=chosen), 100) == text(before, 100)
    assert pressed(chosen, " ", later) == ALL
    assert "paused" in {key.state for key in keys_of(chosen, 4)}


def test_the_curves_are_those_that_keys_chose(runs):
    chosen = pressed(ALL, "l", runs)
    assert chosen.looks.scale == "log"
    for metric, values in (("gradient norm", "0.1386"), ("learning rate", "0.0010"), ("accuracy", "0.9659")):
        looks = dataclasses.replace(chosen.looks, metric=metric)
        lines = text(drawn(runs[:3], 110, 30, chosen=Chosen(1, looks=looks)), 110).splitlines()
        assert metric in lines[0]
        assert values in lines[2].split()
        assert sum(metric in line for line in lines[4:6]) == 1


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([], 4, ""),
        ([3.0], 3, "▁▁▁"),
        ([0.0, 7.0], 2, "▁█"),
        ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 8, "▁▂▃▄▅▆▇█"),
        ([0.0, 7.0, 7.0, 0.0], 2, "▅▅"),
        ([1e-3, 1e4], 2, "▁█"),
        ([1.0, 10.0, 1e7], 3, "▁▂█"),
        ([-1e308, 1e308], 2, "▁▁"),
    ],
)
def test_a_curve_in_one_line(values, width, expected):
    points = list(enumerate(values))
    assert spark(points, width) == expected
    assert spark(points, width, ascii=True).isascii()
