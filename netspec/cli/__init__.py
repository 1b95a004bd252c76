"""The command line: parses, calls one function, prints, and is the only place that exits.

Exit codes: 0 done; 1 the training failed; 2 a mistake in a spec, data or arguments; 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import typer

from netspec.cli import specs

# isort: split
# The help lists commands in the order in which they are read.
from netspec.cli import runs

# isort: split
from netspec.cli import watched

# isort: split
from netspec.cli import results

# isort: split
from netspec.cli import listed

# isort: split
from netspec.cli import compared

# isort: split
from netspec.cli import pages

# isort: split
from netspec.cli import plotted

# isort: split
from netspec.cli import features

# isort: split
from netspec.cli import watching
from netspec.cli.app import COMPLETE, INTERRUPTED, app
from netspec.cli.printing import complain, json_text

__all__ = [
    "app",
    "compared",
    "features",
    "listed",
    "main",
    "pages",
    "plotted",
    "results",
    "runs",
    "specs",
    "watched",
    "watching",
]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command, and exit with its code. A traceback is shown only where `--debug` asks for it."""
    # Imports make many objects and no garbage: looking for some takes a tenth of a short command's time.
    gc.set_threshold(100_000, 20, 20)
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    _stand_in_for_closed()
    if arguments is None:
        _leave_at_interrupts()
    try:
        _application()([a for a in given if a != "--debug"], prog_name="netspec")
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        if debug:
            raise
        code = _explain(error, "--json" in given)
    sys.exit(code)


def _stand_in_for_closed() -> None:
    """Give a standard stream that was closed (`netspec … >&-`) somewhere to go, and no file its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115


def _application() -> Callable[..., Any]:
    """The application; where a shell asks how a word may go on, one that knows."""
    if COMPLETE not in os.environ:
        return app
    from netspec.cli.completion import completed

    completing: Callable[..., Any] = completed(app)
    return completing


def _leave_at_interrupts() -> None:
    """Let Ctrl-C end the process at once, wherever it is: only a training has something to save, and sees to it itself.

    A KeyboardInterrupt would be lost where Python calls back from garbage collection, as JAX has it do.
    """
    import signal

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as under nohup: stays ignored
        signal.signal(signal.SIGINT, lambda number, frame: _leave())


def _leave() -> NoReturn:
    """End the process, what comes next in the terminal in a line of its own."""
    if os.isatty(2):
        os.write(2, b"\n")
    os._exit(INTERRUPTED)


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
        try:
            typer.echo(json_text({"ok": False, "diagnostics": to_json(found)}, indent=None), nl=False)
            return code
        except OSError:  # standard output takes nothing, which may be what went wrong
            pass
    complain(found)
    return code
