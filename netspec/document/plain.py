"""Values as TOML 1.0, from the values alone. Knows nothing of the text that they came from."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["key_text", "section_text", "toml", "value_text"]

WIDTH = 120

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SPECIAL = re.compile(r'[\x00-\x1f"\\\x7f]')
_ESCAPES = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r", '"': r"\"", "\\": r"\\"}


def toml(values: Mapping[str, Any]) -> str:
    """A whole document: what stands outside of sections first, since it must; all else in the order of the values."""
    alone = {k: v for k, v in values.items() if not _is_section(v)}
    sections = [section_text((k,), v) for k, v in values.items() if _is_section(v)]
    return "\n".join([*([_statements(alone)] if alone else []), *sections])


def section_text(path: tuple[str, ...], values: Mapping[str, Any]) -> str:
    """A section under its header; one that holds only tables is written as theirs."""
    if values and all(_is_section(v) for v in values.values()):
        return "\n".join(section_text((*path, k), v) for k, v in values.items())
    return f"[{'.'.join(map(key_text, path))}]\n{_statements(values)}"


def _is_section(value: Any) -> bool:
    return isinstance(value, dict) and bool(value)


def _statements(values: Mapping[str, Any]) -> str:
    return "".join(f"{key_text(k)} = {_value_on_lines(v, key_text(k))}\n" for k, v in values.items())


def _value_on_lines(value: Any, key: str) -> str:
    """A value; a list that is too long for one line has a line for each element."""
    text = value_text(value)
    if not isinstance(value, list) or len(key) + 3 + len(text) <= WIDTH:
        return text
    return "".join(["[\n", *(f"  {value_text(v)},\n" for v in value), "]"])


def key_text(key: str) -> str:
    """A key, in quotes where it needs them."""
    return key if _BARE.fullmatch(key) else _string(key)


def value_text(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, dict):
        pairs = ", ".join(f"{key_text(k)} = {value_text(v)}" for k, v in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return repr(value)


def _string(text: str) -> str:
    escaped = _SPECIAL.sub(lambda c: _ESCAPES.get(c[0], f"\\u{ord(c[0]):04X}"), text)
    return f'"{escaped}"'
