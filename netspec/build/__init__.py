"""Graph to what runs: a network of plain arrays, an objective, an optimizer. Knows nothing of data files or of runs."""

from __future__ import annotations

from netspec.build.network import Network
from netspec.build.program import Phase, Program, build

__all__ = ["Network", "Phase", "Program", "build"]
