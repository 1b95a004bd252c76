"""The part of a page that tells of one run: what it reached, how it got there, what it is, how to do it again."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.report.drawing.wording import count, duration, epochs, measure, measured_name, storage
from netspec.report.page.contents import Alert, Curves, Evaluations, Health, Missing, Result, RunContents
from netspec.report.page.judged import judged_part
from netspec.report.page.markup import Html, clipped, joined, tag
from netspec.report.page.network import network_part
from netspec.report.page.recorded import OF_MEMBERS
from netspec.report.page.sections import Part, Place, absent, facts, fold, table
from netspec.report.page.written import environment_part, reproduction_part, spec_part

__all__ = ["headline", "run_parts", "tiles"]

ENDS = {
    "done": ("finished", "good"),
    "running": ("still training", "open"),
    "interrupted": ("interrupted", "open"),
    "stopped": ("ended without a word", "open"),
    "diverged": ("diverged", "bad"),
    "failed": ("failed", "bad"),
}
"""By state: in words, and what it looks like."""


def run_parts(run: RunContents, number: int, place: Place) -> Iterator[Part]:
    """The sections of a run, in the order in which people ask."""
    yield place.section("Result", tiles(run.result), _measured(run.result))
    yield place.section("Curves", *_curves(run.curves, number), _evaluations(run.evaluations))
    yield place.section("Diagnoses", _diagnoses(run.curves))
    yield judged_part(run, place)
    yield network_part(run.network, place)
    yield place.section("Layers’ health", *_health(run.health, number))
    yield spec_part(run.spec, place)
    yield environment_part(run.environment, place)
    yield reproduction_part(run.reproduction, place)


# -- the result --------------------------------------------------------------------------------------------------------


def headline(result: Result) -> Html:
    """What a run reached, in one line."""
    return joined(
        [
            _state(result.state),
            " ",
            *(piece for i, one in enumerate(_said(result)) for piece in (" · " if i else "", one)),
        ]
    )


def _said(result: Result) -> Iterator[Html]:
    deciding = result.metric.partition("/")[2]
    shown = [f"{part}/{deciding}" for part in ("test", "validation", "train")]
    reached = next((name for name in shown if name in result.metrics), None)
    if reached is not None:
        yield joined([f"{measured_name(reached)} ", tag("b", measure(result.metrics[reached]))])
    if result.best is not None:
        at = f" at step {count(result.best_step or 0)}"
        yield joined([f"best {measured_name(result.metric)} ", tag("b", measure(result.best)), at])
    if reached is None and result.best is None:
        yield joined(["not evaluated yet" if ENDS.get(result.state, ("", "open"))[1] == "open" else "never evaluated"])
    if result.seconds is not None:
        yield joined([duration(result.seconds), f" on {clipped(result.device, 60)}" if result.device else ""])


def _state(state: str) -> Html:
    words, look = ENDS.get(state, (state, "open"))
    return tag("span", words, class_=f"state {look}")


_PARTS = {"test": "test", "validation": "validation", "train": "training"}


def tiles(result: Result) -> Html:
    """The few numbers that matter, large."""
    return facts(_tiles(result), class_="tiles")


def _tiles(result: Result) -> Iterator[tuple[str, Html]]:
    deciding = result.metric.partition("/")[2]
    for part in ("test", "validation", "train"):
        name = f"{part}/{deciding}"
        if name in result.metrics:
            yield _tile(_PARTS[part], measure(result.metrics[name]), measured_name(deciding))
            break
    if result.best is not None:
        part, _, metric = result.metric.partition("/")
        yield _tile(
            f"best {part}", measure(result.best), f"{measured_name(metric)}, step {count(result.best_step or 0)}"
        )
    whole = result.step >= result.steps
    passes = (
        f"{epochs(result.epoch)} epoch{'s' * (result.epoch != 1)}"
        if result.batch > 1 or result.examples.get("train", 0) > 1
        else ""
    )
    yield _tile("steps", count(result.step), passes if whole else f"of {count(result.steps)}")
    yield _tile("training time", duration(result.seconds), result.device)
    members = f"in each of {result.members} networks" if result.members > 1 else ""
    yield _tile("parameters", count(result.parameters), members)
    if result.examples.get("train", 0) > 1:
        others = [f"{count(n)} {part}" for part, n in result.examples.items() if part != "train" and n]
        yield _tile("training examples", count(result.examples["train"]), ", ".join(others))
    if result.seed is not None:
        yield _tile("seed", str(result.seed), f"batch {count(result.batch)}" if result.batch > 1 else "")


def _tile(name: str, value: str, note: str) -> tuple[str, Html]:
    return name, joined([tag("strong", value), tag("small", clipped(note)) if note else None])


def _measured(result: Result) -> Html | None:
    """All metrics, a row a metric and a column a part."""
    if not result.metrics:
        return None
    parts = [p for p in ("train", "validation", "test") if any(n.startswith(f"{p}/") for n in result.metrics)]
    every = dict.fromkeys(name.partition("/")[2] for name in result.metrics)
    names = [name for name in every if not name.startswith(OF_MEMBERS)]
    deciding = result.metric.partition("/")[2]
    names.sort(key=lambda name: (name != deciding, name == "loss"))
    rows = []
    for name in names:
        rows.append([measured_name(name).capitalize(), *(measure(result.metrics.get(f"{p}/{name}")) for p in parts)])
        if f"member/{name}" in every:
            rows.append(["of a member", *(_of_members(result, part, name) for part in parts)])
    columns = [("", False), *((part, True) for part in parts)]
    found = table(columns, rows, "What the network reaches, by part of the data", class_="compact reached")
    if len(rows) == len(names):
        return found
    return joined(
        [found, tag("p", "Of a member: the mean over the members ± their standard deviation.", class_="note")]
    )


def _of_members(result: Result, part: str, name: str) -> str:
    """What an ensemble's members reach by themselves."""
    mean, spread = (result.metrics.get(f"{part}/{what}/{name}") for what in ("member", "spread"))
    # No line ends behind the sign, where the cell is narrow.
    return measure(mean) if mean is None or spread is None else f"{measure(mean)} ±\N{NO-BREAK SPACE}{measure(spread)}"


# -- curves, diagnoses, health -----------------------------------------------------------------------------------------


def _curves(curves: Curves | Missing, number: int) -> Iterator[Html]:
    """Places for the charts, which the page's script draws."""
    if isinstance(curves, Missing):
        yield absent("No curves", curves)
        return
    yield tag(
        "noscript", tag("p", "The curves are drawn by the page’s script, which is switched off.", class_="absent")
    )
    charts = (
        tag("figure", tag("figcaption", chart.title), class_="chart wide" if chart.wide else "chart", data_chart=i)
        for i, chart in enumerate(curves.charts)
    )
    yield tag("div", *charts, class_="charts", data_group=number)
    if curves.dropped:
        yield tag("p", f"{count(curves.dropped)} values that are not finite are not drawn.", class_="note")


def _evaluations(found: Evaluations | Missing) -> Html:
    if isinstance(found, Missing):
        return absent("No evaluations", found)
    columns = [("step", True), ("epoch", True), *((measured_name(name), True) for name in found.metrics)]
    rows = [[count(step), epochs(epoch), *map(measure, values)] for step, epoch, values in found.rows]
    best = frozenset(i for i, (step, *_) in enumerate(found.rows) if step == found.best)
    some = f"{len(rows)} of {count(found.of)} evaluations" if found.of > len(rows) else f"All {len(rows)} evaluations"
    some = some if found.of > 1 else "The evaluation"
    numbers = table(columns, rows, "Evaluations", class_="compact", marked=best)
    return fold(f"{some} as numbers", numbers, class_="aside")


def _diagnoses(curves: Curves | Missing) -> Html:
    if isinstance(curves, Missing):
        return absent("No diagnoses", curves)
    if not curves.alerts:
        return tag("p", "Nothing ailed the training.", class_="quiet")
    return tag("ol", *map(_alert, curves.alerts), class_="alerts")


def _alert(alert: Alert) -> Html:
    return tag(
        "li",
        tag("p", tag("b", alert.code.replace("-", " ")), tag("span", f"step {count(alert.step)}", class_="when")),
        tag("p", alert.message),
        tag("p", alert.help, class_="help") if alert.help else None,
    )


NAMES = {
    "update": "update, share of weights",
    "gradient": "gradient norm",
    "weights": "weights’ norm",
    "dead": "dead units, share",
    "saturated": "saturated, share",
}


def _health(health: Health | Missing, number: int) -> Iterator[Html]:
    if isinstance(health, Missing):
        yield absent("Nothing to see", health)
        return
    yield tag("div", class_="health", data_health=number)
    columns = [("layer", False), *((NAMES[name], True) for name in health.measures)]
    rows = [
        [clipped(layer), *(measure(_last(health.measures[name][i])) for name in health.measures)]
        for i, layer in enumerate(health.layers)
    ]
    last = count(health.steps[-1])
    yield fold(f"As numbers, at step {last}", table(columns, rows, f"Layers at step {last}", class_="compact"))
    notes = []
    if health.peak:
        notes.append(f"{storage(health.peak)} in use at the most")
    if health.skipped:
        notes.append(f"{count(health.skipped)} steps were not taken, as their gradient was not finite")
    if notes:
        yield tag("p", f"{'; '.join(notes)}.", class_="note")


def _last(row: tuple[float | None, ...]) -> float | None:
    return next((value for value in reversed(row) if value is not None), None)
