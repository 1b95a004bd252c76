"""Tags: words that a person puts on runs, to find them again. They are all that is changed in a run after its end."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from netspec.diagnostics import Diagnostic, RunError
from netspec.runs.atomic import reading, write_json, writing
from netspec.runs.directory import check_name

__all__ = ["TAGS", "read_tags", "retag", "tags_in"]

TAGS = "tags.json"

MOST = 1000
"""Tags of a run, at the most."""


def read_tags(run: Path) -> tuple[str, ...]:
    """The tags of a run, in the order in which it got them.

    Raises:
        RunError: the file that holds them is damaged.
    """
    path = run / TAGS
    try:
        with reading(path):
            return tags_in(path.read_bytes(), path)
    except FileNotFoundError:
        return ()


def tags_in(data: bytes, path: Path) -> tuple[str, ...]:
    """The tags that a file of them says.

    Raises:
        RunError: it says none; `path` is to blame.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(tag, str) for tag in found):
        message = f"{TAGS} is not a list of words"
        raise RunError(Diagnostic("run-damaged", message, file=str(path), help="remove it, and tag the run anew"))
    return tuple(found[:MOST])


def retag(run: Path, add: Iterable[str] = (), drop: Iterable[str] = ()) -> tuple[str, ...]:
    """Put tags on a run, and take those off it that it has of some; the tags that it has then.

    Two that do this at once are each heard: one waits for the other.

    Raises:
        RunError: a tag is not fit for one, the tags cannot be read, or cannot be written.
    """
    added, dropped = dict.fromkeys(add), frozenset(drop)
    for tag in added:
        check_name(tag, f"a run cannot be tagged {tag!r}")
    with _alone(run):
        before = read_tags(run)
        tags = tuple(dict.fromkeys([tag for tag in (*before, *added) if tag not in dropped]))
        if len(tags) > MOST:
            raise RunError(Diagnostic("run-tags", f"{run.name} would have more than {MOST:,} tags", file=str(run)))
        if tags != before:
            write_json(run / TAGS, list(tags))
    return tags


@contextmanager
def _alone(run: Path) -> Iterator[None]:
    """Hold the run's folder, which is not what a training holds: a run is tagged while it trains."""
    with writing(run):
        descriptor = os.open(run, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with writing(run):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
