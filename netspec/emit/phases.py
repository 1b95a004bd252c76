"""The phases of a training as source: what differs among them is a table, what they share is written once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from netspec.build.program import Phase
from netspec.emit.body import Statement
from netspec.emit.layout import lay_out
from netspec.emit.marks import literal
from netspec.emit.module import Attribute
from netspec.emit.names import free
from netspec.emit.objective import loss_function
from netspec.emit.optimizer import OptimizerWriter, told
from netspec.emit.variables import Variables, function

__all__ = ["Field", "Phases"]

Write = Callable[[Phase, str, str], Sequence[str]]
"""Of a phase, what its functions' names end with, and when they are used, the functions."""


@dataclass(frozen=True, slots=True)
class Field:
    """What the phases say of one thing.

    Args:
        name, type: as printed.
        texts: of each phase.
    """

    name: str
    type: str
    texts: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether phases say different things."""
        return len(set(self.texts)) > 1

    @property
    def text(self) -> str:
        """What it is within the loop over the phases."""
        return f"phase.{self.name}" if self.differs else self.texts[0]


@dataclass(frozen=True, slots=True)
class Phases:
    """The phases of a training; of an ordinary one, the only one.

    Args:
        functions: of their losses, of what is trained, and of their optimizers.
        name: of the table of the phases.
        names: of the phases.
        length: in epochs or steps.
        batch: examples a step.
        by_epoch: whether they are counted in epochs.
        whole: whether each step takes all examples.
        told: what an update is told besides the gradient.
    """

    functions: tuple[str, ...]
    name: str
    names: tuple[str, ...]
    length: Field
    batch: Field
    loss: Field
    optimizer: Field
    trainable: Field
    by_epoch: bool
    whole: bool
    told: str

    @classmethod
    def of(cls, variables: Variables) -> Phases:
        """The phases of a program.

        Raises:
            SpecError: a part of one has no source.
        """
        program = variables.program
        phases = program.phases
        trains = [phase.train for phase in phases]
        whole = all(train.batch == "all" for train in trains)
        by_epoch = all(train.epochs is not None and train.batch != "all" for train in trains)
        lengths = tuple(str(p.train.epochs if by_epoch else p.clock.steps) for p in phases)
        sizes = tuple(str(max(stretch.batch for stretch in p.clock.stretches)) for p in phases)
        losses = _each(phases, lambda *which: _loss(variables, *which))
        trained = _each(phases, lambda *which: _trainable(variables, *which))
        optimizers = _each(phases, lambda *which: _optimizer(variables, *which))
        return cls(
            (*losses.texts, *trained.texts, *optimizers.texts),
            free("PHASES", {name.upper() for name in program.spec.let}),
            tuple(phase.name for phase in phases),
            Field("epochs" if by_epoch else "steps", "int", lengths),
            Field("batch", "int", sizes),
            Field("loss", "Callable[..., jax.Array]", losses.named("loss")),
            Field(
                "make_optimizer",
                "Callable[[], optax.GradientTransformation]",
                optimizers.named("make_optimizer"),
            ),
            Field("trainable", "nnx.filterlib.Filter", trained.named("trainable", "nnx.Param")),
            by_epoch,
            whole,
            _told(phases),
        )

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.names) > 1

    @property
    def searches(self) -> bool:
        """Whether an update asks for the loss at other parameters."""
        return "loss_at" in self.told

    def table(self) -> Iterator[str]:
        """The class of a phase, and all of them."""
        if not self.several:
            return
        fields = [f for f in (self.length, self.batch, self.loss, self.trainable, self.optimizer) if f.differs]
        if self.whole:
            fields = [field for field in fields if field is not self.batch]
        lines = [
            "class Phase(NamedTuple):",
            '    """A stage of the training, which goes on with what the one before it learned."""',
            "",
            *(f"    {name}: {type_}" for name, type_ in [("name", "str"), *((f.name, f.type) for f in fields)]),
        ]
        yield "\n".join(lines)
        rows = []
        for i, name in enumerate(self.names):
            given = [literal(name), *(f"{field.name}={field.texts[i]}" for field in fields)]
            rows.append(f"Phase({', '.join(given)})")
        yield "\n".join(lay_out(f"{self.name} = ({', '.join(rows)})"))


@dataclass(frozen=True, slots=True)
class _Written:
    """Functions of phases.

    Args:
        texts: each once.
        endings: of each phase's functions' names; None where it has none.
    """

    texts: tuple[str, ...]
    endings: tuple[str | None, ...]

    def named(self, name: str, otherwise: str = "") -> tuple[str, ...]:
        """The function of each phase."""
        return tuple(otherwise if ending is None else f"{name}{ending}" for ending in self.endings)


def _each(phases: Sequence[Phase], write: Write) -> _Written:
    """The functions of all phases, those that are alike written once."""
    plain = [tuple(write(phase, "", "")) for phase in phases]
    first = {text: phase for phase, text in reversed(list(zip(phases, plain, strict=True)))}
    if len(first) == 1:
        return _Written(plain[0], tuple("" if text else None for text in plain))
    texts: list[str] = []
    for text in dict.fromkeys(plain):
        names = [phase.name for phase, own in zip(phases, plain, strict=True) if own == text]
        where = f" in the phase{'s' * (len(names) > 1)} {', '.join(names)}"
        texts += write(first[text], f"_in_{first[text].name}", where)
    return _Written(tuple(texts), tuple(f"_in_{first[text].name}" if text else None for text in plain))


def _loss(variables: Variables, phase: Phase, ending: str, where: str) -> list[str]:
    return [loss_function(variables, phase, f"loss{ending}", where)]


def _trainable(variables: Variables, phase: Phase, ending: str, where: str) -> list[str]:
    """The filter of what is trained, where that is not everything."""
    graph, module = phase.network.graph, variables.module
    if not graph.frozen:
        return []
    held = sorted((module.path(p) for p in graph.frozen), key=str)
    learned = sorted((module.path(p) for p in set(graph.parameters) - graph.frozen), key=str)
    fewer, sign = (learned, "") if len(_firsts(learned)) < len(_firsts(held)) else (held, "not ")
    if set(_firsts(learned)) & set(_firsts(held)):
        fewer, sign = (learned, "") if len(learned) < len(held) else (held, "not ")
        test = f"path {sign}in {_set(fewer)}"
    elif len(_firsts(fewer)) == 1:
        test = f'path[0] {"!" if sign else "="}= "{_firsts(fewer)[0]}"'
    else:
        test = f"path[0] {sign}in {_set(_firsts(fewer))}"
    header = f"def trainable{ending}(path: tuple, value: nnx.Variable) -> bool"
    doc = f"Whether something is a parameter that {f'learns{where}' if where else 'does not stay as it begins'}."
    return [function(header, doc, [Statement(f"return isinstance(value, nnx.Param) and {test}")])]


def _firsts(paths: Sequence[Attribute]) -> list[str]:
    """The attributes of the network that paths begin with."""
    return sorted({str(path[0]) for path in paths})


def _set(values: Sequence[Attribute | str]) -> str:
    return f"{{{', '.join(literal(v) for v in values)}}}"


def _optimizer(variables: Variables, phase: Phase, ending: str, where: str) -> list[str]:
    clock, phases = phase.clock, variables.program.phases
    length = f", in {clock.steps:,} steps, {clock.per_epoch:,} an epoch"
    doc = f"How parameters are updated{length if len(phases) == 1 else where or ', anew in each phase'}."
    tells = told(phase) != _told(phases)
    return list(OptimizerWriter(phase, variables.module, ending).functions(doc, tells=tells))


def _told(phases: Sequence[Phase]) -> str:
    """What an update is told besides the gradient: all that any phase's optimizer asks for."""
    return max((told(phase) for phase in phases), key=len)
