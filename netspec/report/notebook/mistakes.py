"""Mistakes in a notebook: the line that is to blame, underlined, with what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from netspec.diagnostics import Diagnostic, render
from netspec.report.notebook.pieces import dim, framed
from netspec.report.page.markup import Html, joined, prose, tag

__all__ = ["Mistakes", "mistakes_html"]

_PARTS = re.compile(
    r"""
      (?P<bad>\Aerror\[[^\]]*\]) | (?P<warn>\Awarning\[[^\]]*\])
    | (?P<run>^[ ]*-->[ ] | ^[ ]*\d*[ ]\| | ^[ ]*=[ ](?:help:)?)
    | (?P<mark>(?<=\|[ ])[ ]*\^+.*$)
    """,
    re.MULTILINE | re.VERBOSE,
)
"""What has a colour in a rendered mistake; as in a terminal."""


class Mistakes(tuple[Diagnostic, ...]):
    """Some mistakes, or none."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n\n".join(map(render, self)) or "no mistakes"

    def _repr_html_(self) -> str:
        return mistakes_html(self)


def mistakes_html(mistakes: Iterable[Diagnostic]) -> str:
    """Mistakes, one under the other."""
    shown = [tag("pre", _coloured(render(one))) for one in mistakes]
    return framed(*(shown or [dim("no mistakes")]))


def _coloured(text: str) -> Html:
    pieces, end = [], 0
    for found in _PARTS.finditer(text):
        pieces.append(prose(text[end : found.start()]))
        name = "bad" if found.lastgroup == "mark" else str(found.lastgroup)
        pieces.append(tag("span", prose(found[0]), class_=name))
        end = found.end()
    return joined([*pieces, prose(text[end:])])
