"""A record followed while it is written, cut back, replaced, spoilt and removed: what reading it at once gives."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.runs import tail
from netspec.runs.events import Event, Finished, Started, Stepped, to_json
from netspec.runs.records import EVENTS, Recorder, cut_back, read_events
from netspec.runs.tail import Tail


def started(step: int = 0) -> Started:
    return Started(1.0, "runs/a-1", "a", 0, "cpu", step, 300, 12, 128, {"train": 1437}, 61706, "validation/loss", False)


def stepped(step: int) -> Stepped:
    return Stepped(2.0 + step, step, step / 12, 1 / step, 0.001, 1.5, 9000.0)


HISTORY: tuple[Event, ...] = (
    started(),
    *map(stepped, range(10, 200, 10)),
    Finished(300.0, "runs/a-1", 190, 16.0, "done"),
)
LINES = [json.dumps(to_json(event)).encode() + b"\n" for event in HISTORY]


class Reader:
    """Follows a record as a watcher does: what it knows is thrown away where the record is another one."""

    def __init__(self, run: Path, most: int = tail.MOST_BYTES) -> None:
        self.tail = Tail(run, most)
        self.events: tuple[Event, ...] = ()
        self.problem = ""
        self.begun = 0

    def look(self) -> tuple[Event, ...]:
        more = True
        while more:
            news = self.tail.news()
            self.events = news.events if news.anew else self.events + news.events
            self.begun += news.anew
            self.problem, more = news.problem, news.more
        return self.events


PIECES = st.lists(
    st.one_of(
        st.sampled_from(LINES),
        st.sampled_from(
            [b"\n", b"{", b'{"event": "of tomorrow", "step": 3}\n', b"\xff\xfe\x00", b'{"event": 7}\n', b"[" * 99]
        ),
        st.binary(max_size=40),
        st.sampled_from(LINES).flatmap(lambda line: st.integers(0, len(line)).map(lambda n: line[:n])),
    ),
    max_size=30,
)


@settings(max_examples=80, deadline=None)
@given(
    data=PIECES.map(b"".join),
    cuts=st.lists(st.integers(0, 5000), max_size=12),
    most=st.sampled_from([1, 7, 64, 1 << 20]),
)
def test_in_pieces_of_any_size_it_is_what_it_is_at_once(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[int], most: int
) -> None:
    run = tmp_path_factory.mktemp("run")
    reader = Reader(run, most)
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    for start, end in zip([0, *ends], ends, strict=False):
        with (run / EVENTS).open("ab") as file:
            file.write(data[start:end])
        reader.look()
    # A line without its end may still be going on: only whole ones count.
    (run / EVENTS).write_bytes(data[: data.rfind(b"\n") + 1])
    assert reader.events == read_events(run)
    assert reader.begun == 0


@settings(max_examples=40, deadline=None)
@given(
    actions=st.lists(
        st.one_of(
            st.tuples(st.just("record"), st.integers(1, 19)),
            st.tuples(st.just("resume"), st.integers(0, 190)),
            st.tuples(st.just("look"), st.just(0)),
            st.tuples(st.just("remove"), st.just(0)),
            st.tuples(st.just("empty"), st.just(0)),
            st.tuples(st.just("tear"), st.integers(1, 60)),
        ),
        max_size=25,
    )
)
def test_whatever_becomes_of_the_record_it_ends_as_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int]]
) -> None:
    run = tmp_path_factory.mktemp("run")
    path, reader = run / EVENTS, Reader(run)
    for action, number in actions:
        match action:
            case "record":
                with Recorder(run) as recorder:
                    for event in (started(), *map(stepped, range(10, 10 * number, 10))):
                        recorder.record(event)
            case "resume":
                cut_back(run, number)
            case "look":
                reader.look()
            case "remove":
                path.unlink(missing_ok=True)
            case "empty":
                path.write_bytes(b"")
            case "tear" if path.exists():
                os.truncate(path, max(0, path.stat().st_size - number))
    with Recorder(run) as recorder:
        recorder.record(HISTORY[-1])
    assert reader.look() == read_events(run)


def test_only_what_is_new_is_told_and_a_torn_line_waits_for_its_end(tmp_path: Path) -> None:
    followed = Tail(tmp_path)
    assert followed.news() == tail.News()
    with (tmp_path / EVENTS).open("ab", buffering=0) as file:
        for event, line in zip(HISTORY, LINES, strict=True):
            file.write(line[:20])
            assert followed.news().events == ()
            file.write(line[20:])
            assert followed.news().events == (event,)
    assert followed.news() == tail.News()


def test_a_resumed_run_s_record_is_read_anew(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    (tmp_path / EVENTS).write_bytes(b"".join(LINES))
    assert reader.look() == HISTORY
    cut_back(tmp_path, 100)
    with Recorder(tmp_path) as recorder:
        recorder.record(started(100))
    assert reader.look() == (*HISTORY[:11], started(100))
    assert reader.begun == 1


def test_another_record_in_the_same_file_is_seen(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    (tmp_path / EVENTS).write_bytes(b"".join(LINES[:3]))
    reader.look()
    other = b"".join(json.dumps(to_json(stepped(step))).encode() + b"\n" for step in range(400, 440))
    (tmp_path / EVENTS).write_bytes(other)  # the same file, and longer than it was
    assert reader.look() == read_events(tmp_path)


def test_what_cannot_be_read_is_told_and_gone_on_with_when_it_can(tmp_path: Path) -> None:
    run = tmp_path / "a-1"
    run.mkdir()
    reader = Reader(run)
    (run / EVENTS).write_bytes(b"".join(LINES[:5]))
    reader.look()
    run.rename(tmp_path / "b-1")
    assert reader.look() == HISTORY[:5]
    assert reader.problem == "removed or renamed"
    (tmp_path / "b-1").rename(run)
    with (run / EVENTS).open("ab") as file:
        file.write(LINES[5])
    assert reader.look() == HISTORY[:6]
    assert (reader.problem, reader.begun) == ("", 0)
    shutil.rmtree(run)
    run.mkdir()
    os.mkfifo(run / EVENTS)
    reader.look()  # and does not wait for who might write there
    assert reader.problem == "events.jsonl is no file"
    (run / EVENTS).unlink()
    (run / EVENTS).symlink_to(run / EVENTS)
    reader.look()
    assert reader.problem.startswith("events.jsonl could not be read: ")


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "LONGEST_LINE", 10_000)
    (tmp_path / EVENTS).write_bytes(LINES[0] + b"x" * 100_000)
    reader = Reader(tmp_path, most=1000)
    assert reader.look() == HISTORY[:1]
    assert len(reader.tail._torn) <= 10_000
    with (tmp_path / EVENTS).open("ab") as file:
        file.write(b"y\n" + LINES[1])
    assert reader.look() == HISTORY[:2]
