"""Commands that train, and commands on what was trained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netspec.cli.app import INTERRUPTED, Device, Json, RunName, Settings, SpecFile, app, device_of, run_of
from netspec.cli.printing import ascii_only, coloured, complain, console_of, json_text, print_json, refuse, write

if TYPE_CHECKING:
    from netspec.commands import Continuation, Prediction, Session

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


def _follow(session: Session, json: bool) -> None:
    """Show a training until it ends, and exit as it ended."""
    import os

    from netspec.report.finish import summary
    from netspec.report.interrupts import Interrupts
    from netspec.report.live import display_for
    from netspec.report.objects import Objects
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
    display = Objects(sys.stdout, before) if json else display_for(sys.stdout, os.environ, before)
    requests = Requests()
    with display, Interrupts(display, requests.stop):
        for event in session.events(requests):
            try:
                display.show(event)
            except BrokenPipeError:
                # Whoever followed has had enough (`netspec train … | head`): the training goes on, and is recorded.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not json:
        console_of().print(summary(display.progress), soft_wrap=True)
    if display.progress.finished is not None and display.progress.finished.reason == "interrupted":
        raise typer.Exit(INTERRUPTED)


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
