"""The ways that optimizers take down a function, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import dist
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.commands.specs import Opened, load, program_of
from netspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    import numpy as np

    from netspec.build import Program

__all__ = ["PathTaken", "Paths", "paths"]

MOST_STEPS = 1_000_000
"""Of a path, every one of which is kept."""


@dataclass(frozen=True, slots=True)
class PathTaken:
    """What one spec's optimizer did.

    Args:
        spec, optimizer: their names.
        points: [steps + 1, 2], the start first.
        loss: at the end.
        distance: from the end to the nearest minimum; None where there is none.
        diverged: whether it went on to what is no number.
    """

    spec: str
    optimizer: str
    points: np.ndarray[Any, Any]
    loss: float
    distance: float | None
    diverged: bool


@dataclass(frozen=True, slots=True)
class Paths:
    """Several paths over one function.

    Args:
        function: its name.
        heights: of points [n, 2], the function's values [n].
        minima: where they are known.
    """

    function: str
    heights: Callable[[Any], Any]
    minima: tuple[tuple[float, ...], ...]
    taken: tuple[PathTaken, ...]

    def to_json(self) -> dict[str, Any]:
        """The paths as plain data; the shape is public (see `netspec paths --json`)."""
        return {
            "function": self.function,
            "minima": [list(m) for m in self.minima],
            "paths": [
                {
                    "spec": path.spec,
                    "optimizer": path.optimizer,
                    "steps": len(path.points) - 1,
                    "end": path.points[-1].tolist(),
                    "loss": path.loss,
                    "distance": path.distance,
                    "diverged": path.diverged,
                    "points": path.points.tolist(),
                }
                for path in self.taken
            ],
        }

    def labels(self) -> list[str]:
        """What each path is called beside the others: its spec, and its optimizer where the spec does not say it."""
        named = [p.spec if p.optimizer in p.spec else f"{p.spec} ({p.optimizer})" for p in self.taken]
        return [f"{name} {i + 1}" if named.count(name) > 1 else name for i, name in enumerate(named)]


def paths(
    specs: Sequence[Path], settings: Sequence[str] = (), seed: int | None = None, device: str | None = None
) -> Paths:
    """Train each spec, and keep where its point went.

    Args:
        specs: of one function of a point of two axes.
        settings: values in the place of the files', for each of them.
        seed: of everything random; the specs' own unless given.

    Raises:
        NetspecError: a mistake in a spec; or they are no points, or of different functions.
    """
    from netspec.train.device import choose, keep_compiled

    choose(device)
    keep_compiled()
    opened = [load(path, settings, seed) for path in specs]
    programs = [_of_point(one) for one in opened]
    _check_same(programs)
    first = programs[0]
    loss = first.spec.losses[0]
    minima = tuple(getattr(loss, "minima", ()))
    heights = _heights(first)
    return Paths(loss.kind, heights, minima, tuple(_taken(program, heights, minima) for program in programs))


def _of_point(opened: Opened) -> Program:
    model = opened.spec.model
    if model is None or model.point is None:
        place = opened.spec.document.key_place(("model",))
        message = "paths are those of a point, and this is a network"
        help_ = "[model] point = [-1.5, 2.0]; netspec landscape draws the loss around a network that was trained"
        raise SpecError(Diagnostic("no-point", message, place, help=help_))
    if len(model.point) != 2:
        place = opened.spec.document.value_place(("model", "point"))
        message = f"paths are drawn over a plane, and this point has {len(model.point)} axes"
        raise SpecError(Diagnostic("no-point", message, place, help="give it two"))
    from netspec.graph.facts import NOTHING

    program = program_of(opened.spec, NOTHING)
    if program.steps > MOST_STEPS:
        place = opened.spec.document.value_place(opened.spec.at("train", "steps"))
        message = f"paths are drawn of {MOST_STEPS:,} steps at the most"
        raise SpecError(Diagnostic("too-large", message, place, help="--set train.steps=10000"))
    return program


def _check_same(programs: Sequence[Program]) -> None:
    """See that all are of one function, which contours can be drawn of."""
    functions = [tuple(loss.lower() for loss in program.spec.losses) for program in programs]
    for program, function in zip(programs, functions, strict=True):
        if function != functions[0]:
            place = program.spec.document.value_place((*program.spec.loss_path(0), "kind"))
            there = " + ".join(map(str, functions[0]))
            message = f"paths are over one function: this is {' + '.join(map(str, function))}, the first spec's {there}"
            raise SpecError(Diagnostic("different-functions", message, place))


def _heights(program: Program) -> Callable[[Any], Any]:
    import jax
    import numpy as np

    from netspec.data import nothing
    from netspec.train.risk import risk_of_batch

    (name,) = program.network.graph.parameters
    value, (x, y) = risk_of_batch(program.last), nothing().train.take(np.zeros(1, int))
    each = jax.jit(jax.vmap(lambda point: value({name: point}, {}, {}, x, y)))
    return lambda points: np.asarray(each(np.asarray(points, np.float32)), np.float64)


def _taken(program: Program, heights: Callable[[Any], Any], minima: Sequence[tuple[float, ...]]) -> PathTaken:
    from netspec.data import nothing
    from netspec.train.walk import path_of

    points, diverged = path_of(program, nothing())
    end = points[-1].tolist()
    distance = min((dist(end, minimum) for minimum in minima), default=None)
    assert program.last.spec.optimizer is not None
    kind = program.last.spec.optimizer.kind
    return PathTaken(program.spec.name, kind, points, float(heights(points[-1:])[0]), distance, diverged)
