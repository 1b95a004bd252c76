"""The signatures of all that makes a gradient transformation: Optax's functions, and those of `netspec.nn.optimizers`.

They are read from the source of the Optax that is installed, so that the newest one works the day it is installed, and
without importing it, so that a spelling mistake is answered before JAX could be loaded.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = [
    "OWN",
    "Argument",
    "Signature",
    "Unwritten",
    "makes_optimizer",
    "names_of_optimizers",
    "names_of_transformations",
    "signature",
]

OWN = "netspec.nn.optimizers"
"""The package of the project's own; where it has one of Optax's name, it stands in for Optax's."""

PACKAGES = ("optax", "optax.contrib", OWN)


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A default that is an expression of Python and no plain value.

    Args:
        text: the expression.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a signature.

    Args:
        name: as Optax spells it.
        default: its value where nothing is said; `...` where it has to be.
        annotation: its type, as Optax writes it.
    """

    name: str
    default: Any
    annotation: str

    @property
    def scheduled(self) -> bool:
        """Whether a function of the step may stand for the number."""
        return "Schedule" in self.annotation

    @property
    def required(self) -> bool:
        """Whether it has to be given."""
        return self.default is ...

    @property
    def transformation(self) -> bool:
        """Whether it is a gradient transformation."""
        words = set(re.findall(r"\w+", self.annotation))
        names = {"GradientTransformation", "GradientTransformationExtraArgs"}
        return bool(words & names) and words <= names | {"base", "optax", "Optional", "Union", "None"}


@dataclass(frozen=True, slots=True)
class Signature:
    """A function that makes a gradient transformation: where it lives, its page, its arguments.

    Args:
        package: whose public name it is.
        module: that defines it.
    """

    name: str
    package: str
    module: str
    doc: str
    arguments: tuple[Argument, ...]

    @property
    def dotted(self) -> str:
        """The name that a call has."""
        return f"{self.module if self.package == OWN else self.package}.{self.name}"

    @property
    def wraps(self) -> bool:
        """Whether it makes one transformation of another."""
        return bool(self.arguments) and self.arguments[0].transformation and self.arguments[0].required

    @property
    def complete(self) -> bool:
        """Whether it is an optimizer by itself, and no part of one."""
        alone = self.module.startswith("optax._src.alias")
        rated = any(a.name == "learning_rate" for a in self.arguments)
        return not self.wraps and not self.name.startswith("scale_by_") and (alone or rated)

    def argument(self, name: str) -> Argument:
        """The one of that name."""
        return next(a for a in self.arguments if a.name == name)


@cache
def names_of_optimizers() -> tuple[str, ...]:
    """Every function that makes a whole optimizer."""
    return tuple(sorted(n for n in _locations() if makes_optimizer(n)))


def makes_optimizer(name: str) -> bool:
    """Whether a function of that name makes a whole optimizer; told without reading the modules of all the others."""
    _, module = _locations().get(name, ("", "optax._src"))
    if module.startswith(("optax._src", "optax.transforms")) and not module.startswith("optax._src.alias"):
        return False
    found = signature(name)
    return found is not None and found.complete


@cache
def names_of_transformations() -> tuple[str, ...]:
    """Every function that makes a gradient transformation."""
    return tuple(sorted(n for n in _locations() if signature(n) is not None))


@cache
def signature(name: str) -> Signature | None:
    """What the source says of a function that makes a gradient transformation; None where there is none of the name."""
    if name not in _locations():
        return None
    package, module = _locations()[name]
    definitions = _definitions(module)
    node = definitions.get(name)
    fixed: dict[str, Any] = {}
    before = ""
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
        # nadam = functools.partial(adam, …)
        fixed = {k.arg: ast.unparse(k.value) for k in node.keywords if k.arg}
        before = f"`{node.args[0].id}` with {', '.join(f'{k} = {v}' for k, v in fixed.items())}.\n\n"
        node = definitions.get(node.args[0].id)
    if not isinstance(node, ast.FunctionDef) or node.args.vararg or not _makes_one(node) or _deprecated(node):
        return None
    arguments = tuple(a for a in _arguments(node, definitions) if a.name not in fixed)
    return Signature(name, package, module, before + (ast.get_docstring(node) or ""), arguments)


def _makes_one(node: ast.FunctionDef) -> bool:
    """Whether a function says that it returns a transformation; or does, where it does not say."""
    if node.returns is not None:
        said = ast.unparse(node.returns)
        return "GradientTransformation" in said and "Callable" not in said
    calls = (n.value.func for n in _own_returns(node) if isinstance(n.value, ast.Call))
    return any(ast.unparse(c).endswith(("GradientTransformation", "ExtraArgs", ".chain")) for c in calls)


def _own_returns(node: ast.AST) -> Iterator[ast.Return]:
    """The return statements of a function, without those of functions in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Return):
            yield child
        elif not isinstance(child, ast.FunctionDef):
            yield from _own_returns(child)


def _deprecated(node: ast.FunctionDef) -> bool:
    """Whether a function says that it is on its way out, whatever its arguments."""
    statements = (s.value for s in node.body if isinstance(s, ast.Expr))
    return any(isinstance(n, ast.Name) and n.id == "DeprecationWarning" for s in statements for n in ast.walk(s))


def _arguments(node: ast.FunctionDef, definitions: Mapping[str, ast.AST]) -> list[Argument]:
    positional = node.args.args
    missing: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults))
    pairs = list(zip(positional, [*missing, *node.args.defaults], strict=True))
    pairs += list(zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True))
    return [
        Argument(
            a.arg, ... if d is None else _literal(d, definitions), ast.unparse(a.annotation) if a.annotation else ""
        )
        for a, d in pairs
    ]


def _literal(node: ast.expr, definitions: Mapping[str, ast.AST]) -> Any:
    named = definitions.get(node.id) if isinstance(node, ast.Name) else None
    try:
        return ast.literal_eval(named if isinstance(named, ast.expr) else node)
    except ValueError:
        return Unwritten(ast.unparse(node))


@cache
def _locations() -> Mapping[str, tuple[str, str]]:
    """By public name: the package that it is a name of, and the module that defines it."""
    found: dict[str, tuple[str, str]] = {}
    for package in PACKAGES:
        for name, module in _names(package).items():
            found[name] = (package, module)
    return found


def _names(package: str) -> Mapping[str, str]:
    """The functions that a package's `__init__` names, with their modules."""
    prefix = package.partition(".")[0] + "."
    elsewhere: dict[str, Mapping[str, str]] = {}
    found: dict[str, str] = {}
    for node in _tree(package).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(prefix):
            module = node.module or ""
            found |= {a.name: module for a in node.names if a.name[0].islower() and a.asname is None}
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute):  # clip = transforms.clip
            home, name = ast.unparse(node.value.value), node.value.attr
            target = ast.unparse(node.targets[0])
            if home == "transforms" and target == name:
                listed = elsewhere.setdefault(home, _names(f"{package}.{home}"))
                found |= {name: listed[name]} if name in listed else {}
    return found


@cache
def _definitions(module: str) -> dict[str, ast.AST]:
    found: dict[str, ast.AST] = {}
    for node in _tree(module).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
    return found


@cache
def _tree(module: str) -> ast.Module:
    first, *rest = module.split(".")
    spec = importlib.util.find_spec(first)
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent.joinpath(*rest)
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(source.read_text(encoding="utf-8"))
