"""The command that holds runs against each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netspec.cli.app import Json, app
from netspec.cli.printing import ascii_only, coloured, console_of, json_text, refuse, write

if TYPE_CHECKING:
    from netspec.report.comparison.compare import Comparison

__all__ = []


@app.command(epilog="Example: netspec compare 'mlp-*' lenet5-1 --baseline mlp-1 --metric accuracy")
def compare(
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Runs, folders of runs, patterns, tag:NAME.", show_default=False),
    ],
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="What the others are held against; the first unless given.", show_default=False
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="accuracy, or validation/accuracy; what decided.", show_default=False),
    ] = None,
    value: Annotated[
        str, typer.Option(metavar="WHICH", help="Of a metric: result, last, best, min, max or mean.")
    ] = "result",
    by: Annotated[str, typer.Option(metavar="AXIS", help="Curves over step, examples or time.")] = "step",
    cost: Annotated[str, typer.Option(metavar="WHAT", help="time, parameters, multiply-adds or examples.")] = "time",
    whole: Annotated[bool, typer.Option("--all", help="Show what is the same in all specs, too.")] = False,
    json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV: a row a spec, every number.")] = False,
    as_markdown: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one self-contained page.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write .txt, .md, .csv, .json or .html.", show_default=False),
    ] = None,
) -> None:
    """Compare runs: which is better, and how sure that is.

    Runs of one spec with different seeds are taken together: means with 95 % intervals, and differences from a
    baseline, paired by seed. Then what differs in the specs, what it cost, and the curves.
    """
    from netspec import commands
    from netspec.report.comparison.compare import AXES, COSTS, VALUES

    form = _form({"json": json, "csv": as_csv, "md": as_markdown, "html": html is not None}, out)
    out = out or html
    found = commands.compare(
        names,
        baseline=baseline,
        metric=metric,
        value=_one_of("--value", value, VALUES),
        by=_one_of("--by", by, tuple(AXES)),
        cost=_one_of("--cost", cost, tuple(COSTS)),
    )
    if out is not None:
        write(out, _written(found, form, whole))
        typer.echo(f"{len(found.runs):,} rows in {out}")
    elif form != "txt":
        typer.echo(_written(found, form, whole), nl=False)
    else:
        from netspec.report.comparison.view import view

        console = console_of()
        colour, plain = coloured(console), ascii_only(console)
        console.print(view(found, console.width, whole=whole, colour=colour, ascii=plain))


FORMS = ("txt", "md", "csv", "json", "html")


def _form(flags: Mapping[str, bool], out: Path | None) -> str:
    """The one form that is asked for."""
    asked = [form for form, is_asked in flags.items() if is_asked]
    if out is not None:
        ending = out.suffix.lower().removeprefix(".")
        if ending not in FORMS:
            refuse("out", f"--out writes .{', .'.join(FORMS[:-1])} or .{FORMS[-1]}, not {out}")
        asked.append(ending)
    if len(set(asked)) > 1 or (flags["html"] and out is not None):
        refuse("choice", f"compare writes one thing at a time, and is asked for {' and '.join(asked)}")
    return next(iter(asked), "txt")


def _one_of(option: str, value: str, known: tuple[Any, ...]) -> Any:
    if value not in known:
        refuse("choice", f"{option} is {', '.join(known[:-1])} or {known[-1]}, not {value}")
    return value


def _written(found: Comparison, form: str, whole: bool) -> str:
    from netspec.report.comparison.compare import to_json
    from netspec.report.comparison.table import as_csv, as_markdown
    from netspec.report.comparison.view import view

    if form == "json":
        return json_text(to_json(found, whole=whole))
    if form == "csv":
        return as_csv(found)
    if form == "md":
        return as_markdown(found)
    if form == "html":
        from netspec.report.page import page_of_comparison

        return page_of_comparison(found)
    frame = view(found, 120, whole=whole, colour=False)
    return "".join(f"{line.plain.rstrip()}\n" for line in frame.lines)
