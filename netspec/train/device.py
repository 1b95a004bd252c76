"""Where a training runs: which device, how much it holds, where compiled programs are kept."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import jax

from netspec.diagnostics import Diagnostic, RunError

__all__ = ["DEVICES", "capacity", "choose", "described", "keep_compiled", "memory"]

DEVICES = ("cpu", "gpu", "tpu")


def choose(device: str | None) -> None:
    """Run on the given kind of device; JAX's own choice where none is given. To be called before any array is made.

    Raises:
        RunError: there is no such device here.
    """
    if device is not None:
        jax.config.update("jax_platforms", {"gpu": "cuda,cpu"}.get(device, device))
    try:
        found = jax.devices()
    except RuntimeError as error:
        message = f"there is no {device} that JAX can use here"
        help_ = 'install JAX for it: pip install "jax[cuda13]"' if device == "gpu" else ""
        raise RunError(Diagnostic("device", message, note=str(error).splitlines()[0], help=help_)) from None
    if device is not None and found[0].platform != device:
        raise RunError(
            Diagnostic("device", f"there is no {device} that JAX can use here", label=f"only: {found[0].platform}")
        )


def described() -> str:
    """The device in words: "cpu, 2 cores", "gpu, NVIDIA H200"."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return f"cpu, {cores} cores"
    return f"{device.platform}, {device.device_kind}"


def capacity() -> int:
    """How many bytes of data the device may hold beside the training itself."""
    statistics = jax.devices()[0].memory_stats() or {}
    limit = statistics.get("bytes_limit")
    return int(limit * 0.4) if limit else _CPU_BYTES


_CPU_BYTES = 4 * 2**30


def memory() -> tuple[int | None, int | None]:
    """Bytes in use now and at the most so far: of the device, or of this process where it computes itself."""
    statistics = jax.devices()[0].memory_stats() or {}
    if "bytes_in_use" in statistics:
        return int(statistics["bytes_in_use"]), int(statistics.get("peak_bytes_in_use", statistics["bytes_in_use"]))
    # Linux counts in kilobytes, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except OSError:
        return None, peak
    return pages * resource.getpagesize(), peak


def keep_compiled(folder: Path | None = None) -> None:
    """Keep compiled programs between trainings, so that the second one starts at once."""
    root = folder or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "netspec" / "compiled"
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a home that cannot be written to costs a compilation, not a training
    jax.config.update("jax_compilation_cache_dir", str(root))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
