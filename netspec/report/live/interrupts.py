"""How a training hears Ctrl-C, Ctrl-Z, SIGTERM and that its terminal was closed, whatever it is doing.

Knows of its display only that it says what was heard, and lets go of the terminal.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from netspec.report.live.display import Held

__all__ = ["Interrupts"]

GRACE_SECONDS = 2.0
"""How long a second Ctrl-C waits for Python to get a turn before the process is ended."""


class Interrupts:
    """Ctrl-C, SIGTERM and SIGHUP while a training goes on: the first asks for a stop, a second Ctrl-C leaves at once.

    The trainer is told by `stop`, saves, and stops. Python runs signal handlers between two
    bytecodes of the main thread only, which may be deep in a compilation for a minute; so a thread of its own hears
    every signal as it arrives, shows that it was heard, and at a second Ctrl-C gives the terminal back and, if the main
    thread did not leave by a KeyboardInterrupt within two seconds, ends the process with code 130. Checkpoints are
    whole at any moment, so nothing that was saved is lost by that. Ctrl-Z gives the terminal back while it lasts.
    """

    def __init__(self, display: Held, stop: Callable[[], None] = lambda: None) -> None:
        self.requested = False
        self._stop = stop
        self._display = display
        self._heard = False  # by the listening thread
        self._handled = False  # by the main thread
        self._again = False
        self._left = threading.Event()

    def __enter__(self) -> Self:
        self._inbox, self._outbox = socket.socketpair()
        self._outbox.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._outbox.fileno(), warn_on_full_buffer=False)
        heard = [n for n in _HEARD if signal.getsignal(n) is not signal.SIG_IGN]  # as under nohup: stays ignored
        self._before = {number: signal.signal(number, self._handle) for number in heard}
        self._thread = threading.Thread(target=self._listen, name="interrupts", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._outbox.close()
        self._thread.join(GRACE_SECONDS)
        self._inbox.close()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """In the main thread. Two signals that came during one call into C arrive here as one: `_again` tells."""
        if number == signal.SIGTSTP:
            self._suspend()
            return
        second = number == signal.SIGINT and (self._handled or self._again)
        self.requested = self._handled = True
        self._stop()
        if second:
            raise KeyboardInterrupt

    def _suspend(self) -> None:
        """Stop as if nothing had handled Ctrl-Z, the terminal given back until the process goes on."""
        self._display.release()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._handle)
        self._display.hold()

    def _listen(self) -> None:
        """In a thread: every signal is one byte, at once, whatever the main thread is doing."""
        while data := self._inbox.recv(1):
            if data[0] == signal.SIGTSTP:
                continue
            if not self._heard:
                self._heard = self.requested = True
                self._stop()
                self._display.stopping()
            elif data[0] == signal.SIGINT:
                self._leave()

    def _leave(self) -> None:
        self._again = True
        self._display.release()
        if not self._left.wait(GRACE_SECONDS):
            os._exit(130)


_HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)
