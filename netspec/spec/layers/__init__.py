"""The kinds of layer. Each says its keys, what it is, and which call it becomes."""

from netspec.spec.layers import (
    convolution,
    dense,
    joins,
    noise,
    normalisation,
    pooling,
    shapes,
    structure,
    units,
)

__all__ = ["convolution", "dense", "joins", "noise", "normalisation", "pooling", "shapes", "structure", "units"]
