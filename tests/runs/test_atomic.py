"""Atomic files: what a reader sees when the writing fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from netspec.diagnostics import RunError
from netspec.runs.atomic import write_json, write_text


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk-full"),
        (errno.EDQUOT, "disk-full"),
        (errno.EROFS, "not-permitted"),
        (errno.EIO, "not-written"),
    ],
)
def test_a_refused_write_leaves_the_old_content_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    path = tmp_path / "spec.toml"
    write_text(path, "old\r\n")

    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(RunError) as refused:
        write_text(path, "new")
    assert refused.value.diagnostics[0].code == code
    assert path.read_bytes() == b"old\r\n"
    assert os.listdir(tmp_path) == ["spec.toml"]


def test_json_without_a_word_for_a_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "resolved.json", {"rate": float("nan")})
    assert not os.listdir(tmp_path)
