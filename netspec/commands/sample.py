"""A run's network beside some examples of its data: what outcomes and pictures are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.commands.specs import check_lookups, dataset_of
from netspec.commands.trained import Trained, open_run, weights_of
from netspec.diagnostics import Diagnostic, RunError, SpecError

if TYPE_CHECKING:
    import numpy as np

    from netspec.build import Phase, Program
    from netspec.build.targets import Aim
    from netspec.data import Dataset
    from netspec.data.preparation import Prepared
    from netspec.train.state import Weights

__all__ = ["MOST_EXAMPLES", "MOST_NUMBERS", "PARTS", "Sample", "part_of", "sample_of"]

MOST_EXAMPLES = 10_000
"""Examples that are looked at, unless more are asked for."""

MOST_NUMBERS = 2**26
"""Numbers that are held of what a network gives for all of them."""

PARTS = ("test", "validation", "train")
"""In the order in which they are looked for."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A run's network, and some examples of a part of its data.

    Args:
        run: its directory.
        step: at which its parameters were what is looked at.
        part: of the data.
        of: how many examples the part has.
        rows: the numbers of the examples within the part, rising.
        inputs: by name, prepared, `[n, …]`: arrays, or what is indexed like one.
        targets: by name, as the data has them, `[n, …]`.
    """

    run: str
    step: int
    trained: Trained
    program: Program
    phase: Phase
    weights: Weights
    part: str
    of: int
    rows: np.ndarray[Any, Any]
    inputs: Mapping[str, np.ndarray[Any, Any] | Prepared]
    targets: Mapping[str, np.ndarray[Any, Any]]
    warnings: tuple[Diagnostic, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def thinned(self, most: int) -> Sample:
        """The same with no more examples than these, as far apart as can be."""
        import numpy as np

        if len(self) <= most:
            return self
        kept = np.linspace(0, len(self) - 1, most).round().astype(int)
        inputs = {name: _taken(array, kept, len(self)) for name, array in self.inputs.items()}
        targets = {name: array[kept] for name, array in self.targets.items()}
        return replace(self, rows=self.rows[kept], inputs=inputs, targets=targets)

    @property
    def aim(self) -> Aim:
        """What the first loss compares."""
        return self.phase.objective.terms[0].aim


def sample_of(
    run: Path,
    part: str | None = None,
    device: str | None = None,
    examples: int = MOST_EXAMPLES,
    seed: int = 0,
) -> Sample:
    """A run's network, and examples of a part of its data, drawn at random where there are more than are wanted.

    Args:
        part: "train", "validation" or "test"; the first of test, validation and train that there is, unless given.
        examples: at the most; fewer where the network gives very many numbers for each.
        seed: of which examples.

    Raises:
        NetspecError: the run has no checkpoint, its data is missing, or there is no such part.
    """
    import numpy as np

    from netspec.train.device import choose, keep_compiled
    from netspec.train.saved import phase_of, result_step
    from netspec.train.state import Weights

    if examples < 1:
        raise SpecError(Diagnostic("value", f"--examples must be at least 1, not {examples}"))
    choose(device)
    keep_compiled()
    trained = open_run(run)
    _check_has_data(trained)
    program, checkpoint, parameters, statistics, damaged = weights_of(trained)
    name, chosen = part_of(dataset_of(trained.opened), part)
    phase = phase_of(program, checkpoint)
    count = min(len(chosen), examples, _fitting(program, phase))
    rows = np.arange(len(chosen))
    if count < len(chosen):
        rows = np.sort(np.random.default_rng(seed).permutation(len(chosen))[:count])
    inputs = {n: _taken(array, rows, len(chosen)) for n, array in chosen.inputs.items()}
    targets = {n: np.asarray(array[rows]) for n, array in chosen.targets.items()}
    check_lookups(program.network.graph, inputs)
    return Sample(
        str(run), result_step(program, checkpoint), trained, program, phase, Weights(parameters, statistics),
        name, len(chosen), rows, inputs, targets, damaged,
    )  # fmt: skip


def _check_has_data(trained: Trained) -> None:
    if trained.opened.spec.is_point:
        path = str(trained.run.path)
        message = f"{path} looked for the least of a function, and learned from no examples"
        raise RunError(Diagnostic("no-examples", message, file=path, help="netspec paths draws the way of a point"))


def part_of(dataset: Dataset, wanted: str | None) -> tuple[str, Any]:
    """The name of a part that has examples, and the part; the first that there is, unless one is wanted.

    Raises:
        SpecError: there is no such part.
    """
    parts = {name: getattr(dataset, name) for name in PARTS}
    known = [name for name in PARTS if len(parts[name])]
    if wanted is None:
        return known[0], parts[known[0]]
    if wanted not in known:
        raise SpecError(Diagnostic("value", f"--part must be one of {', '.join(reversed(known))}, not {wanted}"))
    return wanted, parts[wanted]


def _fitting(program: Program, phase: Phase) -> int:
    """Examples whose outputs can be held together; of classes, no more than one for each position is."""
    aim = phase.objective.terms[0].aim
    shape = program.network.graph.output_shapes[aim.output]
    return max(1, MOST_NUMBERS // max(1, prod(shape[:-1] if aim.labels else shape)))


def _taken(array: np.ndarray[Any, Any] | Prepared, rows: np.ndarray[Any, Any], of: int) -> Any:
    """Some examples of an input: those of one that is read when it is asked for are not read yet."""
    import numpy as np

    if len(rows) == of:
        return array
    return array[rows] if isinstance(array, np.ndarray) else replace(array, rows=array.rows[rows])
