"""What a checkpoint holds of a training: its state, and the weights that are the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from netspec.build.program import Phase, Program
from netspec.train.checkpoint import Checkpoint
from netspec.train.state import State, Weights, evaluated, from_arrays, shapes

__all__ = ["arrays_of", "phase_of", "restored", "restored_best", "result_of", "result_step"]

Host = Mapping[str, np.ndarray[Any, Any]]

_STATE, _PARAMETERS, _STATISTICS = "state/", "best/parameters/", "best/statistics/"


def arrays_of(state: Host, kept: Weights | None, which: int | None) -> dict[str, Any]:
    """The arrays of a checkpoint, by name.

    Args:
        state: on the host.
        kept: the weights of the best step, on the host.
        which: of several runs that are trained side by side, the one that is saved; None where there is one.
    """

    def own(name: str, array: Any) -> Any:
        return array if which is None or name == "step" else array[which]

    arrays = {f"{_STATE}{name}": own(name, array) for name, array in state.items()}
    if kept is not None:
        arrays |= {f"{_PARAMETERS}{path}": own("", array) for path, array in kept.parameters.items()}
        arrays |= {f"{_STATISTICS}{path}": own("", array) for path, array in kept.statistics.items()}
    return arrays


def restored(phase: Phase, saved: Sequence[Checkpoint], abreast: int | None, *, together: bool) -> State:
    """The state that was saved.

    Args:
        saved: of each run that is trained side by side.
        abreast: how many networks the state is of.
        together: whether the checkpoints are of one network each, to be put side by side.

    Raises:
        RunError: a checkpoint is of another program.
    """
    parts = [_under(_STATE, checkpoint.arrays) for checkpoint in saved]
    if not together:
        return from_arrays(shapes(phase, abreast), parts[0])
    common = [name for name in parts[0] if all(name in part for part in parts)]
    arrays = {name: parts[0][name] if name == "step" else np.stack([p[name] for p in parts]) for name in common}
    return from_arrays(shapes(phase, abreast), arrays)


def restored_best(saved: Sequence[Checkpoint], *, together: bool) -> Weights | None:
    """The weights of the best step, where they were kept."""
    found = [
        Weights(_under(_PARAMETERS, checkpoint.arrays), _under(_STATISTICS, checkpoint.arrays)) for checkpoint in saved
    ]
    if not found[0].parameters:
        return None
    if together:
        return jax.tree.map(lambda *leaves: jnp.array(np.stack(leaves)), *found)  # type: ignore[no-any-return]
    return jax.tree.map(jnp.array, found[0])  # type: ignore[no-any-return]


def _under(prefix: str, arrays: Host) -> dict[str, np.ndarray[Any, Any]]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def phase_of(program: Program, checkpoint: Checkpoint) -> Phase:
    """The phase in which a checkpoint was saved."""
    number: int = checkpoint.meta["phase"]
    return program.phases[number]


def result_of(program: Program, checkpoint: Checkpoint) -> Weights:
    """The weights that a checkpoint's training has as its result; of an ensemble, with an axis for its members.

    Raises:
        RunError: the checkpoint is of another program.
    """
    phase = phase_of(program, checkpoint)
    state = restored(phase, [checkpoint], program.members, together=False)
    return restored_best([checkpoint], together=False) or evaluated(phase, program.members)(state)


def result_step(program: Program, checkpoint: Checkpoint) -> int:
    """The step at which `result_of` had these weights."""
    best = checkpoint.meta["best_step"]
    return best if phase_of(program, checkpoint).judge.keep and best is not None else checkpoint.step
