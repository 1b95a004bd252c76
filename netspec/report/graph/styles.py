"""What is drawn in which colours: each kind of box has its own, light enough that black words stand out on it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["INK", "PALE", "ROLES"]

ROLES: Mapping[str, tuple[str, str]] = {
    "input": ("#ffffff", "#444444"),
    "output": ("#ffffff", "#444444"),
    "convolution": ("#d6e6f7", "#3d78b4"),
    "dense": ("#fde3c8", "#c4752a"),
    "pooling": ("#d5efdb", "#3f9158"),
    "normalisation": ("#ececf1", "#8a8a96"),
    "activation": ("#fdf4c4", "#b3982a"),
    "noise": ("#f4f4f4", "#9a9a9a"),
    "embedding": ("#e8dcf5", "#8459b3"),
    "attention": ("#fadbe6", "#b9537e"),
    "recurrent": ("#d3eef0", "#37898f"),
    "join": ("#ffffff", "#444444"),
    "block": ("#f3eee4", "#8a7a55"),
    "other": ("#f7f7f7", "#777777"),
}
"""What fills a box and what is around it, by its role."""

INK, PALE = "#222222", "#666666"
"""Of words in boxes and of lines; of words beside lines."""
