"""What is done with the runs that are kept: removed, given other names, tagged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netspec.diagnostics import Diagnostic, RunError, nearest
from netspec.runs.directory import PARENT, find
from netspec.runs.glance import Glance, glance, glances
from netspec.runs.labels import read_tags, retag
from netspec.runs.references import Reference, references
from netspec.runs.removal import Removal, check_whole, doomed
from netspec.runs.removal import remove as removed
from netspec.runs.renaming import rename as renamed
from netspec.runs.selection import chosen

__all__ = ["Renamed", "removal", "remove", "rename", "tag"]


def removal(texts: Sequence[str], parent: Path = PARENT) -> Removal:
    """What is lost if runs are removed; nothing is removed yet.

    Args:
        texts: the runs, as `chosen` takes them.
        parent: the folder of runs.

    Raises:
        RunError: one of them is no run, or is being trained.
    """
    paths = chosen(texts, parent, elsewhere=False)  # '*' is every run of one folder, and never of all that are here
    for path in paths:
        check_whole(path)
    runs = tuple(glance(path) for path in paths)
    busy = [run for run in runs if run.state == "running"]
    if busy:
        names = ", ".join(run.name for run in busy)
        message = f"{names} {'is' if len(busy) == 1 else 'are'} being trained"
        raise RunError(Diagnostic("run-busy", message, file=str(busy[0].path), help="stop the training first"))
    return Removal(tuple(map(doomed, runs)), references(paths, _around(paths)))


def remove(asked: Removal) -> None:
    """Remove the runs.

    Raises:
        RunError: one of them is being trained meanwhile, and none is removed; or the system does not allow it.
    """
    removed([one.run.path for one in asked.runs])


@dataclass(frozen=True, slots=True)
class Renamed:
    """A run that has another name now.

    Args:
        run: where it is.
        before: where it was.
        references: what other runs call by its old name; those that were trained at once with it call it by the new.
    """

    run: Path
    before: Path
    references: tuple[Reference, ...]


def rename(text: str, name: str, parent: Path = PARENT) -> Renamed:
    """Give a run another name, in its own folder.

    Raises:
        RunError: there is no such run, or it is being trained; the name is not fit for a run, or is taken.
    """
    before = find(text, parent)
    found = references([before], _around([before]))
    return Renamed(renamed(before, name), before, tuple(one for one in found if one.how != "together"))


def tag(
    texts: Sequence[str], add: Sequence[str] = (), drop: Sequence[str] = (), parent: Path = PARENT
) -> tuple[tuple[Path, tuple[str, ...]], ...]:
    """Put tags on runs and take some off them; the tags that each has then.

    Args:
        texts: the runs, as `chosen` takes them.
        parent: the folder of runs.

    Raises:
        RunError: one is no run; a tag is not fit for one, or none of the runs has it to drop.
    """
    paths = chosen(texts, parent)
    held = {tag: None for path in paths for tag in read_tags(path)}
    for missing in (tag for tag in drop if tag not in held):
        meant = nearest(missing, held)
        note = f"their tags: {', '.join(held)}" if held else "they have no tags"
        help_ = f"did you mean {meant!r}?" if meant else ""
        raise RunError(Diagnostic("no-tag", f"none of these runs is tagged {missing!r}", note=note, help=help_))
    return tuple((path, retag(path, add, drop)) for path in paths)


def _around(paths: Sequence[Path]) -> list[Glance]:
    """The runs that are in the same folders."""
    folders = dict.fromkeys(path.parent for path in paths)
    return [run for folder in folders for run in glances(folder)[0]]
