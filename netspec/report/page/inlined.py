"""The files that a page holds: its style and its script, and those of the library that draws the curves."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from netspec.report.page.markup import Html

__all__ = ["comment", "inline", "policy", "text"]

STYLES = ("uPlot.min.css", "page.css", "figures.css", "sheets.css")
SCRIPTS = ("uPlot.iife.min.js", "elements.js", "touch.js", "curves.js", "health.js", "page.js")


@cache
def text(name: str) -> str:
    """The content of a file."""
    return (files("netspec.report.page") / "assets" / name).read_text(encoding="utf-8")


def inline(names: tuple[str, ...]) -> Html:
    """Files as elements of a page."""
    return Html("\n".join(_element(name) for name in names))


def _element(name: str) -> str:
    word = "style" if name.endswith(".css") else "script"
    content = text(name)
    assert f"</{word}" not in content.lower(), name
    assert "<!--" not in content, name
    return f"<{word}>{content}</{word}>"


def policy() -> str:
    """What a browser may load and run: these very styles and scripts, and pictures that the page itself holds."""
    scripts = " ".join(map(_hash, SCRIPTS))
    styles = " ".join(map(_hash, STYLES))
    rules = {
        "default-src": "'none'",
        "script-src": scripts,
        "style-src": styles,
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{rule} {value}" for rule, value in rules.items())


def _hash(name: str) -> str:
    digest = hashlib.sha256(text(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def comment() -> Html:
    """The licence of what others made, which every copy has to hold."""
    licence = text("uPlot.LICENSE").strip().replace("--", "- -")
    return Html(f"<!--\nuPlot draws the curves of this page:\n\n{licence}\n-->")
