"""An inspection as people read it: a row a layer, and below them the totals, the memory, and how it will be trained.

Works nothing out: `inspection` has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress

from rich.text import Text

from netspec.report.drawing.curves import Series, draw
from netspec.report.drawing.frame import Frame, Look, fitted, paragraph, stacked
from netspec.report.drawing.styles import BAR, BOLD, DIM
from netspec.report.drawing.tables import Cell, Column, table
from netspec.report.drawing.wording import count, setting, storage
from netspec.report.inspection.inspect import BYTES, Inspection, Row
from netspec.report.inspection.plans import PhasePlan, Plan
from netspec.spec.call import Shape
from netspec.spec.clock import Clock

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
        _head(inspection, width, look),
        _layers(inspection, width, depth, look),
        _totals(inspection, width, look),
        _memory(inspection, width, look),
        _training(inspection, width, look),
    )
    return Frame(stacked(blocks))


def _head(inspection: Inspection, width: int, look: Look) -> list[Text]:
    """The name, what goes in and comes out; on lines of their own where one has not room for it."""
    inputs, outputs = _named(inspection.inputs), _named(inspection.outputs)
    layers = f"{count(sum(1 for row in inspection.rows for _ in row.leaves()))} layers"
    name = look.text(inspection.name, BOLD)
    what = f"{inputs} → {outputs} · {layers}" if inspection.inputs else f"{outputs} · a point"
    whole = Text.assemble(name, look.text(f"  {what}", DIM), no_wrap=True)
    if whole.cell_len <= width or max(len(inspection.inputs), len(inspection.outputs)) == 1:
        return [fitted(whole, width, look)]
    return [
        fitted(Text.assemble(name, look.text(f"  {layers}", DIM), no_wrap=True), width, look),
        *paragraph("inputs", [inputs], len("outputs") + 2, width, look),
        *paragraph("outputs", [outputs], len("outputs") + 2, width, look),
    ]


def _named(shapes: Mapping[str, Shape]) -> str:
    """Shapes, each behind its name where there are several."""
    return ", ".join(f"{name} {shape}" if len(shapes) > 1 else str(shape) for name, shape in shapes.items())


_COLUMNS = (
    Column("layer"),
    Column("kind", rank=2),
    Column("output", rank=1),
    Column("parameters", right=True),
    Column("multiply-adds", right=True),
    Column("activations", right=True, rank=3),
)
_FIELD = Column("receptive field", rank=4)
"""Where a network has layers that look at windows."""
_GROUP = Column("group", rank=1)
"""Where the optimizer has groups of parameters."""


def _layers(inspection: Inspection, width: int, depth: int | None, look: Look) -> list[Text]:
    lines = [_cells(row, stem, folded, inspection.batch) for row, stem, folded in _tree(inspection.rows, depth)]
    leaves = [leaf for row in inspection.rows for leaf in row.leaves()]
    shown = {_FIELD: any(leaf.windows for leaf in leaves), _GROUP: any(leaf.groups for leaf in leaves)}
    kept = [True] * len(_COLUMNS) + list(shown.values())
    columns = (*_COLUMNS, *(column for column, wanted in shown.items() if wanted))
    return table(columns, [tuple(compress(line, kept)) for line in lines], width, look)


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
    numbers = (count(row.parameters), count(row.multiply_adds), storage(kept))
    zero = (not row.parameters, not row.multiply_adds, not kept)
    field = " × ".join(map(str, row.receptive_field)) if row.receptive_field else "all"
    return (
        Cell(stem + row.name, "" if folded else BOLD),
        Cell(_kind(row), DIM),
        Cell(str(row.output), "" if folded else DIM),
        *(Cell(n, DIM if z or not folded else "") for n, z in zip(numbers, zero, strict=True)),
        Cell(field, "" if folded and row.windows else DIM),
        Cell(", ".join(row.groups), "" if folded else DIM),
    )


def _kind(row: Row) -> str:
    """The row's kind, and what there is to know of its parameters and of how often it runs."""
    times = {inside.repeats // row.repeats for inside in row.inside} - {1}
    parts = [row.kind + "".join(f" × {count(n)}" for n in times)]
    # What is inside a block that shares says nothing that the block has not said.
    if row.shares and "/" not in (shared := _from_here(row.shares, row.path)):
        parts.append(f"shares {shared}")
    if row.frozen and row.parameters:
        parts.append("frozen")
    return " · ".join(parts)


def _from_here(path: str, here: str) -> str:
    """A path without the blocks that both are in.

    >>> _from_here("block1/tower", "block1/other"), _from_here("tower/conv1", "other/conv1")
    ('tower', 'tower/conv1')
    """
    parts, ours = path.split("/"), here.split("/")
    same = next(i for i in range(len(parts)) if i == len(parts) - 1 or parts[i] != ours[i])
    return "/".join(parts[same:])


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
    lines = [_fact(f"memory, batch {inspection.batch}", f"{storage(memory.total):>9}", "to train", width, look)]
    for label, size in parts.items():
        share = round(bar * size / memory.total)
        line = _fact(label, f"{storage(size):>9}", "", width, look)
        lines.append(Text.assemble(line, "  ", look.text("█" * share, BAR)) if share else line)
    return lines


def _training(inspection: Inspection, width: int, look: Look) -> list[Text]:
    """How it will be trained, as far as the spec says."""
    lines: list[Text] = []
    if inspection.members > 1:
        lines += paragraph("members", [f"{inspection.members} networks, trained side by side"], LABEL, width, look)
    for phase in inspection.phases:
        lines += [Text()] if lines and phase.name else []
        lines += _of_phase(phase, width, look, examples=bool(inspection.inputs))
    return lines


def _of_phase(phase: PhasePlan, width: int, look: Look, *, examples: bool) -> list[Text]:
    clock, schedule = phase.clock, phase.schedule
    lines: list[Text] = []
    if phase.name:
        held = f"  ({phase.held})" if phase.held else ""
        said = f"{phase.name}: {count(phase.learned)} parameters{held}, {', '.join(phase.losses)}"
        lines += paragraph("phase", [said], LABEL, width, look)
    if clock:
        length = _length(clock, phase.batch) if examples else count(clock.steps)
        lines += paragraph("steps", [length], LABEL, width, look)
    lines += paragraph("optimizer", phase.optimizer, LABEL, width, look)
    for group in phase.groups:
        said = f"{', '.join(group.match)}: {group.optimizer or 'frozen'}, {_arrays(len(group.paths))}"
        lines += paragraph(f"  {group.name}", [said], LABEL, width, look)
    if schedule:
        lines += paragraph("schedule", _schedule_lines(schedule), LABEL, width, look)
    lines += paragraph("also", phase.also, LABEL, width, look)
    if phase.changes:
        changes = [f"{change.what}: {change.numbers}, {change.how}" for change in phase.changes]
        lines += paragraph("over time", changes, LABEL, width, look)
    if schedule and schedule.rates:
        lines += [Text(), *_chart(schedule, width, look)]
    return lines


def _arrays(number: int) -> str:
    return f"{count(number)} array{'s' * (number != 1)}"


def _length(clock: Clock, batch: int) -> str:
    if len(clock.stretches) > 1:
        sizes = ", then ".join(f"{s.batch} from step {count(s.step)}" for s in clock.stretches)
        return f"{count(clock.steps)} in {clock.epoch_at(clock.steps):.4g} epochs, of {sizes}"
    epochs = clock.steps / clock.per_epoch
    return f"{count(clock.steps)} of {batch} examples, {epochs:.4g} epochs of {count(clock.per_epoch)}"


def _schedule_lines(schedule: Plan) -> list[str]:
    if not schedule.rates:
        return [schedule.written, "in steps once the data tells how many make an epoch"]
    peak = max(schedule.rates, key=lambda point: point[1])
    corners = sorted({schedule.rates[0], peak, schedule.rates[-1]})
    values = " → ".join(f"{setting(rate)} at step {count(step)}" for step, rate in corners)
    follows = [f"less when {schedule.follows} gets no better"] if schedule.follows else []
    return [schedule.written, f"× {', then '.join(schedule.calls)}", values, *follows]


def _chart(schedule: Plan, width: int, look: Look) -> Sequence[Text]:
    columns, lines = CHART
    series = Series("learning rate", schedule.rates, BAR)
    return draw([series], min(columns, width), lines, ascii=look.ascii, colour=look.colour, log=False)
