"""Matplotlib behind one function: a picture is a function that draws on a figure.

Matplotlib is an extra, and takes half a second to import: that is done when something is drawn, and not before.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import Diagnostic, SpecError, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "MARKS", "check_can_draw", "colour_of", "form_of", "legend_below", "named", "picture", "style_of"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C510A")
"""Of lines beside each other: most people who see red and green alike tell them apart (Okabe and Ito, 2008)."""

STYLES = ("-", "--", "-.", ":")

TOLD_APART = len(COLOURS) * len(STYLES)
"""Lines of which no two have both their colour and their style alike."""

MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
"""Of points, so that grey prints tell them apart, too."""

FORMS = {".png": "png", ".svg": "svg"}

_SETTINGS = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "savefig.dpi": 160,
    # Names are a stranger's text: nothing in them is a formula.
    "text.parse_math": False,
    # The same picture is the same bytes.
    "svg.hashsalt": "netspec",
}


def form_of(path: Path) -> str:
    """The form of a picture, by the ending of its file.

    Raises:
        SpecError: there is no such form.
    """
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise SpecError(Diagnostic("out", f"--out writes .png or .svg, not {path}"))
    return form


def check_can_draw() -> None:
    """See that pictures can be drawn, before anything is worked out for one.

    Raises:
        SpecError: Matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        message = "pictures are drawn by Matplotlib, which is not installed"
        raise SpecError(Diagnostic("not-installed", message, help="pip install 'netspec[plot]'"))


def picture(draw: Callable[[Figure], None], size: tuple[float, float], form: str) -> bytes:
    """A picture as the content of a file.

    Args:
        draw: what is drawn.
        size: width and height in inches of 160 dots.
        form: "png" or "svg".
    """
    check_can_draw()
    # It tells of fonts that it looks for, which nobody asked.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib
    from matplotlib.figure import Figure

    file = io.BytesIO()
    settings: Any = _SETTINGS
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # A name may be in letters that the font lacks: they are drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(file, format=form, metadata={"Date": None} if form == "svg" else {"Software": None})
    return file.getvalue()


def legend_below(figure: Figure, axes: Axes, handles: Sequence[Any] | None = None, columns: int = 3) -> None:
    """What the lines are, under the picture: there it hides nothing."""
    found = axes.get_legend_handles_labels()[0] if handles is None else handles
    if found:
        figure.legend(handles=found, loc="outside lower center", ncols=min(len(found), columns), fontsize=9)


def colour_of(i: int) -> str:
    """The colour of the line of that number."""
    return COLOURS[i % len(COLOURS)]


def style_of(i: int) -> str:
    """Of lines beside each other, how they are dashed: together with the colour, `TOLD_APART` of them are unlike."""
    return STYLES[(i + i // len(COLOURS)) % len(STYLES)]


def named(text: str, longest: int = 40) -> str:
    """A name as a picture shows it: in one line, with nothing in it that is not seen, its middle left out if long.

    >>> named(" "), named("a" * 50, 9)
    ("' '", 'aaaa…aaaa')
    """
    seen = printable(text)
    seen = repr(seen) if seen != seen.strip() or not seen else seen
    if len(seen) <= longest:
        return seen
    half = (longest - 1) // 2
    return f"{seen[: longest - 1 - half]}…{seen[-half:]}"
