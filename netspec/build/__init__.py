"""Graph to what runs: a network of plain arrays, an objective, an optimizer. Knows nothing of data files or of runs."""

from __future__ import annotations

from netspec.build.network import Network
from netspec.build.objective import Metric, Objective, build_objective
from netspec.build.optimizer import Updater, build_optimizer, clock_of

__all__ = ["Metric", "Network", "Objective", "Updater", "build_objective", "build_optimizer", "clock_of"]
