"""What a hidden layer gives for many examples, seen along the two directions in which it differs most."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from netspec.commands.layer_features import layer_of, outside_cells, values_of
from netspec.commands.outcomes import Kind, kind_of
from netspec.commands.sample import MOST_NUMBERS, Sample
from netspec.diagnostics import Diagnostic, RunError

if TYPE_CHECKING:
    import numpy as np

    from netspec.graph.graph import Graph, Node

    Array = np.ndarray[Any, Any]

__all__ = ["MOST_POINTS", "Embedding", "embedding", "last_hidden", "no_embedding", "principal"]

MOST_POINTS = 2000
"""Examples, or positions of them, that are shown."""

STILL = frozenset({"dropout", "stochastic_depth", "noise"})
"""Layers that change nothing once the training is over."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """Examples by what a layer gives for them.

    Args:
        layer: its path.
        features: how many numbers it gives for each.
        points: [n, 2], along the first two principal components.
        explained: the shares of the variance that they explain.
        truths: of each point: its class, -1 for none; or a number, where numbers are predicted; None otherwise.
        labels: the classes' names; empty where the truths are numbers.
        what: what a point is: "examples", or "positions".
    """

    run: str
    step: int
    part: str
    layer: str
    features: int
    points: Array
    explained: tuple[float, float]
    truths: Array | None
    labels: tuple[str, ...]
    what: str = "examples"


def embedding(sample: Sample, layer: str | None = None) -> Embedding:
    """The first two principal components of what a layer gives for the examples; of an ensemble, the first network's.

    Args:
        layer: its path; the last hidden one, or the narrowest of an autoencoder, unless given.

    Raises:
        NetspecError: there is no such layer, or it gives a single number.
    """
    import numpy as np

    graph, kind = sample.program.network.graph, kind_of(sample.aim)
    node = layer_of(layer, graph) if layer is not None else last_hidden(graph, sample.aim.output, kind)
    why = "there is no hidden layer" if node is None else _too_little(node, by_position=kind == "positions")
    if node is None or why is not None:
        raise RunError(Diagnostic("plot", f"{sample.run} has nothing to be embedded: {why}", file=sample.run))
    by_position = kind == "positions" and _has_positions(node, sample)
    held = prod(node.output.shape) * (sample.program.members or 1)
    some = sample.thinned(max(2, min(MOST_POINTS, MOST_NUMBERS // held)))
    values = values_of(some.program, some.weights.parameters, some.weights.statistics, some.inputs, node)
    if some.program.members is not None:
        values = values[:, 0]
    truths, labels = _truths(some, kind)
    rows = values.reshape(len(some), -1)
    if by_position:
        rows, truths = _spread(values, truths)
    points, explained = principal(rows.astype(np.float64))
    return Embedding(
        sample.run, sample.step, sample.part, node.path, rows.shape[1], points, explained, truths, labels,
        "positions" if by_position else "examples",
    )  # fmt: skip


def no_embedding(graph: Graph, output: str, kind: Kind) -> str | None:
    """Why nothing can be embedded unless a layer is named; None where it can."""
    node = last_hidden(graph, output, kind)
    return "there is no hidden layer" if node is None else _too_little(node, by_position=kind == "positions")


def _too_little(node: Node, *, by_position: bool) -> str | None:
    shape = node.output.shape[1:] if by_position and len(node.output.shape) > 1 else node.output.shape
    if not node.output.dtype.startswith(("float", "bfloat")):
        return f"{node.path} gives no fractions"
    return None if prod(shape) > 1 else f"{node.path} gives a single number"


def _has_positions(node: Node, sample: Sample) -> bool:
    return len(node.output.shape) > 1 and tuple(sample.aim.facts.shape) == tuple(node.output.shape[:-1])


def _spread(values: Array, truths: Array | None) -> tuple[Array, Array | None]:
    """Each position as a point of its own: some of those that count, as far apart as can be."""
    import numpy as np

    rows = values.reshape(-1, values.shape[-1])
    classes = None if truths is None else truths.reshape(-1)
    counted = np.arange(len(rows)) if classes is None else np.flatnonzero(classes >= 0)
    kept = counted[np.linspace(0, len(counted) - 1, min(MOST_POINTS, len(counted))).round().astype(int)]
    return rows[kept], None if classes is None else classes[kept]


def _truths(sample: Sample, kind: Kind) -> tuple[Array | None, tuple[str, ...]]:
    """What is true of the examples, and the classes' names; where the loss looks at no target, the data's own class."""
    import numpy as np

    aim, facts = sample.aim, sample.trained.facts.targets
    if aim.target is None or aim.target not in sample.targets:
        own = [name for name, known in facts.items() if known.kind == "class" and not known.shape]
        name = next((name for name in own if name in sample.targets), None)
        return (None, ()) if name is None else (np.asarray(sample.targets[name]), facts[name].labels)
    values = np.asarray(sample.targets[aim.target])
    if aim.facts.kind == "class":
        return values[:, -1] if aim.last else values if values.ndim == 1 or kind == "positions" else None, aim.labels
    back = sample.trained.preparation.measured_back(aim.target, values).reshape(len(values), -1)
    return (back[:, 0], ()) if back.shape[1] == 1 else (None, ())


# -- which layer -------------------------------------------------------------------------------------------------------


def last_hidden(graph: Graph, output: str, kind: Kind) -> Node | None:
    """What the layer of an output reads; of an autoencoder, the first of the layers that give the fewest numbers."""
    end = graph.outputs[output]
    known = outside_cells(graph)
    if kind == "input":
        inside = [n for n in known.values() if n.path != end and not n.branches and n.kind not in STILL]
        return min(inside, key=lambda node: prod(node.output.shape), default=None)
    node = known[end]
    while node.branches and not node.steps:
        node = next(iter(node.branches.values()))[-1]
    if node.sources:
        return known.get(node.sources[0])
    return _before(graph.nodes, node.path, None)


def _before(nodes: tuple[Node, ...], path: str, before: Node | None) -> Node | None:
    """What comes to the node of a path: the one before it in its list, or before the block that it begins."""
    for node in nodes:
        if node.path == path:
            return before
        for branch in node.branches.values():
            if any(path == inner.path or path.startswith(f"{inner.path}/") for inner in branch):
                return _before(branch, path, before)
        if not node.aside and node.kind not in STILL:
            before = node
    return before


# -- principal components ----------------------------------------------------------------------------------------------


def principal(rows: Array) -> tuple[Array, tuple[float, float]]:
    """Rows along their first two principal components, and the shares of the variance that those explain.

    U Σ of the singular value decomposition of X − mean(X), by the eigenvectors of the smaller of (X − m)(X − m)ᵀ and
    (X − m)ᵀ(X − m). Signs are such that what lies farthest out along each lies to the right, or above.

    Pearson, K. "On lines and planes of closest fit to systems of points in space." Philosophical Magazine 2 (1901).
    """
    import numpy as np

    centred = rows - rows.mean(axis=0)
    wide = centred.shape[1] > centred.shape[0]
    squares = centred @ centred.T if wide else centred.T @ centred
    values, vectors = np.linalg.eigh(squares)
    first = np.maximum(values[::-1][:2], 0.0)
    along = vectors[:, ::-1][:, :2]
    points = along * np.sqrt(first) if wide else centred @ along
    farthest = points[np.abs(points).argmax(axis=0), np.arange(points.shape[1])]
    points = points * np.where(farthest < 0, -1.0, 1.0)
    total = float(np.maximum(values, 0.0).sum()) or 1.0
    if points.shape[1] < 2:
        points, first = np.pad(points, ((0, 0), (0, 1))), np.append(first, 0.0)
    return points, (float(first[0]) / total, float(first[1]) / total)
