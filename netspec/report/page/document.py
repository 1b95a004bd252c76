"""The page as a whole: one file that holds all that it needs, loads nothing, and runs nothing but its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netspec.report.page import inlined
from netspec.report.page.compared import comparison_parts
from netspec.report.page.contents import Report, RunContents
from netspec.report.page.drawn import drawn
from netspec.report.page.markup import Html, clipped, embedded, tag
from netspec.report.page.run import headline, run_parts
from netspec.report.page.sections import Part, Place

__all__ = ["page"]


def page(report: Report) -> str:
    """The report as HTML."""
    parts = list(_parts(report))
    body = [
        tag("a", "To the content", class_="skip", href="#content"),
        _head(report, parts),
        tag("main", *_lines(part.html for part in parts), id="content"),
        _foot(report),
        embedded("netspec-data", drawn(report)),
        inlined.inline(inlined.SCRIPTS),
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=inlined.policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content=f"netspec {report.version}"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", clipped(report.title)),
        inlined.inline(inlined.STYLES),
    ]
    html = tag("html", *_lines([tag("head", *_lines(head)), tag("body", *_lines(body))]), lang="en")
    return f"<!doctype html>\n{html}\n{inlined.comment()}\n"


def _lines(pieces: Sequence[Html] | Iterator[Html]) -> Iterator[Html]:
    """Each piece on lines of its own."""
    for piece in pieces:
        yield Html(f"\n{piece}")


def _parts(report: Report) -> Iterator[Part]:
    if len(report.runs) == 1:
        yield from run_parts(report.runs[0], 0, Place("", 2))
        return
    if report.comparison is not None:
        places = {run.path: _place(number) for number, run in enumerate(report.runs)}
        yield from comparison_parts(report.comparison, report.compared, Place("", 2), places)
    for number, run in enumerate(report.runs):
        yield _folded(run, number)


def _place(number: int) -> str:
    return f"run-{number + 1}"


def _folded(run: RunContents, number: int) -> Part:
    """A run among others: its sections under its name, to be opened."""
    name = _place(number)
    parts = run_parts(run, number, Place(name, 3))
    summary = tag("summary", tag("h2", clipped(run.name)), " ", tag("span", headline(run.result), class_="lead"))
    html = tag("details", summary, *_lines(part.html for part in parts), class_="run", id=name)
    return Part(name, run.name, html)


def _head(report: Report, parts: Sequence[Part]) -> Html:
    links = (tag("li", tag("a", clipped(part.title, 40), href=f"#{part.id}")) for part in parts)
    lead = tag("p", headline(report.runs[0].result), class_="lead") if len(report.runs) == 1 else None
    theme = tag("button", "Dark", type="button", id="theme", class_="toggle", aria_pressed="false", hidden=True)
    return tag(
        "header",
        tag("div", tag("p", "netspec report", class_="brand"), theme, class_="bar"),
        tag("h1", clipped(report.title)),
        lead,
        tag("nav", tag("ul", *links), aria_label="On this page"),
    )


def _foot(report: Report) -> Html:
    words = f"Made by netspec {report.version} on {report.made}. It is one file, and asks nothing of a network."
    return tag("footer", tag("p", words), tag("p", "Curves by uPlot 1.6.32, © 2022 Leon Sorokin, MIT licence."))
