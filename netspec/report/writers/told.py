"""What other programs are told of a training: its settings at the beginning, and numbers by name and step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from netspec.document import parse
from netspec.runs.events import Evaluated, Event, Examined, Finished, Started, Stepped

__all__ = ["Begun", "Row", "Setting", "Writer", "begun", "row_of"]

Setting = bool | int | float | str

LONGEST = 250
"""Letters of a setting, at the most: as much as every program takes."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A training that begins, or goes on.

    Args:
        run: its directory.
        id: the same whenever the run goes on, and no other run's.
        started: how it begins; its `step` is above 0 where it goes on.
        spec: the spec's text.
        settings: the spec's values by path ("optimizer.learning_rate").
    """

    run: Path
    id: str
    started: Started
    spec: str
    settings: Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class Row:
    """Numbers that were known at a step.

    Args:
        time: seconds since 1970.
        values: by name: "training/loss", "validation/accuracy", "gradient/conv1".
    """

    step: int
    time: float
    values: Mapping[str, float]


class Writer(Protocol):
    """What writes for one program; any error that leaves it ends the writing."""

    def write(self, rows: Sequence[Row]) -> None:
        """Take in numbers, their steps rising."""

    def close(self, finished: Finished | None) -> None:
        """End the writing; None where the training ended without a word."""


def begun(run: Path, started: Started) -> Begun:
    """What a program is told at the beginning, from the run's own files."""
    text = (run / "spec.toml").read_text("utf-8")
    values = {**parse(text, "spec.toml").values, "seed": started.seed}
    made = hashlib.sha256((run / "environment.json").read_bytes()).hexdigest()
    return Begun(run, f"{run.name}-{made[:12]}", started, text, dict(_flat(values)))


def _flat(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Setting]]:
    """The values of nested tables by path; lists as text.

    >>> dict(_flat({"train": {"epochs": 3, "keep": {"best": "validation/loss"}}, "layers": ["relu"]}))
    {'train.epochs': 3, 'train.keep.best': 'validation/loss', 'layers': '["relu"]'}
    """
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{key}.")
        elif isinstance(value, bool | int | float):
            yield f"{path}{key}", value
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            yield f"{path}{key}", text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def row_of(event: Event) -> Row | None:
    """The numbers that an event tells; None where it tells none."""
    values = dict(_values(event))
    return Row(event.step, event.time, values) if values else None


def _values(event: Event) -> Iterator[tuple[str, float]]:
    match event:
        case Stepped():
            yield "training/loss", event.loss
            yield "training/epoch", event.epoch
            yield "training/gradient_norm", event.gradient_norm
            yield "training/examples_per_second", event.examples_per_second
            if event.learning_rate is not None:
                yield "training/learning_rate", event.learning_rate
        case Evaluated():
            yield from event.metrics.items()
        case Examined():
            # What is measured comes first: programs draw together what begins alike.
            yield from ((f"{word}/{path}", v) for path, found in event.layers.items() for word, v in found.items())
            yield "training/skipped_steps", event.skipped
            yield from (
                (f"memory/{word}", float(bytes_))
                for word, bytes_ in (("now", event.memory), ("peak", event.peak))
                if bytes_ is not None
            )
        case Finished():
            yield from ((f"result/{name}", value) for name, value in event.metrics.items())
