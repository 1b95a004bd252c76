"""What a network says of its examples, on its run's page: confusions, mistakes, residuals, reconstructions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from netspec.report.drawing.wording import count, measure
from netspec.report.page.contents import (
    Confusion,
    Missing,
    Mistake,
    Mistakes,
    Pair,
    Reconstructions,
    Residuals,
    RunContents,
)
from netspec.report.page.markup import Html, clipped, tag
from netspec.report.page.plots import Frame, bars, dots, line, picture
from netspec.report.page.sections import Part, Place, absent, facts, fold, scrolled, table

__all__ = ["judged_part"]

T = TypeVar("T")

NAMED = 20
"""Classes whose matrix has its numbers and names in it, at the most."""

SQUARES = 100
"""Classes whose matrix is drawn, at the most; of more, the most frequent confusions are listed."""

LISTED = 12
"""Confusions that are listed."""

LABEL, ABOVE = 24, 8
"""Characters of a class's name beside a matrix, and above a column of it."""


def judged_part(run: RunContents, place: Place) -> Part:
    """The section on what the network says."""
    pieces = {
        "confusions": _or_missing(run.confusion, _confusion),
        "mistakes": _or_missing(run.mistakes, _mistakes),
        "residuals": _or_missing(run.residuals, _all_residuals),
        "reconstructions": _or_missing(run.reconstructions, _reconstructions),
    }
    shown: list[Html] = []
    why: dict[str, list[str]] = {}
    for name, piece in pieces.items():
        if isinstance(piece, Missing):
            why.setdefault(piece.why, []).append(name)
        else:
            shown += [place.heading(name.capitalize(), 1), *piece]
    lines = [absent(f"No {', '.join(names)}", Missing(reason)) for reason, names in why.items()]
    return place.section("Predictions", *shown, *lines)


def _or_missing(content: T | Missing, draw: Callable[[T], Iterator[Html]]) -> Iterator[Html] | Missing:
    return content if isinstance(content, Missing) else draw(content)


# -- classes -----------------------------------------------------------------------------------------------------------


def _confusion(confusion: Confusion) -> Iterator[Html]:
    classes, counts = len(confusion.labels), confusion.counts
    right, all_ = sum(counts[i][i] for i in range(classes)), sum(map(sum, counts))
    share = f"{100 * right / all_:.1f} % right" if all_ else "none"
    told = f"{count(all_)} of the {confusion.part} part, {share}. Rows are what is true, columns what was said."
    yield tag("p", f"{told} {confusion.note}".rstrip())
    if classes <= SQUARES:
        readout = tag("p", "", class_="readout", aria_live="polite")
        matrix = scrolled(_matrix(confusion), "Confusion matrix", "matrix-box")
        yield tag("div", matrix, readout, class_="matrix")
    else:
        yield tag("p", f"A matrix of {count(classes)} classes would be too large to be read.", class_="note")
    if classes > 4:
        yield from _frequent(confusion)


def _matrix(confusion: Confusion) -> Html:
    labels = confusion.labels
    named = len(labels) <= NAMED
    head = [_label(label, ABOVE if named else LABEL, "col") for label in labels]
    head += [tag("th", "right", scope="col")] if named else []
    rows = []
    for i, row in enumerate(confusion.counts):
        total = sum(row)
        cells = [_cell(n, total, right=i == j) for j, n in enumerate(row)]
        share = f"{100 * row[i] / total:.0f} %" if total else "–"
        cells += [tag("td", share, class_="share")] if named else []
        rows.append(tag("tr", _label(labels[i], LABEL, "row"), *cells))
    size = "named" if named else "middle" if len(labels) <= 40 else "tiny"
    return tag(
        "table",
        tag("caption", f"Confusions on the {confusion.part} part: rows are what is true, columns what was said"),
        tag("thead", tag("tr", tag("td"), *head)),
        tag("tbody", *rows),
        class_=f"confusion {size}",
    )


def _label(label: str, most: int, scope: str) -> Html:
    """A class's name at its row or column; all of a long one is told to who points at it, and to the readout."""
    return tag("th", clipped(label, most), scope=scope, title=clipped(label) if len(label) > most else None)


def _cell(number: int, total: int, *, right: bool) -> Html:
    """A count, the darker the larger its share of the class is; what is right and what is wrong in other colours."""
    if not number:
        return Html("<td>0</td>")
    level = max(1, round(9 * number / total))
    return Html(f'<td class="{"r" if right else "w"}{level}">{number:,}</td>')


def _frequent(confusion: Confusion) -> Iterator[Html]:
    """The classes that are mistaken for each other most often."""
    counts = confusion.counts
    pairs = [(n, i, j) for i, row in enumerate(counts) for j, n in enumerate(row) if i != j and n]
    if not pairs:
        return
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    rows = [
        [
            clipped(confusion.labels[i], 60),
            clipped(confusion.labels[j], 60),
            count(n),
            f"{100 * n / sum(counts[i]):.1f} %",
        ]
        for n, i, j in pairs[:LISTED]
    ]
    columns = [("true", False), ("said", False), ("times", True), ("of the class", True)]
    yield fold(
        "The most frequent confusions", table(columns, rows, "Confusions, the most frequent first", class_="compact")
    )


def _mistakes(mistakes: Mistakes) -> Iterator[Html]:
    if not mistakes.of:
        yield tag("p", f"None: all {count(mistakes.examples)} of the {mistakes.part} part are right.")
        return
    shown = len(mistakes.shown)
    some = f"the {shown} surest of {count(mistakes.of)}" if mistakes.of > shown else f"all {shown}, the surest first"
    what = f"What the network gets wrong in the {mistakes.part} part"
    yield tag("p", f"{what}, {some}." if mistakes.of > 1 else f"{what}: one example.")
    if any(mistake.picture for mistake in mistakes.shown):
        yield tag("ul", *map(_pictured, mistakes.shown), class_="gallery")
        return
    columns = [("example", True), ("true", False), ("said", False), ("how surely", True), ("inputs", False)]
    rows = [
        [count(m.row), clipped(m.truth, 60), clipped(m.said, 60), _percent(m.sure), tag("code", clipped(m.inputs))]
        for m in mistakes.shown
    ]
    yield table(columns, rows, "Mistakes, the surest first", class_="compact")


def _pictured(mistake: Mistake) -> Html:
    said, truth = clipped(mistake.said, 40), clipped(mistake.truth, 40)
    alternative = f"Example {mistake.row}: {truth}, taken for {said}"
    sure = [tag("br"), f"{_percent(mistake.sure)} sure"] if mistake.sure is not None else []
    words = [tag("b", truth), " taken for ", tag("b", said), *sure]
    picture = tag("img", src=mistake.picture or "", alt=alternative)
    return tag("li", tag("figure", picture, tag("figcaption", *words)))


def _percent(share: float | None) -> str:
    if share is None:
        return "–"
    return "> 99.9 %" if share > 0.999 else f"{100 * share:.1f} %"


# -- numbers -----------------------------------------------------------------------------------------------------------


def _all_residuals(residuals: Sequence[Residuals]) -> Iterator[Html]:
    for one in residuals:
        yield from _residuals(one, alone=len(residuals) == 1)


def _residuals(residuals: Residuals, *, alone: bool) -> Iterator[Html]:
    numbers = [
        ("root mean square", measure(residuals.error)),
        ("mean", measure(residuals.bias)),
        ("variance explained, R²", "–" if residuals.explained is None else f"{residuals.explained:.4f}"),
        ("examples", f"{count(residuals.examples)} of the {residuals.part} part"),
    ]
    yield facts(numbers if alone else [("of", clipped(residuals.name)), *numbers])
    yield tag("div", _scatter(residuals), _histogram(residuals), class_="plots")


def _scatter(residuals: Residuals) -> Html:
    values = (*residuals.truths, *residuals.said)
    ends = _roomy(min(values), max(values))
    frame = Frame(ends, ends)
    points = zip(residuals.truths, residuals.said, strict=True)
    label = f"Predicted over true values of {clipped(residuals.name)}, with the line on which they are equal"
    return picture(frame, label, "true", "predicted", line(frame, [(e, e) for e in ends], "ideal"), dots(frame, points))


def _histogram(residuals: Residuals) -> Html:
    edges, counts = residuals.edges, residuals.counts
    frame = Frame((edges[0], edges[-1]), (0.0, max(counts) * 1.05))
    zero = [line(frame, [(0.0, 0.0), (0.0, frame.up[1])], "ideal")] if edges[0] <= 0 <= edges[-1] else []
    label = f"Histogram of the residuals of {clipped(residuals.name)}"
    return picture(frame, label, "predicted − true", "examples", bars(frame, edges, counts), *zero)


def _roomy(low: float, high: float) -> tuple[float, float]:
    room = 0.04 * (high - low) or 0.5 * abs(high) or 1.0
    return low - room, high + room


def _reconstructions(found: Reconstructions) -> Iterator[Html]:
    yield tag("p", f"Inputs of the {found.part} part, each above what the network makes of it.")
    yield tag("ul", *map(_pair, found.pairs), class_="gallery pairs")
    if found.worst:
        yield tag("p", f"The worst of {count(found.examples)}:")
        yield tag("ul", *map(_pair, found.worst), class_="gallery pairs")


def _pair(pair: Pair) -> Html:
    given = tag("img", src=pair.given, alt=f"Input {pair.row}")
    made = tag("img", src=pair.made, alt=f"Reconstruction of input {pair.row}")
    return tag("li", tag("figure", given, made, tag("figcaption", f"off by {measure(pair.error)}")))
