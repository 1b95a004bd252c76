"""Describe a neural network in TOML; inspect, train and compare it, with no code in between.

>>> import netspec
>>> spec = netspec.load("specs/lenet5.toml")  # doctest: +SKIP
>>> spec.inspect().parameters.trainable  # doctest: +SKIP
61706
>>> run = spec.train()  # doctest: +SKIP
>>> netspec.compare([run, "runs/lenet5-1"])  # doctest: +SKIP

Every mistake is a `netspec.NetspecError` that holds its diagnostics.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import DataError, Diagnostic, NetspecError, RunError, SpecError, TrainingError

if TYPE_CHECKING:
    from netspec.commands import check, compare, inspect, load

__all__ = [
    "DataError",
    "Diagnostic",
    "NetspecError",
    "RunError",
    "SpecError",
    "TrainingError",
    "check",
    "compare",
    "inspect",
    "load",
]


def __getattr__(name: str) -> Any:
    """Load the functions when they are first asked for: `netspec --help` needs none of them."""
    if name in __all__:
        return getattr(importlib.import_module("netspec.commands"), name)
    raise AttributeError(f"module 'netspec' has no attribute '{name}'")
