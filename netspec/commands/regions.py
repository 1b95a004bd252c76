"""What a network says of every point of a plane, where its inputs are two numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from netspec.commands.outcomes import Kind, kind_of, outcomes_of
from netspec.commands.sample import Sample
from netspec.commands.trained import Trained, predict_inputs
from netspec.diagnostics import Diagnostic, RunError

if TYPE_CHECKING:
    import numpy as np

    from netspec.build.targets import Aim

    Array = np.ndarray[Any, Any]

__all__ = ["Regions", "no_regions", "regions"]

GRID = 200
"""Points along each axis."""

MARGIN = 0.12
"""Around the examples, as a share of their extent."""


@dataclass(frozen=True, slots=True)
class Regions:
    """What a network says of a plane.

    Args:
        axes: what the two numbers are called.
        x, y: of the grid's points, in the unit of the data, rising.
        values: [len(y), len(x), classes] probabilities, or [len(y), len(x)] numbers in the target's own unit.
        points: [n, 2], the examples, in the unit of the data.
        truths: of each example: its class, -1 for none, or a number.
        said: likewise.
        labels: the classes' names; empty for numbers.
        target: what is predicted.
    """

    run: str
    step: int
    part: str
    axes: tuple[str, str]
    x: Array
    y: Array
    values: Array
    points: Array
    truths: Array
    said: Array
    labels: tuple[str, ...]
    target: str


def no_regions(trained: Trained, aim: Aim) -> str | None:
    """Why what a network says cannot be shown on a plane; None where it can."""
    known = trained.preparation.format
    if len(known.inputs) != 1 or known.paired:
        return "it takes several inputs"
    ((name, own),) = known.inputs.items()
    shape = tuple(trained.facts.inputs[name].shape)
    if shape != (2,) or own.shape != (2,):
        return f"an input has the shape {trained.facts.inputs[name].shape}, and must be two numbers"
    if own.dtype != "float32" or any(column.words for column in own.columns):
        return "its inputs are no measures: between two words lies nothing"
    kind: Kind = kind_of(aim)
    if kind == "class" or (kind == "number" and prod(aim.facts.shape) == 1):
        return None
    return "it says neither one class nor one number"


def regions(sample: Sample) -> Regions:
    """What the network of a sample says around its examples.

    Raises:
        RunError: its inputs are not two numbers, or it says neither one class nor one number.
    """
    import numpy as np

    from netspec.data import NewInputs
    from netspec.data.pixels import taken_back

    trained = sample.trained
    why = no_regions(trained, sample.aim)
    if why is not None:
        raise RunError(Diagnostic("plot", f"{sample.run} has no regions to be shown: {why}", file=sample.run))
    ((name, inputs),) = sample.inputs.items()
    pipeline = trained.preparation.input(name)
    points = taken_back(np.asarray(inputs[:], np.float64), pipeline)
    low, high = points.min(axis=0), points.max(axis=0)
    room = MARGIN * np.where(high > low, high - low, 1.0)
    x, y = (np.linspace(a, b, GRID) for a, b in zip(low - room, high + room, strict=True))
    plane = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    new = NewInputs(("",) * len(plane), {name: pipeline.apply(plane.astype(np.float32))})
    values = predict_inputs(trained, new).values
    found = outcomes_of(sample)
    assert found.truths is not None
    assert found.said is not None
    shape = (GRID, GRID, -1) if found.labels else (GRID, GRID)
    axes = tuple(column.name for column in trained.preparation.format.inputs[name].columns) or ("x1", "x2")
    target = trained.preparation.format.targets[sample.aim.target or ""].source
    return Regions(
        sample.run, sample.step, sample.part, (axes[0], axes[1]), x, y, values.reshape(shape), points,
        found.truths.reshape(len(points)), found.said.reshape(len(points)), found.labels, target,
    )  # fmt: skip
