"""Commands on specs: checked, looked at, taken away as source; and the manual."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netspec.cli.app import Json, Settings, app, run_of
from netspec.cli.printing import ascii_only, coloured, complain, console_of, print_json, refuse, write

if TYPE_CHECKING:
    from netspec.diagnostics import Diagnostic
    from netspec.graph.graph import Graph

__all__ = []


@app.command(epilog="Example: netspec check specs/*.toml")
def check(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC", help="One spec or more.", show_default=False)],
    settings: Settings = None,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for mistakes.")] = False,
    json: Json = False,
) -> None:
    """Check specs: everything short of training.

    Prints one line a good spec, or its mistakes; and warns about what is legal and most likely wrong.
    """
    from netspec.commands import checked
    from netspec.diagnostics import NetspecError, to_json

    found: list[Diagnostic] = []
    for path in specs:
        try:
            numbers = checked(path, settings or (), strict)
        except NetspecError as error:
            found += error.diagnostics
            continue
        found += numbers.warnings
        if not json:
            steps = "" if numbers.steps is None else f", {numbers.steps:,} steps of {numbers.batch}"
            n = len(numbers.warnings)
            warnings = f", {n} warning{'s' * (n != 1)}" if n else ""
            typer.echo(f"{path}: good, {numbers.parameters:,} parameters{steps}{warnings}")
    mistaken = any(diagnostic.severity == "error" for diagnostic in found)
    if json:
        print_json({"ok": not mistaken, "diagnostics": to_json(found)})
    else:
        complain(found)
    if mistaken:
        raise typer.Exit(2)


@app.command(epilog="Example: netspec inspect specs/lenet5.toml --depth 1")
def inspect(
    spec: Annotated[str, typer.Argument(metavar="SPEC|RUN", help="A spec or a run.", show_default=False)],
    settings: Settings = None,
    depth: Annotated[int | None, typer.Option(min=1, help="Fold blocks deeper than this.", show_default=False)] = None,
    graph: Annotated[
        str | None, typer.Option(metavar="svg|mermaid|dot", help="Print the network as a picture.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Write the picture: net.svg, net.mmd or net.dot.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show a network layer by layer, or as a picture.

    Shapes, parameters, multiply-adds, memory, optimizer, schedule. Nothing is allocated.
    """
    from netspec import commands
    from netspec.report.inspection.inspect import to_json
    from netspec.report.inspection.view import view

    path = Path(spec)
    place = path if path.suffix == ".toml" or path.is_file() else run_of(spec)
    if graph is not None or out is not None:
        form = _form(graph, out)
        if json:
            refuse("choice", "inspect prints a picture or JSON; not both")
        _picture(commands.network(place, settings or ()), form, out, depth)
        return
    found = commands.inspect(place, settings or ())
    if json:
        print_json(to_json(found))
        return
    console = console_of()
    console.print(view(found, console.width, depth=depth, colour=coloured(console), ascii=ascii_only(console)))


@app.command("compile", epilog="Example: netspec compile specs/resnet50.toml -o resnet50.py")
def compile_(
    spec: Annotated[str, typer.Argument(metavar="SPEC|RUN", help="A spec or a run.", show_default=False)],
    settings: Settings = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write a file instead: model.py.", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if there is one.")] = False,
) -> None:
    """Print a network as a Python file on Flax, JAX and Optax alone.

    With its loss, optimizer and training, where the spec says how and its data can be read. Nothing is allocated.
    """
    from netspec import commands

    path = Path(spec)
    if out is not None and out.exists() and not overwrite:
        refuse("file", f"there is a file '{out}' already: --overwrite replaces it")
    place = path if path.suffix == ".toml" or path.is_file() else run_of(spec)
    found = commands.compiled(place, settings or ())
    if out is None:
        typer.echo(found.source, nl=False)
    else:
        write(out, found.source)
        typer.echo(f"{out}: {found.source.count(chr(10)):,} lines")


PICTURES = {".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot"}
"""The forms of a picture by the endings of files."""


def _form(graph: str | None, out: Path | None) -> str:
    """In which form a picture is drawn: as `--graph` says, or else the file's ending."""
    form = PICTURES.get("" if out is None else out.suffix.lower()) if graph is None else graph
    if form is None:
        refuse("out", f"--out writes .svg, .mmd or .dot, not {out}")
    if form not in PICTURES.values():
        refuse("graph", f"--graph is svg, mermaid or dot, not {form}")
    return form


def _picture(network: Graph, form: str, out: Path | None, depth: int | None) -> None:
    import io

    from netspec.report.graph import FORMS, pictured

    drawn = FORMS[form](pictured(network, depth))
    if out is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # it becomes a file, whatever this terminal can show
        typer.echo(drawn, nl=False)
    else:
        write(out, drawn)
        typer.echo(f"{network.name} drawn in {out}")


@app.command(epilog="Example: netspec explain conv")
def explain(
    word: Annotated[
        str,
        typer.Argument(metavar="WORD", help="A kind, a family or a section: conv, losses, train, schedule.step."),
    ],
    json: Json = False,
) -> None:
    """Explain a kind or a section: the manual's page.

    What it is, its keys, an example, what that becomes, and the paper it is from.
    """
    from netspec.commands import manual

    found = manual.explain(word)
    if json:
        from netspec.spec.pages import to_json

        print_json([to_json(page) for page in found])
        return
    from netspec.report.manual import view

    console = console_of()
    console.print(view(found, console.width, colour=coloured(console), ascii=ascii_only(console)))


@app.command("list", epilog="Example: netspec list layers --search norm")
def list_kinds(
    family: Annotated[
        str | None,
        typer.Argument(metavar="FAMILY", help="Only these: layers, losses, optimizers, …", show_default=False),
    ] = None,
    search: Annotated[
        str | None, typer.Option(metavar="WORD", help="Only what has it in its name or page.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """List what a spec may say: every kind, with a line on each."""
    from netspec.commands import manual

    groups = manual.kinds(family, search)
    if json:
        from netspec.spec.keys import first_sentence

        named = {word: {p.name: first_sentence(p.text) for p in pages} for word, pages in groups.items()}
        print_json(named)
        return
    from netspec.report.manual import list_view

    console = console_of()
    console.print(list_view(groups, console.width, colour=coloured(console), ascii=ascii_only(console)))


@app.command(epilog="Example: netspec schema > netspec.schema.json")
def schema() -> None:
    """Print the JSON Schema of specs, for editors.

    A spec whose first line is "#:schema netspec.schema.json" is completed and checked as it is typed.
    """
    from netspec.commands import manual

    typer.echo(manual.schema(), nl=False)
