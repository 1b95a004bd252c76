"""What the loss is like where a training ended: around it, and how it curves there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.commands.sample import part_of
from netspec.commands.specs import check_lookups, dataset_of
from netspec.commands.trained import open_run, weights_of
from netspec.diagnostics import Diagnostic, RunError, SpecError

if TYPE_CHECKING:
    from netspec.build import Program
    from netspec.train.curvature import Curvature
    from netspec.train.landscape import Landscape
    from netspec.train.risk import Risk

__all__ = ["Around", "Curved", "curvature", "landscape"]

EXAMPLES = 1000
"""That are looked at, unless it is said otherwise."""

MOST_POINTS = 201
"""Of a grid along each direction."""

MOST_NUMBERS = 2**28
"""Numbers of 8 bytes that the vectors of a Lanczos iteration may take together."""


@dataclass(frozen=True, slots=True)
class Around:
    """The loss around a run's network.

    Args:
        run: its directory.
        step: at which its parameters were what was looked at.
        examples: how many the losses are of.
    """

    run: str
    step: int
    examples: int
    landscape: Landscape
    radius: float
    warnings: tuple[Diagnostic, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The losses as plain data; the shape is public (see `netspec landscape --json`)."""
        found = self.landscape
        return {
            "run": self.run,
            "step": self.step,
            "examples": self.examples,
            "radius": self.radius,
            "loss": found.centre,
            "steps": found.steps.tolist(),
            "losses": found.losses.tolist(),
        }


@dataclass(frozen=True, slots=True)
class Curved:
    """How the loss curves where a run ended; as in `Around`."""

    run: str
    step: int
    examples: int
    curvature: Curvature
    warnings: tuple[Diagnostic, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What was found as plain data; the shape is public (see `netspec curvature --json`)."""
        found = self.curvature
        more = {"condition": found.condition, "tolerance": found.tolerance, "verdict": found.verdict}
        return {"run": self.run, "step": self.step, "examples": self.examples, **asdict(found), **more}


@dataclass(frozen=True, slots=True)
class _Result:
    """Where a run ended, and its loss as a function of the parameters that learn."""

    run: str
    step: int
    parameters: dict[str, Any]
    risk: Risk
    program: Program
    warnings: tuple[Diagnostic, ...]


def landscape(
    path: Path,
    size: int = 25,
    radius: float = 1.0,
    part: str = "train",
    examples: int = EXAMPLES,
    seed: int = 0,
    device: str | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Around:
    """The loss around a run's network, along two directions that are random but of the weights' size.

    Of the parameters that the last phase learned; of an ensemble, the first network.

    Args:
        size: points along each direction; an odd number.
        radius: how far from the network, in the lengths of its filters.
        part: of the data: "train", "validation" or "test".
        examples: of the part that are looked at, at the most.
        seed: of the directions, and of which examples.
        progress: is told how many points are done.

    Raises:
        NetspecError: the run has no checkpoint, its data is missing, or it has no weights of two axes.
    """
    from netspec.train.landscape import landscape as worked_out

    if not (3 <= size <= MOST_POINTS and size % 2):
        raise _refused(f"--size must be an odd number from 3 to {MOST_POINTS}, not {size}")
    if not 0 < radius <= 1e6:
        raise _refused(f"--radius must be above 0, not {radius:g}")
    found = _result(path, part, examples, seed, device)
    if all(w.ndim < 2 for w in found.parameters.values()):
        help_ = "netspec paths draws the way of a point" if found.program.spec.is_point else ""
        message = f"{found.run} has no weights of two axes, along whose filters directions are drawn"
        raise RunError(Diagnostic("no-weights", message, file=found.run, help=help_))
    losses = worked_out(found.risk, found.parameters, size, radius, seed, progress)
    return Around(found.run, found.step, found.risk.examples, losses, radius, found.warnings)


def curvature(
    path: Path,
    steps: int | None = None,
    part: str = "train",
    examples: int = EXAMPLES,
    seed: int = 0,
    device: str | None = None,
) -> Curved:
    """The ends of the spectrum of the loss's Hessian where a run ended, over the same parameters as `landscape`.

    Args:
        steps: products with the Hessian; 100 unless given, or one for each parameter where they are fewer.
        part, examples, seed: as of `landscape`.

    Raises:
        NetspecError: the run has no checkpoint, its data is missing, or there are too many parameters for the steps.
    """
    from netspec.train.curvature import curvature as worked_out

    found = _result(path, part, examples, seed, device)
    parameters = sum(w.size for w in found.parameters.values())
    most = max(1, MOST_NUMBERS // max(1, parameters))
    if steps is not None and not 1 <= steps <= most:
        note = f"each keeps a vector of {parameters:,} numbers"
        raise _refused(f"--steps must be from 1 to {most:,} for this network, not {steps:,}", note)
    curved = worked_out(found.risk, found.parameters, min(steps or 100, most), seed)
    return Curved(found.run, found.step, found.risk.examples, curved, found.warnings)


def _refused(message: str, note: str = "") -> SpecError:
    return SpecError(Diagnostic("value", message, note=note))


def _result(path: Path, part: str, examples: int, seed: int, device: str | None) -> _Result:
    from netspec.train.device import choose, keep_compiled
    from netspec.train.risk import Risk
    from netspec.train.saved import phase_of, result_step
    from netspec.train.state import one_of

    if examples < 1:
        raise _refused(f"--examples must be at least 1, not {examples}")
    choose(device)
    keep_compiled()
    trained = open_run(path)
    program, checkpoint, parameters, statistics, damaged = weights_of(trained)
    _, chosen = part_of(dataset_of(trained.opened), part)
    check_lookups(program.network.graph, chosen.inputs)
    if program.members is not None:
        parameters, statistics = one_of((parameters, statistics), 0)
    phase = phase_of(program, checkpoint)
    frozen = phase.network.graph.frozen
    learned = {p: w for p, w in parameters.items() if p not in frozen}
    fixed = {p: w for p, w in parameters.items() if p in frozen}
    risk = Risk(phase, fixed, statistics, chosen, examples, seed)
    return _Result(str(path), result_step(program, checkpoint), learned, risk, program, damaged)
