"""The command that lists the runs there are, and those under it that change what is kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from netspec.cli.app import Json, RunName, app
from netspec.cli.printing import ascii_only, coloured, complain, console_of, print_json, refuse

if TYPE_CHECKING:
    from netspec.report.drawing.frame import Frame
    from netspec.runs.removal import Removal

__all__ = []

WIDE = 10_000
"""Columns of what is no terminal: nothing is cut off or left out there."""

_changes = typer.Typer(rich_markup_mode=None, add_completion=False)


class _Listing(TyperGroup):
    """A command that does something by itself, and has commands of its own."""

    def __init__(self, **given: Any) -> None:
        commands = typer.main.get_group(_changes).commands
        given |= {"commands": commands, "invoke_without_command": True, "subcommand_metavar": "[COMMAND]"}
        super().__init__(**given)


Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN", help="Runs: lenet5-1, 'lenet5-*', tag:NAME, newest.", show_default=False),
]

Folder = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the runs are.")]


@app.command(
    cls=cast(type[TyperCommand], _Listing),
    epilog="Example: netspec runs --state done --metric 'accuracy>0.9' --sort best",
)
def runs(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Those with such a name: 'lenet5-*'.", show_default=False)
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE", help="Those that are running, done, interrupted, stopped, failed or diverged."),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Those with this tag.")] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="TEST", help="Those that reached this: 'accuracy>0.9'."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="TEST", help="Those whose spec says this: optimizer.kind=adam."),
    ] = None,
    sort: Annotated[
        str, typer.Option(metavar="KEY", help="By name, state, best, time, age, or a metric: test/accuracy.")
    ] = "age",
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The first N of them.", show_default=False)
    ] = None,
    out: Folder = Path("runs"),
    json: Json = False,
) -> None:
    """List the runs here; remove, rename or tag some.

    The newest come first. What several options ask for must all be so.
    """
    if context.invoked_subcommand is not None:
        _refuse_lost(context)
        return
    import time

    from netspec.report import run_list

    now = time.time()
    wanted = run_list.Wanted(name, state or (), tag or (), metric or (), where or (), sort, reverse, limit)
    found = run_list.list_runs(out, wanted, now)
    if json:
        complain(found.damages)
        print_json(run_list.to_json(found, now))
        return
    console = console_of()
    width = console.width if console.is_terminal else WIDE
    _show(run_list.view(found, now, width, colour=coloured(console), ascii=ascii_only(console)))


@_changes.command(epilog="Example: netspec runs remove lenet5-3 'mlp-*'")
def remove(
    names: Runs,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    out: Folder = Path("runs"),
    json: Json = False,
) -> None:
    """Remove runs for good, after a question that says what is lost."""
    from netspec.commands import kept_runs
    from netspec.report import run_list_changes

    asked = kept_runs.removal(names, out)
    if not yes and not _is_meant(asked, json):
        typer.echo("Nothing was removed.")
        raise typer.Exit(1)
    kept_runs.remove(asked)
    if json:
        print_json(run_list_changes.removal_json(asked))
    else:
        typer.echo(run_list_changes.removed_line(asked))


@_changes.command(epilog="Example: netspec runs rename lenet5-3 lenet5-slow")
def rename(
    name: RunName,
    new: Annotated[str, typer.Argument(metavar="NAME", help="What it is to be called.", show_default=False)],
    out: Folder = Path("runs"),
    json: Json = False,
) -> None:
    """Give a run another name."""
    from netspec.commands import kept_runs
    from netspec.diagnostics import printable
    from netspec.report import run_list_changes

    found = kept_runs.rename(name, new, out)
    complain(run_list_changes.stale(found.references))
    if json:
        references = run_list_changes.references_json(found.references)
        print_json({"run": str(found.run), "before": str(found.before), "references": references})
    else:
        typer.echo(printable(f"{found.before} is {found.run.name} now"))


@_changes.command(epilog="Example: netspec runs tag lenet5-3 --add best --drop draft")
def tag(
    names: Runs,
    add: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Put this tag on; several times.")] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Take this tag off; several times.")] = None,
    out: Folder = Path("runs"),
    json: Json = False,
) -> None:
    """Put tags on runs, or take them off.

    Where a command takes runs, tag:NAME stands for those that have it.
    """
    from netspec.commands import kept_runs
    from netspec.diagnostics import printable

    if not add and not drop:
        refuse("choice", "tag takes --add TAG or --drop TAG, and there is neither")
    found = kept_runs.tag(names, add or (), drop or (), out)
    if json:
        print_json([{"run": str(path), "tags": list(tags)} for path, tags in found])
        return
    for path, tags in found:
        typer.echo(printable(f"{path.name}: {', '.join(tags) or 'no tags'}"))


def _refuse_lost(context: typer.Context) -> None:
    """See that nothing was said to the list that the command under it would not hear."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        command = context.invoked_subcommand
        refuse("choice", f"--{given[0]} is for the list; what is for {command} stands after it")


def _is_meant(asked: Removal, json: bool) -> bool:
    """Whether a person says so, having read what is lost."""
    if json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from netspec.diagnostics import Diagnostic, RunError

        number = len(asked.runs)
        what = asked.runs[0].run.name if number == 1 else f"{number:,} runs"
        message = f"{what} would be removed for good, and there is nobody to ask"
        raise RunError(Diagnostic("not-asked", message, help="--yes removes without a question"))
    from netspec.report import run_list_changes

    console = console_of()
    _show(run_list_changes.view(asked, console.width, colour=coloured(console), ascii=ascii_only(console)))
    return typer.confirm(f"Remove {'it' if len(asked.runs) == 1 else 'them'} for good?")


def _show(frame: Frame) -> None:
    """Print lines that fit."""
    console = console_of()
    if coloured(console):
        console.print(frame, soft_wrap=True)
    else:  # several times as fast, which thousands of lines are worth
        typer.echo("\n".join(line.plain for line in frame.lines))
