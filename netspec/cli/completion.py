"""What the Tab key offers: runs, specs, words of the manual, and the choices of an option.

What an argument takes, its metavar says, as it does in the help: RUN, SPEC, cpu|gpu|tpu. So a new command is completed
without a line here. Must be quick: reads names from the disk, and loads nothing of specs or runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import typer

from netspec.cli.app import COMPLETE

__all__ = ["CHOICES", "OFFERS", "completed", "families", "words"]

RUNS = Path("runs")

SAFE = re.compile(r"[\w][\w.+-]*(/[\w.+-]+)*/?")
"""Names that are offered: Zsh takes what a command offers for code, and a stranger may have named a folder."""

MOST = 2000
"""Names that are looked at closely, at the most."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A completion, as Click has them."""

    value: str
    help: str = ""
    type: str = "plain"


Offer = Callable[[str], Iterable[str]]
"""What may follow the beginning of a word."""


def completed(app: typer.Typer) -> Any:
    """The command of an application, every argument of which knows what may stand there."""
    command = typer.main.get_command(app)
    for parameter, several in _parameters(command):
        if (offer := _offer(parameter.opts[0], parameter.metavar or "", several)) is not None:
            parameter.shell_complete = partial(_complete, offer)
    if os.environ.get(COMPLETE) == "complete_bash":
        _join_words(os.environ)
    return command


def _parameters(command: Any) -> Iterator[tuple[Any, bool]]:
    """The parameters of a command and of those under it, and whether each takes several values."""
    yield from ((parameter, parameter.nargs == -1) for parameter in command.params)
    for inner in getattr(command, "commands", {}).values():
        yield from _parameters(inner)


def _offer(name: str, metavar: str, several: bool) -> Offer | None:
    if metavar == "RUN" and several:
        return _selections
    for word in (name, metavar):
        if word in OFFERS:
            return OFFERS[word]
        if word in CHOICES:
            return partial(_choices, CHOICES[word])
    choices = metavar.strip("[]").split("|")
    return partial(_choices, choices) if len(choices) > 1 and metavar.islower() else None


def _complete(offer: Offer, context: Any, incomplete: str) -> list[Offered]:
    """What is offered and fits; nothing where the disk cannot be read."""
    try:
        found = sorted({text for text in offer(incomplete) if text.startswith(incomplete) and text != incomplete})
    except OSError:
        return []
    cut = len(incomplete[: incomplete.rfind(":") + 1]) if os.environ.get(COMPLETE) == "complete_bash" else 0
    return [Offered(text[cut:]) for text in found]


def _join_words(environment: MutableMapping[str, str]) -> None:
    """Put words together that Bash takes apart at colons; of the last, it wants what follows the colon."""
    given = environment.get("COMP_WORDS", "")
    words = given.split(apart := "\n" if "\n" in given else " ")
    at = int(environment.get("COMP_CWORD", "0"))
    while ":" in words[1 : at + 1]:
        i = words.index(":", 1)
        after = words[i + 1 : i + 2] if i < at else []
        words[i - 1 : i + 1 + len(after)] = [f"{words[i - 1]}:{''.join(after)}"]
        at -= 1 + len(after)
    environment["COMP_WORDS"], environment["COMP_CWORD"] = apart.join(words), str(at)


def _choices(words: Iterable[str], incomplete: str) -> Iterable[str]:
    return words


# -- what there is on the disk -----------------------------------------------------------------------------------------


def _runs(incomplete: str) -> Iterator[str]:
    """Runs by name; by path, where one is begun."""
    folder, _, _ = incomplete.rpartition("/")
    parent, lead = (Path(folder), f"{folder}/") if folder else (RUNS, "")
    yield from (f"{lead}{name}" for name in _folders(parent, incomplete.removeprefix(lead)))


def _folders(parent: Path, begin: str) -> Iterator[str]:
    if not parent.is_dir():
        return
    with os.scandir(parent) as entries:
        names = [e.name for e in entries if e.name.startswith(begin) and SAFE.fullmatch(e.name) and e.is_dir()]
    close = len(names) <= MOST
    yield from (name for name in names if not close or (parent / name / "spec.toml").is_file())


def _selections(incomplete: str) -> Iterator[str]:
    """What may stand where several runs may."""
    yield from _runs(incomplete)
    if incomplete:
        yield "newest"
        if "tag:".startswith(incomplete) or incomplete.startswith("tag:"):
            yield from (f"tag:{tag}" for tag in _tags(""))


def _tags(incomplete: str) -> Iterator[str]:
    import json

    for name in list(_folders(RUNS, ""))[:MOST]:
        try:
            tags = json.loads((RUNS / name / "tags.json").read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        yield from (t for t in (tags if isinstance(tags, list) else ()) if isinstance(t, str) and SAFE.fullmatch(t))


def _specs(incomplete: str) -> Iterator[str]:
    """Specs in the folder that is begun, and in those inside it."""
    folder, _, begin = incomplete.rpartition("/")
    lead = f"{folder}/" if folder or incomplete.startswith("/") else ""
    found = [name for name in _names(Path(lead or ".")) if name.startswith(begin)]
    yield from (lead + name for name in found if name.endswith(".toml"))
    for inner in (name for name in found[:MOST] if not name.endswith(".toml") and (Path(lead) / name).is_dir()):
        yield from (f"{lead}{inner}/{name}" for name in _names(Path(lead) / inner) if name.endswith(".toml"))


def _names(folder: Path) -> list[str]:
    try:
        return [name for name in sorted(os.listdir(folder))[:MOST] if SAFE.fullmatch(name)]
    except OSError:
        return []


def _specs_and_runs(incomplete: str) -> Iterator[str]:
    yield from _specs(incomplete)
    yield from _runs(incomplete)


_METRIC = re.compile(rb'"((?:train|validation|test)/\w+)"')

TAIL = 1 << 15
"""Bytes of a record that are looked through."""


def _metrics(incomplete: str) -> Iterator[str]:
    """The metrics that the newest runs were measured by."""
    records = [RUNS / name / "events.jsonl" for name in list(_folders(RUNS, ""))[:MOST]]
    there = [record for record in records if record.is_file()]
    for record in sorted(there, key=os.path.getmtime)[-5:]:
        with record.open("rb") as file:
            file.seek(max(0, record.stat().st_size - TAIL))
            yield from (found.decode() for found in _METRIC.findall(file.read()))


# -- the words of the manual -------------------------------------------------------------------------------------------


def families() -> tuple[str, ...]:
    """The families that `list` takes, in its order."""
    found = re.findall(r'^    "([a-z ]+)": \w+,$', (_SPEC / "families.py").read_text("utf-8"), re.MULTILINE)
    return (*(word.replace(" ", "_") for word in found), "sections", "values")


_SPEC = Path(__file__).parents[1] / "spec"

_OTHERS = r"Kind|BaseModel|tuple|Exception|\w+(?:Error|Reader)\b"
"""Bases of classes that are no kinds, and of the families' own."""

_KIND = re.compile(rf"^class ([A-Z]\w*)\((?!{_OTHERS}|.*abstract)\w+.*\):$", re.MULTILINE)

_RENAMED = {"FlattenInput", "Kind"}
"""Classes whose kinds are called otherwise, and the class of them all."""

_PLAIN = ("name", "seed", "extends", "let", "models", "group", "optimizer", "duration", "expression")
"""Words that no class of a kind stands for."""


def words() -> tuple[str, ...]:
    """Kinds and sections as the manual has them; read off the text of their modules, since loading those takes long."""
    files = [*_SPEC.glob("*.py"), *_SPEC.glob("layers/*.py"), *_SPEC.glob("losses/*.py")]
    classes = {name for file in files for name in _KIND.findall(file.read_text("utf-8"))} - _RENAMED
    kinds = {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() for name in classes}
    return tuple(sorted({*kinds, *_optimizers(), *_PLAIN}))


def _optimizers() -> set[str]:
    """Optax's and netspec's own, from the text of their packages."""
    import importlib.util

    found = importlib.util.find_spec("optax")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    alias = re.findall(r"^from optax\._src\.alias import ([a-z]\w*)", (package / "__init__.py").read_text(), re.M)
    contrib = (package / "contrib" / "__init__.py").read_text()
    both = [*alias, *re.findall(r"^from optax\.contrib\._\w+ import ([a-z]\w*)", contrib, re.M)]
    own = re.findall(r'^    "([a-z]\w*)",$', (_SPEC.parent / "nn" / "optimizers" / "__init__.py").read_text(), re.M)
    return {*own, *(name for name in both if not re.match("scale_by|.*_params$", name))}


def _of_manual(incomplete: str) -> Iterable[str]:
    return words()


def _of_families(incomplete: str) -> Iterable[str]:
    return families()


def _sortable(incomplete: str) -> Iterator[str]:
    yield from ("name", "state", "best", "time", "age")
    yield from _metrics(incomplete)


CHOICES: dict[str, tuple[str, ...]] = {
    "STATE": ("running", "done", "interrupted", "stopped", "diverged", "failed"),
    "WHICH": ("result", "last", "best", "min", "max", "mean"),
    "AXIS": ("step", "examples", "time"),
    "WHAT": ("time", "parameters", "multiply-adds", "examples"),
    "KIND": ("curves", "bars", "confusion", "filters", "reconstructions", "regions", "embedding", "weights"),
}
"""By metavar, the words that may stand there, where the metavar is none of them itself."""


OFFERS: dict[str, Offer] = {
    "RUN": _runs,
    "SPEC": _specs,
    "SPEC|RUN": _specs_and_runs,
    "TAG": _tags,
    "--metric": _metrics,
    "--sort": _sortable,
    "WORD": _of_manual,
    "FAMILY": _of_families,
}
"""By an option's name or by metavar, what may stand there."""
