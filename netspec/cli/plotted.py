"""The command that draws runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.app import Device, Json, app, device_of
from netspec.cli.printing import complain, print_json

__all__ = []


@app.command(epilog="Example: netspec plot lenet5-1 --kind confusion -o confusion.svg")
def plot(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Runs: names, directories, globs, tag:NAME, newest.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="A .png or .svg file; KIND.png unless given.", show_default=False
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="Of any runs: curves, bars. Of one: confusion, filters, reconstructions, regions, embedding, weights. "
            "Curves unless given, or bars of more than 32 specs.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="step|examples|time", help="Along curves.", show_default=False)
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            metavar="train|validation|test",
            help="The part of the data; the test part where there is one.",
            show_default=False,
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Whose filters, or results, are shown.", show_default=False),
    ] = None,
    examples: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Examples that are looked at, at the most.", show_default=False),
    ] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Draw runs: their curves, what they reached, and what their networks say and hold.

    Runs of one spec with different seeds are one line, with the range of the seeds, or one bar, with its interval.
    """  # fmt: skip
    from netspec import commands
    from netspec.report.pictures import check_can_draw, form_of
    from netspec.runs.atomic import write_bytes
    from netspec.runs.selection import chosen

    form = "png" if out is None else form_of(out)
    check_can_draw()
    found = chosen(runs)
    which = commands.usual(found) if kind is None else kind
    wanted = commands.Wanted(form, by, part, layer, examples, device_of(device))
    drawn = commands.plot(found, which, wanted)
    target = out or Path(f"{drawn.kind}.png")
    write_bytes(target, drawn.data)
    complain(drawn.warnings)
    if json:
        names = [str(run) for run in found]
        print_json({"kind": drawn.kind, "runs": names, "what": drawn.what, "file": str(target)})
    else:
        others = "" if kind else f"\nothers: --kind {', '.join(commands.others(found, drawn.kind))}"
        typer.echo(f"{drawn.kind} of {drawn.what}: drawn in {target}{others}")
