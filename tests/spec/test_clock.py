"""The steps of a training, and passes over the examples in batches that grow."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.spec.clock import Clock, Stretch
from netspec.spec.values import Duration
from netspec.train.feed import windows

# 100 examples: two passes in batches of 10, one in batches of 25, then batches of 50.
GROWING = Clock(28, 10, (Stretch(0, 0, 10, 10), Stretch(20, 2, 25, 4), Stretch(24, 3, 50, 2)))
EVEN = Clock(30, 10, (Stretch(0, 0, 10, 10),))


@pytest.mark.parametrize(
    ("clock", "step", "epoch", "batch"),
    [
        (EVEN, 0, 0.0, 10),
        (EVEN, 5, 0.5, 10),
        (EVEN, 30, 3.0, 10),
        (GROWING, 0, 0.0, 10),
        (GROWING, 19, 1.9, 10),
        (GROWING, 20, 2.0, 25),
        (GROWING, 21, 2.25, 25),
        (GROWING, 24, 3.0, 50),
        (GROWING, 25, 3.5, 50),
        (GROWING, 28, 5.0, 50),
        (Clock(30, 10), 15, 1.5, 1),
    ],
)
def test_steps_passes_and_sizes(clock: Clock, step: int, epoch: float, batch: int) -> None:
    assert clock.epoch_at(step) == pytest.approx(epoch)
    assert clock.stretch_at(step).batch == batch
    if clock.stretches:
        assert clock.step_at(epoch) == pytest.approx(step)


@pytest.mark.parametrize(
    ("clock", "amount", "unit", "steps"),
    [
        (EVEN, 7, "steps", 7),
        (EVEN, 1.5, "epochs", 15),
        (EVEN, 10, "%", 3),
        (EVEN, 0.01, "%", 1),
        (GROWING, 1.5, "epochs", 15),
        (GROWING, 2.5, "epochs", 22),
        (GROWING, 4, "epochs", 26),
        (GROWING, 50, "%", 14),
        (GROWING, 0.01, "epochs", 1),
    ],
)
def test_durations(clock: Clock, amount: float, unit: str, steps: int) -> None:
    assert clock.steps_of(Duration(amount, unit)) == steps


@pytest.mark.parametrize(("step", "ends"), [(0, 10), (9, 10), (10, 20), (20, 24), (23, 24), (24, 26), (26, 28)])
def test_a_pass_ends_with_its_stretch(step: int, ends: int) -> None:
    assert min(GROWING.ends(step)) == ends


# The third size takes its turn in the middle of a pass, which it cuts short.
CUT = Clock(15, 5, (Stretch(0, 0, 20, 5), Stretch(7, 2, 50, 2)))


@pytest.mark.parametrize(("step", "end"), [(0, 5), (5, 7), (6, 7), (7, 9), (14, 15)])
def test_a_size_that_takes_its_turn_amid_a_pass_cuts_it_short(step: int, end: int) -> None:
    assert min(CUT.ends(step)) == end


@st.composite
def clocks(draw: st.DrawFn) -> tuple[Clock, int]:
    """A clock whose sizes take their turns at any step, and its number of examples."""
    examples = draw(st.integers(1, 40))
    batches = draw(st.lists(st.integers(1, examples), min_size=1, max_size=4))
    lengths = draw(st.lists(st.integers(1, 30), min_size=len(batches), max_size=len(batches)))
    stretches, step, epoch = [], 0, 0
    for batch, length in zip(batches, lengths, strict=True):
        per_epoch = examples // batch
        stretches.append(Stretch(step, epoch, batch, per_epoch))
        step, epoch = step + length, epoch + -(-length // per_epoch)
    return Clock(step, stretches[0].per_epoch, tuple(stretches)), examples


@given(clocks())
def test_passes_never_run_backwards(drawn: tuple[Clock, int]) -> None:
    clock, _ = drawn
    epochs = [clock.epoch_at(step) for step in range(clock.steps + 1)]
    assert epochs[0] == 0.0
    assert all(before < after for before, after in pairwise(epochs))


@given(clocks())
def test_steps_and_passes_are_each_others_inverse(drawn: tuple[Clock, int]) -> None:
    """But where a pass was cut short: the step after it is at the next whole pass."""
    clock, _ = drawn
    cut = {later.step for before, later in pairwise(clock.stretches) if (later.step - before.step) % before.per_epoch}
    for step in {*range(clock.steps)} - cut:
        assert clock.step_at(clock.epoch_at(step)) == pytest.approx(step)
    for stretch in clock.stretches:
        assert clock.step_at(stretch.epoch) == stretch.step


@given(clocks(), st.integers(1, 25), st.lists(st.integers(1, 30), max_size=2).map(tuple))
def test_windows_make_each_step_once_and_read_within_a_pass(
    drawn: tuple[Clock, int], length: int, stops: tuple[int, ...]
) -> None:
    clock, examples = drawn
    found = list(windows(0, clock, length, stops))
    assert [step for w in found for step in range(w.start, w.end)] == list(range(clock.steps))
    read: dict[int, list[int]] = {}
    for window in found:
        assert 1 <= window.count <= length
        assert {clock.stretch_at(step).batch for step in range(window.start, window.end)} == {window.batch}
        rows = range(window.first * window.batch, (window.first + window.count) * window.batch)
        assert rows.stop <= examples
        read.setdefault(window.epoch, []).extend(rows)
    # No example is read twice in a pass, none is passed over, and passes come in turn.
    assert all(rows == list(range(len(rows))) for rows in read.values())
    assert list(read) == list(range(len(read)))
    assert [w.epoch for w in found if w.last] == list(read)


@given(clocks(), st.integers(1, 25), st.data())
def test_windows_from_any_window_on_are_the_same(drawn: tuple[Clock, int], length: int, data: st.DataObject) -> None:
    clock, _ = drawn
    whole = list(windows(0, clock, length, ()))
    i = data.draw(st.integers(0, len(whole) - 1))
    assert list(windows(whole[i].start, clock, length, ())) == whole[i:]
