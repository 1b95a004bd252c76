"""What the keys change in the view of a training: plain data, and which key does what.

Knows nothing of terminals: `screen` hears the keys, the dashboard draws what they ask for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from netspec.report.progress import Progress

__all__ = ["USUAL", "Key", "Looks", "charted", "looking", "turned"]

Scale = Literal["auto", "log", "linear"]
Smoothing = Literal["normal", "more", "none"]

Choice = TypeVar("Choice")

SCALES: tuple[Scale, ...] = ("auto", "log", "linear")
SMOOTHINGS: tuple[Smoothing, ...] = ("normal", "more", "none")


@dataclass(frozen=True, slots=True)
class Looks:
    """How a person wants to see a training.

    Args:
        paused: the state that the view stays with; None where it follows the training.
        scale: of the curves' values; "auto" is logarithmic where they span decades.
        smoothing: of the training loss.
        metric: the one of `charted` whose curve stands under the loss; empty for the first of them.
        unfolded: the layers' panel has a line for each layer, and not for each block.
        explained: every key is explained.
    """

    paused: Progress | None = None
    scale: Scale = "auto"
    smoothing: Smoothing = "normal"
    metric: str = ""
    unfolded: bool = False
    explained: bool = False


USUAL = Looks()
"""How a training is seen before any key was pressed."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the view names it.

    Args:
        key: the character.
        word: what it does, in a word or two.
        meaning: what it does, in a sentence.
        state: what it was set to; empty where that is how everything begins.
    """

    key: str
    word: str
    meaning: str
    state: str = ""


def looking(looks: Looks) -> tuple[Key, ...]:
    """The keys that change the view, in the order in which they are named."""
    return (
        Key("p", "pause", "keep the view as it is, while the training goes on", "paused" if looks.paused else ""),
        Key("l", "scale", "logarithmic, linear, or as the values ask for", _SCALED[looks.scale]),
        Key("s", "smoothing", "smooth the training loss more, not at all, or as usual", _SMOOTHED[looks.smoothing]),
        Key("m", "metric", "the curve below the loss", looks.metric.replace("_", " ")),
        Key("f", "layers", "each layer alone, or blocks of them", "every layer" if looks.unfolded else ""),
        Key("h", "help", "what the keys do"),
    )


_SCALED: Mapping[Scale, str] = {"auto": "", "log": "log scale", "linear": "linear scale"}
_SMOOTHED: Mapping[Smoothing, str] = {"normal": "", "more": "smoother", "none": "not smoothed"}


def turned(looks: Looks, key: str, progress: Progress) -> Looks:
    """The looks after a key; the same ones where it means nothing."""
    turn = _TURNS.get(key)
    return looks if turn is None else turn(looks, progress)


def charted(progress: Progress) -> list[str]:
    """The names of the curves that can stand below the loss, the usual one first: never empty."""
    measured = [name.partition("/")[2] for name in progress.measured]
    decides = progress.started.metric.partition("/")[2] if progress.started else ""
    metrics = [name for name in dict.fromkeys((decides, *measured)) if name not in ("", "loss") and "/" not in name]
    return [*metrics, "gradient norm", "learning rate"]


def _paused(looks: Looks, progress: Progress) -> Looks:
    return dataclasses.replace(looks, paused=None if looks.paused else progress)


def _scaled(looks: Looks, progress: Progress) -> Looks:
    return dataclasses.replace(looks, scale=_next(SCALES, looks.scale))


def _smoothed(looks: Looks, progress: Progress) -> Looks:
    return dataclasses.replace(looks, smoothing=_next(SMOOTHINGS, looks.smoothing))


def _other_metric(looks: Looks, progress: Progress) -> Looks:
    names = charted(looks.paused or progress)
    following = _next(names, looks.metric or names[0])
    return dataclasses.replace(looks, metric="" if following == names[0] else following)


def _folded(looks: Looks, progress: Progress) -> Looks:
    return dataclasses.replace(looks, unfolded=not looks.unfolded)


def _explained(looks: Looks, progress: Progress) -> Looks:
    return dataclasses.replace(looks, explained=not looks.explained)


def _next(choices: Sequence[Choice], chosen: Choice) -> Choice:
    """The one after it, round and round; the first where it is none of them."""
    return choices[(choices.index(chosen) + 1) % len(choices)] if chosen in choices else choices[0]


_TURNS: Mapping[str, Callable[[Looks, Progress], Looks]] = {
    "p": _paused,
    " ": _paused,
    "l": _scaled,
    "s": _smoothed,
    "m": _other_metric,
    "f": _folded,
    "h": _explained,
    "?": _explained,
}
