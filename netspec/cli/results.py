"""Commands on what was trained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netspec.cli.app import Device, Json, RunName, app, device_of, run_of
from netspec.cli.printing import ascii_only, coloured, complain, console_of, json_text, print_json, refuse, write

if TYPE_CHECKING:
    from netspec.commands import Continuation, Prediction

__all__ = []


@app.command(epilog="Example: netspec evaluate lenet5-1 --data more.npz")
def evaluate(
    run: RunName,
    data: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Other examples: a CSV, NPZ, text, or folder of images.", show_default=False),
    ] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Measure a run's network on its data, or on other examples."""
    from netspec import commands

    found = commands.evaluate(run_of(run), data, device_of(device))
    complain(found.warnings)
    if json:
        print_json(
            {"run": found.run, "step": found.step, "metrics": dict(found.metrics), "examples": dict(found.examples)}
        )
        return
    from netspec.report.metrics import view

    console = console_of()
    width, colour, plain = console.width, coloured(console), ascii_only(console)
    table = view(found.run, found.step, found.metrics, found.examples, width, colour=colour, ascii=plain)
    console.print(table)


@app.command(epilog="Example: netspec predict lenet5-1 photos/ --out classes.csv")
def predict(
    run: RunName,
    inputs: Annotated[
        Path | None,
        typer.Argument(metavar="[INPUT]", help="A CSV, NPZ, image, or folder of images.", show_default=False),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="A text instead: to be continued, or classified.", show_default=False),
    ] = None,
    tokens: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many tokens follow a text; 200 unless given.", show_default=False),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(metavar="T", help="0 takes the likeliest token; 1 draws as the network says; 0.8 unless given."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Of the draws; 0 unless given.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a .csv or .json file instead.", show_default=False)
    ] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Say what new inputs are, or how a text goes on.

    The class and its probability, or the number. A network that was trained on text continues --text.
    """
    from netspec import commands

    if (inputs is None) == (text is None):
        refuse("choice", "predict takes a file of inputs, or --text; " + ("not both" if text else "there is neither"))
    if inputs is not None and (tokens, temperature, seed) != (None, None, None):
        refuse("choice", "--tokens, --temperature and --seed go with --text")
    ending = None if out is None else out.suffix.lower()
    if ending not in (None, ".csv", ".json"):
        refuse("out", f"--out writes .csv or .json, not {out}")
    found: Prediction | Continuation
    if text is not None:
        found = commands.predict_text(run_of(run), text, tokens, temperature, seed, device_of(device))
    else:
        assert inputs is not None
        found = commands.predict(run_of(run), inputs, device_of(device))
    complain(found.warnings)
    if isinstance(found, commands.Continuation):
        if out is not None:
            refuse("out", "--out is for predictions, and not for a text that goes on")
        _write_on(found, json)
    elif out is not None:
        write(out, _as_csv(found) if ending == ".csv" else json_text(_as_json(found)))
        typer.echo(f"{len(found.names):,} predictions in {out}")
    elif json:
        print_json(_as_json(found))
    else:
        typer.echo(_as_csv(found), nl=False)


def _write_on(found: Continuation, json: bool) -> None:
    """Print a text as it goes on."""
    if json:
        print_json({"prompt": found.prompt, "text": "".join(found.pieces), "tokens": found.tokens})
        return
    import os
    from itertools import chain

    try:
        for piece in chain([found.prompt], found.pieces, ["\n"]):
            sys.stdout.write(_shown(piece))
            sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _shown(piece: str) -> str:
    """What a terminal can show of a text, and that does not steer it: a network may write any character."""
    from netspec.diagnostics import printable

    encoding = sys.stdout.encoding or "utf-8"
    safe = piece if not sys.stdout.isatty() else "".join(c if c in "\n\t" else printable(c) for c in piece)
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def _as_json(found: Prediction) -> dict[str, Any]:
    rows = found.rows()
    if found.labels and found.values.ndim == 2:
        for row, values in zip(rows, found.values, strict=True):
            row["probabilities"] = {label: float(v) for label, v in zip(found.labels, values, strict=True)}
    return {"predictions": rows}


def _as_csv(found: Prediction) -> str:
    import csv
    import io

    text = io.StringIO()
    rows = found.rows()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: _cell(v) for k, v in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    return f"{value:.6g}" if isinstance(value, float) else value
