"""What a layer of a run's network gives for new inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.commands.specs import check_lookups
from netspec.commands.trained import Trained, open_run, weights_of
from netspec.diagnostics import DataError, Diagnostic, RunError, nearest

if TYPE_CHECKING:
    import numpy as np

    from netspec.build import Program
    from netspec.graph.graph import Graph, Node

__all__ = ["Features", "features", "layer_of", "outside_cells", "values_of"]


@dataclass(frozen=True, slots=True)
class Features:
    """What a layer gives for some inputs.

    Args:
        layer: its path.
        names: of the inputs: a row's number, a file's name.
        values: [n, …] in the layer's shape; of an ensemble, [n, members, …].
        labels: what the inputs are, [n]: classes' names, or numbers; None where they do not say.
    """

    layer: str
    names: tuple[str, ...]
    values: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any] | None = None
    warnings: tuple[Diagnostic, ...] = ()

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """For an NPZ file: "features", "names", and "labels" where the inputs say them."""
        import numpy as np

        labels = {} if self.labels is None else {"labels": self.labels}
        return {"features": self.values, "names": np.array(self.names), **labels}

    def rows(self) -> tuple[list[str], list[list[Any]]]:
        """A header, and for each input a row: its name, the layer's numbers in one line, and its label."""
        flat = self.values.reshape(len(self.names), -1)
        header = ["input", *(f"feature{i + 1}" for i in range(flat.shape[1]))]
        rows = [[name, *numbers] for name, numbers in zip(self.names, flat.tolist(), strict=True)]
        if self.labels is None:
            return header, rows
        labels = self.labels.reshape(len(self.names), -1).tolist()
        named = ["label"] if len(labels[0]) == 1 else [f"label{i + 1}" for i in range(len(labels[0]))]
        return [*header, *named], [[*row, *label] for row, label in zip(rows, labels, strict=True)]


def features(path: Path, inputs: Path, layer: str, device: str | None = None) -> Features:
    """Let a run's network say what one of its layers gives for new inputs.

    Args:
        inputs: a table, an NPZ file, an image, or a folder of images.
        layer: the path of a layer, as `inspect` shows it.

    Raises:
        NetspecError: the run has no checkpoint, there is no such layer, or the inputs do not fit.
    """
    from netspec.data import read_inputs
    from netspec.train.device import choose, keep_compiled

    choose(device)
    keep_compiled()
    trained = open_run(path)
    program, _, parameters, statistics, damaged = weights_of(trained)
    node = layer_of(layer, program.network.graph)
    new = read_inputs(inputs, trained.preparation)
    check_lookups(program.network.graph, new.inputs)
    values = values_of(program, parameters, statistics, new.inputs, node)
    labels = _labels(inputs, trained, new.names)
    return Features(node.path, new.names, values, labels, damaged)


def layer_of(path: str, graph: Graph) -> Node:
    """The layer of a path, or of a name that one alone has."""
    known = outside_cells(graph)
    named = [node for node in known.values() if node.name == path]
    if path in known or len(named) == 1:
        return known.get(path) or named[0]
    if any(node.path == path for node in graph.every()):
        message = f"'{path}' is inside a cell, which gives its states alone"
        raise RunError(Diagnostic("unknown-name", message, help="name the cell"))
    guess = nearest(path, known)
    shown = list(known)[:8]
    note = f"there are: {', '.join(shown)}{', …' if len(known) > len(shown) else ''}"
    message = f"no layer of the network is called '{path}'"
    raise RunError(Diagnostic("unknown-name", message, note=note, help=f"did you mean '{guess}'?" if guess else ""))


def outside_cells(graph: Graph) -> Mapping[str, Node]:
    """By path, all nodes whose results are known after a pass: inside a cell, there is one for each position."""
    cells = [f"{node.path}/" for node in graph.every() if node.state is not None]
    return {node.path: node for node in graph.every() if not node.path.startswith(tuple(cells))}


MOST_HELD = 2**31
"""Bytes of features, at the most."""


def values_of(
    program: Program,
    parameters: Mapping[str, Any],
    statistics: Mapping[str, Any],
    inputs: Mapping[str, Any],
    node: Node,
) -> np.ndarray[Any, Any]:
    """What the node gives for all inputs, batch by batch, so that no more is held than the results."""
    from math import prod

    import numpy as np

    count = len(next(iter(inputs.values())))
    size = count * prod(node.output.shape) * (program.members or 1)
    if size * 4 > MOST_HELD:
        message = f"{node.path} gives {node.output.shape} for each of {count:,} inputs, {size * 4 / 1e9:,.1f} GB in all"
        raise DataError(Diagnostic("too-large", message, help="fewer inputs, or a later layer"))
    batch = max(1, min(count, 1000, 2**26 // program.network.graph.activations))
    apply = _applied(program, node.path)
    found = []
    for start in range(0, count, batch):
        chosen = np.minimum(np.arange(start, start + batch), count - 1)
        rows = {name: array[chosen] for name, array in inputs.items()}
        found.append(np.asarray(apply(parameters, statistics, rows))[: count - start])
    return np.concatenate(found)


def _applied(program: Program, path: str) -> Callable[..., Any]:
    """The compiled function of weights and a batch that gives a node's result; of an ensemble, each member's."""
    import jax

    from netspec.graph.calls import Mode
    from netspec.nn.convolution import convolution

    def one(parameters: dict[str, Any], statistics: dict[str, Any], x: dict[str, Any]) -> Any:
        mode = Mode(convolve=convolution(1.0))
        return program.network.apply(parameters, statistics, x, mode=mode, also=frozenset({path})).values[path]

    return jax.jit(one if program.members is None else jax.vmap(one, in_axes=(0, 0, None), out_axes=1))


def _labels(path: Path, trained: Trained, names: tuple[str, ...]) -> np.ndarray[Any, Any] | None:
    """What the inputs are, where they say it: folders by their names, tables and arrays beside the inputs."""
    import numpy as np

    from netspec.data import evaluate_part

    known = trained.preparation.format
    if known.paired or known.reading not in ("table", "arrays") or len(known.targets) != 1:
        return None
    ((name, target),) = known.targets.items()
    if path.is_dir():
        folders = [one.partition("/")[0] for one in names]
        return np.array(folders) if set(folders) <= set(target.labels) else None
    try:
        found = np.asarray(evaluate_part(path, trained.preparation).targets[name])
    except DataError:
        return None
    if len(found) != len(names):
        return None
    return np.array(target.labels)[found] if target.kind == "class" and not target.shape else found
