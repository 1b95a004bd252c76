"""A study's page: its table and its figure, written between two marks of its README."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.report.pictures.canvas import COLOURS, legend_below, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BEGIN", "COLOURS", "END", "between", "legend_below", "percent", "share", "spread", "table", "write"]

BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def write(
    folder: Path, rows: Sequence[Sequence[str]], draw: Callable[[Figure], None], size: tuple[float, float], alt: str
) -> None:
    """Draw a study's figure, and put it into its README with the table of its numbers.

    Args:
        folder: the study's.
        rows: of the table, its head first.
        draw: what is drawn.
        size: width and height in inches.
        alt: the figure in one sentence, for those who do not see it.
    """

    def onto(figure: Figure) -> None:
        draw(figure)
        for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) if axis.get_scale() == "log"):
            axis.set_major_formatter(lambda value, _: f"{value:g}")

    pictures = {f"figure.{form}": picture(onto, size, form) for form in ("svg", "png")}
    name = min(pictures, key=lambda name: len(pictures[name]))  # many points are fewer bytes as pixels
    for other in pictures:
        (folder / other).unlink(missing_ok=True)
    (folder / name).write_bytes(pictures[name])
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(between(text, f"![{alt}]({name})\n\n{table(rows)}"), encoding="utf-8")


def between(text: str, results: str) -> str:
    """A page with other results between its marks."""
    marked = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    assert len(marked.findall(text)) == 1, "a page has one place for its results"
    return marked.sub(lambda _: f"{BEGIN}\n{results}\n{END}", text)


def table(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, its head first; all columns but the first so many stand to the right."""
    head, *others = rows
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *others])


def spread(values: Any, form: str = ".3g") -> str:
    """Mean ± standard deviation (of the sample) of one number a seed."""
    numbers = np.asarray(values, float)
    return f"{numbers.mean():{form}} ± {numbers.std(ddof=1):{form}}"


def percent(values: Any) -> str:
    """The same of shares, in percent."""
    return spread(100 * np.asarray(values, float), ".1f") + " %"


def share(values: Any) -> str:
    """The mean of shares, in percent."""
    return f"{100 * np.mean(values):.1f} %"
