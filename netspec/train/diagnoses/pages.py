"""The manual's pages on what a training is told of: made from the rules, so that they say what the rules do."""

from __future__ import annotations

from inspect import getdoc

from netspec.spec.pages import Page
from netspec.train.diagnoses.physician import RULES, Rule

__all__ = ["FAMILY", "find", "pages"]

FAMILY = "diagnosis"

WHOLE = """What a training is told of while it goes on, each in a line with the step, the evidence and what may help.

It is told of when it begins, and again only when it ceased and came back."""


def pages() -> tuple[Page, ...]:
    """A page for each, and one that lists them."""
    each = tuple(_page(code, rule) for code, rule in RULES.items())
    listed = {page.name: page.text.partition("\n")[0] for page in each}
    return (Page("family", FAMILY, WHOLE, kinds=listed), *each)


def find(word: str) -> tuple[Page, ...]:
    """The pages of a word: "oscillation", "diagnosis.plateau", "diagnoses"; none where there are none."""
    family, _, name = word.strip().rpartition(".")
    name = FAMILY if name == "diagnoses" else name
    return tuple(page for page in pages() if page.name == name and family in ("", page.family))


def _page(code: str, rule: Rule) -> Page:
    lines = [f"- {threshold}: {threshold.why}" for threshold in rule.thresholds]
    again = f"It must be found {rule.checks} times in a row.\n\n" if rule.checks > 1 else ""
    text = f"{getdoc(rule.judge)}\n\n{again}The numbers at which it begins:\n" + "\n".join(lines)
    return Page(FAMILY, code, text)
