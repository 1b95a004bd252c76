"""Mistakes in colour: the text that `diagnostics.render` gives, its parts told apart.

Escape codes by hand, and no Rich: a spelling mistake is answered before Rich could be loaded.
"""

from __future__ import annotations

import re

__all__ = ["coloured"]

_RED, _YELLOW, _BLUE, _PLAIN = "\x1b[1;31m", "\x1b[1;33m", "\x1b[34m", "\x1b[0m"

_PARTS = (
    (re.compile(r"\Aerror\[[^\]]*\]"), _RED),
    (re.compile(r"\Awarning\[[^\]]*\]"), _YELLOW),
    (re.compile(r"(?m)^ *-->"), _BLUE),
    (re.compile(r"(?m)(?<=\| )( *)(\^+.*)$"), _RED),
    (re.compile(r"(?m)^ *\d* \|"), _BLUE),
    (re.compile(r"(?m)^ *= (?:help:)?"), _BLUE),
)


def coloured(rendered: str) -> str:
    """The text with its code, its arrows and its help in the colours of a compiler."""
    for pattern, colour in _PARTS:
        rendered = pattern.sub(rf"{colour}\g<0>{_PLAIN}", rendered)
    return rendered
