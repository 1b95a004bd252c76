"""Names for what the functions of a training have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from netspec.build.program import Program
from netspec.emit.body import Statement, lines_of
from netspec.emit.layout import lay_out, paragraph
from netspec.emit.module import Attribute, Module
from netspec.emit.names import free

__all__ = ["Variables", "also", "dotted", "extra_outputs", "function"]

OWN = frozenset(
    (
        *("arrays", "counts", "each", "epoch", "factor", "first", "gradient", "graph", "learning_rate", "logits"),
        *("loss", "loss_at", "losses", "main", "make_optimizer", "model", "optimizer", "order", "outputs"),
        *("parameters", "path", "penalty", "phase", "rest", "rows", "shuffle", "step", "total", "train_step"),
        *("trainable", "value", "w", "weights"),
    )
)
"""Names that the functions use themselves."""


def extra_outputs(program: Program) -> dict[str, str]:
    """What the network has to give besides its outputs: by name, the paths of layers whose results losses are of."""
    known = {path: name for name, path in program.network.graph.outputs.items()}
    found: dict[str, str] = {}
    for path in sorted(also(program) - set(known)):
        found[free(path.rpartition("/")[2], {*known.values(), *found})] = path
    return found


def also(program: Program) -> frozenset[str]:
    """The paths of the layers whose results a loss of any phase is of."""
    return frozenset[str]().union(*(phase.objective.also for phase in program.phases))


@dataclass
class Variables:
    """The variables of a training's functions.

    Args:
        network: the name of the network's class.
    """

    program: Program
    module: Module
    network: str

    @cached_property
    def inputs(self) -> list[str]:
        """The variables of the inputs: named as in the network's call, where the training has no such name itself."""
        found: list[str] = []
        for argument in self.module.classes[-1].arguments:
            found.append(free(argument.partition(":")[0], {*self.taken, *found}))
        return found

    @cached_property
    def targets(self) -> dict[str, str]:
        """By name of a target that is read, its variable."""
        terms = (term for phase in self.program.phases for term in phase.objective.terms)
        names = dict.fromkeys(t.aim.target for t in terms if t.aim.of_data and t.aim.target)
        found: dict[str, str] = {}
        for name in names:
            wanted = "targets" if len(names) == 1 else name
            found[name] = free(wanted, {*self.taken, *self.inputs, *found.values()})
        return found

    @cached_property
    def taken(self) -> set[str]:
        """Names that mean something in the functions of a training."""
        losses = [loss for phase in self.program.phases for loss in phase.spec.losses]
        calls = [call for loss in losses for call in (loss.lower(), *(p.lower() for p in loss.penalties))]
        begun = {"begin", "begun", "start"} if self.program.spec.start else set()
        return {*self.module.taken, *OWN, *begun, *(call.name.rpartition(".")[2] for call in calls)}

    @property
    def batch(self) -> list[str]:
        """The arrays of a batch."""
        return [*self.inputs, *self.targets.values()]

    @property
    def several(self) -> bool:
        """Whether the network gives its results by name."""
        return self.module.classes[-1].result.startswith("{")


def function(header: str, doc: str, statements: Sequence[Statement]) -> str:
    lines = [*lay_out(f"{header}:"), *paragraph(doc, 4), *([""] if statements[0].is_function else [])]
    for indent, line in lines_of(statements, 4):
        lines += lay_out(line, indent)
    return "\n".join(lines)


def dotted(path: Attribute) -> str:
    """A parameter of the model.

    >>> dotted(("blocks", 0, "kernel"))
    'model.blocks[0].kernel'
    """
    return "model" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
