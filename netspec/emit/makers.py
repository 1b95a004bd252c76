"""What makes a layer's modules, and what calls its functions: text for calls, their defaults left out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import Any

from flax import nnx

from netspec.emit.arguments import At, Words
from netspec.emit.body import Statement
from netspec.emit.forms import joined, plain_form, simplified
from netspec.emit.marks import literal
from netspec.emit.module import Made, Module
from netspec.graph.calls import lookup
from netspec.graph.graph import Node
from netspec.graph.initials import FROM_DATA
from netspec.spec.blocks import UserBlock, field_of
from netspec.spec.call import Call
from netspec.spec.expression import Expression
from netspec.spec.layer import Layer

__all__ = ["Maker", "written_call"]

JOINS = "netspec.nn.joins"

ONE_FOR_ALL = ("strides", "padding", "kernel_dilation")
"""Arguments of convolutions for which one number stands for all axes."""


@dataclass(slots=True)
class Maker:
    """Text for the calls of one class, in its words."""

    module_: Module
    words: Words

    # -- modules -------------------------------------------------------------------------------------------------------

    def module(self, calls: Sequence[Call], marked: Call, cells: Sequence[At]) -> str:
        """What makes a layer's module.

        Args:
            calls: of each block.
            marked: of the first, its numbers marked.
        """
        arguments, keywords = self.arguments(calls, marked, cells, later=False)
        target = lookup(calls[0].name)
        accepted = inspect.signature(target.__init__).parameters
        keywords |= self.initializers(cells[0].node, calls[0], accepted)
        if "rngs" in accepted and takes_randomness(calls[0].name):
            keywords["rngs"] = "rngs"
        return _call(self.module_.name(calls[0]), arguments, keywords)

    def arguments(
        self, calls: Sequence[Call], marked: Call, cells: Sequence[At], *, later: bool
    ) -> tuple[list[str], dict[str, str]]:
        """A call's arguments, those left out that are the defaults."""
        rows = [cell.row for cell in cells]
        defaults = _defaults(calls[0].name)
        given = [dict(c.keywords) for c in calls]
        marks = dict(marked.keywords)
        arguments = [
            self.argument([c.arguments[i] for c in calls], marked.arguments[i], rows, name, later)
            for i, name in zip(range(len(calls[0].arguments)), _positions(calls[0].name, cells[0].node), strict=False)
        ]
        keywords = {}
        for name in dict.fromkeys(n for keys in given for n in keys):
            values = [keys.get(name, defaults.get(name)) for keys in given]
            sizes = {len(v) for v in values if isinstance(v, tuple)}
            if len(sizes) == 1:  # a number that is the default stands for one on each axis
                values = [v if isinstance(v, tuple) or v is None else (v,) * max(sizes) for v in values]
            text = self.argument(values, marks.get(name, values[0]), rows, name, later)
            if name in ONE_FOR_ALL and _is_convolution(calls[0].name):
                text = _one_for_all(text, values)
            if name not in defaults or not _is_default(text, defaults[name]):
                keywords[name] = text
        return arguments, keywords

    def argument(self, values: list[Any], marked: Any, rows: Sequence[Any], hint: str, later: bool) -> str:
        if isinstance(values[0], Call):
            return self.nested(values[0])
        return self.words.value(values, marked, rows, hint, later=later)

    def nested(self, of: Call) -> str:
        """A call among arguments."""
        return written_call(self.module_, of, lambda value: self.nested(value))

    # -- functions -----------------------------------------------------------------------------------------------------

    def function(self, calls: Sequence[Call], marked: Call, cells: Sequence[At]) -> Callable[[Sequence[str], str], str]:
        """What writes a call of a function: of the texts that it reads, and of a mask's name."""
        if calls[0].name.startswith(f"{JOINS}."):
            shapes = [value.shape for value in cells[0].node.inputs]
            return lambda values, mask: joined(calls[0].name.rpartition(".")[2], values, shapes)
        simple = [simplified(c, cell.node) for c, cell in zip(calls, cells, strict=True)]
        if {c.name for c in simple} == {simple[0].name}:
            calls, marked = simple, simplified(marked, cells[0].node)
        arguments, keywords = self.arguments(calls, marked, cells, later=True)

        def write(values: Sequence[str], mask: str) -> str:
            given = {**keywords, **({"mask": mask} if mask else {})}
            rank = len(cells[0].node.inputs[0].shape)
            form = plain_form(calls[0].name, rank, values, arguments, given)
            return _call(self.module_.name(calls[0]), [*values, *arguments], given) if form is None else form

        return write

    # -- blocks --------------------------------------------------------------------------------------------------------

    def block_texts(self, made: Made, cells: Sequence[At], written: Layer, width: str | None) -> dict[str, str | None]:
        """What a block's class is given for each of its arguments, in the words of the class around it.

        Args:
            width: of the block's input; None where that is a plain number.
        """
        texts = self.words.texts(width)
        found: dict[str, str | None] = {}
        for parameter in made.parameters:
            pairs = [(parameter.values[cell.node.path], cell.row) for cell in cells]
            field = written.__dict__.get(field_of(parameter.source)) if isinstance(written, UserBlock) else None
            text = texts(field) if isinstance(field, Expression) else None
            text = width if parameter.source == "channels" else text
            if text is None and not isinstance(written, UserBlock) and parameter.source in self.words.printed:
                text = parameter.source
            found[parameter.name] = self.words.find(pairs, text, parameter.name) or literal(pairs[0][0])
        return found

    def block(self, made: Made, texts: Mapping[str, str | None]) -> str:
        """What makes a block's object."""
        arguments = [self.say(texts[p.name]) for p in made.parameters if p.default is ...]
        keywords = {
            p.name: self.say(texts[p.name])
            for p in made.parameters
            if p.default is not ... and texts[p.name] != literal(p.default)
        }
        return _call(made.name, arguments, {**keywords, **({"rngs": "rngs"} if made.draws else {})})

    def say(self, text: str | None) -> str:
        assert text is not None
        return text if text[:1] in "\"'(" or text in ("True", "False", "None") else self.words.render(text, later=False)

    # -- initial values ------------------------------------------------------------------------------------------------

    def is_from_data(self, of: Call) -> bool:
        """Whether an initial value is made of the layer's inputs."""
        return of.name.startswith(FROM_DATA)

    def initializers(self, node: Node, of: Call, accepted: Mapping[str, Any]) -> dict[str, str]:
        """The initial values that a module's constructor takes."""
        if of is not node.steps[0].call:
            return {}
        return {
            f"{name}_init": self.initializer(given)
            for name, given in node.initial.items()
            if self.in_constructor(name, given, of.name, accepted)
        }

    def in_constructor(self, name: str, given: Call, of: str, accepted: Mapping[str, Any]) -> bool:
        return f"{name}_init" in accepted and not self.is_from_data(given) and of != "flax.nnx.PReLU"

    def initializer(self, given: Call) -> str:
        """A function of key, shape and type."""
        value = given.arguments[0] if given.arguments else None
        if given.name == "netspec.nn.initial.constant":
            known = {0.0: "nnx.initializers.zeros_init()", 1.0: "nnx.initializers.ones_init()"}
            return known.get(value, f"nnx.initializers.constant({literal(value)})")  # type: ignore[arg-type]
        if given.name == "netspec.nn.initial.literal":
            return f"nnx.initializers.constant(jnp.array({_listed(value)}))"
        return self.nested(given)

    def assigned(self, given: Call, place: str) -> str:
        """An initial value for a parameter that is there already."""
        if given.name == "netspec.nn.initial.constant":
            return literal(given.arguments[0])
        if given.name == "netspec.nn.initial.literal":
            return f"jnp.array({_listed(given.arguments[0])})"
        return f"{self.initializer(given)}(rngs.params(), {place}.shape, {place}.dtype)"

    def initial_values(self, node: Node, k: int, attribute: str) -> list[Statement]:
        """The initial values that are assigned after a module is made."""
        of = node.steps[k].call
        accepted = inspect.signature(lookup(of.name).__init__).parameters
        found = []
        for name, given in node.initial.items() if k == 0 else ():
            if not self.is_from_data(given) and not self.in_constructor(name, given, of.name, accepted):
                found.append(Statement(self.assigned(given, f"{attribute}.{name}"), f"{attribute}.{name}[...]"))
        return found


def written_call(module: Module, of: Call, write: Callable[[Call], str]) -> str:
    """A call of plain values, without those that are defaults.

    Args:
        write: of the calls among them.
    """
    defaults = _defaults(of.name)
    texts = [_written(a, write) for a in of.arguments]
    keywords = {k: _written(v, write) for k, v in of.keywords}
    kept = {k: text for k, text in keywords.items() if k not in defaults or not _is_default(text, defaults[k])}
    return _call(module.name(of), texts, kept)


def _written(value: Any, write: Callable[[Call], str]) -> str:
    if isinstance(value, Call):
        return write(value)
    if isinstance(value, tuple) and any(isinstance(v, Call) for v in value):
        return f"[{', '.join(_written(v, write) for v in value)}]"
    return literal(value)


def _call(name: str, arguments: Sequence[str], keywords: Mapping[str, str]) -> str:
    return f"{name}({', '.join([*arguments, *(f'{k}={v}' for k, v in keywords.items())])})"


def _listed(value: Any) -> str:
    return f"[{', '.join(map(_listed, value))}]" if isinstance(value, tuple) else literal(value)


@cache
def _defaults(name: str) -> dict[str, Any]:
    target = lookup(name)
    parameters = _parameters(target)
    passes_on = isinstance(target, type) and any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return (_given(_parameters(target.__bases__[0])) if passes_on else {}) | _given(parameters)


def _parameters(target: Any) -> Mapping[str, inspect.Parameter]:
    """A function's parameters, or those of a class's constructor; none of a function of NumPy's kind."""
    function = getattr(target, "__init__") if isinstance(target, type) else target  # noqa: B009  (of that very class)
    try:
        return inspect.signature(function).parameters
    except ValueError:
        return {}


def _given(parameters: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    return {n: p.default for n, p in parameters.items() if p.default is not inspect.Parameter.empty}


def _positions(name: str, node: Node) -> Iterator[str]:
    """The names of a call's positional arguments, those of what it reads left out."""
    target = lookup(name)
    yield from list(_parameters(target))[1 if isinstance(target, type) else len(node.inputs) :]
    yield from repeat("size")


def _is_default(text: str, default: Any) -> bool:
    plain = isinstance(default, bool | int | float | str | tuple) or default is None
    return plain and text == literal(default)


@cache
def takes_randomness(name: str) -> bool:
    """Whether a module's constructor is given `rngs`: it draws its parameters with it, or is random in training."""
    target = lookup(name)
    needed = inspect.signature(target.__init__).parameters["rngs"].default is inspect.Parameter.empty
    return needed or "rngs" in inspect.signature(target.__call__).parameters


@cache
def _is_convolution(name: str) -> bool:
    target = lookup(name)
    return isinstance(target, type) and issubclass(target, nnx.Conv)


def _one_for_all(text: str, values: Sequence[Any]) -> str:
    """One number in the place of the same for every axis."""
    parts = _parts(text)
    if not all(isinstance(v, tuple) for v in values) or len(set(parts)) > 1:
        return text
    inner = _parts(parts[0])
    if parts[0].startswith("("):
        return inner[0] if len(set(inner)) == 1 else text
    return parts[0]


def _parts(text: str) -> list[str]:
    from netspec.emit.layout import elements

    return elements(text[1:-1]) if text.startswith("(") else [text]
