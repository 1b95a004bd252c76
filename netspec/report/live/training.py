"""The dashboard in a terminal while a training goes on; lines where there is no such terminal."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self, TextIO

from netspec.report.dashboard.keys import Key, Looks, looking, turned
from netspec.report.dashboard.view import view
from netspec.report.drawing.frame import Frame
from netspec.report.live.display import Asked, Display, Follower
from netspec.report.live.lines import Lines
from netspec.report.live.screen import Screen, is_live
from netspec.report.progress import Progress
from netspec.runs.events import Event, Saved

__all__ = ["Dashboard", "display_for", "is_live"]


def display_for(
    stream: TextIO, environ: Mapping[str, str], progress: Progress | None = None, asked: Asked | None = None
) -> Display:
    """The dashboard where it can live, lines anywhere else.

    Args:
        stream: where to show it, usually standard output.
        environ: the environment: TERM, COLORTERM, NO_COLOR and CI matter.
        progress: the state so far, where a run is resumed.
        asked: where the dashboard's keys leave what a person asks of the training; None where none may.
    """
    progress = progress or Progress()
    return Dashboard(stream, environ, progress, asked) if is_live(stream, environ) else Lines(stream, progress)


class Dashboard:
    """A training on a `Screen`; its last state stays there."""

    def __init__(
        self,
        stream: TextIO,
        environ: Mapping[str, str],
        progress: Progress,
        asked: Asked | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._follower = Follower(progress)
        self._asked = asked
        self._looks = Looks()
        self._stopping = self._saving = self._over = False
        self._saved: Saved | None = None  # the newest checkpoint when another was asked for
        self._seen: tuple[object, ...] = ()
        self._frame = Frame(())
        self._screen = Screen(stream, environ, self._newest, self._press, clock=clock)

    @property
    def progress(self) -> Progress:
        return self._follower.progress()

    def __enter__(self) -> Self:
        self._screen.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._looks = dataclasses.replace(self._looks, paused=None, explained=False)
        self._screen.__exit__(kind, error, trace)

    def show(self, event: Event) -> None:
        self._follower.add(event)

    def stopping(self) -> None:
        self._stopping = True

    def release(self) -> None:
        self._screen.release()

    def hold(self) -> None:
        self._screen.hold()

    def _newest(self, now: float, columns: int, lines: int) -> Frame:
        """The frame of the newest state; the one before, where it would be the same."""
        progress, looks, asks = self.progress, self._looks, self._asks()
        seen = (looks.paused or progress, looks, asks, self._stopping, self._over, int(now), columns, lines)
        if progress.started is not None and seen != self._seen:
            look, keys = self._screen.look, self._keys()
            self._frame = view(
                progress,
                now,
                columns,
                lines,
                ascii=look.ascii,
                colour=look.colour,
                stopping=self._stopping,
                asked=asks,
                looks=looks,
                keys=keys,
            )
            self._seen = seen
        return self._frame

    def _press(self, key: str) -> None:
        progress, asked = self.progress, self._asked
        if asked is not None and key == "e":
            asked.stop_after_epoch(not asked.stops_after_epoch)
        elif asked is not None and key == "w" and not self._saving:
            self._saving, self._saved = True, progress.saved
            asked.save()
        else:
            self._looks = turned(self._looks, key, progress)

    def _asks(self) -> str:
        """What was asked for and did not happen yet."""
        self._saving = self._saving and self.progress.saved is self._saved
        if self._saving:
            return "saving"
        return "stops after this epoch" if self._asked is not None and self._asked.stops_after_epoch else ""

    def _keys(self) -> tuple[Key, ...]:
        if self._over or not self._screen.has_keys:
            return ()
        return looking(self._looks) if self._asked is None else (*looking(self._looks), *_asking(self._asked))


def _asking(asked: Asked) -> tuple[Key, ...]:
    stops = "stops after this epoch" if asked.stops_after_epoch else ""
    return (
        Key("e", "stop after epoch", "save and stop where this epoch ends; again: go on after all", stops),
        Key("w", "save", "save a checkpoint now, and go on"),
    )
