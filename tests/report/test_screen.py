from __future__ import annotations

import fcntl
import itertools
import os
import pty
import select
import struct
import termios
import threading
import time

import pyte
import pytest
from made_events import events
from rich.text import Text
from stalled import fill

from netspec.report.drawing.frame import Frame
from netspec.report.live import screen
from netspec.report.live.screen import Screen
from netspec.report.live.training import Dashboard
from netspec.report.progress import Progress

TERMINAL = {"TERM": "xterm-256color"}
COLUMNS, LINES = 40, 10


class Terminal:
    """A terminal whose keyboard is the program's: both ends of it, and what stands on its screen."""

    def __init__(self):
        self.person, self.program = pty.openpty()
        fcntl.ioctl(self.program, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.stream = os.fdopen(os.dup(self.program), "w", encoding="utf-8")
        self.screen = pyte.Screen(COLUMNS, LINES)
        self._bytes = pyte.ByteStream(self.screen)
        self.received = b""

    def press(self, keys):
        os.write(self.person, keys)

    def read(self):
        """Feed the screen with what is there, or comes in a moment."""
        while select.select([self.person], [], [], 0.05)[0]:
            data = os.read(self.person, 65536)
            self.received += data
            self._bytes.feed(data)

    def lines(self):
        self.read()
        return [line.rstrip() for line in self.screen.display if line.strip()]

    def close(self):
        self.read()
        self.stream.close()
        os.close(self.person)
        os.close(self.program)


@pytest.fixture
def terminal(monkeypatch):
    found = Terminal()
    monkeypatch.setattr(screen, "_keyboard_of", lambda terminal: found.program)
    yield found
    found.close()


def frame(*lines):
    return Frame(tuple(Text(line, no_wrap=True) for line in lines))


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)


def test_a_key_brings_the_next_frame_forward(terminal, monkeypatch):
    monkeypatch.setattr(screen, "FRAME_SECONDS", 60.0)
    pressed: list[str] = []
    with Screen(terminal.stream, TERMINAL, lambda now, w, h: frame("keys:", *pressed), pressed.append):
        until(lambda: terminal.lines() == ["keys:"])
        terminal.press(b"a")
        until(lambda: terminal.lines() == ["keys:", "a"], seconds=10.0)
        terminal.press(b"\x1b[Ab\x1bOP\x1b[15~")
        until(lambda: terminal.lines() == ["keys:", "a", "b"], seconds=10.0)
        terminal.press(b"not keys but a text")
        terminal.press(b"\x1b")
        time.sleep(0.1)
        terminal.press(b"c")
        until(lambda: pressed[-1] == "c")
    assert pressed == ["a", "b", "c"]


def test_however_many_keys_there_are_at_most_four_frames_a_second_are_drawn(terminal):
    drawn: list[float] = []

    def draw(now, columns, lines):
        drawn.append(time.monotonic())
        return frame(f"{len(drawn)}")

    with Screen(terminal.stream, TERMINAL, draw, lambda key: None):
        for _ in range(30):
            terminal.press(b"x")
            time.sleep(0.01)
            terminal.read()
        count, gaps = len(drawn), [b - a for a, b in itertools.pairwise(drawn)]
    assert count >= 2
    assert min(gaps) >= 0.24


def test_only_what_changed_is_written_anew(terminal, monkeypatch):
    monkeypatch.setattr(screen, "FRAME_SECONDS", 0.02)
    shown = [frame("the same line", "first", "another")]
    with Screen(terminal.stream, TERMINAL, lambda now, w, h: shown[0]):
        until(lambda: terminal.lines() == ["the same line", "first", "another"])
        terminal.received = b""
        time.sleep(0.1)
        terminal.read()
        assert not terminal.received
        shown[0] = frame("the same line", "second", "another")
        until(lambda: "second" in terminal.lines())
        assert b"the same line" not in terminal.received
        assert terminal.lines() == ["the same line", "second", "another"]
        shown[0] = frame("short")
        until(lambda: terminal.lines() == ["short"])
        shown[0] = frame("x" * COLUMNS, "below")
        until(lambda: terminal.lines() == ["x" * COLUMNS, "below"])
        shown[0] = frame("y" * COLUMNS, "below", "more")
        until(lambda: terminal.lines() == ["y" * COLUMNS, "below", "more"])
    assert terminal.lines() == ["y" * COLUMNS, "below", "more"]
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (0, 3)


def test_what_others_write_is_gone_after_a_while(terminal, monkeypatch):
    monkeypatch.setattr(screen, "FRAME_SECONDS", 0.2)
    monkeypatch.setattr(screen, "WHOLE_SECONDS", 0.5)
    count = itertools.count()
    with Screen(terminal.stream, TERMINAL, lambda now, w, h: frame("the same line", f"{next(count)}")):
        until(lambda: "the same line" in terminal.lines())
        os.write(terminal.program, b"\x1b7\x1b[1;1Hscribbled\x1b8")
        until(lambda: terminal.read() or b"scribbled" in terminal.received)
        until(lambda: terminal.lines()[0] == "the same line")


def test_ctrl_c_takes_nothing_of_a_frame_away(terminal):
    with Screen(terminal.stream, TERMINAL, lambda now, w, h: frame("a")):
        until(lambda: terminal.lines() == ["a"])
        assert termios.tcgetattr(terminal.program)[3] & termios.NOFLSH
    assert not termios.tcgetattr(terminal.program)[3] & termios.NOFLSH


def test_a_frame_that_fails_leaves_the_terminal_as_it_was(terminal, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    calls = []

    def fails(now, columns, lines):
        calls.append(now)
        if len(calls) > 1:
            raise RuntimeError("as asked")
        return frame("once")

    def run():
        with Screen(terminal.stream, TERMINAL, fails, lambda key: None) as held:
            until(lambda: terminal.lines() == ["once"])
            until(lambda: not held._thread.is_alive())

    with pytest.raises(RuntimeError, match="as asked"):
        run()
    terminal.read()
    assert not terminal.screen.cursor.hidden


def test_a_reader_that_stops_slows_no_step(terminal, monkeypatch):
    monkeypatch.setattr(screen, "STALLED_SECONDS", 0.1)
    monkeypatch.setattr(screen, "FRAME_SECONDS", 0.01)
    fill(terminal.program)
    told = list(events(492))
    with Dashboard(terminal.stream, TERMINAL, Progress()) as dashboard:
        for event in told:  # the first frame is stuck from here on
            dashboard.show(event)
        time.sleep(0.2)
        begun = time.perf_counter()
        for _ in range(100):
            for event in told[1:]:
                dashboard.show(event)
        seconds = time.perf_counter() - begun
        assert not terminal.screen.display[0].strip()
    assert seconds / (100 * len(told)) < 1e-3
    assert dashboard.progress.step == 492
