"""Optimizers: Optax's own, by Optax's names, with the arguments of Optax's own signatures.

The signatures are read from the source of the Optax that is installed, so that the newest one works the day it is
installed, and without importing it, so that a spelling mistake is answered before JAX could be loaded.
"""

from __future__ import annotations

import ast
import importlib.util
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema, create_model

from netspec.spec.call import Call, call
from netspec.spec.kind import Kind, item_of
from netspec.spec.restructured import described
from netspec.spec.values import EXPRESSION, LARGEST_NUMBER, Integer, Positive, as_expression, must_be

__all__ = ["NEED_MORE", "Clip", "Optimizer", "optimizer_kind", "optimizer_names"]

NEED_MORE: Mapping[str, str] = {
    "dpsgd": "a gradient for each example",
    "galore": "a choice of the parameters to project",
    "lbfgs": "a line search, which asks for the loss again",
    "momo": "the value of the loss",
    "momo_adam": "the value of the loss",
    "polyak_sgd": "the value of the loss",
    "schedule_free": "another optimizer inside, and other parameters for evaluation",
    "schedule_free_adamw": "other parameters for evaluation",
    "schedule_free_sgd": "other parameters for evaluation",
    "sophia": "an estimate of the Hessian's diagonal",
}
"""Optimizers of Optax that want more than a gradient at each step, and what."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of an optimizer's signature.

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
        """Whether a schedule may stand for the number."""
        return "ScalarOrSchedule" in self.annotation

    @property
    def writable(self) -> bool:
        """Whether a spec can say it: it is a number, a switch, a list of numbers or the name of a type."""
        plain = isinstance(self.default, int | float | bool | tuple | list) or self.default in (None, ...)
        foreign = ("Callable", "Mask", "GradientTransformation", "DimNum", "DimensionNumbers", "Tree")
        return plain and not any(word in self.annotation for word in foreign) and self.name not in ("seed", "verbose")


@dataclass(frozen=True, slots=True)
class Signature:
    """An optimizer of Optax: where it lives, its page, its arguments."""

    name: str
    module: str
    doc: str
    arguments: tuple[Argument, ...]


class Clip(Kind, family="clip"):
    """How large a gradient may be."""

    @abstractmethod
    def lower(self) -> Call:
        """The gradient transformation that it becomes."""


class Value(Clip):
    """Each number of the gradient to between minus and plus a bound.

    value: the bound.
    """

    value: Positive

    def lower(self) -> Call:
        return call("optax.clip", self.value)


class GlobalNorm(Clip):
    """The whole gradient scaled down to the bound where its norm is above (Pascanu et al., 2013).

    global_norm: the bound.
    """

    global_norm: Positive

    def lower(self) -> Call:
        return call("optax.clip_by_global_norm", self.global_norm)


class Adaptive(Clip):
    """Each unit's gradient to the bound times the norm of its weights (Brock et al., 2021).

    adaptive: the bound.
    """

    adaptive: Positive

    def lower(self) -> Call:
        return call("optax.adaptive_grad_clip", self.adaptive)


class Optimizer(Kind, family="optimizer"):
    """How parameters follow the gradient.

    clip: how large a gradient may be: `{ global_norm = 1.0 }`, `{ value = 0.5 }`, `{ adaptive = 0.01 }`.
    """

    clip: Annotated[Clip | None, *item_of(Clip)] = None

    @classmethod
    def universal(cls) -> tuple[str, ...]:
        return ("clip",)

    def lower(self, schedule: Call | None) -> tuple[Call, ...]:
        """The chain of gradient transformations, in turn.

        Args:
            schedule: what makes the learning rate's factor; None for a constant one.
        """
        signature = optimizer_signature(self.kind)
        assert signature is not None
        given = {
            k: getattr(self, k) for k in self.model_fields_set | {"key"} & type(self).model_fields.keys() if k != "clip"
        }
        order = [a for a in signature.arguments if a.name in given or a.name == "learning_rate"]
        keywords = {a.name: _hashable(given.get(a.name, a.default)) for a in order}
        if schedule is not None:
            keywords["learning_rate"] = call("netspec.nn.schedules.scaled", keywords["learning_rate"], schedule)
        root = "optax.contrib" if signature.module.startswith("optax.contrib") else "optax"
        chain = call(f"{root}.{self.kind}", **keywords)
        return (chain,) if self.clip is None else (self.clip.lower(), chain)

    @property
    def takes_schedule(self) -> bool:
        """Whether the learning rate may change over time."""
        signature = optimizer_signature(self.kind)
        assert signature is not None
        return any(a.name == "learning_rate" and a.scheduled for a in signature.arguments)


def _hashable(value: Any) -> Any:
    return tuple(_hashable(v) for v in value) if isinstance(value, list | tuple) else value


@cache
def optimizer_names() -> tuple[str, ...]:
    """Every optimizer of the installed Optax that can be written down and needs nothing but gradients."""
    return tuple(sorted(n for n in _locations() if n not in NEED_MORE and optimizer_signature(n) is not None))


@cache
def optimizer_kind(name: str) -> type[Optimizer] | None:
    """The kind that stands for an optimizer of Optax, or None where Optax has none of that name."""
    signature = optimizer_signature(name) if name not in NEED_MORE else None
    if signature is None:
        return None
    fields: dict[str, Any] = {a.name: (_type(a), a.default) for a in signature.arguments if a.writable}
    if "key" in fields:  # of the noise: Optax wants one, and any whole number serves
        fields["key"] = (Integer, 0)
    kind: type[Optimizer] = create_model(
        name, __base__=Optimizer, __cls_kwargs__={"abstract": True}, __doc__=_page(signature, fields), **fields
    )
    return kind


def _page(signature: Signature, keys: Iterable[str]) -> str:
    """Optax's docstring as ours are: what the optimizer is, and a line for each key."""
    said = described(signature.doc)
    return "\n".join([said.text, "", *(f"{key}: {said.arguments.get(key, '')}" for key in keys)])


@cache
def optimizer_signature(name: str) -> Signature | None:
    """What Optax's source says of one of its optimizers, or None where the name is not one."""
    module = _locations().get(name)
    if module is None:
        return None
    definitions = _definitions(module)
    node = definitions.get(name)
    fixed: dict[str, Any] = {}
    before = ""
    if isinstance(node, ast.Call) and isinstance(node.args[0], ast.Name):  # nadam = functools.partial(adam, …)
        fixed = {k.arg: ast.unparse(k.value) for k in node.keywords if k.arg}
        before = f"`{node.args[0].id}` with {', '.join(f'{k} = {v}' for k, v in fixed.items())}.\n\n"
        node = definitions.get(node.args[0].id)
    if not isinstance(node, ast.FunctionDef):
        return None
    if any(isinstance(n, ast.Name) and n.id == "DeprecationWarning" for n in ast.walk(node)):
        return None
    if node.returns is not None and "GradientTransformation" not in ast.unparse(node.returns):
        return None
    arguments = tuple(a for a in _arguments(node, definitions) if a.name not in fixed)
    if not any(a.name == "learning_rate" for a in arguments):
        return None
    return Signature(name, module, before + (ast.get_docstring(node) or ""), arguments)


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
        return ast.unparse(node)


@cache
def _locations() -> dict[str, str]:
    """The public names of `optax` and `optax.contrib` that may be optimizers, with the modules that define them."""
    found: dict[str, str] = {}
    for package in ("optax", "optax.contrib"):
        for node in _tree(package).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                ("optax._src.alias", "optax.contrib._")
            ):
                found |= {a.name: node.module or "" for a in node.names if a.name[0].islower() and a.asname is None}
    return {n: m for n, m in found.items() if not n.startswith("scale_by_")}


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
    spec = importlib.util.find_spec("optax")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent.joinpath(*module.split(".")[1:])
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(source.read_text(encoding="utf-8"))


def _type(argument: Argument) -> Any:
    if isinstance(argument.default, bool) or argument.annotation == "bool":
        return bool
    if argument.name.endswith("dtype"):
        return Annotated[str | None, PlainValidator(_dtype), WithJsonSchema({"enum": list(_DTYPES)})]
    listed = isinstance(argument.default, tuple) or "tuple" in argument.annotation.lower()
    whole = "int" in argument.annotation.replace("Optional", "").strip("[]").split("|")
    check = _rate if argument.name == "learning_rate" else _numbers if listed else _whole if whole else _number
    return Annotated[Any, PlainValidator(check), WithJsonSchema(_SCHEMAS[check])]


_DTYPES = ("float32", "bfloat16", "float16", "float64")


def _dtype(value: Any) -> Any:
    if value in (None, *_DTYPES):
        return value
    raise must_be("one of " + ", ".join(f"'{d}'" for d in _DTYPES), value)


def _number(value: Any) -> Any:
    if (found := as_expression(value)) is not None:
        return found
    if value is None or (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER
    ):
        return value
    raise must_be("a finite number", value)


def _rate(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        raise must_be("0 or more", value)
    return _number(value)


def _whole(value: Any) -> Any:
    if (found := as_expression(value)) is not None:
        return found
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise must_be("a whole number", value)


def _numbers(value: Any) -> Any:
    if isinstance(value, list | tuple) and value:
        return tuple(_numbers(v) if isinstance(v, list | tuple) else _number(v) for v in value)
    raise must_be("a list of finite numbers", value)


_SCHEMAS: Mapping[Callable[[Any], Any], dict[str, Any]] = {
    _number: {"anyOf": [{"type": "number"}, EXPRESSION]},
    _rate: {"anyOf": [{"type": "number", "minimum": 0}, EXPRESSION]},
    _whole: {"anyOf": [{"type": "integer"}, EXPRESSION]},
    _numbers: {"type": "array", "minItems": 1},
}
