"""Which learning rate suits a spec: the range test."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from netspec.commands.specs import Opened, check_lookups, dataset_of, program_of
from netspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from netspec.train.range_test import RangeTest

__all__ = ["FoundRate", "find_rate"]

FEWEST, MOST = 100, 400
"""Steps, where a pass over the training examples has fewer or more."""

MOST_ASKED = 100_000


@dataclass(frozen=True, slots=True)
class FoundRate:
    """What the range test said of a spec.

    Args:
        spec, optimizer: their names.
    """

    spec: str
    optimizer: str
    test: RangeTest
    warnings: tuple[Diagnostic, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The test as plain data; the shape is public (see `netspec lr --json`)."""
        test = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self.test).items()}
        return {"spec": self.spec, "optimizer": self.optimizer, **test}

    def marks(self) -> dict[str, float]:
        """The rates that a picture points out, by what they are."""
        found = {"suggested": self.test.suggested, "steepest": self.test.steepest, "least loss": self.test.least}
        return {name: rate for name, rate in found.items() if rate is not None}


def find_rate(
    opened: Opened, first: float = 1e-7, last: float = 10.0, steps: int | None = None, device: str | None = None
) -> FoundRate:
    """Train for a moment with a learning rate that grows, and see which one suits; nothing is recorded.

    Args:
        first, last: rates.
        steps: from the one to the other; those of one pass over the examples, but 100 to 400, unless given.

    Raises:
        NetspecError: a mistake in the spec or the data; the optimizer has no learning rate that may change.
    """
    from netspec.train.device import choose, keep_compiled
    from netspec.train.range_test import range_test

    if not 0 < first < last <= 1e6:
        raise SpecError(Diagnostic("value", f"rates grow from above 0: --from {first:g} --to {last:g} cannot be"))
    if steps is not None and not 10 <= steps <= MOST_ASKED:
        raise SpecError(Diagnostic("value", f"--steps must be from 10 to {MOST_ASKED:,}, not {steps:,}"))
    choose(device)
    keep_compiled()
    dataset = dataset_of(opened)
    program = program_of(opened.spec, dataset.facts)
    check_lookups(program.network.graph, dataset.train.inputs)
    phase = program.phases[0]
    chosen = steps or min(MOST, max(FEWEST, phase.clock.per_epoch))
    found = range_test(program, dataset, first, last, chosen)
    assert phase.spec.optimizer is not None
    return FoundRate(program.spec.name, phase.spec.optimizer.kind, found, dataset.warnings)
