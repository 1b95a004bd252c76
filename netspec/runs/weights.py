"""Arrays out of the bytes of a safetensors file that a stranger may have made: nothing in it is trusted, or run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np
import safetensors

__all__ = ["arrays_in"]

# safetensors' names. Its own NumPy reader knows no bfloat16.
_DTYPES: Mapping[str, Any] = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "U16": np.uint16,
    "U32": np.uint32,
    "U64": np.uint64,
    "I8": np.int8,
    "I16": np.int16,
    "I32": np.int32,
    "I64": np.int64,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "F32": np.float32,
    "F64": np.float64,
    "C64": np.complex64,
}


def arrays_in(data: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays by name, bit for bit.

    Raises:
        ValueError: they are no arrays of safetensors', or two have one name.
    """
    try:
        parts = dict(safetensors.deserialize(data))  # type: ignore[no-untyped-call]
        _check_names(data)
        return {name: _array(parts[name]) for name in sorted(parts)}
    except (safetensors.SafetensorError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _array(part: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    dtype = _DTYPES.get(part["dtype"])
    if dtype is None:
        raise ValueError(f"no training saves arrays of {part['dtype']}")
    # NumPy refuses the shapes that safetensors lets through, such as [0, 2**62].
    return np.frombuffer(part["data"], dtype).reshape(part["shape"])


def _check_names(data: bytes) -> None:
    """Refuse two arrays of one name: safetensors would silently return one of them."""
    length = int.from_bytes(data[:8], "little")
    json.loads(data[8 : 8 + length], object_pairs_hook=_distinct)


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("two arrays have the same name")
