"""A terminal whose reader has stopped."""

from __future__ import annotations

import contextlib
import os


def fill(terminal: int) -> None:
    """Write until it takes no more."""
    os.set_blocking(terminal, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(terminal, b" " * 1000):
            pass
    os.set_blocking(terminal, True)
