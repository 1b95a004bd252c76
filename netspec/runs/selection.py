"""The runs that a person means by a few words: names, patterns, folders, tags."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from netspec.diagnostics import Diagnostic, RunError, nearest
from netspec.runs.directory import PARENT, find, folders, is_run
from netspec.runs.glance import Glance, glances

__all__ = ["NEWEST", "chosen", "in_order"]

NEWEST = "newest"
TAGGED = "tag:"


def chosen(texts: Sequence[str], parent: Path = PARENT, *, elsewhere: bool = True) -> tuple[Path, ...]:
    """The directories of the runs that are meant, each once, in the order in which they are named.

    Args:
        texts: of each, a run's directory; the bare name of one under `parent`; a directory that holds runs, for all of
            them; a pattern over names or paths ("lenet5-*"); "tag:NAME"; or "newest". Several that one text stands for
            come in the order of their names, numbers as numbers.
        parent: the folder of runs.
        elsewhere: whether a word without a slash may rather stand for what is here than for what is under `parent`: a
            run of that name; and a pattern that fits no name there.

    Raises:
        RunError: one of them stands for no run; the nearest name is in the message.
    """
    found: dict[str, Path] = {}
    for text in texts:
        for path in _meant(text, parent, elsewhere):
            found.setdefault(os.path.realpath(path), path)
    return tuple(found.values())


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Paths by their names, numbers as numbers.

    >>> [path.name for path in in_order(map(Path, ("mlp-10", "mlp-9", "lenet5-1")))]
    ['lenet5-1', 'mlp-9', 'mlp-10']
    """
    return sorted(paths, key=lambda path: [(p.isdigit(), int(p) if p.isdigit() else 0, p) for p in _parts(path.name)])


def _parts(name: str) -> list[str]:
    return re.findall(r"[0-9]{1,18}|[^0-9]+", name)


def _meant(text: str, parent: Path, elsewhere: bool) -> list[Path]:
    if text == NEWEST:
        return [_newest(parent)]
    if text.startswith(TAGGED):
        return _tagged(text.removeprefix(TAGGED), parent)
    places = (Path(text), parent / text)
    for path in places if elsewhere or "/" in text else reversed(places):
        if is_run(path):
            return [path]
    if text and (inside := folders(Path(text))):
        return in_order(inside)
    if re.search(r"[*?\[]", text):
        return _fitting(text, parent, elsewhere or "/" in text)
    return [find(text, parent)]  # which says what is wrong


def _newest(parent: Path) -> Path:
    runs, _ = glances(parent)
    if not runs:
        raise RunError(Diagnostic("no-run", f"{parent} holds no runs yet", file=str(parent)))
    return runs[0].path


def _tagged(tag: str, parent: Path) -> list[Path]:
    runs, _ = glances(parent)
    found = in_order(run.path for run in runs if tag in run.tags)
    if not found:
        raise RunError(_untagged(tag, runs, parent))
    return found


def _untagged(tag: str, runs: Sequence[Glance], parent: Path) -> Diagnostic:
    tags = list(dict.fromkeys(tag for run in runs for tag in run.tags))
    meant = nearest(tag, tags)
    return Diagnostic(
        "no-tag",
        f"no run in {parent} is tagged {tag!r}",
        file=str(parent),
        note=f"the tags there: {', '.join(tags[:20])}" if tags else "no run there has a tag",
        help=f"did you mean '{TAGGED}{meant}'?" if meant else "",
    )


def _fitting(pattern: str, parent: Path, elsewhere: bool) -> list[Path]:
    """The runs that a pattern fits, over names first, and else over paths; of folders of runs, those in them."""
    found = in_order(path for path in folders(parent) if fnmatchcase(path.name, pattern))
    if not found and elsewhere:
        paths = sorted(map(Path, glob.glob(pattern))) if "\0" not in pattern else []
        found = in_order(filter(is_run, paths)) or [run for path in paths for run in in_order(folders(path))]
    if not found:
        names = [path.name for path in folders(parent)]
        several = f"{len(names):,} runs, such as" if len(names) > 1 else "one run,"
        held = f"{parent} holds {several} {names[0]}" if names else f"{parent} holds no runs yet"
        where = f"{parent} and here" if elsewhere else parent
        raise RunError(Diagnostic("no-run", f"no run fits {pattern!r}", note=f"looked in {where}; {held}"))
    return found
