"""Windows of steps, and the examples that reach them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.spec.clock import Clock, Stretch
from netspec.train.feed import Window, feed_for, size_of, windows

PLANS = st.builds(
    lambda steps, per_epoch, length, stops: (Clock(steps, per_epoch), length, stops),
    st.integers(1, 60),
    st.integers(1, 20),
    st.integers(1, 25),
    st.lists(st.integers(1, 30), max_size=2).map(tuple),
)


@given(PLANS)
def test_windows_make_every_step_once_and_end_where_they_must(plan: tuple[Clock, int, tuple[int, ...]]) -> None:
    clock, length, stops = plan
    found = list(windows(0, clock, length, stops))
    assert found[0].start == 0
    assert found[-1].end == clock.steps
    assert all(a.end == b.start for a, b in pairwise(found))
    for window in found:
        assert 1 <= window.count <= length
        assert window.epoch * clock.per_epoch + window.first == window.start
        assert window.first + window.count <= clock.per_epoch
        assert not any(window.start < step < window.end for every in stops for step in range(0, clock.steps, every))


@given(PLANS, st.data())
def test_windows_from_any_step_end_on_the_same_grid(
    plan: tuple[Clock, int, tuple[int, ...]], data: st.DataObject
) -> None:
    clock, length, stops = plan
    whole = [window.end for window in windows(0, clock, length, stops)]
    start = data.draw(st.integers(0, clock.steps))
    assert [window.end for window in windows(start, clock, length, stops)] == [end for end in whole if end > start]


@dataclass(frozen=True)
class Part:
    inputs: Any
    targets: Any

    def __len__(self) -> int:
        return len(self.targets["target"])

    def take(self, indices: Any) -> tuple[Any, Any]:
        return {"input": self.inputs["input"][indices]}, {"target": self.targets["target"][indices]}


PART = Part({"input": np.arange(20, dtype=np.float32).reshape(10, 2)}, {"target": np.arange(10, dtype=np.int32)})


def batches(window: Window, arguments: tuple[Any, Any, Any, int], batch: int) -> list[list[int]]:
    """The targets of each step of a window, read as the steps read them."""
    inputs, targets = arguments[0]["input"], arguments[1]["target"]
    order, first = arguments[2:]
    rows = [np.asarray(order)[(first + i) * batch :][:batch] for i in range(window.count)]
    assert all(np.array_equal(np.asarray(inputs)[r], PART.inputs["input"][np.asarray(targets)[r]]) for r in rows)
    return [np.asarray(targets)[r].tolist() for r in rows]


@pytest.mark.parametrize("start", [0, 3, 4])
def test_examples_that_are_streamed_are_those_that_are_held(start: int) -> None:
    batch, length, clock = 3, 2, Clock(9, 3, (Stretch(0, 0, 3, 3),))
    told: dict[int, list[list[list[int]]]] = {}
    for capacity in (0, size_of(PART)):
        feed = feed_for(PART, capacity, length)
        plan = windows(start, clock, length, ())
        told[capacity] = [
            batches(window, arguments, batch)
            for window, arguments in feed(plan, lambda epoch: np.random.default_rng(epoch).permutation(10))
        ]
    held, streamed = told.values()
    orders = [np.random.default_rng(epoch).permutation(10)[:9] for epoch in range(3)]
    assert np.concatenate(held).tolist() == np.concatenate(orders).reshape(9, 3)[start:].tolist()
    assert streamed == held


def test_size_counts_inputs_and_targets() -> None:
    assert size_of(PART) == 10 * (2 * 4 + 4)
