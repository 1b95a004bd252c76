"""What the page of a run or several holds: gathered from their files, and from what their networks say.

The page is always made: what a run cannot tell, its piece of the page says why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from netspec.commands.predictions import Predictions, predictions
from netspec.diagnostics import NetspecError
from netspec.report.page import Report, RunContents
from netspec.report.page.contents import (
    Environment,
    LayerRow,
    Missing,
    Network,
    Reproduction,
    Result,
    SpecText,
)

if TYPE_CHECKING:
    from netspec.commands.trained import Trained
    from netspec.graph.graph import Graph
    from netspec.report.inspection.inspect import Inspection, Row
    from netspec.runs.glance import Glance

__all__ = ["report", "run_contents"]

PICTURES = 24
"""Mistakes and inputs that are shown of one run, at the most."""

ALL_PICTURES = 80
"""And of all runs together."""

FEWEST = 6

LARGEST_PICTURE = 400_000
"""Bytes of a network's picture: of a larger one, the blocks are folded."""

T = TypeVar("T")


def report(
    runs: Sequence[Path], device: str | None = None, progress: Callable[[str], None] = lambda name: None
) -> Report:
    """Everything that the page of some runs shows.

    Args:
        runs: their directories, each once.
        device: where networks are asked what they say.
        progress: is told the name of each run before it is looked at.

    Raises:
        RunError: one is no run.
    """
    from netspec.report.comparison.compare import compare
    from netspec.report.page import report_of
    from netspec.runs.glance import glance

    glances = [glance(path) for path in runs]
    pictures = max(FEWEST, min(PICTURES, ALL_PICTURES // len(runs)))
    contents = []
    for seen in glances:
        progress(seen.name)
        contents.append(run_contents(seen, pictures, device))
    return report_of(_title([run.name for run in contents]), tuple(contents), compare(runs) if len(runs) > 1 else None)


def _title(names: Sequence[str]) -> str:
    """What a page is called.

    >>> _title(["mlp-1", "mlp-2", "lenet5-1"]), _title(["mlp-1"])
    ('mlp and lenet5, 3 runs', 'mlp-1')
    """
    if len(names) == 1:
        return names[0]
    specs = list(dict.fromkeys(re.sub(r"-\d+$", "", name) for name in names))
    named = " and ".join([", ".join(specs[:-1]), specs[-1]] if len(specs) > 1 else specs)
    return f"{named}, {len(names)} runs" if len(specs) <= 3 else f"{len(names)} runs"


def run_contents(seen: Glance, pictures: int = PICTURES, device: str | None = None) -> RunContents:
    """A run's part of a page.

    Args:
        pictures: of mistakes and inputs, at the most.
    """
    from netspec.commands.trained import open_run
    from netspec.report.page.recorded import curves_of, evaluations_of, health_of, result_of
    from netspec.runs.histories import read_history

    path = seen.path
    history = read_history(path)
    surroundings = _surroundings(path)
    result = result_of(history, seen.state, surroundings)
    trained = _unless(lambda: open_run(path))
    said = trained if isinstance(trained, Missing) else _unless(lambda: predictions(trained, pictures, device))
    if isinstance(said, Missing):
        said = Predictions(said, said, said, said)
    return RunContents(
        name=path.name,
        path=str(path),
        result=result,
        curves=curves_of(history),
        evaluations=evaluations_of(history),
        health=health_of(history),
        confusion=said.confusion,
        mistakes=said.mistakes,
        residuals=said.residuals,
        reconstructions=said.reconstructions,
        network=trained if isinstance(trained, Missing) else _unless(lambda: _network(trained)),
        spec=_spec(path, trained),
        environment=_environment(surroundings),
        reproduction=_reproduction(trained, surroundings, result),
    )


def _unless(work: Callable[[], T]) -> T | Missing:
    """What a piece of work gives, or why it cannot be done."""
    try:
        return work()
    except NetspecError as error:
        first = error.diagnostics[0]
        return Missing(f"{first.message} ({first.help})" if first.help else first.message)


# -- the run's files ---------------------------------------------------------------------------------------------------


def _surroundings(path: Path) -> Mapping[str, Any]:
    """What environment.json holds; nothing where it cannot be read."""
    try:
        found = json.loads((path / "environment.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _environment(surroundings: Mapping[str, Any]) -> Environment | Missing:
    from netspec.report.page.described import environment_of

    return environment_of(surroundings) if surroundings else Missing("environment.json is missing or damaged")


def _spec(path: Path, trained: Trained | Missing) -> SpecText | Missing:
    """The spec's text, whether it can be understood or not."""
    from netspec.report.page.described import spec_text

    if not isinstance(trained, Missing):
        return spec_text(trained.opened.spec, trained.run.spec)
    try:
        return SpecText(path.name, (path / "spec.toml").read_text(encoding="utf-8", errors="replace"), ())
    except OSError as error:
        return Missing(f"spec.toml cannot be read: {error.strerror}")


def _reproduction(
    trained: Trained | Missing, surroundings: Mapping[str, Any], result: Result
) -> Reproduction | Missing:
    from netspec.report.page.described import reproduction_of

    if isinstance(trained, Missing):
        return trained
    spec = trained.opened.spec
    return reproduction_of(spec, trained.run.spec, surroundings, result, list(_files(spec.document.values)))


def _files(values: Mapping[str, Any]) -> Iterator[str]:
    """The files that a spec names: what it learns from, and what it begins with."""
    yield from dict.fromkeys(_paths([values.get("data"), values.get("start")]))


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, str) and re.search(r"/|\.[a-z]{2,5}$", value):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _paths(one)


# -- the network -------------------------------------------------------------------------------------------------------


def _network(trained: Trained) -> Network:
    from netspec.graph.fill import fill_sections
    from netspec.graph.resolve import resolve
    from netspec.report.inspection.inspect import inspect

    spec = trained.opened.spec
    graph = resolve(fill_sections(spec, trained.facts), trained.facts)
    found = inspect(spec, trained.facts)
    rows = tuple(_rows(found.rows, 0))
    windows = any(leaf.windows for row in found.rows for leaf in row.leaves())
    return Network(_drawn(graph), rows, tuple(_facts(found)), windows)


def _drawn(graph: Graph) -> str | None:
    """The network's picture, with its blocks folded where it would be too large otherwise."""
    from netspec.report.graph import FORMS, pictured

    for depth in (None, 2, 1):
        try:
            drawn = FORMS["svg"](pictured(graph, depth))
        except NetspecError:
            continue
        if len(drawn) <= LARGEST_PICTURE:
            return drawn
    return None


def _rows(rows: Sequence[Row], depth: int) -> Iterator[LayerRow]:
    for row in rows:
        field = " × ".join(map(str, row.receptive_field)) if row.receptive_field else "all"
        kind = (
            row.kind
            + (f" · shares {row.shares}" if row.shares else "")
            + (" · frozen" if row.frozen and row.parameters else "")
        )
        yield LayerRow(
            depth, row.name, kind, str(row.output), row.parameters, row.multiply_adds, row.activations, field,
            bool(row.inside),
        )  # fmt: skip
        yield from _rows(row.inside, depth + 1)


def _facts(found: Inspection) -> Iterator[tuple[str, str]]:
    from netspec.report.drawing.wording import storage

    shapes = [", ".join(map(str, shapes.values())) for shapes in (found.inputs, found.outputs)]
    yield ("input → output", " → ".join(shapes)) if found.inputs else ("output", shapes[1])
    yield "parameters", f"{found.parameters.trainable:,} learned" + _besides(found)
    if found.multiply_adds:
        yield "multiply-adds", f"{found.multiply_adds:,} forward, one example"
    yield "memory to train", f"{storage(found.memory.total)} at batch {found.batch}"
    for phase in found.phases:
        named = f"{phase.name}: " if phase.name else ""
        if phase.optimizer:
            yield f"{named}optimizer", " → ".join(phase.optimizer)
        if phase.schedule:
            yield f"{named}schedule", phase.schedule.written


def _besides(found: Inspection) -> str:
    others = ((found.parameters.frozen, "frozen"), (found.parameters.statistics, "statistics"))
    return "".join(f", {number:,} {word}" for number, word in others if number)
