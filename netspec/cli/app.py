"""The application, the arguments that several commands take, and what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.printing import refuse

__all__ = ["COMPLETE", "INTERRUPTED", "Device", "Json", "RunName", "Settings", "SpecFile", "app", "device_of", "run_of"]


app = typer.Typer(
    name="netspec",
    help="Describe a neural network in TOML; inspect, train and compare it, with no code in between.",
    epilog="Start with: netspec train specs/lenet5.toml. Each command explains itself: netspec train --help",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


INTERRUPTED = 130

COMPLETE = "_NETSPEC_COMPLETE"
"""The variable in which a shell says that it wants to complete a word."""


SpecFile = Annotated[
    Path, typer.Argument(metavar="SPEC", help="A spec, such as specs/lenet5.toml.", show_default=False)
]


RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run: lenet5-1, or its directory.", show_default=False)]


Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the spec; may be given several times."),
]


Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]


Device = Annotated[
    str | None,
    typer.Option("--device", metavar="cpu|gpu|tpu", help="Where to compute; the best there is unless given."),
]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"netspec {version('netspec')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback where something fails; may stand anywhere.")
    ] = False,
) -> None:
    """Hold the options of every command."""


def run_of(text: str) -> Path:
    from netspec.runs.directory import find

    return find(text)


def device_of(name: str | None) -> str | None:
    if name not in (None, "cpu", "gpu", "tpu"):
        refuse("device", f"--device is cpu, gpu or tpu, not {name}")
    return name
