"""The data of a spec that has none to learn from, since its model is a point: one example of nothing."""

from __future__ import annotations

import hashlib

import numpy as np

from netspec.data.dataset import Dataset
from netspec.data.format import Format, InputFormat
from netspec.data.preparation import Part, Preparation
from netspec.graph.facts import NOTHING

__all__ = ["nothing"]


def nothing() -> Dataset:
    """One training example of an input without numbers, and no target."""
    (known,) = NOTHING.inputs.values()
    format_ = Format({name: InputFormat(tuple(i.shape), i.dtype) for name, i in NOTHING.inputs.items()}, {})
    train, none = (Part(dict.fromkeys(NOTHING.inputs, np.zeros((n, *known.shape), known.dtype)), {}) for n in (1, 0))
    return Dataset(NOTHING, train, none, none, Preparation(format_), hashlib.sha256(b"").hexdigest())
