"""The kinds that stand for functions of Optax, made from their signatures, by the names of the functions."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema, WrapValidator, create_model

from netspec.spec.kind import Kind
from netspec.spec.optimizers.arguments import default_of, form, sayable, type_of
from netspec.spec.optimizers.kinds import FIRST, WRAPPERS, Chain, Group, Optimizer, Transformation, Wrapper
from netspec.spec.optimizers.signatures import (
    Signature,
    makes_optimizer,
    names_of_optimizers,
    names_of_transformations,
    signature,
)
from netspec.spec.restructured import described

__all__ = [
    "OPEN",
    "group_of",
    "makes_part",
    "optimizer_kind",
    "optimizer_names",
    "transformation_kind",
    "transformation_names",
    "wrapper_kind",
]


@cache
def optimizer_names() -> tuple[str, ...]:
    """Every optimizer that can be written down."""
    return tuple(n for n in names_of_optimizers() if _sayable(n))


@cache
def transformation_names() -> tuple[str, ...]:
    """Every part of an optimizer that can be written down, whole ones left out."""
    return tuple(n for n in names_of_transformations() if makes_part(n))


def makes_part(name: str) -> bool:
    """Whether a function of that name makes a part of an optimizer, and no whole one."""
    whole = makes_optimizer(name) or (name in WRAPPERS and name != "reduce_on_plateau")
    return not whole and _sayable(name) and not _wraps(name)


AXES = frozenset({"scale_by_muon"})
"""What has to be told the axes of each array, which a spec cannot; whole optimizers tell it themselves."""


def _sayable(name: str) -> bool:
    found = signature(name)
    return found is not None and sayable(found) and name not in AXES


def _wraps(name: str) -> bool:
    found = signature(name)
    return found is not None and found.wraps


@cache
def optimizer_kind(name: str) -> type[Optimizer] | None:
    """The kind of `[optimizer]` that stands for a function, or None where there is none of that name."""
    if name == Chain.kind:
        return None
    return _made(name, Optimizer, _fields(name)) if makes_optimizer(name) and _sayable(name) else None


@cache
def transformation_kind(name: str) -> type[Transformation] | None:
    """The item of a chain that stands for a function; whole optimizers may be items, too."""
    found = signature(name)
    if found is None or found.wraps or not _sayable(name):
        return None
    fields = _fields(name)
    if fields:
        first, (kind, default) = next(iter(fields.items()))
        required = default is ...
        alias: Any = Field(default if required else True, alias=name)
        fields = {FIRST: (kind if required else _or_true(kind), alias), **fields}
        if required:
            del fields[first]
    made: type[Transformation] = _made(name, Transformation, fields)
    return made


@cache
def wrapper_kind(name: str) -> type[Wrapper] | None:
    """What stands for a function that goes around an optimizer."""
    return _made(name, Wrapper, _fields(name)) if name in WRAPPERS else None


@cache
def group_of(name: str, own: bool) -> type[Group]:
    """The table of a group of parameters.

    Args:
        name: of the optimizer that it takes arguments of.
        own: whether that is its own, and not the one of all others.
    """
    if name == Chain.kind:
        fields: dict[str, Any] = {"chain": (Chain.model_fields["chain"].annotation, Chain.model_fields["chain"])}
        fields = fields if own else {}
    else:
        fields = {n: (kind, default if own else None) for n, (kind, default) in _fields(name).items()}
    made: type[Group] = create_model(f"group_{name}", __base__=Group, **fields)
    made.of, made.own = name, own
    return made


def _fields(name: str) -> dict[str, Any]:
    """The fields of a function's arguments that a spec can say."""
    found = signature(name)
    assert found is not None
    arguments = [a for a in found.arguments[found.wraps :] if form(a) is not None]
    names = {a.name for a in arguments}
    fields = {a.name: (type_of(a, Transformation), default_of(a)) for a in arguments}
    if found.wraps and "learning_rate" in names:  # what it goes around tells
        fields["learning_rate"] = (fields["learning_rate"][0], None)
    return {n: field for n, field in fields.items() if n != "seed" or "key" not in names}


def _made(name: str, base: Any, fields: Mapping[str, Any]) -> Any:
    found = signature(name)
    assert found is not None
    page = _page(found, (FIRST, *fields) if base is Transformation else fields)
    return create_model(name, __base__=base, __cls_kwargs__={"abstract": True}, __doc__=page, **fields)


def _page(signature: Signature, keys: Iterable[str]) -> str:
    """A function's docstring as ours are: what it is, and a line for each key."""
    said = described(signature.doc)
    first = signature.arguments[0].name if signature.arguments else ""
    lines = [
        f"{signature.name if k == FIRST else k}: {said.arguments.get(first if k == FIRST else k, '')}" for k in keys
    ]
    return "\n".join([said.text, "", *dict.fromkeys(lines)])


def _or_true(kind: Any) -> Any:
    """The type of a first argument that need not be given."""
    (schema,) = [m.json_schema or {} for m in kind.__metadata__ if isinstance(m, WithJsonSchema)][-1:]
    options = {"anyOf": [*schema.get("anyOf", [schema]), {"enum": [True]}]}
    check = WrapValidator(lambda value, handler: True if value is True else handler(value))
    return Annotated[kind, check, WithJsonSchema(options)]


OPEN: Mapping[type[Kind], tuple[Callable[[], tuple[str, ...]], Callable[[str], type[Kind] | None]]] = {
    Optimizer: (optimizer_names, optimizer_kind),
    Transformation: (lambda: (*transformation_names(), *optimizer_names()), transformation_kind),
    Wrapper: (lambda: WRAPPERS, wrapper_kind),
}
"""By family whose kinds are functions of Optax: their names, and the kind of a name."""
