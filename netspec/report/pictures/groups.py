"""Runs as pictures show them: seeds of one spec as one, each called what tells it from the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.diagnostics import NetspecError, RunError
from netspec.document import parse
from netspec.report.differences import differences
from netspec.report.drawing.values import plain
from netspec.runs.directory import load
from netspec.runs.histories import History, read_history

__all__ = ["Group", "One", "grouped"]

MOST_TOLD = 2
"""What differs between runs is told beside their names, where it is no more than that."""

LONGEST = 24
"""Letters of a value that is told beside a name."""


@dataclass(frozen=True, slots=True)
class One:
    """A run of a group.

    Args:
        seed: of everything random; None before it began.
    """

    path: Path
    seed: int | None
    history: History


@dataclass(frozen=True, slots=True)
class Group:
    """Runs of one spec on the same data that differ in their seeds; often a single one.

    Args:
        label: what tells it from the others.
    """

    label: str
    runs: tuple[One, ...]

    @property
    def histories(self) -> tuple[History, ...]:
        """Of its runs."""
        return tuple(one.history for one in self.runs)


def grouped(paths: Sequence[Path]) -> tuple[Group, ...]:
    """Runs, with seeds of one spec together, in the order of the first of each.

    Raises:
        RunError: one of them is damaged.
    """
    found: dict[str, list[tuple[One, Mapping[str, Any]]]] = {}
    for i, path in enumerate(paths):
        run, history = load(path), read_history(path)
        seed = None if history.started is None else history.started.seed
        spec = _spec(run.spec, path)
        key = json.dumps([spec, run.environment.get("data")], sort_keys=True, default=str)
        alike = [one.seed for one, _ in found.get(key, ())]
        key = f"{key}{i}" if seed is None or seed in alike else key
        found.setdefault(key, []).append((One(path, seed, history), spec))
    groups = [tuple(one for one, _ in members) for members in found.values()]
    labels = _labels(groups, [members[0][1] for members in found.values()])
    return tuple(Group(label, runs) for label, runs in zip(labels, groups, strict=True))


def _spec(text: str, path: Path) -> Mapping[str, Any]:
    """The values of a run's spec, without its seed."""
    try:
        values = parse(text, str(path / "spec.toml")).values
    except NetspecError as error:
        raise RunError(*error.diagnostics) from error
    return {key: value for key, value in values.items() if key != "seed"}


def _labels(groups: Sequence[tuple[One, ...]], specs: Sequence[Mapping[str, Any]]) -> list[str]:
    """A run's name, or for several that of their spec and how many they are, and what is different if that is short."""
    stems = [_stem(runs) for runs in groups]
    told = [""] * len(groups)
    for stem in dict.fromkeys(stems):
        alike = [i for i, other in enumerate(stems) if other == stem]
        for i, text in zip(alike, _told([specs[i] for i in alike]), strict=True):
            told[i] = text
    names = [runs[0].path.name if len(runs) == 1 else stem for runs, stem in zip(groups, stems, strict=True)]
    counts = ["" if len(runs) == 1 else f" ({len(runs)} seeds)" for runs in groups]
    labels = [f"{name}{more}{count}" for name, more, count in zip(names, told, counts, strict=True)]
    # Of two that would be called the same, the first runs tell which is which.
    return [
        f"{label}, {runs[0].path.name}…" if labels.count(label) > 1 and len(runs) > 1 else label
        for label, runs in zip(labels, groups, strict=True)
    ]


def _stem(runs: Sequence[One]) -> str:
    """The name of their spec, or what begins the names of their directories."""
    started = runs[0].history.started
    return started.name if started else runs[0].path.name.rpartition("-")[0] or runs[0].path.name


def _told(specs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of each spec, the values that are not the same in all, with a comma before them; nothing where they are many."""
    nothing = [""] * len(specs)
    unlike = list(differences([plain(spec) for spec in specs])) if len(specs) > 1 else []
    rows = [[_value(value) for value in difference.values] for difference in unlike]
    keys = [difference.path.rpartition(".")[2] for difference in unlike]
    # What an element of a list is has no name of its own.
    if len(unlike) > MOST_TOLD or not all(map(str.isidentifier, keys)) or any(None in row for row in rows):
        return nothing
    told = [[f", {key} {text}" if text else "" for text in row] for key, row in zip(keys, rows, strict=True)]
    return ["".join(pieces) for pieces in zip(*told, strict=True)] if told else nothing


def _value(value: Any) -> str | None:
    """A value in few letters, nothing for none; None where it takes more."""
    if isinstance(value, Mapping | list):
        return None
    text = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else None
