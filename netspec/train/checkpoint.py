"""The state of a training on the disk: saved so that no moment of being killed loses it, read so that no damage passes.

A checkpoint is a folder: arrays in safetensors, and a manifest with the size and the SHA-256 of the arrays' file and
a SHA-256 of its own, since safetensors notices no flipped bit in an array. Knows nothing of what the arrays mean, and
nothing of JAX.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from netspec.diagnostics import Diagnostic, RunError
from netspec.runs.atomic import sync_folder, write_synced, writing
from netspec.runs.environment import versions
from netspec.runs.weights import arrays_in

__all__ = ["Checkpoint", "free_space", "newest", "save"]

_FOLDER = "checkpoints"
_ARRAYS = "arrays.safetensors"
_MANIFEST = "manifest.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A training's state as it was saved.

    Args:
        step: steps made when it was saved.
        arrays: by name, bit for bit.
        meta: what the trainer added.
        versions: of Python and the libraries that saved it; other ones may go on to other bits.
    """

    step: int
    arrays: dict[str, np.ndarray[Any, Any]]
    meta: dict[str, Any]
    versions: dict[str, str | None]


def save(run: Path, step: int, arrays: Mapping[str, np.ndarray[Any, Any]], meta: Mapping[str, Any]) -> Path:
    """Save the state after `step` steps, and keep one more: the newest before it that is whole.

    Everything else goes, once the new one has been read back and verified: older ones, leftovers of killed processes,
    and those past `step`, which a resumed run has given up. The caller holds the run's lock.

    Args:
        run: the run's directory.
        step: from 0.
        arrays: by name, of any shape and memory order, in a dtype that safetensors has.
        meta: what JSON can hold; numbers may be NaN or infinite.

    Returns:
        The checkpoint's folder.

    Raises:
        RunError: the disk is full ("disk-full"), the system does not allow it, or what was written reads back
            otherwise; the checkpoints that were there still are.
    """
    # Without this, safetensors writes an array in Fortran's order, or a slice, as if its memory were in C's order.
    data = safetensors.numpy.save({name: np.asarray(array, order="C") for name, array in arrays.items()})
    manifest = _manifest(step, data, meta)
    folder = run / _FOLDER
    target = folder / _name(step)
    temporary = folder / f"{_TEMPORARY}{target.name}"
    with writing(target, len(data) + len(manifest)):
        folder.mkdir(exist_ok=True)
        _clear(folder)
        try:
            _fill(temporary, step, data, manifest)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _put(temporary, target)
        _drop_all_but_two(folder, target)
    return target


def newest(run: Path, latest: int | None = None) -> tuple[Checkpoint | None, tuple[Diagnostic, ...]]:
    """The newest checkpoint that is whole, or None; and a warning for each damaged one that was passed over.

    Args:
        latest: a step that it is not past.
    """
    damages: list[Diagnostic] = []
    for path in _newest_first(run / _FOLDER):
        if latest is not None and _step(path) > latest:
            continue
        try:
            return _read(path, _step(path)), tuple(damages)
        except _DamageError as damage:
            damages.append(
                Diagnostic(
                    "checkpoint-damaged",
                    f"the checkpoint of step {_step(path)} is damaged: {damage}",
                    file=str(path),
                    severity="warning",
                )
            )
    return None, tuple(damages)


def free_space(run: Path, bytes_needed: int) -> Diagnostic | None:
    """A warning where the disk has no room for a run's checkpoints: two that are kept, a third while it is written.

    Args:
        run: an existing directory.
        bytes_needed: the size of one checkpoint.
    """
    present = sum(path.stat().st_size for path in (run / _FOLDER).glob("*/*"))
    free = shutil.disk_usage(run).free
    if present + free >= 3 * bytes_needed:
        return None
    return Diagnostic(
        "little-space",
        f"the disk has {free / 1e6:,.1f} MB free, and a checkpoint takes {bytes_needed / 1e6:,.1f} MB",
        file=str(run),
        note="two are kept, and the next one is written beside them",
        help="make room on that disk, or record the run elsewhere",
        severity="warning",
    )


# Folders -------------------------------------------------------------------------------------------------------------
#
# Always under checkpoints/, and only the holder of the run's lock changes them:
#   step-000001200        a checkpoint
#   step-000001200.old    the same, while another one of that step takes its place
#   .new-step-…, .gone-…  on the way in, on the way out: of no value once their process is dead

_NAME = re.compile(r"step-([0-9]{9,18})(\.old)?")
_TEMPORARY = ".new-"
_GONE = ".gone-"


def _name(step: int) -> str:
    return f"step-{step:09}"


def _step(path: Path) -> int:
    found = _NAME.fullmatch(path.name)
    assert found
    return int(found[1])


def _newest_first(folder: Path) -> list[Path]:
    """The checkpoints by step, and one that is being replaced after the one that replaces it."""
    if not folder.is_dir():
        return []
    paths = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    return sorted(paths, key=lambda path: (-_step(path), path.name))


def _clear(folder: Path) -> None:
    for path in folder.glob(".*"):
        if path.name.startswith((_TEMPORARY, _GONE)):
            shutil.rmtree(path, ignore_errors=True)


def _fill(temporary: Path, step: int, data: bytes, manifest: bytes) -> None:
    temporary.mkdir()
    write_synced(temporary / _ARRAYS, data)
    write_synced(temporary / _MANIFEST, manifest)
    sync_folder(temporary)
    try:
        _verify(temporary, step)
    except _DamageError as damage:
        message = f"a checkpoint reads back otherwise than it was written: {damage}"
        raise RunError(Diagnostic("not-verified", message, file=str(temporary), help="check that disk")) from damage


def _put(temporary: Path, target: Path) -> None:
    """Give a filled folder its name. A folder that has it steps aside, and can be read all the while."""
    if target.exists():
        aside = target.with_name(f"{target.name}.old")
        _drop(aside)
        target.rename(aside)
    temporary.rename(target)
    sync_folder(target.parent)


def _drop_all_but_two(folder: Path, target: Path) -> None:
    paths = _newest_first(folder)
    spare = next((path for path in paths if _step(path) < _step(target) and _is_whole(path)), None)
    for path in paths:
        if path not in (target, spare):
            _drop(path)


def _drop(path: Path) -> None:
    """Remove a checkpoint: at once under its name, so that none is ever seen half removed."""
    gone = path.with_name(f"{_GONE}{path.name}")
    with suppress(OSError):  # it may not be there, and what stays costs room and nothing else
        path.rename(gone)
        shutil.rmtree(gone)


# What is in one ------------------------------------------------------------------------------------------------------


class _DamageError(Exception):
    """What is wrong with a checkpoint, in a few words."""


@dataclass(frozen=True, slots=True)
class _Manifest:
    meta: dict[str, Any]
    versions: dict[str, str | None]
    size: int
    digest: str


def _sealed(content: Mapping[str, Any]) -> bytes:
    """The manifest's text: the content and, under its own "sha256", the digest of the content's text."""
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return json.dumps({**content, "sha256": digest}, indent=2).encode() + b"\n"


def _manifest(step: int, data: bytes, meta: Mapping[str, Any]) -> bytes:
    file = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    content = {"format": _FORMAT, "step": step, "meta": dict(meta), "versions": dict(versions())}
    return _sealed({**content, "files": {_ARRAYS: file}})


def _read_manifest(path: Path, step: int) -> _Manifest:
    """The manifest of the checkpoint of a step, if every byte of it is as it was written."""
    text = _bytes(path / _MANIFEST)
    try:
        content = json.loads(text)
        whole = isinstance(content, dict) and _sealed({k: v for k, v in content.items() if k != "sha256"}) == text
    except (ValueError, RecursionError) as error:
        raise _DamageError(f"{_MANIFEST} is not JSON") from error
    if not whole:
        raise _DamageError(f"{_MANIFEST} does not match its own SHA-256")
    match content:
        case {
            "format": 1,
            "step": int(saved),
            "meta": dict(meta),
            "versions": dict(found),
            "files": {"arrays.safetensors": {"size": int(size), "sha256": str(digest)}},
        } if saved == step:
            return _Manifest(meta, found, size, digest)
    raise _DamageError(f"{_MANIFEST} is not of format {_FORMAT}, or not of this step")


def _read(path: Path, step: int) -> Checkpoint:
    manifest = _read_manifest(path, step)
    data = _bytes(path / _ARRAYS)
    _compare(manifest, len(data), hashlib.sha256(data).hexdigest())
    return Checkpoint(step, _arrays(data), manifest.meta, manifest.versions)


def _verify(path: Path, step: int) -> None:
    """Read a checkpoint as `_read` does, but keep none of it."""
    manifest = _read_manifest(path, step)
    try:
        with (path / _ARRAYS).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            _compare(manifest, file.tell(), digest)
    except OSError as error:
        raise _unreadable(_ARRAYS, error) from error


def _is_whole(path: Path) -> bool:
    try:
        _verify(path, _step(path))
    except _DamageError:
        return False
    return True


def _compare(manifest: _Manifest, size: int, digest: str) -> None:
    if size != manifest.size:
        raise _DamageError(f"{_ARRAYS} has {size:,} bytes, and {manifest.size:,} were written")
    if digest != manifest.digest:
        raise _DamageError(f"{_ARRAYS} does not match the SHA-256 in {_MANIFEST}")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path.name, error) from error


def _unreadable(name: str, error: OSError) -> _DamageError:
    return _DamageError(f"{name} is missing" if isinstance(error, FileNotFoundError) else f"{name}: {error.strerror}")


def _arrays(data: bytes) -> dict[str, np.ndarray[Any, Any]]:
    try:
        return arrays_in(data)
    except ValueError as error:
        raise _DamageError(f"{_ARRAYS}: {error}") from error
