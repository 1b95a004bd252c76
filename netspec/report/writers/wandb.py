"""Writes runs for Weights & Biases, offline: under the run's directory, until somebody sends them with `wandb sync`.

A run that goes on writes another folder under the same id, and tells only what is past its checkpoint.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from netspec.report.writers.told import Begun, Row
from netspec.runs.events import Finished

__all__ = ["open_writer"]


class _Writer:
    def __init__(self, run: Any) -> None:
        self._run = run

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            result = {name: value for name, value in row.values.items() if name.startswith("result/")}
            self._run.summary.update(result)
            if len(result) < len(row.values):
                self._run.log(dict(row.values), step=row.step)

    def close(self, finished: Finished | None) -> None:
        done = finished is not None and finished.reason in ("done", "interrupted")
        self._run.finish(exit_code=0 if done else 1)


def open_writer(begun: Begun) -> _Writer:
    """Begin an offline run in the run's directory."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # else its makers are told of errors, offline or not
    import wandb

    settings = wandb.Settings(
        mode="offline", silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True
    )
    run = wandb.init(
        dir=str(begun.run.resolve()),
        project=begun.started.name,
        name=begun.run.name,
        id=begun.id,
        config={**begun.settings, "spec.toml": begun.spec},
        reinit="create_new",
        settings=settings,
    )
    return _Writer(run)
