"""What is known of runs that are watched, and what a person has chosen to see of them: plain data.

Knows nothing of files or terminals: `side_by_side` draws it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from netspec.report.dashboard.keys import USUAL, Key, Looks, looking, turned
from netspec.report.progress import Progress
from netspec.runs.directory import State
from netspec.runs.events import Finished

__all__ = ["ALL", "Chosen", "Watched", "keys_of", "over", "pressed", "shown"]


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of a run.

    Args:
        name: its directory, as a person would type it.
        progress: the state that its record adds up to.
        state: whether it goes on, and if not, how it ended.
        problem: what keeps more from being known; empty where nothing does.
    """

    name: str
    progress: Progress
    state: State
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person has chosen to see.

    Args:
        selected: the index of the run that the keys are for.
        alone: it has the whole screen.
        paused: the runs as they were when the view was to stay so; empty where it follows them.
        looks: what the keys have changed in every dashboard.
    """

    selected: int = 0
    alone: bool = False
    paused: tuple[Watched, ...] = ()
    looks: Looks = USUAL


ALL = Chosen()
"""Nothing was chosen: all runs, as they are."""


def over(run: Watched) -> bool:
    """Whether nothing is to come of it."""
    return run.state != "running"


def shown(run: Watched) -> Progress:
    """The state of a run as its dashboard shows it: one whose process died has ended, though it did not say so."""
    progress = run.progress
    if progress.started is None or progress.finished is not None or not over(run):
        return progress
    seconds = progress.elapsed(progress.time)
    end = Finished(progress.time, run.name, progress.step, progress.epoch, run.state, seconds=seconds)
    return dataclasses.replace(progress, finished=end)


def pressed(chosen: Chosen, key: str, runs: Sequence[Watched]) -> Chosen:
    """What is chosen after a key; the same where it means nothing."""
    if not runs:
        return chosen
    if key in ("p", " "):
        return dataclasses.replace(chosen, paused=() if chosen.paused else tuple(runs))
    if len(runs) > 1 and key in _MOVES:
        return _MOVES[key](chosen, len(runs))
    if len(runs) > 1 and key.isdecimal() and 0 < int(key) <= len(runs):
        again = chosen.alone and chosen.selected == int(key) - 1
        return dataclasses.replace(chosen, selected=int(key) - 1, alone=not again)
    looks = turned(chosen.looks, key, runs[chosen.selected].progress)
    return dataclasses.replace(chosen, looks=looks)


_MOVES: Mapping[str, Callable[[Chosen, int], Chosen]] = {
    "\t": lambda chosen, runs: dataclasses.replace(chosen, selected=(chosen.selected + 1) % runs),
    "\n": lambda chosen, runs: dataclasses.replace(chosen, alone=not chosen.alone),
    "0": lambda chosen, runs: dataclasses.replace(chosen, alone=False),
}


def keys_of(chosen: Chosen, runs: int) -> tuple[Key, ...]:
    """The keys that can be pressed, in the order in which they are named."""
    looks = dataclasses.replace(chosen.looks, paused=chosen.paused[0].progress if chosen.paused else None)
    moving = (
        Key("1–9", "one run", "one run on the whole screen; again: all of them"),
        Key("tab", "next", "the next run; Enter: on the whole screen, or all of them"),
    )
    leaving = Key("q", "leave", "leave; the training goes on")
    return (*moving, leaving, *looking(looks)) if runs > 1 else (*looking(looks), leaving)
