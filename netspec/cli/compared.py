"""The command that holds runs against each other."""

from __future__ import annotations

from typing import Annotated

import typer

from netspec.cli.app import Json, app
from netspec.cli.printing import ascii_only, coloured, console_of, print_json

__all__ = []


@app.command(epilog="Example: netspec compare lenet5-1 lenet5-2")
def compare(
    names: Annotated[list[str], typer.Argument(metavar="RUN", help="Two runs or more.", show_default=False)],
    json: Json = False,
) -> None:
    """Compare runs: specs, metrics, curves.

    What differs in the specs, the metrics side by side with the best marked, the curves in one picture.
    """
    from netspec import commands
    from netspec.report import comparison, comparison_view

    found = commands.compare(names)
    if json:
        print_json(comparison.to_json(found))
        return
    console = console_of()
    console.print(comparison_view.view(found, console.width, colour=coloured(console), ascii=ascii_only(console)))
