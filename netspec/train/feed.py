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
        batch: examples a step.
        last: whether the epoch ends with it.
    """

    start: int
    count: int
    epoch: int
    first: int
    batch: int
    last: bool

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
        here = clock.stretch_at(step)
        passes, first = divmod(step - here.step, here.per_epoch)
        whole = min(clock.ends(step))
        ends = [whole, step - first % length + length, *((step // every + 1) * every for every in stops)]
        end = min(ends)
        yield Window(step, end - step, here.epoch + passes, first, here.batch, end == whole)
        step = end


def size_of(examples: Examples) -> int:
    """How many bytes the examples take, decoded."""
    arrays = [*examples.inputs.values(), *examples.targets.values()]
    return sum(math.prod(array.shape) * np.dtype(array.dtype).itemsize for array in arrays)


def in_memory(examples: Examples) -> bool:
    """Whether all inputs and targets are arrays that are held."""
    return all(isinstance(a, np.ndarray) for a in (*examples.inputs.values(), *examples.targets.values()))


Order = Callable[[int], Any]
"""The order of the examples in an epoch, [examples]; of networks that are trained abreast, [networks, examples]."""


class Feed(Protocol):
    """Gives each window what its steps read: inputs, targets, the order to read them in, and where to begin in it."""

    def __call__(self, plan: Iterator[Window], order: Order) -> Iterator[tuple[Window, tuple[Any, Any, Any, int]]]: ...


def feed_for(examples: Examples, capacity: int, longest: int) -> Feed:
    """The feed for some examples.

    Args:
        capacity: bytes that the device has for them.
        longest: steps of a window, at the most.
    """
    if in_memory(examples) and size_of(examples) <= capacity:
        return _resident(examples)
    return _streamed(examples, longest)


def _resident(examples: Examples) -> Feed:
    inputs, targets = jax.device_put(examples.inputs), jax.device_put(examples.targets)

    def feed(plan: Iterator[Window], order: Order) -> Iterator[tuple[Window, tuple[Any, Any, Any, int]]]:
        epoch, current = -1, None
        for window in plan:
            if window.epoch != epoch:
                epoch, current = window.epoch, order(window.epoch)
            yield window, (inputs, targets, current, window.first)

    return feed


def _streamed(examples: Examples, longest: int) -> Feed:
    def gather(window: Window, order: np.ndarray[Any, Any]) -> tuple[Any, Any, Any]:
        chosen = order[..., window.first * window.batch : (window.first + window.count) * window.batch]
        # Always as many rows, so that one compiled program serves; what is beyond a short window is not read.
        rows = window.batch * longest
        filling = np.broadcast_to(chosen[..., :1], (*chosen.shape[:-1], rows - chosen.shape[-1]))
        padded = np.concatenate([chosen, filling], axis=-1)
        inputs, targets = examples.take(padded.reshape(-1))
        positions = np.arange(padded.size, dtype=np.int32).reshape(padded.shape)
        return jax.device_put(inputs), jax.device_put(targets), positions

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
                    yield ready, (*gathered.result(), 0)
            for ready, gathered in waiting:
                yield ready, (*gathered.result(), 0)

    return feed
