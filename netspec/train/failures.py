"""What a device's failures mean to a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jax

from netspec.diagnostics import Diagnostic, TrainingError

__all__ = ["device_failures"]


@contextmanager
def device_failures() -> Iterator[None]:
    """Tell what the device says as a mistake of the training.

    Raises:
        TrainingError: it has not enough memory, or failed.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        raise TrainingError(_of_device(error)) from error


def _of_device(error: Exception) -> Diagnostic:
    """What a device's failure means to a person."""
    said = str(error).splitlines()[0]
    if "RESOURCE_EXHAUSTED" in said or "out of memory" in said.lower():
        return Diagnostic(
            "out-of-memory",
            "the device has not enough memory",
            note=said,
            help="a smaller batch in [train], or a smaller network",
        )
    return Diagnostic("device", f"the device failed: {said}")
