"""Commands that train."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netspec.cli.app import INTERRUPTED, Device, Json, RunName, Settings, SpecFile, app, device_of, run_of
from netspec.cli.printing import complain, console_of

if TYPE_CHECKING:
    from netspec.commands import Session

__all__ = []


@app.command(epilog="Example: netspec train specs/lenet5.toml --set optimizer.learning_rate=3e-4 --seed 1")
def train(
    spec: SpecFile,
    settings: Settings = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="The seed; the spec's unless given.", show_default=False)
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=1000, metavar="N", help="As many seeds at once, a run each.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder of runs.")] = Path("runs"),
    device: Device = None,
    json: Json = False,
) -> None:
    """Train a network, under a live dashboard.

    The run is kept: Ctrl-C saves and stops, and `netspec resume` goes on exactly there.
    """
    from netspec import commands

    opened = [commands.load(spec, settings or (), seed)]
    first = opened[0].spec.seed
    opened += [commands.load(spec, settings or (), first + i) for i in range(1, seeds or 1)]
    _follow(commands.start(opened, out, device_of(device)), json)


@app.command(epilog="Example: netspec resume lenet5-1")
def resume(
    run: RunName,
    device: Device = None,
    edited: Annotated[bool, typer.Option("--edited", help="Go on although the spec or the data was changed.")] = False,
    json: Json = False,
) -> None:
    """Go on with a run exactly where it stopped."""
    from netspec import commands

    _follow(commands.resume(run_of(run), device_of(device), edited), json)


def _follow(session: Session, json: bool) -> None:
    """Show a training until it ends, and exit as it ended."""
    import os

    from netspec.report.finish import summary
    from netspec.report.live.interrupts import Interrupts
    from netspec.report.live.objects import Objects
    from netspec.report.live.training import display_for
    from netspec.report.progress import Progress, advance
    from netspec.runs.records import read_events
    from netspec.train.requests import Requests

    complain(session.warnings)
    complain(() if json else session.remarks, apart="\n")
    before = Progress()
    if session.resumed[0] is not None:
        for event in read_events(session.run):
            if getattr(event, "step", 0) <= session.resumed[0].step:
                before = advance(before, event)
    requests = Requests()
    display = Objects(sys.stdout, before) if json else display_for(sys.stdout, os.environ, before, requests)
    with display, Interrupts(display, requests.stop):
        for event in session.events(requests):
            try:
                display.show(event)
            except OSError as error:
                _unheard(error, session.run)
    if not json:
        console_of().print(summary(display.progress), soft_wrap=True)
    if display.progress.finished is not None and display.progress.finished.reason == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _unheard(error: OSError, run: Path) -> None:
    """Go on without whoever followed: the training is recorded, and worth more than its lines."""
    import os

    from netspec.diagnostics import Diagnostic

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):  # as of `netspec train … | head`, which is meant
        message = f"standard output takes nothing: {error.strerror}; the training goes on, and is recorded in {run}"
        complain([Diagnostic("output", message, severity="warning")])
