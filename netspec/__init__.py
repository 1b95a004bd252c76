"""Describe a neural network in TOML; inspect, train and compare it, with no code in between.

>>> import netspec
>>> spec = netspec.load("specs/lenet5.toml")  # doctest: +SKIP
>>> spec.inspect().parameters.trainable  # doctest: +SKIP
61706
>>> run = spec.train()  # doctest: +SKIP
>>> run.metrics()["test/accuracy"]  # doctest: +SKIP
0.9778
>>> netspec.compare([run, "lenet5-1"])  # doctest: +SKIP

Every mistake is a `netspec.NetspecError` that holds its diagnostics.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import DataError, Diagnostic, NetspecError, RunError, SpecError, TrainingError

if TYPE_CHECKING:
    from netspec.commands import Run, check, compare, inspect, list_runs, load, run

__all__ = [
    "DataError",
    "Diagnostic",
    "NetspecError",
    "Run",
    "RunError",
    "SpecError",
    "TrainingError",
    "check",
    "compare",
    "inspect",
    "list_runs",
    "load",
    "run",
]


def __getattr__(name: str) -> Any:
    """Load the functions when they are first asked for: `netspec --help` needs none of them."""
    if name in __all__:
        return getattr(importlib.import_module("netspec.commands"), name)
    raise AttributeError(f"module 'netspec' has no attribute '{name}'")


def __dir__() -> list[str]:
    """What there is to be used, for the Tab key of notebooks; not what this file imports."""
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])


def _told(error: NetspecError) -> list[str]:
    """What IPython shows of an error: its mistakes, and not the way that led to them."""
    from netspec.diagnostics import render
    from netspec.report.mistakes import coloured

    return ["\n\n".join(coloured(render(diagnostic)) for diagnostic in error.diagnostics)]


def _as_html(error: NetspecError) -> str:
    from netspec.report.notebook.mistakes import mistakes_html

    return mistakes_html(error.diagnostics)


# How an error looks is not for `diagnostics` to know, which everything else imports.
for _name, _view in (("_render_traceback_", _told), ("_repr_html_", _as_html)):
    setattr(NetspecError, _name, _view)
