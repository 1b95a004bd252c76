"""Commands that look at a loss: which learning rate suits, which way optimizers take, what is around a result."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netspec.cli.app import Device, Json, RunName, Settings, SpecFile, app, device_of, run_of
from netspec.cli.printing import ascii_only, coloured, complain, console_of, print_json

if TYPE_CHECKING:
    from netspec.report.drawing.frame import Frame

__all__ = []


def _out(default: str = "") -> typer.models.OptionInfo:
    help_ = f"The picture: a .png or .svg file{f'; {default} unless given' if default else ''}."
    option: typer.models.OptionInfo = typer.Option("--out", "-o", metavar="FILE", help=help_, show_default=False)
    return option


Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all that is drawn at random.")]

Part = Annotated[str, typer.Option(metavar="train|validation|test", help="The part of the data.")]

Examples = Annotated[int, typer.Option(metavar="N", help="Examples that are looked at, at the most.")]


@app.command(epilog="Example: netspec lr specs/lenet5.toml")
def lr(
    spec: SpecFile,
    first: Annotated[float, typer.Option("--from", metavar="RATE", help="The first rate.")] = 1e-7,
    last: Annotated[float, typer.Option("--to", metavar="RATE", help="The last rate.")] = 10.0,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Steps between them; an epoch's, but 100 to 400, unless given.", show_default=False
        ),
    ] = None,
    settings: Settings = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="The seed; the spec's unless given.", show_default=False)
    ] = None,
    out: Annotated[Path | None, _out()] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Find a learning rate: train for a moment while it grows.

    The range test of Smith (2017). Suggested is a tenth of the rate at which the loss was least; nothing is recorded.
    """
    from netspec import commands
    from netspec.report.findings import rate_view

    form = _form(out)
    opened = commands.load(spec, settings or (), seed)
    found = commands.find_rate(opened, first, last, steps, device_of(device))
    complain(found.warnings)
    plain = found.to_json()
    if out is not None:
        from netspec.report.pictures import rates

        title = f"{found.spec}, {found.optimizer}"
        _write(out, rates.draw(plain["rates"], plain["losses"], plain["smoothed"], found.marks(), title, form))
    _show(plain, rate_view, json, out)


@app.command(epilog="Example: netspec paths specs/valley_*.toml -o paths.svg")
def paths(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC", help="One spec or more.", show_default=False)],
    settings: Settings = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="The seed; the specs' unless given.", show_default=False)
    ] = None,
    out: Annotated[Path | None, _out("paths.png")] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Draw the paths of optimizers over a function.

    Each spec's model is a point, [model] point = [-1.5, 2.0], and its loss a function of it, the same in all of them.
    """
    from netspec import commands
    from netspec.report.findings import paths_view

    target = _target(out, "paths.png", json)
    form = _form(target)
    found = commands.paths(specs, settings or (), seed, device_of(device))
    if target is not None:
        from netspec.report.pictures import paths as pictures

        lines = [pictures.Line(n, p.points) for n, p in zip(found.labels(), found.taken, strict=True)]
        _write(target, pictures.draw(found.heights, found.function, lines, found.minima, form))
    _show(found.to_json(), paths_view, json, target)


@app.command(epilog="Example: netspec landscape lenet5-1 --radius 0.5")
def landscape(
    run: RunName,
    size: Annotated[int, typer.Option(metavar="N", help="Losses along each direction; an odd number.")] = 25,
    radius: Annotated[float, typer.Option(metavar="R", help="How far, in the lengths of the weights.")] = 1.0,
    part: Part = "train",
    examples: Examples = 1000,
    seed: Seed = 0,
    out: Annotated[Path | None, _out("landscape.png")] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Draw the loss around a trained network.

    Along two random directions, filter by filter as long as the weights (Li et al., 2018); biases and the parameters of
    normalisations stay as they are.
    """
    from netspec import commands
    from netspec.report.findings import landscape_view

    target = _target(out, "landscape.png", json)
    form = _form(target)
    with _progress(size * size) as progress:
        found = commands.landscape(run_of(run), size, radius, part, examples, seed, device_of(device), progress)
    complain(found.warnings)
    if target is not None:
        from netspec.report.pictures import landscape as pictures

        title = f"{Path(found.run).name}, step {found.step:,}"
        _write(target, pictures.draw(found.landscape.steps, found.landscape.losses, title, form))
    _show(found.to_json(), landscape_view, json, target)


@app.command(epilog="Example: netspec curvature lenet5-1")
def curvature(
    run: RunName,
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", help="Products with the Hessian; 100 unless given.", show_default=False),
    ] = None,
    part: Part = "train",
    examples: Examples = 1000,
    seed: Seed = 0,
    device: Device = None,
    json: Json = False,
) -> None:
    """Say how the loss curves where a run ended.

    The largest and smallest eigenvalues of its Hessian by Lanczos, the condition number, and whether the point is a
    minimum or a saddle.
    """
    from netspec import commands
    from netspec.report.findings import curvature_view

    found = commands.curvature(run_of(run), steps, part, examples, seed, device_of(device))
    complain(found.warnings)
    _show(found.to_json(), curvature_view, json, None)


def _target(out: Path | None, default: str, json: bool) -> Path | None:
    """Where the picture goes; with `--json`, only where somebody says it."""
    return out if out is not None or json else Path(default)


def _form(out: Path | None) -> str:
    """The form of the picture; what stands in its way is said before anything is worked out for it."""
    if out is None:
        return ""
    from netspec.report.pictures import check_can_draw, form_of

    form = form_of(out)
    check_can_draw()
    return form


def _write(path: Path, picture: bytes) -> None:
    from netspec.runs.atomic import write_bytes

    write_bytes(path, picture)


def _show(plain: dict[str, object], view: Callable[..., Frame], json: bool, picture: Path | None) -> None:
    if json:
        print_json(plain)
        return
    console = console_of()
    console.print(view(plain, console.width, colour=coloured(console), ascii=ascii_only(console)))
    if picture is not None:
        typer.echo(f"\ndrawn in {picture}")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar where somebody looks on."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("losses", total=total)
        yield lambda done: bar.update(task, completed=done)
