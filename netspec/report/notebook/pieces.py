"""What everything in a notebook is made of: a frame with its style, tables, facts, words in a colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netspec.report.page.markup import Html, joined, tag

__all__ = ["COLOURS", "Cell", "dim", "facts", "framed", "state", "table"]

COLOURS = ("#3b82f6", "#e07b20", "#2f9e67", "#c056c0", "#0e9fb0", "#b28900", "#dd524c", "#888888")
"""Of curves: each at least 3 to 1 against white and against black, and apart for most people who see red and green
alike."""

_STATES = {
    "running": "run",
    "done": "good",
    "interrupted": "warn",
    "stopped": "warn",
    "diverged": "bad",
    "failed": "bad",
}

_STYLE = Html("""
.netspec{font-size:13px;line-height:1.45;max-width:64rem;overflow-x:auto}
.netspec table{border-collapse:collapse;margin:.4em 0 .6em;font-size:12px;font-variant-numeric:tabular-nums}
.netspec th,.netspec td{padding:.15em .8em .15em 0;text-align:left;border:0;vertical-align:top;background:none;
color:inherit;border-bottom:1px solid color-mix(in srgb,currentColor 16%,transparent);white-space:nowrap}
.netspec tr{background:none}
.netspec th{font-weight:600;opacity:.75}
.netspec .n{text-align:right}
.netspec .dim{opacity:.65}
.netspec .best{font-weight:700}
.netspec .good{color:#2f9e67}.netspec .warn{color:#c77a1a}.netspec .bad{color:#dd524c}.netspec .run{color:#3b82f6}
.netspec pre{font-size:12px;line-height:1.4;margin:.4em 0;padding:.6em .8em;overflow-x:auto;color:inherit;
background:color-mix(in srgb,currentColor 6%,transparent);border-radius:4px}
.netspec pre .c{opacity:.6}.netspec pre .s{color:#2f9e67}.netspec pre .h{font-weight:700}
.netspec pre .k{color:#3b82f6}.netspec pre .n{color:#c77a1a;text-align:inherit}
.netspec .charts{display:flex;flex-wrap:wrap;gap:.4em 1.2em}
.netspec svg{overflow:visible;color:inherit}
.netspec summary{cursor:pointer;opacity:.75}
.netspec .bar{height:4px;max-width:40rem;border-radius:2px;background:color-mix(in srgb,currentColor 14%,transparent)}
.netspec .bar div{height:100%;border-radius:2px;background:#3b82f6}
""")

Cell = str | Html | None
"""Of a table: text is escaped; None is empty."""


def framed(*pieces: Cell) -> str:
    """Pieces as one whole, with their style."""
    return tag("div", tag("style", _STYLE), *pieces, class_="netspec")


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], numbers: Iterable[int] = ()) -> Html:
    """A table.

    Args:
        numbers: which columns stand at the right.
    """
    right = frozenset(numbers)

    def line(name: str, cells: Sequence[Cell]) -> Html:
        return tag("tr", *(tag(name, cell, class_="n" if i in right else None) for i, cell in enumerate(cells)))

    body = joined(line("td", row) for row in rows)
    return tag("table", tag("thead", line("th", columns)), tag("tbody", body))


def facts(pairs: Iterable[tuple[str, Cell]]) -> Html:
    """Words with what they say, a line each."""
    return tag("table", tag("tbody", *(tag("tr", tag("td", dim(word)), tag("td", said)) for word, said in pairs)))


def dim(text: Cell) -> Html:
    """Text that stands back."""
    return tag("span", text, class_="dim")


def state(word: str) -> Html:
    """What has become of a run."""
    return tag("span", word, class_=_STATES.get(word, "dim"))
