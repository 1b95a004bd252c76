"""A network as a picture: SVG, Mermaid or DOT."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from netspec.report.graph.dot import dot
from netspec.report.graph.mermaid import mermaid
from netspec.report.graph.picture import Picture
from netspec.report.graph.pictured import pictured
from netspec.report.graph.svg import svg

__all__ = ["FORMS", "Picture", "dot", "mermaid", "pictured", "svg"]

FORMS: Mapping[str, Callable[[Picture], str]] = {"svg": svg, "mermaid": mermaid, "dot": dot}
"""What writes a picture in each form."""
