"""The pieces that every part of a page is made of: sections, tables, facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netspec.report.page.contents import Missing
from netspec.report.page.markup import Html, anchor, clipped, joined, tag

__all__ = ["Part", "Place", "absent", "facts", "fold", "scrolled", "table"]


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the page, and what the list of contents calls it."""

    id: str
    title: str
    html: Html


@dataclass(frozen=True, slots=True)
class Place:
    """Where sections stand: what their names begin with, and how deep their headings are."""

    prefix: str
    level: int

    def section(self, title: str, *children: str | Html | None, class_: str | None = None) -> Part:
        """A section under its heading."""
        name = anchor(self.prefix, title)
        heading = self.heading(title, id=f"{name}-title")
        html = tag("section", heading, *children, id=name, class_=class_, aria_labelledby=f"{name}-title")
        return Part(name, title, html)

    def heading(self, title: str, below: int = 0, id: str | None = None) -> Html:  # noqa: A002
        """A heading of these sections, or of what is inside of them."""
        return tag(f"h{min(self.level + below, 6)}", clipped(title), id=id)


def absent(what: str, missing: Missing) -> Html:
    """A line on what cannot be there."""
    return tag("p", tag("b", f"{what}: "), clipped(missing.why, 400), class_="absent")


def table(
    columns: Sequence[tuple[str, bool]],
    rows: Iterable[Sequence[str | Html]],
    caption: str,
    *,
    class_: str = "",
    marked: frozenset[int] = frozenset(),
) -> Html:
    """A table that scrolls by itself where it is too wide.

    Args:
        columns: their names, and whether they hold numbers.
        rows: a cell a column; the first one is what the row is called by.
        caption: what the table is, for those who cannot see it.
        marked: the numbers of rows that stand out.
    """
    head = tag("tr", *(tag("th", name, scope="col", class_="number" if right else None) for name, right in columns))
    lines = [_row(row, columns, marked=i in marked) for i, row in enumerate(rows)]
    whole = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *lines), class_=class_ or None)
    return scrolled(whole, caption)


def _row(row: Sequence[str | Html], columns: Sequence[tuple[str, bool]], *, marked: bool) -> Html:
    first, *rest = row
    classes = ["number" if right else None for _, right in columns]
    cells = [tag("td", cell, class_=c) for cell, c in zip(rest, classes[1:], strict=True)]
    return tag("tr", tag("th", first, scope="row", class_=classes[0]), *cells, class_="marked" if marked else None)


def scrolled(content: Html, label: str, class_: str = "") -> Html:
    """What is too wide for the page scrolls by itself; the keyboard can reach it."""
    return tag("div", content, class_=f"scroll {class_}".strip(), tabindex=0, role="region", aria_label=label)


def facts(pairs: Iterable[tuple[str, str | Html]], class_: str = "facts") -> Html:
    """Names and values."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_=class_)


def fold(summary: str | Html, *children: str | Html | None, class_: str = "", unfolded: bool = False) -> Html:
    """What is opened by who wants to see it."""
    return tag("details", tag("summary", summary), joined(children), class_=class_ or None, open=unfolded)
