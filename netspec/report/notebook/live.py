"""A training in a notebook: one output that changes in place, twice a second at the most."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from netspec.report.live.display import Follower
from netspec.report.notebook.runs import run_html, run_text
from netspec.report.progress import Progress
from netspec.runs.directory import State
from netspec.runs.events import Event, Finished

__all__ = ["Live", "Publish", "publisher"]

APART = 0.5
"""Seconds between two views."""

Publish = Callable[[str, str], None]
"""Shows HTML, or the text that stands for it, in the place of what it showed before."""

_ENDS: dict[str, State] = {"done": "done", "interrupted": "interrupted", "diverged": "diverged"}


class Live:
    """Shows a training by what it is given to publish with."""

    def __init__(self, run: Path, progress: Progress, publish: Publish) -> None:
        self._run, self._publish = run, publish
        self._follower = Follower(progress)
        self._shown = 0.0
        self._note = ""

    @property
    def progress(self) -> Progress:
        return self._follower.progress()

    def __enter__(self) -> Self:
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._note = ""
        self._draw("stopped" if kind is not None else None)

    def show(self, event: Event) -> None:
        self._follower.add(event)
        if isinstance(event, Finished) or time.monotonic() - self._shown >= APART:
            self._draw()

    def stopping(self) -> None:
        # Asked from any thread, while a view may be on its way to the notebook: the next event shows it.
        self._note = "stopping: finishing the step and saving"
        self._shown = -math.inf

    def release(self) -> None:
        return None

    def hold(self) -> None:
        return None

    def _draw(self, said: State | None = None) -> None:
        progress = self.progress
        if progress.finished is not None:
            said = _ENDS.get(progress.finished.reason, "failed")
        note = self._note
        if progress.stepped is None and progress.finished is None and not note:
            note = "compiling"
        html = run_html(self._run, progress, said or "running", time.time(), "" if said else note)
        self._publish(html, run_text(self._run, progress, said or "running"))
        self._shown = time.monotonic()


def publisher() -> Publish | None:
    """What shows things in the notebook that this is run from; None where it is run from none."""
    shell = _shell()
    if shell is None:
        return None
    from IPython.display import display

    handle = None

    def publish(html: str, text: str) -> None:
        nonlocal handle
        data = {"text/html": html, "text/plain": text}
        if handle is None:
            handle = display(data, raw=True, display_id=True)
        else:
            handle.update(data, raw=True)

    return publish


def _shell() -> Any:
    """IPython's shell, where it has a kernel, and so a notebook in front of it."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return shell if hasattr(shell, "kernel") else None
