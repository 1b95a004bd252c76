"""The values of specs and records: as JSON has them, and as people read them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from netspec.report.drawing.wording import setting

__all__ = ["plain", "written"]


def plain(value: Any) -> Any:
    """A value as JSON has it: dates, and numbers that are not finite, by their names."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return list(map(plain, value))
    finite = not isinstance(value, float) or math.isfinite(value)
    return value if finite and isinstance(value, str | int | float | None) else str(value)


def written(value: Any, *, inside: bool = False) -> str:
    """A value much as TOML has it; a string that stands alone goes without its quotes.

    >>> written([1e-3, "relu", {"conv": 6, "bias": False}])
    '[0.001, "relu", { conv = 6, bias = false }]'
    """
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return setting(value)
        case str():
            return json.dumps(value, ensure_ascii=False) if inside else value
        case list():
            return f"[{', '.join(written(v, inside=True) for v in value)}]"
        case dict():
            return f"{{ {', '.join(f'{k} = {written(v, inside=True)}' for k, v in value.items())} }}"
    return str(value)
