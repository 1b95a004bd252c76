"""A document that starts from another: `extends = "lenet5.toml"`, and what the two say together."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from netspec.diagnostics import Diagnostic, SpecError

from .document import Document, Path, read

__all__ = ["EXTENDS", "MOST_EXTENDED", "extended"]

EXTENDS = "extends"

MOST_EXTENDED = 10
"""Documents that start from one another, at the most."""


def extended(document: Document, directory: pathlib.Path) -> Document:
    """The document with what it extends beneath it.

    Sections are put together key by key, those in `[block]` and `[models]` name by name; any other value takes the
    place of the one beneath it. A section that says another `kind` takes the whole section's place.

    Args:
        directory: where its relative paths start.

    Raises:
        SpecError: the other document is missing or no TOML; or documents extend each other in a circle.
    """
    return _extended(document, directory, (document.source.name,))


def _extended(document: Document, directory: pathlib.Path, chain: tuple[str, ...]) -> Document:
    if EXTENDS not in document.values:
        return document
    place = document.value_place((EXTENDS,))
    name = document.values[EXTENDS]
    if not isinstance(name, str) or not name:
        raise SpecError(Diagnostic("value", "'extends' must be the path of a spec", place))
    path = pathlib.Path(os.path.normpath(directory / name))
    if any(_same(path, pathlib.Path(known)) for known in chain):
        raise SpecError(Diagnostic("extends", f"'{name}' extends this spec: the two go round in a circle", place))
    if len(chain) > MOST_EXTENDED:
        raise SpecError(Diagnostic("extends", f"more than {MOST_EXTENDED} specs extend one another", place))
    try:
        base = read(path)
    except SpecError as error:
        first = error.diagnostics[0]
        if first.code != "file":
            raise
        raise SpecError(Diagnostic("file", first.message, place, help=first.help)) from None
    return _together(_extended(base, path.parent, (*chain, str(path))), document)


def _same(path: pathlib.Path, other: pathlib.Path) -> bool:
    return path.absolute().resolve() == other.absolute().resolve()


def _together(base: Document, document: Document) -> Document:
    values, replaced = _merged(base.values, document.values, ())

    def beneath(path: Path) -> bool:
        return path[:1] != (EXTENDS,) and not any(path[: len(r)] == r for r in replaced)

    keys = {path: place for path, place in base.keys.items() if beneath(path)}
    places = {path: place for path, place in base.places.items() if beneath(path)}
    return Document(document.source, values, keys | dict(document.keys), places | dict(document.places))


def _merged(base: dict[str, Any], over: dict[str, Any], path: Path) -> tuple[dict[str, Any], list[Path]]:
    """Two tables as one, and the paths beneath which nothing of the first is left."""
    values, replaced = dict(base), []
    for key, value in over.items():
        here = (*path, key)
        if key == EXTENDS and not path:
            continue
        if _puts_together(here, base.get(key), value):
            values[key], inner = _merged(base[key], value, here)
            replaced += inner
        else:
            values[key] = value
            replaced.append(here)
    return values, replaced


def _puts_together(path: Path, base: Any, over: Any) -> bool:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return False
    if len(path) > 1 and not (len(path) == 2 and path[0] == "models"):
        return False
    return "kind" not in over or over["kind"] == base.get("kind")
