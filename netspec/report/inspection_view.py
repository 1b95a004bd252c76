"""An inspection as people read it: a row a layer, and below them the totals, the memory, and how it will be trained.

Works nothing out: `inspection` has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.text import Text

from netspec.report.curves import Series, draw
from netspec.report.frame import Frame, Look, fitted, paragraph, stacked
from netspec.report.inspection import BYTES, Inspection, Plan, Row
from netspec.report.styles import BAR, BOLD, DIM
from netspec.report.tables import Cell, Column, table
from netspec.report.wording import count, setting

__all__ = ["view"]

WIDEST = 120
CHART = (72, 8)
LABEL = 25
BAR_WIDTH = 24


def view(
    inspection: Inspection,
    width: int,
    *,
    depth: int | None = None,
    colour: bool = True,
    ascii: bool = False,  # noqa: A002
) -> Frame:
    """The inspection as lines of at most `width` columns.

    Args:
        inspection: what is shown.
        width: columns of the terminal; at least 40.
        depth: how many levels are shown, from 1; a block on the last of them is one row with its sums. None for all.
        colour: use colour.
        ascii: use nothing but ASCII.
    """
    look, width = Look(ascii, colour), min(width, WIDEST)
    blocks = (
        [_head(inspection, width, look)],
        _layers(inspection, width, depth, look),
        _totals(inspection, width, look),
        _memory(inspection, width, look),
        _training(inspection, width, look),
    )
    return Frame(stacked(blocks))


def _head(inspection: Inspection, width: int, look: Look) -> Text:
    outputs = ", ".join(map(str, inspection.outputs.values()))
    layers = sum(1 for row in inspection.rows for _ in row.leaves())
    inputs = ", ".join(map(str, inspection.inputs.values()))
    shapes = look.text(f"  {inputs} → {outputs} · {count(layers)} layers", DIM)
    return fitted(Text.assemble(look.text(inspection.name, BOLD), shapes, no_wrap=True), width, look)


_COLUMNS = (
    Column("layer"),
    Column("kind", rank=2),
    Column("output", rank=1),
    Column("parameters", right=True),
    Column("multiply-adds", right=True),
    Column("activations", right=True, rank=3),
)


def _layers(inspection: Inspection, width: int, depth: int | None, look: Look) -> list[Text]:
    lines = [_cells(row, stem, folded, inspection.batch) for row, stem, folded in _tree(inspection.rows, depth)]
    return table(_COLUMNS, lines, width, look)


def _tree(rows: Sequence[Row], depth: int | None, trunk: str | None = None) -> Iterator[tuple[Row, str, bool]]:
    """The rows with the strokes before their names, and whether nothing of them stands below."""
    for i, row in enumerate(rows):
        last = i == len(rows) - 1
        stem = "" if trunk is None else trunk + ("└ " if last else "├ ")
        folded = not row.inside or depth == 1
        yield row, stem, folded
        if not folded:
            below = "" if trunk is None else trunk + ("  " if last else "│ ")
            yield from _tree(row.inside, None if depth is None else depth - 1, below)


def _cells(row: Row, stem: str, folded: bool, batch: int) -> tuple[Cell, ...]:
    """A row of the table; the sums of a block that is unfolded stand back, since its layers say the same."""
    kept = BYTES * batch * row.activations
    numbers = (count(row.parameters), count(row.multiply_adds), _size(kept))
    zero = (not row.parameters, not row.multiply_adds, not kept)
    frozen = " · frozen" if row.frozen and row.parameters else ""
    return (
        Cell(stem + row.name, "" if folded else BOLD),
        Cell(row.kind + frozen, DIM),
        Cell(str(row.output), "" if folded else DIM),
        *(Cell(n, DIM if z or not folded else "") for n, z in zip(numbers, zero, strict=True)),
    )


def _totals(inspection: Inspection, width: int, look: Look) -> list[Text]:
    parameters = inspection.parameters
    numbers = {
        "trainable parameters": (parameters.trainable, ""),
        "frozen parameters": (parameters.frozen, ""),
        "statistics": (parameters.statistics, "running averages, not learned"),
        "multiply-adds": (inspection.multiply_adds, "forward, one example"),
    }
    room = max(len(count(number)) for number, _ in numbers.values())
    return [
        _fact(label, f"{count(number):>{room}}", note if number else "", width, look)
        for label, (number, note) in numbers.items()
    ]


def _fact(label: str, value: str, note: str, width: int, look: Look) -> Text:
    line = Text.assemble(look.text(f"{label:<{LABEL}}", DIM), look.text(value))
    if note and line.cell_len + 2 + len(note) <= width:
        line.append_text(look.text(f"  {note}", DIM))
    return line


def _memory(inspection: Inspection, width: int, look: Look) -> list[Text]:
    """What a training needs, each part with a bar of its share."""
    memory = inspection.memory
    parts = {
        "  parameters" + (", statistics" if inspection.parameters.statistics else ""): memory.parameters,
        "  gradients": memory.gradients,
        "  optimizer state": memory.optimizer,
        "  activations": memory.activations,
    }
    bar = min(BAR_WIDTH, width - LABEL - 14)
    lines = [_fact(f"memory, batch {inspection.batch}", f"{_size(memory.total):>9}", "to train", width, look)]
    for label, size in parts.items():
        share = round(bar * size / memory.total)
        line = _fact(label, f"{_size(size):>9}", "", width, look)
        lines.append(Text.assemble(line, "  ", look.text("█" * share, BAR)) if share else line)
    return lines


def _training(inspection: Inspection, width: int, look: Look) -> list[Text]:
    """How it will be trained, as far as the spec says."""
    clock, schedule = inspection.clock, inspection.schedule
    lines: list[Text] = []
    if clock:
        epochs = clock.steps / clock.per_epoch
        said = f"{count(clock.steps)} of {inspection.batch} examples, {epochs:.4g} epochs of {count(clock.per_epoch)}"
        lines += paragraph("steps", [said], LABEL, width, look)
    lines += paragraph("optimizer", inspection.optimizer, LABEL, width, look)
    if schedule:
        lines += paragraph("schedule", _schedule_lines(schedule), LABEL, width, look)
    if schedule and schedule.rates:
        lines += [Text(), *_chart(schedule, width, look)]
    return lines


def _schedule_lines(schedule: Plan) -> list[str]:
    if not schedule.rates:
        return [schedule.written, "in steps once the data tells how many make an epoch"]
    peak = max(schedule.rates, key=lambda point: point[1])
    corners = sorted({schedule.rates[0], peak, schedule.rates[-1]})
    values = " → ".join(f"{setting(rate)} at step {count(step)}" for step, rate in corners)
    return [schedule.written, f"× {', then '.join(schedule.calls)}", values]


def _chart(schedule: Plan, width: int, look: Look) -> Sequence[Text]:
    columns, lines = CHART
    series = Series("learning rate", schedule.rates, BAR)
    return draw([series], min(columns, width), lines, ascii=look.ascii, colour=look.colour)


def _size(size: float) -> str:
    """Bytes in a unit of which there are few.

    >>> [_size(n) for n in (0, 512, 246_824, 25_600_000, 4_096_000_000)]
    ['0', '512 B', '246.8 kB', '25.6 MB', '4.10 GB']
    """
    if size < 1000:
        return f"{size:.0f} B" if size else "0"
    power = min(4, int(math.log10(size) / 3 + 1e-4))
    return f"{size / 1000**power:.{1 if power < 3 else 2}f} {_UNITS[power]}"


_UNITS = ("B", "kB", "MB", "GB", "TB")
