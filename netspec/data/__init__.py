"""Data: sources, the split, transforms; and what brings new inputs to a network as the training ones were.

Knows nothing of networks, and nothing of JAX: what leaves it are NumPy arrays and plain facts.
"""

from netspec.data.dataset import Dataset, facts, load
from netspec.data.new import NewInputs, evaluate_part, read_inputs, read_text
from netspec.data.nothing import nothing
from netspec.data.preparation import Part, Preparation

__all__ = [
    "Dataset",
    "NewInputs",
    "Part",
    "Preparation",
    "evaluate_part",
    "facts",
    "load",
    "nothing",
    "read_inputs",
    "read_text",
]
