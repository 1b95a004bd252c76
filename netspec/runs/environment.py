"""What a training ran on: versions, platform, command line and git commit, for the record beside its results.

Imports none of the libraries whose versions it tells.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["environment", "versions"]

_PACKAGES = ("netspec", "jax", "jaxlib", "flax", "optax", "numpy")


def environment(*, device: str, precision: str, data: str) -> dict[str, Any]:
    """What environment.json holds.

    Args:
        device: what the training runs on, in words ("cpu, 2 cores").
        precision: of its arithmetic ("float32").
        data: the fingerprint of the data it reads.
    """
    return {
        # One format and one time zone, so that these sort as text.
        "started": datetime.now(UTC).isoformat(timespec="microseconds"),
        "command": list(sys.argv),
        "commit": _commit(Path.cwd()),
        "platform": platform.platform(),
        "device": device,
        "precision": precision,
        "data": data,
        "versions": dict(versions()),
    }


@cache
def versions() -> Mapping[str, str | None]:
    """The versions that decide whether the same spec and seed give the same bits; None for what is not installed."""
    packages = {name: _version(name) for name in _PACKAGES}
    return MappingProxyType({"python": platform.python_version(), **packages})


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit(folder: Path) -> str | None:
    """The commit that is checked out in the folder; None without git or a repository."""
    # rev-parse reads names only: it runs no hook and no program that a stranger's repository may have configured.
    command = ["git", "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=2, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    commit = answer.stdout.strip()
    return commit if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", commit) else None
