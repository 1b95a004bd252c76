"""A training that never was, so that every view of it is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from made_events import events

from netspec.report.progress import Progress, advance


@pytest.fixture
def training() -> Callable[..., Progress]:
    """The state of that training at some step, and after its end where a reason is given."""

    def state(upto: int = 492, reason: str = "") -> Progress:
        progress = Progress()
        for event in events(upto, reason):
            progress = advance(progress, event)
        return progress

    return state
