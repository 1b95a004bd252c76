"""What a network looks for in images: the kernels of its first layer that has weights, or of another one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.commands.layer_features import layer_of
from netspec.commands.trained import open_run, weights_of
from netspec.diagnostics import Diagnostic, RunError

if TYPE_CHECKING:
    import numpy as np

    from netspec.data import Preparation
    from netspec.graph.graph import Graph, Node

__all__ = ["Filters", "Parameters", "filters", "no_filters", "parameters"]


@dataclass(frozen=True, slots=True)
class Filters:
    """The kernels of a layer as images.

    Args:
        run: its directory.
        step: at which its parameters were what is shown.
        layer: its path.
        kernels: [units, height, width, channels].
    """

    run: str
    step: int
    layer: str
    kernels: np.ndarray[Any, Any]
    warnings: tuple[Diagnostic, ...] = ()


def filters(path: Path, layer: str | None = None) -> Filters:
    """The kernels of a layer of a run's network; of an ensemble, the first network's.

    Args:
        layer: its path; the first layer that has weights, unless given.

    Raises:
        RunError: the run has no checkpoint, or the layer's weights do not look at images.
    """
    import numpy as np

    found = parameters(path)
    trained = open_run(path)
    node = _first(found.graph) if layer is None else layer_of(layer, found.graph)
    kernel = None if node is None else _kernel(node)
    image = _image(trained.preparation, found.graph)
    why = _no_filters(node, image)
    if why is not None or node is None or kernel is None:
        raise RunError(Diagnostic("plot", f"{path.name} has no filters to be shown: {why}", file=str(path)))
    weights = np.asarray(found.arrays[kernel[0]])
    shown = weights.reshape(*image, -1) if weights.ndim == 2 and image is not None else weights
    return Filters(found.run, found.step, node.path, np.moveaxis(shown, -1, 0), found.warnings)


def no_filters(preparation: Preparation, graph: Graph) -> str | None:
    """Why a network has no filters that can be shown as images; None where it has."""
    return _no_filters(_first(graph), _image(preparation, graph))


def _no_filters(node: Node | None, image: tuple[int, ...] | None) -> str | None:
    kernel = None if node is None else _kernel(node)
    if node is None or kernel is None:
        return "no layer of it has weights" if node is None else f"{node.path} has no weights"
    shape = kernel[1]
    if len(shape) == 4:
        return None if shape[0] * shape[1] > 1 else f"those of {node.path} look at one pixel"
    if len(shape) != 2:
        return f"the weights of {node.path} have {len(shape)} axes"
    if image is None:
        return "its inputs are no images"
    pixels = image[0] * image[1] * image[2]
    return None if pixels == shape[0] else f"{node.path} takes {shape[0]:,} numbers, and the images hold {pixels:,}"


def _first(graph: Graph) -> Node | None:
    return next((leaf for leaf in graph.leaves() if _kernel(leaf)), None)


def _kernel(node: Node) -> tuple[str, tuple[int, ...]] | None:
    """The path and the shape of a layer's first array with two axes or more."""
    arrays = ((path, tuple(held.shape)) for leaf in node.leaves() for path, held in leaf.arrays("parameters"))
    return next(((path, shape) for path, shape in arrays if len(shape) > 1), None)


def _image(preparation: Preparation, graph: Graph) -> tuple[int, ...] | None:
    from netspec.data.pixels import image_shape

    shapes = (image_shape(preparation, name) for name in graph.inputs if name in preparation.format.inputs)
    return next((shape for shape in shapes if shape is not None), None)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a run's network; of an ensemble, the first network's.

    Args:
        arrays: by path.
    """

    run: str
    step: int
    graph: Graph
    arrays: dict[str, np.ndarray[Any, Any]]
    warnings: tuple[Diagnostic, ...] = ()


def parameters(path: Path) -> Parameters:
    """The parameters that are a run's result.

    Raises:
        RunError: it has no checkpoint.
    """
    import numpy as np

    from netspec.train.saved import result_step

    program, checkpoint, found, _, damaged = weights_of(open_run(path))
    first = {p: np.asarray(a if program.members is None else a[0]) for p, a in found.items()}
    return Parameters(str(path), result_step(program, checkpoint), program.network.graph, first, damaged)
