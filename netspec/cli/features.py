"""The command that writes what a layer gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netspec.cli.app import Device, RunName, app, device_of, run_of
from netspec.cli.printing import complain, refuse, write

if TYPE_CHECKING:
    from netspec.commands.layer_features import Features

__all__ = []


@app.command(epilog="Example: netspec features lenet5-1 photos/ --layer dense1 -o features.npz")
def features(
    run: RunName,
    inputs: Annotated[
        Path, typer.Argument(metavar="INPUT", help="A CSV, NPZ, image, or folder of images.", show_default=False)
    ],
    layer: Annotated[str, typer.Option(metavar="PATH", help="A layer, as inspect shows it.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write a .npz or .csv file instead.", show_default=False),
    ] = None,
    device: Device = None,
) -> None:
    """Write what a hidden layer gives for new inputs.

    With the inputs' names, and what they are where the file or the folders say it.
    """
    from netspec import commands

    ending = None if out is None else out.suffix.lower()
    if ending not in (None, ".npz", ".csv"):
        refuse("out", f"--out writes .npz or .csv, not {out}")
    found = commands.features(run_of(run), inputs, layer, device_of(device))
    complain(found.warnings)
    if out is None:
        typer.echo(_as_csv(found), nl=False)
        return
    if ending == ".npz":
        _write_npz(out, found)
    else:
        write(out, _as_csv(found))
    shape = ", ".join(map(str, found.values.shape[1:]))
    typer.echo(f"{len(found.names):,} times [{shape}] of {found.layer} in {out}")


def _write_npz(out: Path, found: Features) -> None:
    import io

    import numpy as np

    from netspec.runs.atomic import write_bytes

    data = io.BytesIO()
    np.savez(data, **found.arrays())  # type: ignore[arg-type]
    write_bytes(out, data.getvalue())


def _as_csv(found: Features) -> str:
    import csv
    import io

    text = io.StringIO()
    header, rows = found.rows()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{v:.9g}" if isinstance(v, float) else v for v in row] for row in rows)
    return text.getvalue()
