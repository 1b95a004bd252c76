"""The command that shows trainings of other processes, and those that are long over."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netspec.cli.app import INTERRUPTED, Json, app
from netspec.cli.printing import ascii_only, coloured, console_of, json_text

if TYPE_CHECKING:
    from netspec.commands.followed import Watching

__all__ = []

PIPE_LINES = 40
"""Of the one frame that goes into a pipe."""


@app.command(epilog="Example: netspec watch lenet5-1")
def watch(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Runs, or a folder of them; the newest unless given."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder of runs.")] = Path("runs"),
    once: Annotated[bool, typer.Option("--once", help="Show what there is now, and leave.")] = False,
    json: Json = False,
) -> None:
    """Watch a training of another process, or one that is over.

    The dashboard, from the run's files alone; of several runs, all at once. The trainings are left alone: q leaves.
    """
    import os

    from netspec.commands.followed import watch as watched
    from netspec.report.live.screen import is_live

    in_terminal = not json and not once and is_live(sys.stdout, os.environ)
    watching = watched(names or (), out, patient=in_terminal)
    try:
        if in_terminal:
            _in_terminal(watching, f"no run in {out} yet: netspec train SPEC begins one")
        elif json:
            _as_objects(watching, once)
        elif once:
            _once(watching)
        else:
            _as_lines(watching)
    except BrokenPipeError:  # whoever reads has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _in_terminal(watching: Watching, waiting: str) -> None:
    import os
    import threading
    import time

    from netspec.commands.followed import LOOK_SECONDS
    from netspec.report.live.interrupts import Interrupts
    from netspec.report.live.window import Window

    left, switched, woken = threading.Event(), threading.Event(), threading.Event()

    def leave() -> None:
        left.set()
        woken.set()

    def switch() -> None:
        switched.set()
        woken.set()

    window = Window(sys.stdout, os.environ, leave, switch)
    with window, Interrupts(window, leave) as interrupts:
        while not left.is_set() and not watching.over:
            if switched.is_set():
                switched.clear()
                watching.switch()
            watching.look(time.time())
            window.show(watching.runs, str(watching.newer or ""), waiting)
            if not watching.more:
                woken.wait(LOOK_SECONDS)
                woken.clear()
    if interrupts.requested:
        raise typer.Exit(INTERRUPTED)
    if not left.is_set():
        _summarise(watching)


def _once(watching: Watching) -> None:
    """Print one frame."""
    import time

    from netspec.report.dashboard.side_by_side import view

    for _ in watching.follow(once=True):
        pass
    console = console_of()
    height = console.height - 1 if console.is_terminal else PIPE_LINES
    frame = view(watching.runs, time.time(), console.width, height, ascii=ascii_only(console), colour=coloured(console))
    console.print(frame)


def _as_lines(watching: Watching) -> None:
    from netspec.report.live.lines import Lines
    from netspec.report.progress import Progress

    several = len(watching.runs) > 1
    lines = [Lines(sys.stdout, Progress(), run.name if several else "") for run in watching.runs]
    for i, event in watching.follow():
        lines[i].show(event)
    _summarise(watching)


def _as_objects(watching: Watching, once: bool) -> None:
    from netspec.runs.events import to_json

    for i, event in watching.follow(once):
        sys.stdout.write(json_text({**to_json(event), "run": watching.runs[i].name}, indent=None))
        sys.stdout.flush()


def _summarise(watching: Watching) -> None:
    from netspec.report.dashboard.chosen import shown
    from netspec.report.finish import summaries

    console_of().print(summaries([shown(run) for run in watching.runs]), soft_wrap=True)
