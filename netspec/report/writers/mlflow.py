"""Writes runs for MLflow into a database beside the runs: one experiment a spec's name, one MLflow run a run.

A run that goes on finds its own by a tag, and tells only what was not told before: the rest would be the same
numbers again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from netspec.report.writers.told import Begun, Row
from netspec.runs.events import Finished

__all__ = ["DATABASE", "open_writer"]

DATABASE = "mlflow.db"
"""The file beside the runs."""

ARTIFACTS = "mlflow-artifacts"

TAG = "netspec.run"

MOST_NUMBERS, MOST_SETTINGS = 1000, 100
"""That MLflow takes at once."""

_STATUS = {"done": "FINISHED", "interrupted": "KILLED"}


class _Writer:
    def __init__(self, client: Any, run: str, goes_on: bool) -> None:
        self._client, self._run, self._goes_on = client, run, goes_on
        self._told: dict[str, int] = {}

    def write(self, rows: Sequence[Row]) -> None:
        from mlflow.entities import Metric

        new = [
            Metric(name, value, round(row.time * 1000), row.step)
            for row in rows
            for name, value in row.values.items()
            if row.step > self._last(name)
        ]
        for start in range(0, len(new), MOST_NUMBERS):
            self._client.log_batch(self._run, metrics=new[start : start + MOST_NUMBERS])

    def _last(self, name: str) -> int:
        """The last step of which a number was told before the run went on; -1 where none was."""
        if not self._goes_on:
            return -1
        if name not in self._told:
            found = self._client.get_metric_history(self._run, name)
            self._told[name] = max((metric.step for metric in found), default=-1)
        return self._told[name]

    def close(self, finished: Finished | None) -> None:
        status = "FAILED" if finished is None else _STATUS.get(finished.reason, "FAILED")
        self._client.set_terminated(self._run, status)


def _quiet() -> None:
    """Nothing of MLflow's stands in a view of the training, and nothing is sent to its makers."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _run_of(client: Any, begun: Begun) -> tuple[str, bool]:
    """The MLflow run of a run, and whether it was there already."""
    from mlflow.entities import Param

    started = begun.started
    found = client.get_experiment_by_name(started.name)
    artifacts = (begun.run.resolve().parent / ARTIFACTS / started.name).as_uri()
    experiment = client.create_experiment(started.name, artifacts) if found is None else found.experiment_id
    known = client.search_runs([experiment], f"tags.`{TAG}` = '{begun.id}'", max_results=1)
    if known:
        client.set_terminated(known[0].info.run_id, "RUNNING")
        return str(known[0].info.run_id), True
    made = client.create_run(experiment, round(started.time * 1000), {TAG: begun.id}, run_name=begun.run.name)
    run = str(made.info.run_id)
    settings = [Param(name, str(value)) for name, value in begun.settings.items()]
    for start in range(0, len(settings), MOST_SETTINGS):
        client.log_batch(run, params=settings[start : start + MOST_SETTINGS])
    client.log_text(run, begun.spec, "spec.toml")
    return run, False


def open_writer(begun: Begun) -> _Writer:
    """Begin an MLflow run, or go on with it."""
    _quiet()
    from mlflow import MlflowClient

    _quiet()  # its loggers are set up by the import
    client = MlflowClient(tracking_uri=f"sqlite:///{begun.run.resolve().parent / DATABASE}")
    return _Writer(client, *_run_of(client, begun))
