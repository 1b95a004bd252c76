"""The kinds of layer. Each says its keys, what it is, and which call it becomes."""

from netspec.spec.layers import (
    attention,
    convolution,
    dense,
    joins,
    load,
    noise,
    normalisation,
    pooling,
    recurrent,
    shapes,
    structure,
    units,
)

__all__ = [
    "attention",
    "convolution",
    "dense",
    "joins",
    "load",
    "noise",
    "normalisation",
    "pooling",
    "recurrent",
    "shapes",
    "structure",
    "units",
]
