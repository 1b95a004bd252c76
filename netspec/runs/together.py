"""Several runs that are trained side by side, seen as one: the mean of what happens to each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from netspec.runs.events import Alerted, Evaluated, Event, Examined, Finished, Started, Stepped

__all__ = ["as_one"]

E = TypeVar("E", bound=Event)


def as_one(events: Iterable[tuple[int, Event]], runs: int) -> Iterator[Event]:
    """The events of several runs, each kind of them at a step as one event with the mean of its numbers.

    Args:
        events: which run, and what happens to it; what happens to all at a step comes run by run.
        runs: how many there are.
    """
    waiting: list[Event] = []
    alerts: list[Event] = []
    ended: dict[int, Finished] = {}
    for i, event in events:
        if isinstance(event, Alerted):
            alerts.append(replace(event, message=f"run {i + 1} of {runs}: {event.message}"))
        elif isinstance(event, Finished):
            ended[i] = event
        else:
            if waiting and (type(event), event.step) != (type(waiting[0]), waiting[0].step):
                yield from (_mean(waiting), *alerts)
                waiting, alerts = [], []
            waiting.append(event)
    if waiting:
        yield _mean(waiting)
    yield from alerts
    if ended:
        yield _last([event for _, event in sorted(ended.items())])


def _mean(events: Sequence[Event]) -> Event:
    first = events[0]
    if isinstance(first, Started):
        return replace(first, run=_named([e.run for e in events if isinstance(e, Started)]))
    if isinstance(first, Stepped):
        stepped = [e for e in events if isinstance(e, Stepped)]
        return replace(
            first,
            loss=sum(e.loss for e in stepped) / len(stepped),
            gradient_norm=sum(e.gradient_norm for e in stepped) / len(stepped),
            examples_per_second=sum(e.examples_per_second for e in stepped),
        )
    if isinstance(first, Evaluated):
        evaluated = [e for e in events if isinstance(e, Evaluated)]
        return replace(first, metrics=_means([e.metrics for e in evaluated]), best=any(e.best for e in evaluated))
    if isinstance(first, Examined):
        examined = [e for e in events if isinstance(e, Examined)]
        layers = {path: _means([e.layers[path] for e in examined if path in e.layers]) for path in first.layers}
        return replace(examined[-1], layers=layers, skipped=sum(e.skipped for e in examined))
    return events[-1]


def _last(ended: Sequence[Finished]) -> Finished:
    """The end of all: what can be gone on with counts first, then what failed; only where all diverged, it is that."""
    reason = next(word for word in ("interrupted", "failed", "done", "diverged") if word in [e.reason for e in ended])
    through = [e for e in ended if e.reason == reason]
    last = max(through, key=lambda e: e.step)
    return replace(
        last,
        run=_named([e.run for e in ended]),
        metrics=_means([e.metrics for e in through]),
        best_step=None,
        best=None,
    )


def _means(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    common = [name for name in tables[0] if all(name in table for table in tables)]
    return {name: sum(table[name] for table in tables) / len(tables) for name in common}


def _named(runs: Sequence[str]) -> str:
    """Several runs in one word, as a shell takes it.

    >>> _named(["runs/lenet5-2", "runs/lenet5-3", "runs/lenet5-4"])
    'runs/lenet5-{2..4}'
    """
    stems, numbers = zip(*((run.rpartition("-")[0], run.rpartition("-")[2]) for run in runs), strict=True)
    in_turn = [str(int(numbers[0]) + i) for i in range(len(runs))] if numbers[0].isdigit() else []
    if len(runs) == 1 or len(set(stems)) > 1:
        return " ".join(runs)
    inside = f"{numbers[0]}..{numbers[-1]}" if list(numbers) == in_turn else ",".join(numbers)
    return f"{stems[0]}-{{{inside}}}"
