"""What a training is told of, for tests: a spec in parts, and a table of tests that all such specs go through."""

from __future__ import annotations

from pathlib import Path

from netspec.commands.specs import dataset_of, opened_from, program_of
from netspec.diagnostics import TrainingError
from netspec.document import parse
from netspec.runs.events import Alerted
from netspec.train.loop import train

__all__ = ["CROSS_ENTROPY", "DIABETES", "DIGITS", "IRIS", "SQUARED_ERROR", "Parts", "adam", "deep", "sgd", "told"]

Parts = tuple[str, str, str, str, str]
"""Data, layers, loss, optimizer and length of a spec."""

DIGITS = 'source = "digits"\ntransform = ["scale", "flatten"]'
IRIS = 'source = "iris"\ntransform = ["standardize"]'
DIABETES = 'source = "diabetes"\ntransform = ["standardize"]'

CROSS_ENTROPY = 'kind = "cross_entropy"'
SQUARED_ERROR = 'kind = "squared_error"'


def sgd(rate: float) -> str:
    return f'kind = "sgd"\nlearning_rate = {rate}'


def adam(rate: float) -> str:
    return f'kind = "adam"\nlearning_rate = {rate}'


def deep(units: int, activation: str, times: int, init: str = "") -> str:
    """So many dense layers of so many units, and one for the classes."""
    drawn = f", init = {{ kernel = {init} }}" if init else ""
    return f'{{ dense = {units}, activation = "{activation}", times = {times}{drawn} }}, {{ dense = "$classes" }}'


def told(parts: Parts) -> list[Alerted]:
    """What a training is told of."""
    data, layers, loss, optimizer, length = parts
    text = f"""
    name = "patient"
    [data]
    {data}
    split = {{ validation = 0.2, test = 0 }}
    [model]
    layers = [{layers}]
    [loss]
    {loss}
    [optimizer]
    {optimizer}
    [train]
    {length}
    """
    opened = opened_from(parse(text, "patient.toml"), Path())
    dataset = dataset_of(opened)
    alerts = []
    try:
        for event in train(program_of(opened.spec, dataset.facts), dataset):
            if isinstance(event, Alerted):
                alerts.append(event)
    except TrainingError:
        pass  # one that diverges may end so
    return alerts
