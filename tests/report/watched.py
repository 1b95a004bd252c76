"""A program for a terminal: shows a training that never was, and ends as its argument says."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
import sys
import termios
import time

from made_events import events

from netspec.report.live.interrupts import Interrupts
from netspec.report.live.training import display_for
from netspec.train.requests import Requests


def main(ending: str) -> int:
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)  # as in a shell, Ctrl-C comes from the terminal
    done = "done" if ending == "done" else ""
    asked = Requests()
    with display_for(sys.stdout, os.environ, asked=asked) as display, Interrupts(display, asked.stop):
        for event in events(492, done):
            display.show(dataclasses.replace(event, time=time.time()))
        if ending == "crash":
            time.sleep(1)
            raise RuntimeError("as asked")
        if ending == "busy":  # one call into C, as a compilation is
            hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)
        while ending == "wait" and not asked.stops:
            time.sleep(0.01)
    found = "to stop" if asked.stops_after_epoch else "to save" if asked.take_save() else "nothing"
    sys.stdout.write(f"asked: {found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
