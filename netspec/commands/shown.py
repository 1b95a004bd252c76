"""How a training that is begun in Python shows itself, and hears that it shall stop."""

from __future__ import annotations

import signal
import sys
import threading
from functools import reduce
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from netspec.commands.training import Session
    from netspec.report.live.display import Display
    from netspec.report.progress import Progress
    from netspec.train.requests import Requests

__all__ = ["Stopping", "shown"]


def shown(session: Session, show: bool) -> Display:
    """What shows a training: in a notebook an output that changes in place, else lines, or nothing."""
    import io

    from netspec.report.live.lines import Lines
    from netspec.report.notebook.live import Live, publisher

    before = _before(session)
    if not show:
        return Lines(io.StringIO(), before)
    publish = publisher()
    return Lines(sys.stdout, before) if publish is None else Live(session.run, before, publish)


def _before(session: Session) -> Progress:
    """What lies behind a training that goes on."""
    from netspec.report.progress import Progress, advance
    from netspec.runs.records import read_events

    resumed = session.resumed[0]
    if resumed is None:
        return Progress()
    behind = (event for event in read_events(session.run) if getattr(event, "step", 0) <= resumed.step)
    return reduce(advance, behind, Progress())


class Stopping:
    """While it lasts, the first interrupt asks the training to save and stop; a second one is a KeyboardInterrupt.

    Only the main thread of a program hears of interrupts: in another one this does nothing.
    """

    def __init__(self, requests: Requests, display: Display) -> None:
        self._requests, self._display = requests, display
        self._hears = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._heard) if self._hears else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._hears:
            signal.signal(signal.SIGINT, signal.SIG_DFL if self._before is None else self._before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._requests.stops:
            raise KeyboardInterrupt
        self._requests.stop()
        # The main thread may be holding what the display needs to write: it goes on only when this returns.
        threading.Thread(target=self._display.stopping, name="stopping", daemon=True).start()
