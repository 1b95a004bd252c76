"""The command that makes a page of a run or several."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.app import Device, Json, app, device_of
from netspec.cli.printing import print_json, refuse, write

__all__ = []

OUT = Path("report.html")

MOST = 100
"""Runs on a page, at the most."""


@app.command(epilog="Example: netspec report lenet5-1 -o lenet5.html")
def report(
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Runs, folders of runs, patterns, tag:NAME, newest.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The page: an .html file; report.html unless given.", show_default=False
        ),
    ] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Make a page of runs that people show to each other.

    One file of HTML that needs nothing else: what a run reached, its curves, diagnoses, mistakes or residuals, network
    and layers, its spec, and how to do it again; of several runs, what compare says of them before each one's own part.
    """
    from netspec.commands import pages
    from netspec.report.page import page, to_json
    from netspec.runs.selection import chosen

    target = out if out is not None or json else OUT
    if target is not None and target.suffix.lower() not in (".html", ".htm"):
        refuse("out", f"--out writes .html, not {target}")
    runs = chosen(names)
    if len(runs) > MOST:
        refuse("choice", f"a page holds {MOST} runs at the most, and these are {len(runs):,}")
    with _progress(len(runs)) as progress:
        found = pages.report(runs, device_of(device), progress)
    if json:
        print_json(to_json(found))
    if target is not None:
        text = page(found)
        write(target, text)
        if not json:
            typer.echo(f"{found.title} in {target}, {len(text.encode()) / 1e3:,.0f} kB")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar where somebody looks on, and several runs are looked at."""
    if total < 2 or not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("runs", total=total)
        yield lambda name: bar.advance(task)
