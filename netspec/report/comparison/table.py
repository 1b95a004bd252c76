"""A comparison as a table for other programs: a row a row of it, in CSV or Markdown."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from netspec.diagnostics import printable
from netspec.report.comparison.compare import Comparison
from netspec.report.comparison.measured import Contrast
from netspec.report.comparison.words import change, probability, summary, with_half
from netspec.report.drawing.values import written
from netspec.report.drawing.wording import count, duration, measured_name

__all__ = ["as_csv", "as_markdown"]

_Columns: TypeAlias = Sequence[tuple[str, Sequence[Any]]]
"""A title, and what stands in each row."""


def as_csv(comparison: Comparison) -> str:
    """Every number of the comparison, a row a spec; numbers in full, and nothing where there is none."""
    columns = list(_columns(comparison))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([title for title, _ in columns])
    writer.writerows([[_cell(values[i]) for _, values in columns] for i in range(len(comparison.runs))])
    return text.getvalue()


def _columns(comparison: Comparison) -> Iterator[tuple[str, Sequence[Any]]]:
    rows, contrasts = comparison.runs, comparison.contrasts or [None] * len(comparison.runs)
    yield "name", [row.name for row in rows]
    yield "runs", [" ".join(str(run.path) for run in row.runs) for row in rows]
    yield "seeds", [" ".join(str(run.seed) for run in row.runs) for row in rows]
    yield "states", [" ".join(run.state for run in row.runs) for row in rows]
    for difference in comparison.spec:
        yield difference.path, difference.values
    for m in comparison.measurements:
        yield m.metric, m.values
        yield f"{m.metric} half of 95 % interval", m.intervals
        yield f"{m.metric} runs", m.counts
    if comparison.baseline is not None:
        name = comparison.judged
        yield "is baseline", [i == comparison.baseline for i in range(len(rows))]
        yield f"{name} difference from baseline", [c and c.difference for c in contrasts]
        yield "difference half of 95 % interval", [c and c.half for c in contrasts]
        yield "p", [c and c.p for c in contrasts]
        yield "p by Holm", [c and c.corrected for c in contrasts]
        yield "test", [c and c.method for c in contrasts]
        yield "verdict", [c and c.verdict for c in contrasts]
    yield "seconds", [row.seconds for row in rows]
    yield "examples per second", [row.pace for row in rows]
    yield "examples", [row.examples for row in rows]
    yield "parameters", [row.started.parameters if row.started else None for row in rows]
    yield "multiply-adds", [row.multiply_adds for row in rows]
    yield f"unbeaten in {comparison.cost.kind}", [i in comparison.cost.front for i in range(len(rows))]


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int | float):
        return value
    text = printable(written(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


_FORMULA = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet would compute; a number stands as it is."""


def as_markdown(comparison: Comparison) -> str:
    """What was found, and the table that shows it, as a page or a letter takes it."""
    columns = list(_short(comparison))
    rows = [[_escaped(title) for title, _, _ in columns], ["---"] * len(columns)]
    rows += [[_shown(texts[i], i in best) for _, texts, best in columns] for i in comparison.ranking]
    table = ["| " + " | ".join(row) + " |" for row in rows]
    said = [_escaped(sentence) for sentence in summary(comparison)]
    warned = [f"- {_escaped(sentence)}" for sentence in comparison.warnings]
    blocks = [*said, "\n".join(table), *(["\n".join(warned)] if warned else [])]
    return "\n\n".join(blocks) + "\n"


_Short: TypeAlias = tuple[str, Sequence[str], frozenset[int]]
"""A title, the texts of the rows, and which of them are best."""


def _short(comparison: Comparison) -> Iterator[_Short]:
    """The columns that people read, without those that hold nothing."""
    for title, texts, best in _all_short(comparison):
        if any(texts):
            yield title, texts, best


def _all_short(comparison: Comparison) -> Iterator[_Short]:
    rows, none = comparison.runs, frozenset[int]()
    yield "spec", [row.name for row in rows], none
    for difference in comparison.spec:
        yield difference.path, ["" if v is None else written(v) for v in difference.values], none
    for m in comparison.measurements:
        each = zip(m.values, m.intervals, m.counts, strict=True)
        texts = ["" if v is None else with_half(v, half) + (f" ({n})" if n > 1 else "") for v, half, n in each]
        yield measured_name(m.metric), texts, m.best
        if m.metric == comparison.judged and comparison.baseline is not None:
            yield from _against(comparison, rows[comparison.baseline].name)
    yield "time", [duration(row.seconds) for row in rows], none
    yield "parameters", [count(row.started.parameters) if row.started else "" for row in rows], none


def _against(comparison: Comparison, baseline: str) -> Iterator[_Short]:
    contrasts, none = comparison.contrasts, frozenset[int]()
    yield f"against {baseline}", ["baseline" if c is None else _moved(c) for c in contrasts], none
    yield "p (Holm)", ["" if c is None or c.corrected is None else probability(c.corrected) for c in contrasts], none
    yield "", ["" if c is None else c.verdict for c in contrasts], none


def _moved(contrast: Contrast) -> str:
    return "" if contrast.difference is None else change(contrast.difference, contrast.half)


def _shown(text: str, best: bool) -> str:
    return f"**{_escaped(text)}**" if best else _escaped(text)


def _escaped(text: str) -> str:
    r"""A text that Markdown shows as it is: what a spec or a path says is neither markup nor HTML.

    >>> _escaped("a|b <i> _c_")
    'a\\|b &lt;i> \\_c\\_'
    """
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", printable(text).replace("&", "&amp;").replace("<", "&lt;"))
