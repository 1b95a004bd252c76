"""Where the time of a training goes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import jax

__all__ = ["Stopwatch", "compiled"]

_COMPILATIONS = [0.0]
"""Seconds that this process has spent on lowering and compiling programs."""


def _hear(event: str, duration_secs: float, **kwargs: str | int) -> None:
    if event in ("/jax/core/compile/jaxpr_to_mlir_module_duration", "/jax/core/compile/backend_compile_duration"):
        _COMPILATIONS[0] += duration_secs


jax.monitoring.register_event_duration_secs_listener(_hear)


def compiled() -> float:
    """Seconds of compiling so far, tracing not counted."""
    return _COMPILATIONS[0]


@dataclass(slots=True)
class Stopwatch:
    """Seconds of this session and of those before, and since when the device has been at work on steps.

    Args:
        before: seconds of the sessions before.
        began, ready, saved: when this session began, the device was last ready, the last checkpoint was written.
        compiling: seconds spent on compiling steps that no record has told of.
    """

    before: float
    began: float = field(default_factory=time.monotonic)
    ready: float = field(default_factory=time.monotonic)
    saved: float = field(default_factory=time.monotonic)
    compiling: float = 0.0

    def seconds(self) -> float:
        """Of all sessions."""
        return self.before + time.monotonic() - self.began

    def took(self) -> float:
        """Seconds since the device was ready, from which on it is ready again."""
        now = time.monotonic()
        seconds, self.ready = now - self.ready, now
        return seconds
