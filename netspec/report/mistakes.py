"""Mistakes in colour: the text that `diagnostics.render` gives, its parts told apart."""

from __future__ import annotations

from rich.text import Text

__all__ = ["coloured"]


def coloured(rendered: str) -> Text:
    """The text with its code, its arrows and its help in the colours of a compiler."""
    text = Text(rendered)
    text.highlight_regex(r"^error\[[^\]]*\]", "bold red")
    text.highlight_regex(r"^warning\[[^\]]*\]", "bold yellow")
    text.highlight_regex(r"(?m)^ *-->", "blue")
    text.highlight_regex(r"(?m)^ *\d* \|", "blue")
    text.highlight_regex(r"(?m)^ *\| +(?P<mark>\^+.*)$", "bold red")
    text.highlight_regex(r"(?m)^ *= (?:help:)?", "blue")
    return text
