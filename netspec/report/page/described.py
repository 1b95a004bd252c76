"""What a run's files say of it besides its record: the spec and its defaults, the surroundings, how to do it again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from netspec.document import Document, Path
from netspec.document.plain import value_text
from netspec.report.page.contents import Environment, Reproduction, Result, Setting, SpecText
from netspec.spec.keys import keys_of
from netspec.spec.kind import Table
from netspec.spec.sections import Spec

__all__ = ["environment_of", "reproduction_of", "settings_of", "spec_text"]


def spec_text(spec: Spec, text: str) -> SpecText:
    """A spec as it is written, and which of its values are no defaults."""
    return SpecText(spec.name, text, tuple(settings_of(spec)))


def settings_of(spec: Spec) -> Iterator[Setting]:
    """The values of a spec that would be something else if they were not written."""
    sections: dict[str, Any] = {
        "data": spec.data,
        "model": spec.model,
        "optimizer": spec.optimizer,
        "schedule": spec.schedule,
        "train": spec.train,
    }
    for name, section in sections.items():
        if isinstance(section, Table):
            yield from _of_table(section, spec.at(name), spec.document)
    for i, loss in enumerate(spec.losses):
        yield from _of_table(loss, spec.loss_path(i), spec.document)
    for i, phase in enumerate(spec.phases):
        yield from _of_table(phase, ("phase", i), spec.document)


def _of_table(table: Table, path: Path, document: Document) -> Iterator[Setting]:
    keys = keys_of(type(table))
    fields = type(table).model_fields
    for name in table.model_fields_set & fields.keys():
        key, value = fields[name].alias or name, getattr(table, name)
        place = document.places.get((*path, key))
        if place is None or key not in keys:
            continue
        if keys[key].default not in ("", "[]"):
            usual = bool(value == fields[name].get_default(call_default_factory=True))
            yield Setting(_dotted((*path, key)), place.line, _written(document, (*path, key)), keys[key].default, usual)
        yield from _inside(value, (*path, key), document)


def _inside(value: Any, path: Path, document: Document) -> Iterator[Setting]:
    if isinstance(value, Table):
        yield from _of_table(value, path, document)
    elif isinstance(value, tuple):
        for i, one in enumerate(value):
            yield from _inside(one, (*path, i), document)


def _written(document: Document, path: Path) -> str:
    value: Any = document.values
    for part in path:
        value = value[part]
    return value_text(value)


def _dotted(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


# -- surroundings ------------------------------------------------------------------------------------------------------

_FACTS: Sequence[tuple[str, str]] = (
    ("started", "started"),
    ("device", "device"),
    ("precision", "precision"),
    ("platform", "platform"),
    ("commit", "git commit, where it was started"),
    ("data", "data, SHA-256"),
)


def environment_of(environment: Mapping[str, Any]) -> Environment:
    """What environment.json says, as names and values."""
    facts = [(label, str(environment[key])) for key, label in _FACTS if environment.get(key)]
    facts = [(label, _moment(value) if label == "started" else value) for label, value in facts]
    command = environment.get("command")
    if isinstance(command, list):
        facts.append(("command", _command(command)))
    versions = " · ".join(f"{name} {version}" for name, version in _versions(environment).items())
    return Environment((*facts, *([("versions", versions)] if versions else [])))


def _moment(text: str) -> str:
    """A moment as people write it; what is none stays as it is."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S %Z}"
    except ValueError:
        return text


def _command(words: Sequence[Any]) -> str:
    """A command line as a person would type it: programs go without the folders that they stand in."""
    program, *arguments = map(str, words or [""])
    name = re.sub(r".*/", "", program)
    return shlex.join([*(["python", "-m", "netspec"] if name == "__main__.py" else [name]), *arguments])


def _versions(environment: Mapping[str, Any]) -> dict[str, str]:
    versions = environment.get("versions")
    return {str(k): str(v) for k, v in versions.items() if v} if isinstance(versions, Mapping) else {}


def reproduction_of(
    spec: Spec, text: str, environment: Mapping[str, Any], result: Result, files: Sequence[str]
) -> Reproduction:
    """How to get the same bits: the versions, the spec in a file, the command.

    Args:
        files: that the spec names; they have to be there.
    """
    versions = _versions(environment)
    own = versions.pop("netspec", "")
    python = versions.pop("python", "")
    file = f"{_file_name(spec.name)}.toml"
    seeded = "seed" in spec.document.values or result.seed is None
    train = ["netspec", "train", file, *([] if seeded else ["--seed", str(result.seed)])]
    device = result.device.partition(",")[0]
    if device in ("cpu", "gpu", "tpu"):
        train += ["--device", device]
    pins = [f"{name}=={version}" for name, version in versions.items()]
    on = f" with Python {python}" if python else ""
    steps = (
        (f"In a checkout of netspec {own}{on}, install the versions that it ran on:",
         shlex.join(["python", "-m", "pip", "install", ".", *pins])),
        (f"Save the spec as {file}:", _saved(file, text)),
        ("Train:", shlex.join(train)),
    )  # fmt: skip
    return Reproduction(steps, tuple(_notes(environment, result, files)))


def _notes(environment: Mapping[str, Any], result: Result, files: Sequence[str]) -> Iterator[str]:
    if files:
        yield f"The spec names {', '.join(files)}: save it in a folder where these paths lead to the same files."
    if environment.get("data"):
        yield f"The data that it read has the SHA-256 {environment['data']}; every run's environment.json has its own."
    yield "The same spec, seed, versions and device give the same bits; another device or version may round otherwise."
    if result.state in ("interrupted", "stopped", "running"):
        yield f"This run had made {result.step:,} of {result.steps:,} steps."


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)[:100] or "spec"


def _saved(file: str, text: str) -> str:
    """The command that writes a text to a file; the word that ends it is in no line of the text."""
    end, lines = "END", set(text.split("\n"))
    while end in lines:
        end += "_"
    return f"cat > {shlex.quote(file)} << '{end}'\n{text.rstrip(chr(10))}\n{end}"
