"""Which runs speak of another one: those that begin with its weights or load its layers, and those trained with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from netspec.runs.criteria import specs_of
from netspec.runs.directory import PARENT
from netspec.runs.glance import Glance

__all__ = ["Reference", "references"]

How = Literal["start", "load", "together"]


@dataclass(frozen=True, slots=True)
class Reference:
    """One run that speaks of another one.

    Args:
        by, to: their directories.
        how: "start", where it begins with its weights; "load", where layers of it are its own; "together", where both
            were trained at once.
    """

    by: Path
    to: Path
    how: How


def references(runs: Sequence[Path], among: Sequence[Glance]) -> tuple[Reference, ...]:
    """What other runs say of some.

    Args:
        runs: those that are spoken of.
        among: those that may speak of them; what they say of themselves does not count.
    """
    meant = {real: run for run in runs if (real := _real(run))}
    others = [one for one in among if _real(one.path) not in meant]
    specs, _ = specs_of(others)
    found: dict[Reference, None] = {}
    for one in others:
        folder = one.path.parent
        named = [(how, place / text) for how, text in _named(specs.get(one.path, {})) for place in _places(one.path)]
        for how, path in (*named, *(("together", folder / name) for name in one.together)):
            if (run := meant.get(_real(path))) is not None:
                found[Reference(one.path, run, how)] = None
    return tuple(found)


def _places(run: Path) -> tuple[Path, ...]:
    """Where the paths of a run's spec may start."""
    return run, run.parent, Path(), PARENT


def _real(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # what cannot be the name of a file
        return ""


def _named(values: Mapping[str, Any]) -> Iterator[tuple[How, str]]:
    """The runs that a spec names."""
    start = values.get("start")
    if isinstance(start, Mapping) and isinstance(start.get("run"), str):
        yield "start", start["run"]
    yield from (("load", written) for written in _loads(values))


def _loads(node: Any) -> Iterator[str]:
    inner = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    if isinstance(node, Mapping) and isinstance(node.get("load"), str):
        yield node["load"]
    for value in inner:
        yield from _loads(value)
