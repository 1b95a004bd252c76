"""`netspec watch`: what it prints, and what a person sees of trainings in other processes, through a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest

from netspec.commands import followed
from netspec.commands.followed import Followed, watch
from netspec.diagnostics import RunError
from netspec.runs.directory import lock
from netspec.runs.events import Alerted, Event, Finished, Started, Stepped, to_json
from netspec.runs.records import EVENTS, Recorder, cut_back, read_events
from tests.command import netspec
from tests.report.made_runs import START, make_run

ROOT = Path(__file__).parents[1]
BEGINNING = (
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "  # as in a shell, Ctrl-C comes from the terminal
    "from netspec.cli import main; main()"
)


class Terminal:
    """`netspec watch` in a terminal, and what stands on its screen."""

    def __init__(self, folder: Path, *arguments: str, columns: int = 100, lines: int = 40, **environ: str) -> None:
        self.person, self.program = pty.openpty()
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.seen = b""
        self.resize(columns, lines)
        self.process = subprocess.Popen(
            [sys.executable, "-c", BEGINNING, "watch", *arguments],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "TERM": "xterm-256color"}
            | environ,
            stdin=self.program,
            stdout=self.program,
            stderr=self.program,
            start_new_session=True,
        )

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        fcntl.ioctl(self.program, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self.person, keys.encode())

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, so: Callable[[], bool], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not so():
            if time.monotonic() >= end:
                self.process.kill()
                raise AssertionError(self.text())
            if select.select([self.person], [], [], 0.05)[0]:
                data = os.read(self.person, 65536)
                self.seen += data
                self.stream.feed(data)

    def see(self, *words: str) -> None:
        self.until(lambda: all(word in self.text() for word in words))

    def ended(self) -> int:
        """Its exit code; the terminal must be as it was."""
        self.until(lambda: self.process.poll() is not None)
        self.until(lambda: not select.select([self.person], [], [], 0.05)[0])
        assert not self.screen.cursor.hidden
        modes = termios.tcgetattr(self.program)[3]
        assert modes & termios.ECHO
        assert modes & termios.ICANON
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.person)
        os.close(self.program)


@pytest.fixture
def opened() -> Iterator[Callable[..., Terminal]]:
    """Opens terminals, and closes them."""
    terminals: list[Terminal] = []

    def opening(*arguments: object, **options: object) -> Terminal:
        terminals.append(Terminal(*arguments, **options))  # type: ignore[arg-type]
        return terminals[-1]

    yield opening
    for terminal in terminals:
        terminal.close()


class Trainer:
    """A training in a process of its own."""

    def __init__(self, folder: Path, name: str = "lenet5", seconds: float = 0.01) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "trainer.py"), "runs", name, str(seconds)],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.run = self.process.stdout.readline().strip()

    def finish(self) -> None:
        self.process.communicate("\n", timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def trainers(tmp_path: Path) -> Iterator[Callable[..., Trainer]]:
    begun: list[Trainer] = []

    def begin(*arguments: object) -> Trainer:
        begun.append(Trainer(tmp_path, *arguments))  # type: ignore[arg-type]
        return begun[-1]

    yield begin
    for trainer in begun:
        trainer.kill()


# -- in a terminal -----------------------------------------------------------------------------------------------------


def test_a_training_of_another_process_is_watched_to_its_end(
    tmp_path: Path, opened: Callable[..., Terminal], trainers: Callable[..., Trainer]
) -> None:
    trainer = trainers()
    terminal = opened(tmp_path)
    terminal.see("runs/lenet5-1", "step 200 of 200", "validation accuracy")
    assert terminal.screen.cursor.hidden
    assert "done" not in terminal.text()
    trainer.finish()
    assert terminal.ended() == 0
    assert "Trained 200 steps: test accuracy 0.9700." in terminal.text()
    assert "· done" in terminal.text()


def test_a_process_that_is_killed_has_stopped(
    tmp_path: Path, opened: Callable[..., Terminal], trainers: Callable[..., Trainer]
) -> None:
    trainer = trainers("lenet5", 0.1)
    terminal = opened(tmp_path, "lenet5-1")
    terminal.see("step", "of 200", "left")
    trainer.kill()
    assert terminal.ended() == 0
    assert "· stopped" in terminal.text()
    assert "its process ended without a word." in terminal.text()
    assert "netspec resume runs/lenet5-1" in terminal.text()


@pytest.mark.parametrize(
    ("key", "sent", "code"), [("q", None, 0), ("\x03", None, 130), ("", signal.SIGTERM, 130)], ids=["q", "^C", "TERM"]
)
def test_whoever_leaves_leaves_the_training_and_the_terminal_as_they_were(
    tmp_path: Path,
    opened: Callable[..., Terminal],
    trainers: Callable[..., Trainer],
    key: str,
    sent: signal.Signals | None,
    code: int,
) -> None:
    trainer = trainers()
    terminal = opened(tmp_path)
    terminal.see("step 200 of 200")
    terminal.press(key)
    if sent:
        terminal.process.send_signal(sent)
    assert terminal.ended() == code
    assert "Trained" not in terminal.text()
    assert trainer.process.poll() is None
    assert not [event for event in read_events(tmp_path / trainer.run) if isinstance(event, Finished)]


def test_several_are_seen_at_once_and_one_of_them_alone(
    tmp_path: Path, opened: Callable[..., Terminal], trainers: Callable[..., Trainer]
) -> None:
    trainers()
    for accuracy in (0.9, 0.8):
        make_run(tmp_path / "runs", accuracy=accuracy)
    terminal = opened(tmp_path, "lenet5-*")
    terminal.see(
        "> 1  runs/lenet5-1  running  200 of 200", "  3  runs/lenet5-3  done", "validation accuracy   ⠤⠤ 1 runs"
    )
    terminal.press("\t")
    terminal.see("> 2  runs/lenet5-2")
    terminal.press("\n")
    terminal.see("lenet5  runs/lenet5-2", "· done")
    assert "runs/lenet5-3" not in terminal.text()
    terminal.press("3")
    terminal.see("lenet5  runs/lenet5-3")
    terminal.press("3")
    terminal.see("  1  runs/lenet5-1", "> 3  runs/lenet5-3")
    terminal.resize(200, 30)
    terminal.see("  1  runs/lenet5-1  running", "elapsed")  # a dashboard each
    assert terminal.text().count("gradient norm") == 3
    terminal.resize(30, 10)
    terminal.until(lambda: "elapsed" not in terminal.text() and "lenet5-3" in terminal.text())
    terminal.press("q")
    assert terminal.ended() == 0


def test_a_run_that_begins_later_is_told_of_and_switched_to(
    tmp_path: Path, opened: Callable[..., Terminal], trainers: Callable[..., Trainer]
) -> None:
    terminal = opened(tmp_path)
    terminal.see("no run in runs yet: netspec train SPEC begins one")
    trainers()
    terminal.see("lenet5  runs/lenet5-1", "step 200 of 200")
    trainers("mlp")
    terminal.see("runs/mlp-1 has begun: n shows it", "runs/lenet5-1")
    terminal.press("n")
    terminal.until(lambda: "  runs/mlp-1" in terminal.text() and "lenet5-1" not in terminal.text())
    terminal.press("q")
    assert terminal.ended() == 0


def test_a_run_that_is_removed_while_it_is_watched_is_told_of(tmp_path: Path, opened: Callable[..., Terminal]) -> None:
    run = make_run(tmp_path / "runs", upto=120, reason="")
    with lock(run):
        terminal = opened(tmp_path)
        terminal.see("step 120 of 200")
        run.rename(tmp_path / "elsewhere")
        assert terminal.ended() == 0
    assert "runs/lenet5-1: removed or renamed" in terminal.text()
    assert "· stopped" in terminal.text()


def test_names_cannot_steer_the_terminal(tmp_path: Path, opened: Callable[..., Terminal]) -> None:
    run = make_run(tmp_path / "runs", upto=120, reason="").rename(
        tmp_path / "runs" / "[bold]a\x1b[31m\x1b]0;title\x07b"
    )
    with Recorder(run) as recorder:
        recorder.record(Alerted(START + 2, 120, "odd", "[red]\x1b[2J\x9b5n", "\x1bP1$r\x1b\\"))
    for arguments in ((), (run.name, run.name)):
        terminal = opened(tmp_path, *arguments)
        assert terminal.ended() == 0
        assert "[bold]a\\x1b[31m\\x1b]0;title\\x07b" in terminal.text()
        assert not [sign for sign in (b"\x1b]", b"\x07", b"\x1b[2J", b"\x9b", b"\x1bP") if sign in terminal.seen]
        assert "[red]" in terminal.text()


# -- elsewhere ---------------------------------------------------------------------------------------------------------


def test_in_a_pipe_it_prints_the_lines_that_the_training_did(tmp_path: Path) -> None:
    make_run(tmp_path / "runs")
    result = netspec(tmp_path, "watch")
    lines = result.out.splitlines()
    assert (result.code, result.err) == (0, "")
    assert lines[0].startswith('run=runs/lenet5-1 name=lenet5 device="cpu, 2 cores"')
    assert [line.split()[0] for line in lines[1:6]] == [f"step={step}" for step in (40, 80, 120, 160, 200)]
    assert lines[6].startswith("finished=done step=200 seconds=2")
    assert lines[7] == "Trained 200 steps: test accuracy 0.9700."
    make_run(tmp_path / "runs", upto=120, reason="")
    both = netspec(tmp_path, "watch", "lenet5-1", "lenet5-2").out.splitlines()
    assert sum(line.startswith("run=runs/lenet5-1 ") for line in both) == 7
    assert "run=runs/lenet5-2 finished=stopped step=120 seconds=1.2" in both
    assert both[-2:] == [
        "  next        netspec resume runs/lenet5-2",
        "              netspec compare runs/lenet5-1 runs/lenet5-2",
    ]


def test_as_json_it_prints_the_events_and_whose_they_are(tmp_path: Path) -> None:
    for reason, upto in (("done", 200), ("", 120)):
        make_run(tmp_path / "runs", upto=upto, reason=reason)
    found = netspec(tmp_path, "watch", "lenet5-1", "lenet5-2", "--json").events()
    for name in ("runs/lenet5-1", "runs/lenet5-2"):
        recorded = [{**to_json(event), "run": name} for event in read_events(tmp_path / name)]
        told = [event for event in found if event["run"] == name]
        assert told[: len(recorded)] == recorded
    assert [e["reason"] for e in found if e["event"] == "finished"] == ["done", "stopped"]
    with lock(tmp_path / "runs" / "lenet5-2"):
        once = netspec(tmp_path, "watch", "lenet5-2", "--json", "--once").events()
    assert once[-1]["step"] == 120


@pytest.mark.parametrize("runs", [1, 3])
def test_once_prints_one_frame(tmp_path: Path, runs: int) -> None:
    for _ in range(runs):
        make_run(tmp_path / "runs", upto=120, reason="")
    with lock(tmp_path / "runs" / "lenet5-1"):
        result = netspec(tmp_path, "watch", "--once", "runs")
    assert (result.code, result.err) == (0, "")
    assert "\x1b" not in result.out
    assert "runs/lenet5-1" in result.out
    assert ("step 120 of 200" in result.out) == (runs == 1)
    assert result.out.count("stopped") == runs - 1


def test_what_is_meant_must_be_there(tmp_path: Path) -> None:
    result = netspec(tmp_path, "watch")
    assert result.code == 2
    assert "runs holds no runs yet" in result.err
    for _ in range(17):
        make_run(tmp_path / "runs", upto=10)
    result = netspec(tmp_path, "watch", "lenet5-1x")
    assert result.code == 2
    assert "did you mean 'lenet5-1" in result.err
    result = netspec(tmp_path, "watch", "runs")
    assert result.code == 2
    assert "17 runs are too many" in result.err
    assert netspec(tmp_path, "watch", "--out", "elsewhere").code == 2


def test_the_newest_is_one_that_goes_on(tmp_path: Path) -> None:
    older = make_run(tmp_path, upto=120, reason="", started="2023-11-14T22:13:20+00:00")
    newer = make_run(tmp_path, started="2023-11-15T22:13:20+00:00")
    assert [run.name for run in watch(parent=tmp_path).runs] == [str(newer)]
    with lock(older):
        assert [run.name for run in watch(parent=tmp_path).runs] == [str(older)]
    with pytest.raises(RunError):
        watch(parent=tmp_path / "nowhere")


# -- what becomes of runs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["done", "interrupted", "diverged", "failed", ""])
def test_the_state_is_what_the_record_and_the_lock_say(tmp_path: Path, reason: str) -> None:
    run = make_run(tmp_path, reason=reason)
    followed_run = Followed(run)
    with lock(run):
        followed_run.look(START)
        assert followed_run.watched.state == "running"
    followed_run.look(START)
    assert followed_run.watched.state == (reason or "stopped")


def test_a_run_that_is_being_made_is_not_over_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path)
    (run / EVENTS).unlink()
    fresh = Followed(run)
    fresh.look(time.time())
    assert fresh.watched.state == "running"
    fresh.look(time.time() + 3600)
    assert fresh.watched.state == "stopped"


def test_a_training_that_records_nothing_is_told_of(tmp_path: Path) -> None:
    run = make_run(tmp_path, upto=120, reason="")
    silent = Followed(run)
    with lock(run):
        for wait, problem in ((60, ""), (200, "it last recorded something 3 min ago")):
            silent.look(START + 1.2 + wait)
            assert silent.watched.problem == problem


def test_nothing_is_told_twice_of_a_run_that_goes_on_after_a_stop(tmp_path: Path) -> None:
    run = make_run(tmp_path, upto=120, reason="interrupted")
    resumed, told = Followed(run), []
    told += resumed.look(START)
    cut_back(run, 80)
    told += resumed.look(START)
    later: list[Event] = [
        Started(START + 9, str(run), "lenet5", 0, "cpu", 80, 200, 40, 32, {}, 61706, "validation/accuracy", True),
        Stepped(START + 9.1, 90, 2.25, 0.1, 1e-3, 1.0, 3200.0),
    ]
    with Recorder(run) as recorder:
        for event in later:
            recorder.record(event)
    told += resumed.look(START)
    assert told[-2:] == later or told[-3:-1] == later  # and then that nobody holds it
    assert [e.step for e in told if isinstance(e, Stepped)] == [*range(10, 130, 10), 90]
    assert resumed.watched.progress.step == 90
    assert resumed.watched.progress.started == later[0]


def test_a_long_record_comes_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path)
    whole = Followed(run)
    whole.look(START)
    monkeypatch.setattr(followed, "Tail", lambda path: followed_tail(path, 100))
    pieces, looks = Followed(run), 0
    while pieces.more:
        pieces.look(START)
        looks += 1
        assert (pieces.watched.state == "running") == pieces.more
    assert looks > 10
    assert pieces.watched == whole.watched


def followed_tail(path: Path, most: int) -> object:
    from netspec.runs.tail import Tail

    return Tail(path, most)


def test_whoever_reads_may_have_enough(tmp_path: Path) -> None:
    make_run(tmp_path / "runs")
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", "watch", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_json_is_ascii_whatever_a_name_holds(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs").rename(tmp_path / "runs" / "名\x1b[31m")
    out = netspec(tmp_path, "watch", run.name, "--json").out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out.splitlines()[0])["run"] == f"runs/{run.name}"
