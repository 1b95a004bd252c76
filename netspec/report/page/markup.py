"""HTML from values: text is escaped unless it is markup already, so that nothing has to be remembered.

Knows nothing of runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from netspec.diagnostics import printable
from netspec.report.drawing.values import plain

__all__ = ["Html", "anchor", "clipped", "embedded", "joined", "prose", "shown", "tag"]


class Html(str):
    """Text that is markup, and not escaped again."""

    __slots__ = ()


Child = str | Html | None
Attribute = str | int | bool | None

EMPTY = frozenset({"br", "col", "hr", "img", "input", "meta"})
"""Elements without an end."""

LONGEST = 120
"""Characters of a stranger's name that are shown."""


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """An element.

    Args:
        children: text, which is escaped, and markup; None is nothing.
        attributes: `class_` is class, `aria_label` aria-label; True has no value, False and None are left out.

    >>> tag("p", "a < b", tag("b", "!"), class_="note", hidden=True)
    '<p class="note" hidden>a &lt; b<b>!</b></p>'
    """
    head = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in EMPTY:
        return Html(f"<{name}{head}>")
    return Html(f"<{name}{head}>{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Html:
    """Text and markup in turn."""
    return Html("".join(child if isinstance(child, Html) else shown(child) for child in children if child is not None))


def shown(text: str) -> Html:
    r"""A text on one line as markup; characters that could steer a page, such as those that turn the reading
    direction, are made visible.

    >>> shown("<b>\u202eabc")
    '&lt;b&gt;\\u202eabc'
    """
    return Html(escape(printable(text)))


def prose(text: str) -> Html:
    """Several lines of text as markup, their ends and tabs kept."""
    return Html("\n".join(shown(line.replace("\t", "    ")) for line in text.split("\n")))


def clipped(text: str, most: int = LONGEST) -> str:
    """A stranger's name, not longer than somebody reads."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def anchor(*words: str | int) -> str:
    """A name for a place on the page: letters, digits and hyphens, whatever the words hold.

    >>> anchor("run", 1, "Layers' health")
    'run-1-layers-health'
    """
    kept = (
        character if character.isascii() and character.isalnum() else " "
        for character in " ".join(map(str, words)).replace("'", "").lower()
    )
    return "-".join("".join(kept).split())


def embedded(name: str, data: Any) -> Html:
    r"""Data for the page's script. Nothing in it ends the element, or is markup.

    >>> embedded("x", {"a": "</script>\u2028"})
    '<script type="application/json" id="x">{"a":"\\u003c/script\\u003e\\u2028"}</script>'
    """
    text = json.dumps(plain(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Html(f'<script type="application/json" id="{escape(name)}">{text}</script>')


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(printable(str(value)))}"'
