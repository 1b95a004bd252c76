"""A comparison as people read it: first which is better and how sure that is, then all that stands behind it.

Reads no files and decides nothing: `comparison` has.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from netspec.report.comparison.charts import COLOURS, charts
from netspec.report.comparison.compare import Comparison, Contender
from netspec.report.comparison.measured import Contrast, Measurement
from netspec.report.comparison.words import change, probability, summary, with_half
from netspec.report.differences import Difference
from netspec.report.drawing.frame import Frame, Look, paragraph, stacked, warning
from netspec.report.drawing.styles import BAD, BOLD, DIM, GOOD, STATES
from netspec.report.drawing.tables import Cell, Column, bands, table
from netspec.report.drawing.values import written
from netspec.report.drawing.wording import count, duration, epochs, measure, measured_name

__all__ = ["view"]

WIDEST = 160
LONGEST_VALUE, LONGEST_PATH, LONGEST_SETTING = 32, 40, 20
MANY = 10
"""With more rows than this, the best stand first, and only these have all their numbers shown."""
KEPT = 2
"""Settings that are worth more than the column of p-values."""
GAP = 2
MOST_VALUES = 8
"""Values of a key that differs, each with its rows, at the most."""


def view(
    comparison: Comparison,
    width: int,
    *,
    whole: bool = False,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """The comparison as lines of at most `width` columns.

    Args:
        comparison: what is shown.
        width: columns of the terminal; at least 40.
        whole: with what is the same in all specs.
        colour: use colour.
        ascii: use nothing but ASCII.
    """
    look, width = Look(ascii, colour), min(width, WIDEST)
    order = comparison.ranking if _is_sorted(comparison) else list(range(len(comparison.runs)))
    labels = _labels(comparison)
    told = [d for d in comparison.spec if not _is_told(d, comparison)]
    brief = [d for d in told if all(len(_written(v)) <= LONGEST_SETTING for v in d.values)]
    shown, main = _main(comparison, order, labels, _settings(brief), width, look)
    hidden = [d for d in (*told, *_surroundings(comparison)) if d not in brief[:shown]]
    best = order[:MANY]
    return Frame(
        stacked(
            [
                _found(comparison, width, look),
                main,
                _notes(comparison, width, look),
                [line for said in comparison.warnings for line in warning(said, width, look)],
                *_more(comparison, best, labels, width, look),
                *_costs(comparison, best, labels, width, look),
                _differing(comparison, hidden, width, look),
                _same(comparison, width, look) if whole else [],
                *charts(comparison, width, look),
            ]
        )
    )


def _found(comparison: Comparison, width: int, look: Look) -> list[Text]:
    """The answer in words, its first sentence so that it is read first."""
    blocks = [paragraph("", [said], 0, width, look) for said in summary(comparison)]
    for line in blocks[0] if blocks else []:
        line.stylize(BOLD)
    return [line for block in blocks for line in block]


def _is_sorted(comparison: Comparison) -> bool:
    return len(comparison.runs) > MANY and not _are_unlike(comparison)


def _are_unlike(comparison: Comparison) -> bool:
    return any(contrast is not None and contrast.verdict == "unlike" for contrast in comparison.contrasts)


def _is_told(difference: Difference, comparison: Comparison) -> bool:
    """Whether the names of the rows, which are those of specs with numbers, say it already."""
    rows = zip(difference.values, comparison.runs, strict=True)
    return difference.path == "name" and all(str(value) == row.path.name.rpartition("-")[0] for value, row in rows)


# -- the table that answers --------------------------------------------------------------------------------------------

_Block = tuple[Column, Sequence[Cell]]
"""A column, with a cell for each row."""


def _labels(comparison: Comparison) -> _Block:
    """Number and name of each row, in the colour of its curve."""
    rows = comparison.runs
    digits = len(str(len(rows)))
    pens = {row: f"bold {colour}" for row, colour in zip(comparison.drawn, COLOURS, strict=False)}
    title = "spec" if any(row.seeds for row in rows) else "run"
    named = [Cell(f"{i + 1:>{digits}} {row.name}", pens.get(i, BOLD)) for i, row in enumerate(rows)]
    return Column(" " * (digits + 1) + title), named


def _main(
    comparison: Comparison, order: Sequence[int], labels: _Block, settings: Sequence[_Block], width: int, look: Look
) -> tuple[int, list[Text]]:
    """How each row is set, what it reached, how it differs from the baseline; and how many settings found room."""
    least = [labels, *_states(comparison), *_reached(comparison)]
    full, short, shortest = (_against(comparison, *form) for form in ((False, True), (True, True), (True, False)))
    for shown in range(len(settings), -1, -1):
        for against in (full, short, shortest) if shown <= KEPT else (full, short):
            blocks = [labels, *settings[:shown], *least[1:], *against]
            if sum(_size(block, look) + GAP for block in blocks) - GAP <= width:
                return shown, _laid(blocks, order, width, look)
    return 0, _laid([*least, *shortest], order, width, look)


def _size(block: _Block, look: Look) -> int:
    column, cells = block
    return max(look.text(text).cell_len for text in (column.title, *(cell.text for cell in cells)))


def _laid(blocks: Sequence[_Block], order: Sequence[int], width: int, look: Look) -> list[Text]:
    return table([column for column, _ in blocks], _rows(blocks, order), width, look)


def _rows(blocks: Sequence[_Block], order: Sequence[int]) -> list[list[Cell]]:
    return [[cells[i] for _, cells in blocks] for i in order]


def _settings(differing: Sequence[Difference]) -> list[_Block]:
    """What differs, a column each, under the last part of its path where that is enough."""
    keys = [d.path.rpartition(".")[2] for d in differing]
    clear = [
        key if keys.count(key) == 1 and not key[0].isdigit() else d.path for key, d in zip(keys, differing, strict=True)
    ]
    return [
        (Column(_clipped(key, LONGEST_PATH)), [_value_cell(v, LONGEST_SETTING) for v in d.values])
        for key, d in zip(clear, differing, strict=True)
    ]


def _states(comparison: Comparison) -> Iterator[_Block]:
    """What has become of the runs, unless all are done."""
    counts = [Counter(run.state for run in row.runs) for row in comparison.runs]
    if any(set(found) != {"done"} for found in counts):
        yield Column("state"), [_state_cell(found) for found in counts]


def _state_cell(counts: Counter[Any]) -> Cell:
    worst = max(counts, key=list(STATES).index)
    text = ", ".join(f"{n} {state}" for state, n in counts.items() if state != "done") or "done"
    return Cell(worst if counts.total() == 1 else text, STATES[worst])


def _reached(comparison: Comparison) -> Iterator[_Block]:
    if (quality := comparison.quality) is not None:
        yield _measured(comparison, quality)


def _measured(comparison: Comparison, measurement: Measurement) -> _Block:
    """The means with their intervals, and of how many runs where that is not the same for all."""
    means = {n for n, half in zip(measurement.counts, measurement.intervals, strict=True) if half is not None}
    cells = []
    for i, row in enumerate(comparison.runs):
        number, half = measurement.counts[i], measurement.intervals[i]
        few = number < len(row.runs) or (half is not None and len(means) > 1)
        told = f" ({number})" if few and number else ""
        cells.append(_metric_cell(measurement.values[i], half, told, i in measurement.best))
    return Column(measured_name(measurement.metric)), cells


def _metric_cell(value: float | None, half: float | None, told: str, best: bool) -> Cell:
    if value is None:
        return Cell("–", DIM)
    style = f"bold {GOOD}" if best else BAD if not math.isfinite(value) else ""
    return Cell(with_half(value, half) + told + (" ★" if best else ""), style)


def _against(comparison: Comparison, short: bool, with_p: bool) -> list[_Block]:
    """The differences from the baseline, and what can be said of them."""
    contrasts = comparison.contrasts
    known = any(c is not None and c.difference is not None for c in contrasts)
    if comparison.baseline is None or _are_unlike(comparison) or not known:
        return []
    moved = [_change_cell(c) for c in contrasts]
    found: list[_Block] = [(Column(f"against {comparison.baseline + 1}"), moved)]
    if with_p and any(c is not None and c.corrected is not None for c in contrasts):
        found.append((Column("p"), [_p_cell(c) for c in contrasts]))
    verdicts = [Cell() if c is None else _verdict_cell(c, short) for c in contrasts]
    return [*found, (Column(""), verdicts)] if any(cell.text for cell in verdicts) else found


def _change_cell(contrast: Contrast | None) -> Cell:
    if contrast is None:
        return Cell("baseline", DIM)
    return Cell("–", DIM) if contrast.difference is None else Cell(change(contrast.difference, contrast.half))


def _p_cell(contrast: Contrast | None) -> Cell:
    return Cell(probability(contrast.corrected)) if contrast is not None and contrast.corrected is not None else Cell()


def _verdict_cell(contrast: Contrast, short: bool) -> Cell:
    verdict = contrast.verdict
    style = {"better": f"bold {GOOD}", "worse": BAD}.get(verdict, DIM)
    if verdict == "one seed":  # the summary says it of all
        return Cell()
    return Cell("≈" if short and verdict == "not distinguishable" else verdict, style)


def _notes(comparison: Comparison, width: int, look: Look) -> list[Text]:
    """What stands behind the numbers of the table."""
    quality = comparison.quality
    said = []
    if quality is not None and any(half is not None for half in quality.intervals):
        counts = {n for n, half in zip(quality.counts, quality.intervals, strict=True) if half is not None}
        of = f" over {next(iter(counts))} seeds" if len(counts) == 1 else " over so many (seeds)"
        said.append(f"± half of the 95 % interval of a mean{of}, by Student's t")
        if any(half == 0 for half in quality.intervals):
            said.append("± 0: all seeds gave the same")
    tested = [c for c in comparison.contrasts if c is not None and c.corrected is not None]
    if tested:
        methods = {c.method for c in tested}
        how = {"paired": "paired by seed", "welch": "by Welch's test, since the seeds are others"}
        said.append(f"differences {' or '.join(how[m] for m in ('paired', 'welch') if m in methods)}")
        several = f"p is corrected by Holm for {len(tested)} tests and decides, each interval is its own"
        said += [several] if len(tested) > 1 else []
        said.append("≈ not distinguishable, p not below 0.05")
    if comparison.value != "result" and quality is not None:
        said.append(f"of each run the {comparison.value} value")
    if _is_sorted(comparison):
        said.append("best first")
    return [line.copy() for line in _dim(paragraph("", ["; ".join(said)], 0, width, look), look)] if said else []


def _dim(lines: Sequence[Text], look: Look) -> Sequence[Text]:
    for line in lines:
        line.stylize(DIM if look.colour else "", 0)
    return lines


# -- what stands behind it ---------------------------------------------------------------------------------------------


def _more(comparison: Comparison, order: Sequence[int], labels: _Block, width: int, look: Look) -> Iterator[list[Text]]:
    """The other metrics, and the best of what decides."""
    known = {m.metric for m in comparison.measurements}
    blocks = [
        _measured(comparison, m)
        for m in comparison.measurements
        if any(m.values[i] is not None for i in order)
        and m.metric != comparison.judged
        and m.metric.replace("/error", "/accuracy") not in known - {m.metric}  # the same again
    ]
    bests = [row.best if row.started and row.started.metric == comparison.metric else None for row in comparison.runs]
    if any(bests) and comparison.value == "result":
        texts = [f"{measure(best.value)}, step {count(best.step)}" if best else None for best in bests]
        blocks.append((Column(f"best {measured_name(comparison.metric)}"), list(map(_or_none, texts))))
    if blocks:
        yield from _banded([labels, *blocks], order, width, look)


def _or_none(text: str | None) -> Cell:
    return Cell("–", DIM) if text is None else Cell(text)


def _steps(row: Contender) -> str | None:
    if row.started is None:
        return None
    whole = row.step == row.started.steps
    return count(row.step) if whole else f"{count(row.step)} of {count(row.started.steps)}"


def _costs(
    comparison: Comparison, order: Sequence[int], labels: _Block, width: int, look: Look
) -> Iterator[list[Text]]:
    rows, cost = comparison.runs, comparison.cost
    each = {
        "time": [None if row.seconds is None else duration(row.seconds) for row in rows],
        "examples/s": [None if row.pace is None else count(row.pace) for row in rows],
        "steps": list(map(_steps, rows)),
        "epochs": [epochs(row.epoch) if row.started else None for row in rows],
        "examples": [None if row.examples is None else count(row.examples) for row in rows],
        "parameters": [count(row.started.parameters) if row.started else None for row in rows],
        "multiply-adds": [None if row.multiply_adds is None else count(row.multiply_adds) for row in rows],
    }
    blocks: list[_Block] = [(Column(title), list(map(_or_none, texts))) for title, texts in each.items() if any(texts)]
    if any(d.path == "device" for d in comparison.surroundings):
        devices = [row.started.device if row.started else None for row in rows]
        blocks.append((Column("device"), [_or_none(text and _clipped(text, LONGEST_VALUE)) for text in devices]))
    if not blocks:
        return
    if cost.front:
        marks = [Cell("✓", f"bold {GOOD}") if i in cost.front else Cell() for i in range(len(rows))]
        blocks.insert(0, (Column("unbeaten"), marks))
    yield from _banded([labels, *blocks], order, width, look)
    if cost.front and comparison.judged:
        quality = measured_name(comparison.judged)
        told = f"✓ unbeaten: no other is as good in {quality} and as cheap in {cost.kind}, and better in one; by means"
        yield list(_dim(paragraph("", [told], 0, width, look), look))


def _banded(blocks: Sequence[_Block], order: Sequence[int], width: int, look: Look) -> list[list[Text]]:
    return bands([column for column, _ in blocks], _rows(blocks, order), width, look)


# -- what differs, and what does not -----------------------------------------------------------------------------------


def _surroundings(comparison: Comparison) -> list[Difference]:
    """The differences under names that cannot be taken for a spec's keys; the device stands beside the times."""
    names = {"data": "data fingerprint", "precision": "precision"}
    return [
        Difference(names.get(d.path, f"{d.path.rpartition('.')[2]} version"), d.values)
        for d in comparison.surroundings
        if d.path != "device"
    ]


def _differing(comparison: Comparison, hidden: Sequence[Difference], width: int, look: Look) -> list[Text]:
    """Every difference that has no column, with the rows of each value."""
    rows = [row for difference in hidden for row in _by_value(difference)]
    title = "spec" if any(row.seeds for row in comparison.runs) else "run"
    return table([Column("differs"), Column("value"), Column(f"{title}s")], rows, width, look) if rows else []


def _by_value(difference: Difference) -> list[list[Cell]]:
    """The values of a difference, each once, with the numbers of the rows that have it."""
    places: dict[str, list[int]] = {}
    for i, value in enumerate(difference.values, 1):
        places.setdefault("" if value is None else _written(value), []).append(i)
    path = _clipped(difference.path, LONGEST_PATH)
    found = [
        [
            Cell("" if i else path, DIM),
            Cell(_clipped(text, LONGEST_VALUE)) if text else Cell("–", DIM),
            Cell(_ranges(rows)),
        ]
        for i, (text, rows) in enumerate(places.items())
    ]
    rest = len(found) - MOST_VALUES
    return found if rest < 1 else [*found[:MOST_VALUES], [Cell(), Cell(f"and {rest} more values", DIM), Cell()]]


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers in short.

    >>> _ranges([1, 3, 4, 5, 9, 10])
    '1, 3–5, 9, 10'
    """
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(f"{s[0]}–{s[-1]}" if len(s) > 2 else ", ".join(map(str, s)) for s in spans)


def _same(comparison: Comparison, width: int, look: Look) -> list[Text]:
    rows = [
        [Cell(_clipped(path, LONGEST_PATH), DIM), Cell(_clipped(_written(value), width))]
        for path, value in comparison.same
    ]
    return table([Column("the same in all"), Column("value")], rows, width, look) if rows else []


def _value_cell(value: Any, longest: int) -> Cell:
    return Cell("–", DIM) if value is None else Cell(_clipped(_written(value), longest))


def _written(value: Any) -> str:
    return "" if value is None else written(value)


def _clipped(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
