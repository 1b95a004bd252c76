"""The programs that there are writers for, by the names that `[report]` has; none is imported before it is told."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass

from netspec.report.writers.told import Begun, Writer

__all__ = ["TOOLS", "Tool", "missing"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that a training can be told to.

    Args:
        title: as its makers write it.
        packages: what must be installed; the extra of the same name as the tool brings it.
    """

    name: str
    title: str
    packages: tuple[str, ...]

    def open(self, begun: Begun) -> Writer:
        """Begin to write, or go on.

        Raises:
            Exception: whatever the program finds wrong.
        """
        module = importlib.import_module(f"netspec.report.writers.{self.name}")
        writer: Writer = module.open_writer(begun)
        return writer


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("tensorboard", "TensorBoard", ("tensorboard",)),
        Tool("mlflow", "MLflow", ("mlflow", "sqlalchemy")),
        Tool("wandb", "Weights & Biases", ("wandb",)),
    )
}


def missing(name: str) -> bool:
    """Whether what a tool needs is not installed; nothing is imported to find out."""
    return any(importlib.util.find_spec(package) is None for package in TOOLS[name].packages)
