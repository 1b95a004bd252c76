"""Weights that a training begins with: read from a run or a file, and held against the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import DataError, Diagnostic, NetspecError, Place, SpecError
from netspec.document import SETTING
from netspec.spec.sections import Spec

if TYPE_CHECKING:
    import numpy as np

    from netspec.build.start import Started
    from netspec.graph.graph import Graph

__all__ = ["start_arrays"]


def start_arrays(spec: Spec, graph: Graph, directory: Path) -> Started | None:
    """The weights that `[start]` names, as the network takes them; None where there is no such section.

    Args:
        directory: where the spec's relative paths start. A run may also be named as on the command line.

    Raises:
        NetspecError: there is no such run or file, it is damaged, or it does not fit the network.
    """
    from netspec.build.start import check_start, matched

    start = spec.start
    if start is None:
        return None
    check_start(spec, graph)
    key, written = ("run", start.run) if start.run is not None else ("weights", start.weights or "")
    place = spec.document.value_place(spec.at("start", key))
    directory = _beside(spec, place, directory)
    arrays = _of_run(written, directory, place) if key == "run" else _of_file(written, directory, place)
    return matched(spec, graph, arrays, written)


def _beside(spec: Spec, place: Place, directory: Path) -> Path:
    """Where the paths of [start] start, which another file may say than says the data's."""
    document = spec.document
    data = document.value_place(("data", "source")).source.name
    own = place.source.name
    if own in (data, SETTING):
        return directory
    return Path(own).parent


def _of_run(written: str, directory: Path, place: Place) -> dict[str, np.ndarray[Any, Any]]:
    """The parameters and statistics that are the result of a run."""
    import jax

    from netspec.commands.trained import open_run, weights_of
    from netspec.runs.directory import find

    try:
        beside = directory / written
        trained = open_run(beside if beside.is_dir() else find(written))
        program, _, parameters, statistics, _ = weights_of(trained)
    except (NetspecError, OSError, ValueError) as error:
        raise _blamed(error, place) from error
    if program.members is not None:
        message = f"{written} is an ensemble of {program.members} networks, and one cannot begin as all of them"
        raise SpecError(Diagnostic("start", message, place))
    found: dict[str, np.ndarray[Any, Any]] = jax.device_get({**parameters, **statistics})
    return found


def _blamed(error: Exception, place: Place) -> NetspecError:
    """What is wrong with a run, at the place that names it."""
    if not isinstance(error, NetspecError):
        return SpecError(Diagnostic("no-run", f"that cannot be the name of a run: {error}", place))
    return type(error)(*(d if d.place else replace(d, place=place) for d in error.diagnostics))


def _of_file(written: str, directory: Path, place: Place) -> dict[str, np.ndarray[Any, Any]]:
    from netspec.data.files import Where, found_file
    from netspec.runs.weights import arrays_in

    file = found_file(Where(directory, lambda key: place).named("weights", written))
    try:
        return arrays_in(file.content())
    except ValueError as error:
        help_ = "weights are read from safetensors alone, as they hold no code"
        raise DataError(file.diagnostic("damaged", f"is no file of safetensors: {error}", help=help_)) from error
