"""What stands in the way of comparing runs: other surroundings, runs that are lost or not done, chosen values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from netspec.diagnostics import Diagnostic
from netspec.report.comparison.reading import LOST, Contender, Value
from netspec.report.differences import Difference
from netspec.report.drawing.values import plain
from netspec.report.drawing.wording import measured_name

__all__ = ["differing", "warnings_of"]

CONSEQUENCES: Mapping[str, str] = {
    "data": "they learned from different data: the metrics do not compare",
    "device": "they ran on different devices: the times do not compare, and the same seed gives other bits",
    "precision": "they computed in different precision: neither times nor bits compare",
    "versions": "they ran on different versions: the same seed may give other bits",
}
"""Of what differs in the surroundings: what can no longer be read off the runs."""

NAMED = 5
"""Rows that are named in a warning, at the most."""


def differing(surroundings: Sequence[Difference]) -> list[str]:
    """What is known to differ; what a run does not say is unknown, not different."""
    known = [(d.path, {json.dumps(plain(v)) for v in d.values if v is not None}) for d in surroundings]
    return list(dict.fromkeys(path.partition(".")[0] for path, values in known if len(values) > 1))


def warnings_of(
    rows: Sequence[Contender],
    surroundings: Sequence[Difference],
    damages: Sequence[Diagnostic],
    value: Value,
    judged: str,
    on_what_decides: bool,
) -> Iterator[str]:
    """What stands in the way of comparing, a sentence each.

    Args:
        damages: of runs that could not be read.
        judged: the metric that rows are held against each other by.
        on_what_decides: whether rows are held against each other by the metric that decided in training.
    """
    yield from (CONSEQUENCES[what] for what in differing(surroundings))
    lost = [(row, [run for run in row.runs if run.state in LOST]) for row in rows]
    yield from _of_rows(lost, "Means are of the others, and none of these is called the best")
    unfinished = [(row, [run for run in row.runs if run.state not in ("done", *LOST)]) for row in rows]
    yield from _of_rows(unfinished, "Means are of runs that are done; where none is, of the last evaluations so far")
    again = sum(len(row.left_out) for row in rows if len(rows) > 1)  # else each run has a row
    if again:
        have = "run has" if again == 1 else "runs have"
        yield f"{again} {have} the spec and the seed of another: of these only one counts, the last that is done"
    yield from _abreast(rows)
    if value in ("best", "min", "max") and on_what_decides:
        yield f"the {value} of what was measured again and again is chosen by luck, too: new data gives worse"
    counting = [run for row in rows for run in row.counting]
    if value != "result" and all(judged in run.metrics and judged not in run.again for run in counting):
        yield f"{measured_name(judged)} was measured once in each run: {value} changes nothing"
    yield from (f"{damage.message}; it is left out" for damage in damages)


def _abreast(rows: Sequence[Contender]) -> Iterator[str]:
    """Seeds that are trained at once share the time that each of them records."""
    each = {row.name: max(run.abreast for run in row.runs) for row in rows}
    if len(set(each.values())) > 1:
        named = [f"{name} ({number} runs)" for name, number in each.items() if number > 1]
        more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
        yield f"trained at once, so that the time is of all together: {', '.join(named[:NAMED])}{more}"


def _of_rows(told: Sequence[tuple[Contender, Sequence[Contender]]], consequence: str) -> Iterator[str]:
    """One sentence for all rows of which some runs are not as they should be."""
    named = [_named(row, runs) for row, runs in told if runs]
    if named:
        more = f"; and {len(named) - NAMED} more" if len(named) > NAMED else ""
        yield f"{'; '.join(named[:NAMED])}{more}. {consequence}"


def _named(row: Contender, runs: Sequence[Contender]) -> str:
    states = " or ".join(sorted({_VERBS.get(run.state, run.state) for run in runs}))
    return f"{row.name}: {len(runs)} of {len(row.runs)} runs {states}" if row.seeds else f"{row.name} {states}"


_VERBS: Mapping[str, str] = {"running": "still running", "interrupted": "interrupted"}
