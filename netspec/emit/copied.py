"""Modules and functions of `netspec.nn` as source: each once, after what it uses itself."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

__all__ = ["Copy", "copies", "definitions", "imports_of"]

ROOT = "netspec.nn"


@dataclass(frozen=True, slots=True)
class Copy:
    """A definition.

    Args:
        name: what it defines.
        module: where it stands.
        text: its source.
        uses: the names of definitions, of any module of the root, that it uses: module and name.
        imports: the lines that import what else it uses.
    """

    name: str
    module: str
    text: str
    uses: tuple[tuple[str, str], ...]
    imports: frozenset[str]


def copies(names: Iterable[str]) -> list[Copy]:
    """The definitions that some dotted names need, in an order in which each stands after what it uses."""
    found: dict[tuple[str, str], Copy] = {}

    def add(module: str, name: str, around: frozenset[tuple[str, str]]) -> None:
        if (module, name) in found or (module, name) in around:
            return
        copy = definitions(module)[name]
        for used in copy.uses:
            add(*used, around | {(module, name)})
        found[module, name] = copy

    for dotted in names:
        module, _, name = dotted.rpartition(".")
        add(module, name, frozenset())
    return list(found.values())


def imports_of(lines: Iterable[str]) -> list[str]:
    """Import lines in ruff's order, those from one module joined."""
    whole = {line for line in lines if line.startswith("import ")}
    joined: dict[str, set[str]] = {}
    for line in set(lines) - whole:
        module, _, name = line.removeprefix("from ").partition(" import ")
        joined.setdefault(module, set()).add(name)
    parts = [f"from {module} import {', '.join(sorted(names, key=_sorting))}" for module, names in joined.items()]
    own = [line for line in [*whole, *parts] if line.split()[1].partition(".")[0] in _STANDARD]
    other = sorted({*whole, *parts} - set(own), key=_order)
    return [*sorted(own, key=_order), *([""] if own and other else []), *other]


_STANDARD = {"collections", "dataclasses", "functools", "itertools", "math", "sys", "typing"}


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line


def _sorting(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


@cache
def definitions(module: str) -> dict[str, Copy]:
    """All that a module defines, by name."""
    source = inspect.getsource(importlib.import_module(module))
    tree = ast.parse(source)
    imported = dict(_imported(tree))
    defined = {name: node for node in tree.body for name in _names_of(node)}
    found = {}
    for name, node in defined.items():
        parts = [node, *(n for n in tree.body if _completes(n, name))]
        used = {n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name)} - {name}
        text = "\n\n\n".join(_text(part, source) for part in parts)
        uses = [(module, n) for n in defined if n in used]
        uses += [at for n in sorted(used) if isinstance(at := imported.get(n), tuple)]
        plain = frozenset(line for n in used if isinstance(line := imported.get(n), str))
        found[name] = Copy(name, module, _without_pragmas(text), tuple(uses), plain)
    return found


def _text(node: ast.stmt, source: str) -> str:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])


def _completes(node: ast.stmt, name: str) -> bool:
    """Whether a statement belongs to a definition: `f.defvjp(…)`."""
    function = node.value.func if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else None
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == name


def _names_of(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id != "__all__":
        yield node.targets[0].id
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def _imported(tree: ast.Module) -> Iterator[tuple[str, str | tuple[str, str]]]:
    """By the name that is bound: the line that binds it, or where in the root it is defined."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                yield bound, f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:
                module = node.module or ""
                plain = f"from {module} import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
                yield alias.asname or alias.name, (module, alias.name) if module.startswith(f"{ROOT}.") else plain


def _without_pragmas(text: str) -> str:
    return re.sub(r"  # (?:type: ignore|noqa)[^\n]*", "", text)
