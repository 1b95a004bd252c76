"""The command line: parses, calls one function, prints, and is the only place that exits.

Exit codes: 0 done; 1 the training failed; 2 a mistake in a spec, data or arguments; 130 interrupted.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from netspec.commands import Continuation, Prediction, Session
    from netspec.diagnostics import Diagnostic
    from netspec.graph.graph import Graph

__all__ = ["app", "main"]

app = typer.Typer(
    name="netspec",
    help="Describe a neural network in TOML; inspect, train and compare it, with no code in between.",
    epilog="Start with: netspec train specs/lenet5.toml. Each command explains itself: netspec train --help",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

INTERRUPTED = 130

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
        _print_json({"ok": not mistaken, "diagnostics": to_json(found)})
    else:
        _complain(found)
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
    from netspec.report import inspection, inspection_view

    path = Path(spec)
    place = path if path.suffix == ".toml" or path.is_file() else _run(spec)
    if graph is not None or out is not None:
        form = _form(graph, out)
        if json:
            _refuse("choice", "inspect prints a picture or JSON; not both")
        _picture(commands.network(place, settings or ()), form, out, depth)
        return
    found = commands.inspect(place, settings or ())
    if json:
        _print_json(inspection.to_json(found))
        return
    console = _console()
    console.print(
        inspection_view.view(found, console.width, depth=depth, colour=_coloured(console), ascii=_ascii(console))
    )


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
        _refuse("file", f"there is a file '{out}' already: --overwrite replaces it")
    place = path if path.suffix == ".toml" or path.is_file() else _run(spec)
    found = commands.compiled(place, settings or ())
    if out is None:
        typer.echo(found.source, nl=False)
    else:
        _write(out, found.source)
        typer.echo(f"{out}: {found.source.count(chr(10)):,} lines")


@app.command(epilog="Example: netspec train specs/lenet5.toml --set optimizer.learning_rate=3e-4 --seed 1")
def train(
    spec: SpecFile,
    settings: Settings = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="The seed; the spec's unless given.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder of runs.")] = Path("runs"),
    device: Device = None,
    json: Json = False,
) -> None:
    """Train a network, under a live dashboard.

    The run is kept: Ctrl-C saves and stops, and `netspec resume` goes on exactly there.
    """
    from netspec import commands

    opened = commands.load(spec, settings or (), seed)
    _follow(commands.start(opened, out, _device(device)), json)


@app.command(epilog="Example: netspec resume lenet5-1")
def resume(
    run: RunName,
    device: Device = None,
    edited: Annotated[bool, typer.Option("--edited", help="Go on although the spec or the data was changed.")] = False,
    json: Json = False,
) -> None:
    """Go on with a run exactly where it stopped."""
    from netspec import commands

    _follow(commands.resume(_run(run), _device(device), edited), json)


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

    found = commands.evaluate(_run(run), data, _device(device))
    _complain(found.warnings)
    if json:
        _print_json(
            {"run": found.run, "step": found.step, "metrics": dict(found.metrics), "examples": dict(found.examples)}
        )
        return
    from netspec.report.metrics import view

    console = _console()
    width, colour, ascii_only = console.width, _coloured(console), _ascii(console)
    table = view(found.run, found.step, found.metrics, found.examples, width, colour=colour, ascii=ascii_only)
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
        _refuse("choice", "predict takes a file of inputs, or --text; " + ("not both" if text else "there is neither"))
    if inputs is not None and (tokens, temperature, seed) != (None, None, None):
        _refuse("choice", "--tokens, --temperature and --seed go with --text")
    ending = None if out is None else out.suffix.lower()
    if ending not in (None, ".csv", ".json"):
        _refuse("out", f"--out writes .csv or .json, not {out}")
    found: Prediction | Continuation
    if text is not None:
        found = commands.predict_text(_run(run), text, tokens, temperature, seed, _device(device))
    else:
        assert inputs is not None
        found = commands.predict(_run(run), inputs, _device(device))
    _complain(found.warnings)
    if isinstance(found, commands.Continuation):
        if out is not None:
            _refuse("out", "--out is for predictions, and not for a text that goes on")
        _write_on(found, json)
    elif out is not None:
        _write(out, _as_csv(found) if ending == ".csv" else _json_text(_as_json(found)))
        typer.echo(f"{len(found.names):,} predictions in {out}")
    elif json:
        _print_json(_as_json(found))
    else:
        typer.echo(_as_csv(found), nl=False)


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
        _complain(found.damages)
        _print_json(run_list.to_json(found, time.time()))
        return
    console = _console()
    console.print(run_list.view(found, time.time(), console.width, colour=_coloured(console), ascii=_ascii(console)))


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
        _print_json(comparison.to_json(found))
        return
    console = _console()
    console.print(comparison_view.view(found, console.width, colour=_coloured(console), ascii=_ascii(console)))


PICTURES = {".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot"}
"""The forms of a picture by the endings of files."""


def _form(graph: str | None, out: Path | None) -> str:
    """In which form a picture is drawn: as `--graph` says, or else the file's ending."""
    form = PICTURES.get("" if out is None else out.suffix.lower()) if graph is None else graph
    if form is None:
        _refuse("out", f"--out writes .svg, .mmd or .dot, not {out}")
    if form not in PICTURES.values():
        _refuse("graph", f"--graph is svg, mermaid or dot, not {form}")
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
        _write(out, drawn)
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

        _print_json([to_json(page) for page in found])
        return
    from netspec.report.manual import view

    console = _console()
    console.print(view(found, console.width, colour=_coloured(console), ascii=_ascii(console)))


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
        _print_json(named)
        return
    from netspec.report.manual import list_view

    console = _console()
    console.print(list_view(groups, console.width, colour=_coloured(console), ascii=_ascii(console)))


@app.command(epilog="Example: netspec schema > netspec.schema.json")
def schema() -> None:
    """Print the JSON Schema of specs, for editors.

    A spec whose first line is "#:schema netspec.schema.json" is completed and checked as it is typed.
    """
    from netspec.commands import manual

    typer.echo(manual.schema(), nl=False)


# -- following a training ----------------------------------------------------------------------------------------------


def _follow(session: Session, json: bool) -> None:
    """Show a training until it ends, and exit as it ended."""
    import os

    from netspec.report.finish import summary
    from netspec.report.interrupts import Interrupts
    from netspec.report.live import display_for
    from netspec.report.objects import Objects
    from netspec.report.progress import Progress, advance
    from netspec.runs.records import read_events

    _complain(session.warnings)
    _complain(() if json else session.remarks, apart="\n")
    before = Progress()
    if session.resumed is not None:
        for event in read_events(session.run):
            if getattr(event, "step", 0) <= session.resumed.step:
                before = advance(before, event)
    display = Objects(sys.stdout, before) if json else display_for(sys.stdout, os.environ, before)
    with display, Interrupts(display) as interrupts:
        for event in session.events(lambda: interrupts.requested):
            try:
                display.show(event)
            except BrokenPipeError:
                # Whoever followed has had enough (`netspec train … | head`): the training goes on, and is recorded.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not json:
        _console().print(summary(display.progress), soft_wrap=True)
    if display.progress.finished is not None and display.progress.finished.reason == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _run(text: str) -> Path:
    from netspec.runs.directory import find

    return find(text)


def _device(name: str | None) -> str | None:
    if name not in (None, "cpu", "gpu", "tpu"):
        _refuse("device", f"--device is cpu, gpu or tpu, not {name}")
    return name


# -- printing ----------------------------------------------------------------------------------------------------------


def _console() -> Console:
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


def _coloured(console: Console) -> bool:
    return console.is_terminal and not console.no_color


def _ascii(console: Console) -> bool:
    return not console.encoding.lower().replace("-", "").startswith("utf8")


def _complain(diagnostics: Iterable[Diagnostic], apart: str = "\n\n") -> None:
    import os

    from netspec.diagnostics import render
    from netspec.report.mistakes import coloured

    plain = not sys.stderr.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    rendered = [render(d) for d in diagnostics]
    if rendered:
        text = apart.join(rendered if plain else map(coloured, rendered))
        encoding = sys.stderr.encoding or "utf-8"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _json_text(data: Any, indent: int | None = 2) -> str:
    """JSON in ASCII, which every terminal takes; where a number is not finite, its name stands instead."""
    import json as encoder

    try:
        return encoder.dumps(data, indent=indent, allow_nan=False) + "\n"
    except ValueError:
        from netspec.report.values import plain

        return _json_text(plain(data), indent)


def _print_json(data: Any) -> None:
    typer.echo(_json_text(data), nl=False)


def _write_on(found: Continuation, json: bool) -> None:
    """Print a text as it goes on."""
    if json:
        _print_json({"prompt": found.prompt, "text": "".join(found.pieces), "tokens": found.tokens})
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


def _write(path: Path, text: str) -> None:
    from netspec.runs.atomic import write_bytes

    write_bytes(
        path, text.encode("utf-8", "surrogateescape")
    )  # a file's name may be any bytes, and is one of the cells


def _refuse(code: str, message: str) -> NoReturn:
    from netspec.diagnostics import Diagnostic, SpecError

    raise SpecError(Diagnostic(code, message))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command, and exit with its code. A traceback is shown only where `--debug` asks for it."""
    # Imports make many objects and no garbage: looking for some takes a tenth of a short command's time.
    gc.set_threshold(100_000, 20, 20)
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    if arguments is None:
        _leave_at_interrupts()
    try:
        app([a for a in given if a != "--debug"], prog_name="netspec")
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        if debug:
            raise
        code = _explain(error, "--json" in given)
    sys.exit(code)


def _leave_at_interrupts() -> None:
    """Let Ctrl-C end the process at once, wherever it is: only a training has something to save, and sees to it itself.

    A KeyboardInterrupt would be lost where Python calls back from garbage collection, as JAX has it do.
    """
    import os
    import signal

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as under nohup: stays ignored
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(INTERRUPTED))


def _explain(error: Exception, json: bool) -> int:
    """Print what went wrong, for people or as JSON; the exit code that goes with it."""
    from netspec.diagnostics import Diagnostic, NetspecError, to_json

    if isinstance(error, NetspecError):
        found, code = error.diagnostics, error.exit_code
    else:
        said = " ".join(str(error).split()) or "no message"
        message = f"netspec itself failed: {type(error).__name__}: {said[:300]}"
        help_ = "the same command with --debug shows where; please report it"
        found, code = (Diagnostic("internal", message, help=help_),), 1
    if json:
        # In one line: a training's events may stand above it.
        typer.echo(_json_text({"ok": False, "diagnostics": to_json(found)}, indent=None), nl=False)
    else:
        _complain(found)
    return code
