"""The colours that all views share, each readable on black and on white. Knows nothing of what is drawn with them."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BAD", "BAR", "BOLD", "DIM", "GOOD", "PALETTE", "STATES", "WARNING"]

DIM, BOLD = "bright_black", "bold"
GOOD, WARNING, BAD = "color(35)", "color(208)", "color(203)"
BAR = "color(33)"

PALETTE = ("color(33)", "color(208)", "color(35)", "color(170)", "color(44)", "color(178)", "color(203)", "color(245)")
"""Of curves beside each other: told apart by most people who see red and green alike, too."""

STATES: Mapping[str, str] = {
    "running": BAR,
    "done": GOOD,
    "interrupted": WARNING,
    "stopped": WARNING,
    "diverged": BAD,
    "failed": BAD,
}
"""Of what has become of a run."""
