"""A picture in the DOT language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.diagnostics import printable
from netspec.report.graph.picture import Box, Picture, dimensions, edges, outline, titled
from netspec.report.graph.styles import INK, ROLES

__all__ = ["dot"]


def dot(picture: Picture) -> str:
    """The picture as a digraph, blocks as clusters."""
    numbers: dict[str, str] = {}
    lines = [
        f"digraph {_text(picture.name)} {{",
        f'  graph [rankdir=TB, fontname="Helvetica", fontsize=11, fontcolor="{INK}", bgcolor="white"]',
        f'  node [shape=box, style="filled,rounded", fontname="Helvetica", fontsize=11, fontcolor="{INK}", height=0.3]',
        f'  edge [fontname="Helvetica", fontsize=9, color="{INK}", fontcolor="{INK}", arrowsize=0.6]',
        *_parts(picture, numbers),
    ]
    for edge in edges(picture):
        ends = f"{numbers[edge.source]} -> {numbers[edge.target]}"
        if edge.shape is None:
            lines.append(f'  {ends} [style=dashed, dir=none, constraint=false, label="tied"]')
        else:
            lines.append(f"  {ends} [label={_text(dimensions(edge.shape))}]")
    return "\n".join([*lines, "}"]) + "\n"


def _parts(picture: Picture, numbers: dict[str, str]) -> Iterator[str]:
    """The lines of boxes and frames; fills in what each box is called."""
    frames = 0
    for level, part in outline(picture.flow):
        indent = "  " * (level + 1)
        if part is None:
            yield f"{indent}}}"
        elif isinstance(part, Box):
            numbers[part.path] = f"n{len(numbers)}"
            yield f"{indent}{numbers[part.path]} [{_attributes(part)}]"
        else:
            frames += 1
            style = '"rounded,dashed"' if part.shares else '"rounded"'
            yield f"{indent}subgraph cluster_{frames} {{"
            yield f'{indent}  label={_text(titled(part))}; labeljust="l"; style={style}; color="#b8ab8a"'


def _attributes(box: Box) -> str:
    fill, around = ROLES[box.role]
    attributes = [f"label={_text(titled(box))}", f'fillcolor="{fill}"', f'color="{around}"']
    if box.role == "join":
        attributes.append("shape=ellipse")
    if box.shares:
        attributes.append('style="filled,rounded,dashed"')
    return ", ".join([*attributes, f"tooltip={_text(box.about or titled(box))}"])


def _text(text: str) -> str:
    """A stranger's text as a string of DOT: quotes end it, and a backslash begins what Graphviz replaces."""
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{escaped}"'
