"""Files that are there whole or not at all, whenever the process is killed or the power goes.

A file is written under a temporary name, synced to the disk and then renamed, and the folder that holds the name is
synced too. What the system refuses, in writing and in reading, becomes a RunError. Knows nothing of what files hold.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netspec.diagnostics import Diagnostic, RunError

__all__ = ["reading", "sync_folder", "write_bytes", "write_json", "write_synced", "write_text", "writing"]


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, as `write_bytes` does; no line end is changed."""
    write_bytes(path, text.encode())


def write_json(path: Path, data: Any) -> None:
    """Write JSON that people can read, as `write_bytes` does.

    Raises:
        ValueError: a number in it is not finite, and JSON has no word for that.
    """
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_bytes(path: Path, data: bytes) -> None:
    """Put a file there, in one step: a reader sees the old content or the new one, never a part.

    Raises:
        RunError: the disk is full, or the system does not allow it; the old content is untouched.
    """
    # The process's own number: two processes never write into one temporary, and a killed one leaves few behind.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing(path, len(data)):
        try:
            write_synced(temporary, data)
            temporary.rename(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and wait until the disk has it; not atomic."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the disk has the names in a folder: a rename is safe only then."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writing(path: Path, size: int = 0) -> Iterator[None]:
    """Turn what the system refuses while `path`, of `size` bytes, is written into a RunError.

    Raises:
        RunError: "disk-full", "not-permitted", or "not-written" for anything else.
    """
    try:
        yield
    except OSError as error:
        raise RunError(_refusal(path, size, error)) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the system refuses while `path` is read into a RunError; that it is not there is left to the caller.

    Raises:
        RunError: "not-read".
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        message = f"{path.name} could not be read: {error.strerror or error}"
        raise RunError(Diagnostic("not-read", message, file=str(path))) from error


_CODES = {
    errno.ENOSPC: "disk-full",
    errno.EDQUOT: "disk-full",
    errno.EACCES: "not-permitted",
    errno.EPERM: "not-permitted",
    errno.EROFS: "not-permitted",
}


def _refusal(path: Path, size: int, error: OSError) -> Diagnostic:
    code = _CODES.get(error.errno or 0, "not-written")
    message = f"{path.name} could not be written: {error.strerror or error}"
    if code != "disk-full":
        return Diagnostic(code, message, file=str(path))
    return Diagnostic(
        code,
        message,
        file=str(path),
        note=f"it takes {size / 1e6:,.1f} MB and {_free(path) / 1e6:,.1f} MB are free; what was saved before is intact",
        help="make room on that disk, then resume the run",
    )


def _free(path: Path) -> int:
    existing = next(p for p in (path, *path.absolute().parents) if p.exists())
    return shutil.disk_usage(existing).free
