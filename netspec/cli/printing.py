"""What the commands print, and where."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from netspec.diagnostics import Diagnostic

__all__ = ["ascii_only", "coloured", "complain", "console_of", "json_text", "print_json", "refuse", "write"]


def console_of() -> Console:
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


def coloured(console: Console) -> bool:
    return console.is_terminal and not console.no_color


def ascii_only(console: Console) -> bool:
    return not console.encoding.lower().replace("-", "").startswith("utf8")


def complain(diagnostics: Iterable[Diagnostic], apart: str = "\n\n") -> None:
    import os

    from netspec.diagnostics import render
    from netspec.report.mistakes import coloured

    plain = not sys.stderr.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    rendered = [render(d) for d in diagnostics]
    if rendered:
        text = apart.join(rendered if plain else map(coloured, rendered))
        encoding = sys.stderr.encoding or "utf-8"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def json_text(data: Any, indent: int | None = 2) -> str:
    """JSON in ASCII, which every terminal takes; where a number is not finite, its name stands instead."""
    import json as encoder

    try:
        return encoder.dumps(data, indent=indent, allow_nan=False) + "\n"
    except ValueError:
        from netspec.report.drawing.values import plain

        return json_text(plain(data), indent)


def print_json(data: Any) -> None:
    typer.echo(json_text(data), nl=False)


def write(path: Path, text: str) -> None:
    from netspec.runs.atomic import write_bytes

    write_bytes(
        path, text.encode("utf-8", "surrogateescape")
    )  # a file's name may be any bytes, and is one of the cells


def refuse(code: str, message: str) -> NoReturn:
    from netspec.diagnostics import Diagnostic, SpecError

    raise SpecError(Diagnostic(code, message))
