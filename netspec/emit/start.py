"""Weights that a training begins with, as a function that takes them from a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from netspec.build.start import expected, renamed
from netspec.diagnostics import Diagnostic, SpecError, printable
from netspec.emit.body import Statement
from netspec.emit.marks import literal
from netspec.emit.variables import Variables, dotted, function
from netspec.spec.sections import Spec

__all__ = ["begun", "origin"]


def begun(variables: Variables) -> Iterator[str]:
    """The function that gives a network what it begins with, where the spec says that.

    Raises:
        SpecError: the name that a parameter has there does not follow from what the spec says.
    """
    program = variables.program
    if program.spec.start is None:
        return
    theirs = their_names(program.spec, expected(program.spec, program.network.graph))
    places = ", ".join(f"{literal(n)}: {dotted(variables.module.path(path))}" for path, n in theirs.items())
    inside = [
        Statement('assert arrays[name].shape == variable.shape, f"{name} has another shape"'),
        Statement("arrays[name]", "variable[...]"),
    ]
    statements = [
        Statement("np.load(path)", "arrays"),
        Statement(f"{{{places}}}", "begun"),
        Statement("for name, variable in begun.items():", None, inside),
    ]
    doc = f"Begin with weights of {origin(program.spec)}: arrays of an .npz file, under the names that they have there."
    yield function(f"def begin(model: {variables.network}, path: str) -> None", doc, statements)


def origin(spec: Spec) -> str:
    """Where the weights come from, for a docstring."""
    assert spec.start is not None
    written = spec.start.run if spec.start.run is not None else spec.start.weights or ""
    return printable(written).replace("\\", "/").replace('"', "'")


def their_names(spec: Spec, paths: Sequence[str]) -> dict[str, str]:
    """By the path that a parameter has in the network, its name in the file, as `rename` has it.

    Raises:
        SpecError: no name there becomes that path.
    """
    assert spec.start is not None
    rules = spec.start.rename or {}
    return {path: name for path in paths if (name := _theirs(path, rules)) or _refuse(spec, path)}


def _theirs(path: str, rules: Mapping[str, str]) -> str | None:
    """A name that becomes a path by some rules: by one of them where it can, as each is there to be used."""
    for theirs, own in rules.items():
        pattern, name = renamed(path, {own: theirs})
        if pattern and renamed(name, rules) == (theirs, path):
            return name
    return path if renamed(path, rules) == ("", path) else None


def _refuse(spec: Spec, path: str) -> NoReturn:
    message = f"[start] cannot be compiled: what '{path}' is called there does not follow from 'rename'"
    raise SpecError(Diagnostic("compile", message, spec.document.key_place(spec.at("start", "rename"))))
