"""Commands on the runs that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.app import Json, app
from netspec.cli.printing import ascii_only, coloured, complain, console_of, print_json

__all__ = []


@app.command(epilog="Example: netspec runs")
def runs(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the runs are.")] = Path("runs"),
    json: Json = False,
) -> None:
    """List the runs here, the newest first."""
    import time

    from netspec.report import run_list

    found = run_list.list_runs(out)
    if json:
        complain(found.damages)
        print_json(run_list.to_json(found, time.time()))
        return
    console = console_of()
    console.print(run_list.view(found, time.time(), console.width, colour=coloured(console), ascii=ascii_only(console)))
