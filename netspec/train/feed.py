"""How examples reach the steps: from the device where they fit on it, and a window ahead from the host where not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import numpy as np

from netspec.spec.clock import Clock

__all__ = ["Examples", "Feed", "Window", "feed_for", "in_memory", "size_of", "windows"]


class Examples(Protocol):
    """Some examples: what `netspec.data` calls a part."""

    @property
    def inputs(self) -> Any:
        """By name, [n, …]: arrays, or what is indexed and has a shape and a dtype like one."""

    @property
    def targets(self) -> Any:
        """By name, arrays [n, …]."""

    def __len__(self) -> int: ...

    def take(self, indices: Any) -> tuple[Any, Any]:
        """The inputs and targets of the examples with these indices."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some steps in a row, within one epoch.

    Args:
        start: steps made before it.
        count: how many it makes.
        epoch: the epoch, from 0.
        first: its first batch within the epoch.
    """

    start: int
    count: int
    epoch: int
    first: int

    @property
    def end(self) -> int:
        """Steps made after it."""
        return self.start + self.count


def windows(start: int, clock: Clock, length: int, stops: tuple[int, ...]) -> Iterator[Window]:
    """The windows from a step to the end: the same ones, whatever step of theirs one begins at.

    Args:
        start: a step that some window starts at.
        length: steps of a window, at the most; counted from the beginning of each epoch.
        stops: every so many steps a window ends, too.
    """
    step = start
    while step < clock.steps:
        epoch, first = divmod(step, clock.per_epoch)
        ends = [(epoch + 1) * clock.per_epoch, step - first % length + length, clock.steps]
        ends += [(step // every + 1) * every for every in stops]
        yield Window(step, min(ends) - step, epoch, first)
        step = min(ends)


def size_of(examples: Examples) -> int:
    """How many bytes the examples take, decoded."""
    arrays = [*examples.inputs.values(), *examples.targets.values()]
    return sum(math.prod(array.shape) * np.dtype(array.dtype).itemsize for array in arrays)


def in_memory(examples: Examples) -> bool:
    """Whether all inputs and targets are arrays that are held."""
    return all(isinstance(a, np.ndarray) for a in (*examples.inputs.values(), *examples.targets.values()))


Order = Callable[[int], Any]
"""The order of the examples in an epoch."""


class Feed(Protocol):
    """Gives each window what its steps read: inputs, targets, the order to read them in, and where to begin in it."""

    def __call__(self, plan: Iterator[Window], order: Order) -> Iterator[tuple[Window, tuple[Any, Any, Any, int]]]: ...


def feed_for(examples: Examples, capacity: int, batch: int, longest: int) -> Feed:
    """The feed for some examples.

    Args:
        capacity: bytes that the device has for them.
        batch: examples a step.
        longest: steps of a window, at the most.
    """
    if in_memory(examples) and size_of(examples) <= capacity:
        return _resident(examples)
    return _streamed(examples, batch, longest)


def _resident(examples: Examples) -> Feed:
    inputs, targets = jax.device_put(examples.inputs), jax.device_put(examples.targets)

    def feed(plan: Iterator[Window], order: Order) -> Iterator[tuple[Window, tuple[Any, Any, Any, int]]]:
        epoch, current = -1, None
        for window in plan:
            if window.epoch != epoch:
                epoch, current = window.epoch, order(window.epoch)
            yield window, (inputs, targets, current, window.first)

    return feed


def _streamed(examples: Examples, batch: int, longest: int) -> Feed:
    # Always as many rows, so that one compiled program serves; what is beyond a short window is not read.
    rows = batch * longest
    positions = jax.device_put(np.arange(rows, dtype=np.int32))

    def gather(window: Window, order: np.ndarray[Any, Any]) -> tuple[Any, Any]:
        chosen = order[window.first * batch : (window.first + window.count) * batch]
        padded = np.concatenate([chosen, np.full(rows - len(chosen), chosen[0], chosen.dtype)])
        inputs, targets = examples.take(padded)
        return jax.device_put(inputs), jax.device_put(targets)

    def feed(plan: Iterator[Window], order: Order) -> Iterator[tuple[Window, tuple[Any, Any, Any, int]]]:
        with ThreadPoolExecutor(1, "feed") as ahead:
            waiting: list[tuple[Window, Any]] = []
            epoch, current = -1, np.zeros(0, np.int32)
            for window in plan:
                if window.epoch != epoch:
                    epoch, current = window.epoch, np.asarray(order(window.epoch))
                waiting.append((window, ahead.submit(gather, window, current)))
                if len(waiting) > 1:
                    ready, gathered = waiting.pop(0)
                    yield ready, (*gathered.result(), positions, 0)
            for ready, gathered in waiting:
                yield ready, (*gathered.result(), positions, 0)

    return feed
