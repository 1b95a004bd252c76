"""Blocks read: the kinds of layer that a spec itself defines, with their arguments and layers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from netspec.document import Path
from netspec.spec.blocks import ARGUMENT_TYPES, OTHER_TYPES, Late, type_of, user_block
from netspec.spec.expression import ExpressionError, parse
from netspec.spec.layer import Layer
from netspec.spec.mistakes import at_expression, quoted
from netspec.spec.reader import TableReader
from netspec.spec.sections import BlockDefinition
from netspec.spec.values import Anything, described

__all__ = ["NAME", "NAME_RULE", "BlockReader"]

MOST_BLOCKS = 1_000
"""Blocks of a spec, at the most."""

MOST_ARGUMENTS = 100
"""Arguments of a block, at the most."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

NAME_RULE = "small letters, digits and _, beginning with a letter, at most 64"


class BlockReader(TableReader):
    """Reads tables of a spec that may have kinds of its own."""

    def check_name(self, name: str, path: Path) -> None:
        if not NAME.fullmatch(name):
            self.wrong("name", f"{quoted(name)} cannot be a name", self.document.key_place(path), label=NAME_RULE)

    def definitions(self, raw: Mapping[str, Any]) -> dict[str, BlockDefinition]:
        if len(raw) > MOST_BLOCKS:
            place = self.document.key_place(("block", list(raw)[MOST_BLOCKS]))
            self.wrong("too-large", f"a spec has at most {MOST_BLOCKS:,} blocks, and this one {len(raw):,}", place)
            return {}
        usable = {name: body for name, body in raw.items() if self.usable(name, body)}
        declared = {name: self.arguments(name, body.get("args", {})) for name, body in usable.items()}
        self.blocks = {name: user_block(name, arguments) for name, arguments in declared.items()}
        found = {}
        for name, body in usable.items():
            path: Path = ("block", name)
            for key in body:
                if key not in ("args", "layers"):
                    self.unknown_key(f"[block.{name}]", key, (*path, key), ("args", "layers"))
            layers: tuple[Layer, ...] = ()
            if "layers" not in body:
                self.wrong(
                    "missing-key",
                    f"[block.{name}] needs 'layers'",
                    self.document.key_place(path),
                    help="add layers = [ … ]",
                )
            else:
                layers = self.items(body["layers"], (*path, "layers"), Layer, f"[block.{name}]")
            self.blocks[name].layers = layers
            defaults = {k: d for k, (_, d) in declared[name].items() if d is not ...}
            found[name] = BlockDefinition(name, tuple(declared[name]), defaults, layers)
        return found

    def usable(self, name: str, body: Any) -> bool:
        path: Path = ("block", name)
        if not isinstance(body, dict):
            self.not_a_table(f"[block.{name}]", body, path)
            return False
        self.check_name(name, path)
        if name in Layer.kinds:
            self.wrong(
                "name",
                f"'{name}' is a kind of layer already",
                self.document.key_place(path),
                label="choose another name",
            )
            return False
        return True

    def arguments(self, block: str, raw: Any) -> dict[str, tuple[Any, Any]]:
        """By argument: its type, and its default or `...`."""
        path: Path = ("block", block, "args")
        if not isinstance(raw, dict):
            self.wrong(
                "value",
                f"'args' of [block.{block}] must be a table, not {described(raw)}",
                self.document.value_place(path),
            )
            return {}
        if len(raw) > MOST_ARGUMENTS:
            message = f"a block has at most {MOST_ARGUMENTS} arguments, and this one {len(raw):,}"
            self.wrong("too-large", message, self.document.key_place((*path, list(raw)[MOST_ARGUMENTS])))
            return {}
        found: dict[str, tuple[Any, Any]] = {}
        for name, value in raw.items():
            self.check_name(name, (*path, name))
            if name in Layer.universal():
                message = f"an argument cannot be called '{name}': every item has a key of that name"
                self.wrong("name", message, self.document.key_place((*path, name)), label="choose another name")
            found[name] = self.argument(name, value, (*path, name))
        return found

    def argument(self, name: str, value: Any, path: Path) -> tuple[Any, Any]:
        if isinstance(value, str) and value in ARGUMENT_TYPES:
            return ARGUMENT_TYPES[value], ...
        if isinstance(value, str) and value.startswith("$"):
            return self.late(value, path)
        place, types = self.document.value_place(path), ", ".join(f"'{t}'" for t in ARGUMENT_TYPES)
        if isinstance(value, str) and value in OTHER_TYPES:
            message = f"no type of an argument is called '{value}'"
            self.wrong("value", message, place, f"did you mean '{OTHER_TYPES[value]}'?", f"there are: {types}")
        elif isinstance(value, bool | int | float | str):
            return type_of(value), value
        else:
            message = f"argument {quoted(name)} must have a type or a default, not {described(value)}"
            self.wrong("value", message, place, note=f"types are: {types}")
        return Any, None  # so that items of this block are not blamed, too

    def late(self, text: str, path: Path) -> tuple[Any, Any]:
        """A default that is an expression."""
        try:
            return Anything, Late(parse(text))
        except ExpressionError as error:
            place = at_expression(self.document.value_place(path), error.start, error.end)
            self.wrong("expression", error.message, place, help=error.help)
            return Any, None
