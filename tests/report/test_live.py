from __future__ import annotations

import fcntl
import io
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyte
import pytest
from made_events import events
from stalled import fill

from netspec.report.live import screen
from netspec.report.live.lines import Lines
from netspec.report.live.training import Dashboard, display_for, is_live
from netspec.report.progress import Progress

TERMINAL = {"TERM": "xterm-256color"}
HERE = Path(__file__).parent


def set_size(terminal, lines, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def modes(terminal):
    """Whether what is typed is echoed, and whether it waits for Enter."""
    found = termios.tcgetattr(terminal)[3]
    return bool(found & termios.ECHO), bool(found & termios.ICANON)


USUAL, TAKEN = (True, True), (False, False)


@pytest.fixture
def terminal():
    """Both ends of a terminal of 24 lines and 80 columns: the person's and the program's."""
    person, program = pty.openpty()
    set_size(program, 24, 80)
    yield person, program
    os.close(person)
    os.close(program)


class Watched:
    """The program of `watched.py` in a terminal, and what stands on its screen."""

    def __init__(self, terminal, ending, keyboard=None, **environ):
        self.person, self.program = terminal
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.process = subprocess.Popen(
            [sys.executable, "watched.py", ending],
            cwd=HERE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE.parents[1]), "PYTHONUTF8": "1"}
            | TERMINAL
            | environ,
            stdin=self.program if keyboard is None else keyboard,
            stdout=self.program,
            stderr=self.program,
            start_new_session=True,
        )

    def read(self, until, seconds=60.0):
        """Feed the screen until something is so."""
        end = time.monotonic() + seconds
        while not until():
            if time.monotonic() >= end:
                self.process.kill()
                raise AssertionError(self.text())
            if select.select([self.person], [], [], 0.05)[0]:
                self.stream.feed(os.read(self.person, 65536))

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def see(self, words):
        self.read(lambda: words in self.text())

    def ended(self):
        self.read(lambda: self.process.poll() is not None)
        while select.select([self.person], [], [], 0.05)[0]:
            self.stream.feed(os.read(self.person, 65536))
        return self.process.returncode


@pytest.mark.parametrize(
    ("ending", "keys", "sent", "code", "seen"),
    [
        ("done", b"", None, 0, "492 of 1,200"),
        ("crash", b"", None, 1, "RuntimeError: as asked"),
        ("wait", b"\x03", None, 0, "492 of 1,200"),
        ("wait", b"", signal.SIGTERM, 0, "492 of 1,200"),
    ],
)
def test_however_it_ends_the_terminal_is_as_it_was(terminal, ending, keys, sent, code, seen):
    watched = Watched(terminal, ending)
    if ending != "done":
        watched.see("492 of 1,200")
        assert watched.screen.cursor.hidden
        assert modes(watched.program) == TAKEN
    os.write(watched.person, keys)
    if sent:
        watched.process.send_signal(sent)
    assert watched.ended() == code
    assert seen in watched.text()
    assert "best accuracy, step 480" in watched.text()
    assert watched.screen.cursor.x == 0
    assert not watched.screen.cursor.hidden
    assert modes(watched.program) == USUAL


def test_a_second_ctrl_c_leaves_at_once_even_from_the_midst_of_a_long_call(terminal):
    watched = Watched(terminal, "busy")
    watched.see("492 of 1,200")
    os.write(watched.person, b"\x03")
    watched.see("stopping: finishing the step and saving")
    os.write(watched.person, b"\x03")
    assert watched.ended() == 130
    assert not watched.screen.cursor.hidden
    assert modes(watched.program) == USUAL


def test_ctrl_z_gives_the_terminal_back_while_it_lasts(terminal):
    watched = Watched(terminal, "wait")
    watched.see("492 of 1,200")
    watched.process.send_signal(signal.SIGTSTP)
    watched.read(lambda: not watched.screen.cursor.hidden)
    assert modes(watched.program) == USUAL
    watched.process.send_signal(signal.SIGCONT)
    watched.read(lambda: watched.screen.cursor.hidden)
    watched.process.send_signal(signal.SIGTERM)
    assert watched.ended() == 0
    assert modes(watched.program) == USUAL


def test_a_new_size_is_laid_out_afresh(terminal):
    watched = Watched(terminal, "wait")
    watched.see("492 of 1,200")
    for lines, columns, seen, unseen in ((20, 120, "0 s ago", "492/1,200"), (10, 40, "492/1,200", "elapsed")):
        watched.screen.resize(lines, columns)
        set_size(watched.program, lines, columns)
        watched.read(lambda seen=seen, unseen=unseen: seen in watched.text() and unseen not in watched.text())
    watched.process.send_signal(signal.SIGTERM)
    watched.ended()


KEYS = (
    (b"p", "p paused"),
    (b" ", "p pause "),
    (b"l", "l log scale"),
    (b"l", "l linear scale"),
    (b"s", "s smoother"),
    (b"s", "s not smoothed"),
    (b"m", "m gradient norm"),
    (b"f", "f every layer"),
    (b"h", "keep the view as it is, while the training goes on"),
    (b"?", "h help"),
    (b"e", "stops after this epoch"),
    (b"e", "e stop after epoch"),
    (b"w", "saving"),
)
"""What is pressed one after the other, and where it is seen that it was heard."""


def test_every_key_is_answered(terminal):
    set_size(terminal[1], 36, 160)
    watched = Watched(terminal, "wait")
    watched.screen.resize(36, 160)
    watched.see("p pause")
    for key, seen in KEYS:
        assert seen not in watched.text()
        os.write(watched.person, key)
        watched.see(seen)
    os.write(watched.person, b"\x03")
    assert watched.ended() == 0
    assert modes(watched.program) == USUAL
    assert "p pause" not in watched.text()
    assert "asked: to save" in watched.text()


def test_what_is_no_key_does_nothing(terminal):
    watched = Watched(terminal, "wait")
    watched.see("p pause")
    before = watched.screen.display[-1]
    for typed in (b"\x1b[A\x1b[1;5C\x1bOP", b"xyz\x00\xff", b"somebody pasted all of this"):
        os.write(watched.person, typed)
        time.sleep(0.3)
    os.write(watched.person, b"s")
    watched.see("smoother")
    assert watched.screen.display[-1] == before.replace("smoothing", "smoother").ljust(80)
    os.write(watched.person, b"\x03")
    assert watched.ended() == 0
    assert "asked: nothing" in watched.text()


def test_a_keyboard_elsewhere_is_left_alone(terminal):
    watched = Watched(terminal, "wait", keyboard=subprocess.DEVNULL)
    watched.see("492 of 1,200")
    os.write(watched.person, b"e")
    time.sleep(0.6)
    assert modes(watched.program) == (False, True)
    assert "p pause" not in watched.text()
    assert "stops after" not in watched.text()
    watched.process.send_signal(signal.SIGTERM)
    assert watched.ended() == 0


def test_a_stalled_terminal_stops_nobody(terminal, monkeypatch):
    monkeypatch.setattr(screen, "FRAME_SECONDS", 0.01)
    monkeypatch.setattr(screen, "STALLED_SECONDS", 0.1)
    person, program = terminal
    fill(program)
    with open(os.dup(program), "w", encoding="utf-8") as stream, Dashboard(stream, TERMINAL, Progress()) as dashboard:
        for event in events(492, "done"):
            dashboard.show(event)
            time.sleep(0.001)
    assert dashboard.progress.step == 492
    assert modes(program) == USUAL
    while select.select([person], [], [], 0.1)[0]:
        os.read(person, 65536)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, True),
        ({"CI": "false"}, True),
        ({"CI": "true"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": ""}, False),
    ],
)
def test_a_terminal_is_live_unless_the_environment_speaks_against_it(terminal, environ, expected):
    with open(os.dup(terminal[1]), "w", encoding="utf-8") as stream:
        assert is_live(stream, TERMINAL | environ) == expected
        assert isinstance(display_for(stream, TERMINAL | environ), Dashboard if expected else Lines)


@pytest.mark.parametrize("size", [(0, 0), (2, 80), (24, 10)])
def test_a_terminal_without_room_gets_lines(terminal, size):
    set_size(terminal[1], *size)
    with open(os.dup(terminal[1]), "w", encoding="utf-8") as stream:
        assert not is_live(stream, TERMINAL)


def test_what_is_no_terminal_gets_lines():
    assert isinstance(display_for(io.StringIO(), TERMINAL | {"FORCE_COLOR": "1"}), Lines)


@pytest.mark.parametrize(
    ("encoding", "environ", "braille", "colour"),
    [
        ("utf-8", {}, True, True),
        ("utf-8", {"NO_COLOR": "1"}, True, False),
        ("utf-8", {"TERM": "linux"}, False, True),
        ("latin-1", {}, False, True),
    ],
)
def test_a_frame_keeps_to_what_the_terminal_can_show(terminal, encoding, environ, braille, colour):
    person, program = terminal
    with open(os.dup(program), "w", encoding=encoding) as stream:
        dashboard = Dashboard(stream, TERMINAL | environ, Progress())
        with dashboard:
            for event in events():
                dashboard.show(event)
    drawn = b""
    while select.select([person], [], [], 0.1)[0]:
        drawn += os.read(person, 65536)
    assert drawn.isascii() != braille
    assert (b"\x1b[38;5;33m" in drawn or b"\x1b[34m" in drawn or b"\x1b[94m" in drawn) == colour
