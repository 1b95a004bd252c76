"""The spec of a run on its page, lightly coloured; what surrounded the training; and how to do it again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from netspec.report.page.contents import Environment, Missing, Reproduction, SpecText
from netspec.report.page.markup import Html, clipped, joined, prose, tag
from netspec.report.page.sections import Part, Place, absent, facts, fold, scrolled, table

__all__ = ["coloured", "environment_part", "reproduction_part", "spec_part"]


def spec_part(spec: SpecText | Missing, place: Place) -> Part:
    """The section on the spec: its text, and the values that are not what they would be unless written."""
    if isinstance(spec, Missing):
        return place.section("Spec", absent("No spec", spec))
    code = tag("pre", tag("code", coloured(spec.text)), class_="code")
    return place.section("Spec", scrolled(code, "The spec", "listing"), _settings(spec))


def _settings(spec: SpecText) -> Html | None:
    """What is chosen otherwise than by default."""
    chosen = [setting for setting in spec.settings if not setting.usual]
    if not chosen:
        return None
    rows = [
        [
            tag("code", clipped(s.path)),
            tag("code", clipped(s.value, 80)),
            tag("code", clipped(s.default, 80)),
            str(s.line),
        ]
        for s in chosen
    ]
    columns = [("key", False), ("here", False), ("by default", False), ("line", True)]
    return fold(
        f"{len(chosen)} value{'s' * (len(chosen) != 1)} that would be another by default",
        table(columns, rows, "Values that are not the default", class_="compact settings"),
    )


_TOKENS = re.compile(
    r"""
      (?P<comment>\#[^\n]*)
    | (?P<string>\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''.*?'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')
    | (?P<header>^[ \t]*\[\[?[^\]\n=]*\]\]?(?=[ \t]*(?:\#|$)))
    | (?P<key>[A-Za-z0-9_.-]+(?=[ \t]*=))
    | (?P<number>(?<![\w.-])[+-]?(?:\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|inf|nan)(?![\w-]))
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
"""What has a colour in a TOML text. All else is text: a mistake of these patterns is a wrong colour, and no more."""


def coloured(text: str) -> Html:
    """A spec's text with its comments, strings, headers, keys and numbers marked.

    >>> coloured('a = "<b>"')
    '<span class="k">a</span> = <span class="s">&quot;&lt;b&gt;&quot;</span>'
    """
    return joined(_pieces(text))


def _pieces(text: str) -> Iterator[Html]:
    end = 0
    for found in _TOKENS.finditer(text):
        yield prose(text[end : found.start()])
        yield tag("span", prose(found[0]), class_=str(found.lastgroup)[0])
        end = found.end()
    yield prose(text[end:])


def environment_part(environment: Environment | Missing, place: Place) -> Part:
    """The section on what the training ran on."""
    if isinstance(environment, Missing):
        return place.section("Environment", absent("No environment", environment))
    return place.section("Environment", facts([(name, clipped(value, 400)) for name, value in environment.facts]))


def reproduction_part(reproduction: Reproduction | Missing, place: Place) -> Part:
    """The section on how to do it again."""
    if isinstance(reproduction, Missing):
        return place.section("Reproduce", absent("No way", reproduction))
    steps = (tag("li", *_step(words, command)) for words, command in reproduction.steps)
    notes = (tag("p", note, class_="note") for note in reproduction.notes)
    return place.section("Reproduce", tag("ol", *steps, class_="steps"), *notes)


LONG = 5
"""Lines of a command from which on it is folded: it holds the spec, which the page has shown."""


def _step(words: str, command: str) -> Iterator[Html]:
    box = tag("div", scrolled(tag("pre", tag("code", prose(command))), words, "command"), class_="copied")
    if command.count("\n") < LONG:
        yield tag("p", words)
        yield box
    else:
        yield fold(words, box, class_="again aside")
