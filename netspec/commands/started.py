"""Weights that a training begins with: read from a run or a file, and held against the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import DataError, Diagnostic, NetspecError, Place, SpecError
from netspec.document import SETTING
from netspec.spec.sections import Spec

if TYPE_CHECKING:
    import numpy as np

    from netspec.build.start import Started
    from netspec.graph.graph import Graph, Node
    from netspec.spec.start import Start

__all__ = ["keep_loaded", "start_arrays"]


def start_arrays(spec: Spec, graph: Graph, directory: Path) -> Started | None:
    """The weights that `[start]` and loaded layers name, as the network takes them; None where nothing does.

    Where both speak of a parameter, as `only` may have it, [start] counts.

    Args:
        directory: where the spec's relative paths start. A run may also be named as on the command line.

    Raises:
        NetspecError: there is no such run or file, it is damaged, or it does not fit the network.
    """
    from netspec.build.start import Started, loads

    found = [_of_load(node, graph) for node in loads(graph)]
    if spec.start is not None:
        found.append(_of_section(spec, spec.start, graph, directory))
    if not found:
        return None
    arrays = {path: array for one in found for path, array in one.arrays.items()}
    return Started(arrays, "; ".join(one.remark for one in found))


def _of_section(spec: Spec, start: Start, graph: Graph, directory: Path) -> Started:
    """The weights that `[start]` names."""
    from netspec.build.start import check_start, matched
    from netspec.runs.directory import find

    check_start(spec, graph)
    key, written = ("run", start.run) if start.run is not None else ("weights", start.weights or "")
    place = spec.document.value_place(spec.at("start", key))
    directory = _beside(spec, place, directory)
    if key == "weights":
        return matched(spec, graph, _of_file(written, directory, place), written)
    with _blaming(place):
        beside = directory / written
        arrays = _of_run(beside if beside.is_dir() else find(written), written, place)
    return matched(spec, graph, arrays, written)


def _of_load(node: Node, graph: Graph) -> Started:
    """The weights of the run whose layers a block is."""
    from netspec.build.start import of_load
    from netspec.graph.loaded import folder_of

    written = str(getattr(node.layer, "load", ""))
    folder = folder_of(written, node.place, copies=False)
    if folder is None:
        message = f"the run {written} is gone, and {node.path} begins with its weights"
        raise SpecError(Diagnostic("no-run", message, node.place))
    with _blaming(node.place):
        arrays = _of_run(folder, written, node.place)
    return of_load(node, graph, arrays)


def keep_loaded(graph: Graph, run: Path) -> None:
    """Keep what a run needs of those whose layers it loads, so that it can be read when they are gone.

    Raises:
        RunError: the disk is full, or the system does not allow it.
    """
    from netspec.build.start import loads
    from netspec.graph.loaded import COPIES, copy_name, folder_of

    for node in loads(graph):
        written = str(getattr(node.layer, "load", ""))
        folder = folder_of(written, node.place)
        if folder is not None:
            _copy(folder, run / COPIES / copy_name(written))


def _copy(folder: Path, target: Path) -> None:
    """The files that tell what a run is, and those of the runs that it loads itself."""
    from netspec.graph.loaded import COPIES, FILES
    from netspec.runs.atomic import reading, write_bytes, writing

    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        with reading(folder / name):
            data = (folder / name).read_bytes()
        write_bytes(target / name, data)
    inner = folder / COPIES
    for one in sorted(inner.iterdir()) if inner.is_dir() else ():
        if all((one / name).is_file() for name in FILES):
            _copy(one, target / COPIES / one.name)


def _beside(spec: Spec, place: Place, directory: Path) -> Path:
    """Where the paths of [start] start, which another file may say than says the data's."""
    document = spec.document
    data = document.value_place(("data", "source")).source.name
    own = place.source.name
    if own in (data, SETTING):
        return directory
    return Path(own).parent


def _of_run(folder: Path, written: str, place: Place) -> dict[str, np.ndarray[Any, Any]]:
    """The parameters and statistics that are the result of a run."""
    import jax

    from netspec.commands.trained import open_run, weights_of

    program, _, parameters, statistics, _ = weights_of(open_run(folder))
    if program.members is not None:
        message = f"{written} is an ensemble of {program.members} networks, and one cannot begin as all of them"
        raise SpecError(Diagnostic("start", message, place))
    found: dict[str, np.ndarray[Any, Any]] = jax.device_get({**parameters, **statistics})
    return found


@contextmanager
def _blaming(place: Place) -> Iterator[None]:
    """Within it, what is wrong with a run is told at the place that names it."""
    try:
        yield
    except NetspecError as error:
        raise type(error)(*(d if d.place else replace(d, place=place) for d in error.diagnostics)) from error
    except (OSError, ValueError) as error:
        raise SpecError(Diagnostic("no-run", f"that cannot be the name of a run: {error}", place)) from error


def _of_file(written: str, directory: Path, place: Place) -> dict[str, np.ndarray[Any, Any]]:
    from netspec.data.files import Where, found_file
    from netspec.runs.weights import arrays_in

    file = found_file(Where(directory, lambda key: place).named("weights", written))
    try:
        return arrays_in(file.content())
    except ValueError as error:
        help_ = "weights are read from safetensors alone, as they hold no code"
        raise DataError(file.diagnostic("damaged", f"is no file of safetensors: {error}", help=help_)) from error
