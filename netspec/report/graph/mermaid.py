"""A picture as a Mermaid flowchart."""

from __future__ import annotations

import json
from collections.abc import Iterator

from netspec.diagnostics import printable
from netspec.report.graph.picture import Box, Picture, dimensions, edges, outline, titled
from netspec.report.graph.styles import INK, ROLES

__all__ = ["mermaid"]

_ENDS = {"input": ("([", "])"), "output": ("([", "])"), "join": ("((", "))")}
"""What is around a box's words; square brackets around most."""

_ESCAPED = {ord(c): f"#{ord(c)};" for c in '"#&<>`\\%;|[]{}'}


def mermaid(picture: Picture) -> str:
    """The picture as `flowchart TD`, blocks as subgraphs."""
    numbers: dict[str, str] = {}
    lines = ["---", f"title: {json.dumps(printable(picture.name))}", "---", "flowchart TD"]
    lines += _parts(picture, numbers)
    for edge in edges(picture):
        source, target = numbers[edge.source], numbers[edge.target]
        if edge.shape is None:
            lines.append(f'  {source} -. "tied" .- {target}')
        else:
            lines.append(f'  {source} -->|"{_text(dimensions(edge.shape))}"| {target}')
    used = sorted({box.role for box in picture.boxes()})
    lines += [f"  classDef {role} fill:{ROLES[role][0]},stroke:{ROLES[role][1]},color:{INK}" for role in used]
    return "\n".join(lines) + "\n"


def _parts(picture: Picture, numbers: dict[str, str]) -> Iterator[str]:
    """The lines of boxes and frames; fills in what each box is called."""
    frames = 0
    for level, part in outline(picture.flow):
        indent = "  " * (level + 1)
        if part is None:
            yield f"{indent}end"
        elif isinstance(part, Box):
            name = numbers[part.path] = f"n{len(numbers)}"
            opened, closed = _ENDS.get(part.role, ("[", "]"))
            yield f'{indent}{name}{opened}"{_text(titled(part))}"{closed}:::{part.role}'
            if part.shares:
                yield f"{indent}style {name} stroke-dasharray:5 3"
        else:
            frames += 1
            yield f'{indent}subgraph s{frames}["{_text(titled(part))}"]'
            if part.shares:
                yield f"{indent}  style s{frames} stroke-dasharray:5 3"


def _text(text: str) -> str:
    """A stranger's text between quotes: every character that means something there as its number."""
    return printable(text).translate(_ESCAPED)
