"""A spec and its inspection in a notebook."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.report.drawing.wording import count, storage
from netspec.report.inspection.inspect import BYTES, Inspection, Row
from netspec.report.notebook.pieces import Cell, dim, facts, framed, table
from netspec.report.page.markup import Html, tag
from netspec.report.page.written import coloured

__all__ = ["inspection_html", "spec_html"]

MOST_ROWS = 400
"""Layers that are shown, at the most."""


def spec_html(name: str, text: str, inspection: Inspection | None) -> str:
    """A spec: its name, how large its network is, and its text.

    Args:
        text: in TOML.
        inspection: what it makes; None where it cannot be worked out, as where its data is missing.
    """
    size = "" if inspection is None else f"{_layers(inspection)}, {count(inspection.parameters.trainable)} parameters"
    head = tag("div", tag("b", name), " ", dim(size))
    return framed(head, tag("pre", coloured(text)))


def inspection_html(inspection: Inspection) -> str:
    """An inspection: a row a layer, and what training takes."""
    parts = ", ".join(f"{n} {s}" if len(inspection.inputs) > 1 else str(s) for n, s in inspection.inputs.items())
    head = tag("div", tag("b", inspection.name), " ", dim(f"{parts} · {_layers(inspection)}"))
    rows = list(_rows(inspection.rows, 0, inspection.batch))
    more = dim(f"and {count(len(rows) - MOST_ROWS)} more layers") if len(rows) > MOST_ROWS else None
    columns = ("layer", "kind", "output", "parameters", "multiply-adds", "activations")
    counts, memory = inspection.parameters, inspection.memory
    of = (("trainable", counts.trainable), ("frozen", counts.frozen), ("statistics", counts.statistics))
    held = [("parameters", memory.parameters), ("gradients", memory.gradients)]
    held += [("optimizer", memory.optimizer), ("activations", memory.activations)]
    said = [
        ("parameters", ", ".join(f"{count(n)} {word}" for word, n in of if n or word == "trainable")),
        ("memory", f"{storage(memory.total)}: " + ", ".join(f"{word} {storage(n)}" for word, n in held if n)),
        ("batch", count(inspection.batch)),
    ]
    return framed(head, table(columns, rows[:MOST_ROWS], numbers=(3, 4, 5)), more, facts(said))


def _layers(inspection: Inspection) -> str:
    n = sum(1 for row in inspection.rows for _ in row.leaves())
    return f"{count(n)} layer{'s' * (n != 1)}"


def _rows(rows: tuple[Row, ...], depth: int, batch: int) -> Iterator[tuple[Cell, ...]]:
    for row in rows:
        pad = f"padding-left:{1.2 * depth:.1f}em" if depth else None
        name: Html = tag("span", row.name, style=pad, class_="dim" if row.frozen else None)
        kept = BYTES * batch * row.activations
        numbers = (count(row.parameters), count(row.multiply_adds), storage(kept))
        # A block's sums stand back, since its layers say the same.
        cells = tuple(dim(number) if row.inside else number for number in numbers)
        yield (name, dim(row.kind), str(row.output), *cells)
        yield from _rows(row.inside, depth + 1, batch)
