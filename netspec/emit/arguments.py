"""Numbers in a class's own words: an argument of its constructor where one gives what all its blocks need."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from netspec.emit.marks import literal, names_in, renamed, tidy, value_of, written_text
from netspec.emit.names import free
from netspec.emit.parts import Row
from netspec.graph.graph import Node
from netspec.spec.blocks import UserBlock
from netspec.spec.expression import Expression

__all__ = ["At", "Parameter", "Words"]

CHANNELS = "channels"


class At(NamedTuple):
    """A node, and which of a class's blocks it is in."""

    node: Node
    row: Row


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of an emitted class.

    Args:
        name: as printed.
        source: "channels", the name of an argument of the spec's block, or of neither.
        values: by path of a block, what it is there.
        default: where the spec has one; `...` elsewhere.
    """

    name: str
    source: str
    values: Mapping[str, Any]
    default: Any = ...

    @property
    def annotation(self) -> str:
        """The type of its values."""
        types = sorted({"None" if v is None else type(v).__name__ for v in self.values.values()})
        return "float" if types == ["float", "int"] else " | ".join(types)


@dataclass(slots=True)
class Words:
    """What a class can count with.

    Args:
        rows: the blocks that it describes.
        defaults: of the arguments of the spec's block.
        taken: names that mean something else.
        has_width: whether the width of a block's input is one of its words.
        used, kept, constants: names that texts have used: at all, in the call, of `[let]`.
        extra: arguments that the spec has not: by name, and by path of a block, their values.
        seen: the spec's own expressions.
        printed: by name, how it is printed.
        hints: by argument of a call, a text to be tried where the spec gives none.
    """

    rows: Sequence[Row]
    defaults: Mapping[str, Any]
    taken: set[str]
    has_width: bool = True
    used: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    constants: set[str] = field(default_factory=set)
    extra: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    printed: dict[str, str] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*([CHANNELS] if self.has_width else []), *self.arguments):
            self.printed[name] = free(name, self.taken | set(self.printed.values()))

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of the spec's block that the class is inside of, or is."""
        row: Row | None = self.rows[0]
        while row is not None and not isinstance(row.node.layer, UserBlock):
            row = row.around
        return row.node.layer.arguments if row is not None and isinstance(row.node.layer, UserBlock) else ()

    def names(self, row: Row) -> dict[str, Any]:
        """What texts are worked out with."""
        extra = {name: values[row.node.path] for name, values in self.extra.items() if row.node.path in values}
        inputs = row.node.inputs
        width = {CHANNELS: inputs[0].shape.channels} if self.has_width and inputs and inputs[0].shape else {}
        return {**row.names, **width, **extra}

    def texts(self, width: str | None) -> Callable[[Expression], str | None]:
        """What the spec's expressions are called here.

        Args:
            width: of the item's input.
        """

        def text(expression: Expression) -> str | None:
            known = {CHANNELS, *self.arguments, *self.rows[0].names}
            if not expression.names <= known or (CHANNELS in expression.names and width is None):
                return None
            found = renamed(expression.text[1:], {CHANNELS: width or ""})
            if found not in self.seen:
                self.seen.append(found)
            return found

        return text

    def holds(self, text: str | None, pairs: Sequence[tuple[Any, Row]]) -> bool:
        """Whether a text gives the value that each block has."""
        if text is None:
            return False
        return all(_same(value_of(text, self.names(row)), value) for value, row in pairs)

    def find(self, pairs: Sequence[tuple[Any, Row]], text: str | None, hint: str) -> str | None:
        """A text that gives the value that each block has; None where it is one number that the spec gives itself.

        Args:
            text: how the spec wrote it, if as an expression.
            hint: a name for an argument of its own, if nothing else will do.
        """
        if text is not None and "/" in text.replace("//", "") and all(isinstance(v, int) for v, _ in pairs):
            # A spec's division gives a whole number where it can; Python's never does.
            text = re.sub(r"/+", "//", text)
        if self.holds(text, pairs):
            return text
        if text is None and self.holds(self.hints.get(hint), pairs) and names_in(self.hints[hint]):
            return self.hints[hint]
        if all(_same(value, pairs[0][0]) for value, _ in pairs):
            return None
        for candidate in (*self.arguments, CHANNELS, *self.extra, *self.seen):
            if "/" not in candidate.replace("//", "") and self.holds(candidate, pairs):
                return candidate
        return self.own(pairs, hint)

    def own(self, pairs: Sequence[tuple[Any, Row]], hint: str) -> str:
        """An argument that the spec has not: a value for each block."""
        name = free(hint, {*self.taken, *self.printed.values()})
        values: dict[str, Any] = {}
        for value, row in pairs:
            if values.setdefault(row.node.path, value) != value:
                raise NotAlikeError
        self.extra[name] = values
        self.printed[name] = name
        return name

    def say(self, pairs: Sequence[tuple[Any, Row]], text: str | None, hint: str, *, later: bool = False) -> str:
        """How a value is printed.

        Args:
            later: in `__call__`, where the constructor's arguments have to be remembered.
        """
        found = self.find(pairs, text, hint)
        return literal(pairs[0][0]) if found is None else self.render(found, later=later)

    def render(self, text: str, *, later: bool = False) -> str:
        """A text as it is printed, what it uses noted down."""
        names: dict[str, str] = {}
        for name in names_in(text):
            if name in self.printed:
                self.used.add(name)
                if later:
                    self.kept.add(name)
                names[name] = f"self.{self.printed[name]}" if later else self.printed[name]
            else:
                self.constants.add(name)
                names[name] = name.upper()
        return tidy(renamed(text, names))

    def value(self, values: Sequence[Any], marked: Any, rows: Sequence[Row], hint: str, *, later: bool = False) -> str:
        """An argument of a call, numbers within tuples each by itself.

        Args:
            values: of each block.
            marked: of the first block, its numbers marked.
        """
        lengths = {len(v) if isinstance(v, tuple) else None for v in values}
        if len(lengths) == 1 and None not in lengths:
            marks = marked if isinstance(marked, tuple) and len(marked) == len(values[0]) else values[0]
            parts = [
                self.value([v[i] for v in values], marks[i], rows, hint, later=later) for i in range(len(values[0]))
            ]
            return f"({', '.join(parts)}{',' * (len(parts) == 1)})"
        return self.say(list(zip(values, rows, strict=True)), written_text(marked), hint, later=later)

    def parameters(self) -> list[Parameter]:
        """What the constructor takes: only what is used."""
        width = {r.node.path: r.node.inputs[0].shape.channels for r in self.rows if r.node.inputs}
        found = [Parameter(self.printed[CHANNELS], CHANNELS, width)] if CHANNELS in self.used else []
        for name in self.arguments:
            if name in self.used:
                values = {row.node.path: row.names[name] for row in self.rows}
                found.append(Parameter(self.printed[name], name, values, self.defaults.get(name, ...)))
        found += [Parameter(n, n, values) for n, values in self.extra.items() if n in self.used]
        return sorted(found, key=lambda p: p.default is not ...)


class NotAlikeError(Exception):
    """Blocks that one line of source cannot describe."""


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return isinstance(a, bool) == isinstance(b, bool) and a == b
    return type(a) is type(b) and bool(a == b)
