"""What a spec makes, before anything is allocated: layers, shapes, counts, memory, the optimizer's chain, the schedule.

`inspect` works it out; `inspection_view` shows it. JAX is imported when something is inspected, not before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

from netspec.report.inspection.optimizer_lines import GroupPlan, group_names
from netspec.report.inspection.plans import PhasePlan, phase_to_json, plans_of
from netspec.report.inspection.receptive_field import WINDOWS, receptive_fields
from netspec.spec.call import Shape
from netspec.spec.sections import Spec

if TYPE_CHECKING:
    from netspec.graph.facts import Facts
    from netspec.graph.graph import Graph, Node

__all__ = ["Counts", "Inspection", "Memory", "Row", "inspect", "to_json"]

BYTES = 4
"""Of one number: the arithmetic is float32, and inputs that are whole numbers are int32."""


@dataclass(frozen=True, slots=True)
class Row:
    """A layer, or a block with the sums of what is inside.

    Args:
        path: its name within the network.
        kind: as the spec writes it; of one branch of a block, its name.
        output: the shape of one example.
        parameters: numbers that are learned or frozen.
        statistics: numbers that are remembered, not learned.
        multiply_adds: of one forward pass of one example.
        activations: numbers that one example leaves behind for the backward pass.
        frozen: whether the parameters stay as they begin.
        receptive_field: how much of the input one position of the output sees, along each spatial axis; None where that
            is all of it.
        windows: whether it is a layer that looks at windows.
        shares: the path of the layer whose parameters it has, where they are not its own.
        repeats: how often it runs for one example: once for each position, inside a cell.
        groups: of the optimizer, that its parameters are in, in the last phase; empty where it has no groups.
        inside: the rows of a block.
    """

    path: str
    kind: str
    output: Shape
    parameters: int
    statistics: int
    multiply_adds: int
    activations: int
    frozen: bool
    receptive_field: tuple[int, ...] | None = None
    windows: bool = False
    shares: str | None = None
    repeats: int = 1
    groups: tuple[str, ...] = ()
    inside: tuple[Row, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def leaves(self) -> Iterator[Row]:
        """The layers, in the order in which they are written."""
        if not self.inside:
            yield self
        for row in self.inside:
            yield from row.leaves()


@dataclass(frozen=True, slots=True)
class Counts:
    """How many numbers a network consists of.

    Args:
        trainable: parameters that are learned.
        frozen: parameters that stay as they begin.
        statistics: what is remembered and not learned: no parameters.
    """

    trainable: int
    frozen: int
    statistics: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that a training holds at its batch size.

    Args:
        parameters: all arrays of the network: trainable, frozen, statistics.
        gradients: of the trainable parameters.
        optimizer: what the optimizer remembers; 0 where the spec has none.
        activations: what the forward pass leaves behind for the backward pass, in the worst case.
    """

    parameters: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.parameters + self.gradients + self.optimizer + self.activations


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that can be said of a spec before it is trained.

    Args:
        inputs: the shape of each, by name; none of a point.
        outputs: by name, likewise.
        rows: layers and blocks of the outermost list, in turn.
        parameters: how many, statistics apart.
        members: how many networks of that kind are trained side by side.
        phases: how it is trained, in turn; one where the spec has no `[[phase]]`.
    """

    name: str
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    rows: tuple[Row, ...]
    parameters: Counts
    memory: Memory
    members: int
    phases: tuple[PhasePlan, ...]

    @property
    def batch(self) -> int:
        """Examples a step, at the most."""
        return max(phase.batch for phase in self.phases)

    @property
    def multiply_adds(self) -> int:
        """Of one forward pass of one example."""
        return sum(row.multiply_adds for row in self.rows)

    def __repr__(self) -> str:
        from netspec.report.inspection.view import view

        return view(self, 120, colour=False).text

    def _repr_html_(self) -> str:
        from netspec.report.notebook.specs import inspection_html

        return inspection_html(self)


def inspect(spec: Spec, facts: Facts | None) -> Inspection:
    """Work out everything that can be said of a spec without allocating it.

    Any section but `[model]` may be missing. Without `[train]` the batch is one example; without `[optimizer]` its
    memory is 0, while gradients and activations are what any training would need.

    Args:
        spec: as decoded.
        facts: what the data tells; without it a schedule is known by its words alone, and a batch of all examples
            counts as one.

    Raises:
        SpecError: the spec does not fit together, or its network depends on data and there are no facts.
    """
    from netspec.graph.fill import fill_sections
    from netspec.graph.resolve import resolve

    filled = fill_sections(spec, facts)
    graph = resolve(filled, facts)
    phases = plans_of(filled, graph, facts)
    learned = _numbers({path: array for path, array in graph.parameters.items() if path not in graph.frozen})
    members = (filled.train and filled.train.members) or 1
    memory = max((_memory(graph, phase, members) for phase in phases), key=lambda memory: memory.total)
    return Inspection(
        name=spec.name,
        inputs={} if spec.is_point else {name: value.shape for name, value in graph.inputs.items()},
        outputs=graph.output_shapes,
        rows=_Rows(receptive_fields(graph), phases[-1].groups).of(graph.nodes),
        parameters=Counts(learned, _numbers(graph.parameters) - learned, _numbers(graph.statistics)),
        memory=memory,
        members=members,
        phases=phases,
    )


def _memory(graph: Graph, phase: PhasePlan, members: int) -> Memory:
    """What one phase holds."""
    passes = phase.batch // phase.accumulate
    return Memory(
        parameters=members * _bytes({**graph.parameters, **graph.statistics}),
        gradients=members * phase.gradients,
        optimizer=members * phase.state,
        activations=members * BYTES * passes * graph.activations,
    )


def to_json(inspection: Inspection) -> dict[str, Any]:
    """The inspection as plain data; the shape is public (see `netspec inspect --json`)."""
    memory, first = inspection.memory, phase_to_json(inspection.phases[0])
    known = all(phase.clock for phase in inspection.phases)
    return {
        "name": inspection.name,
        "inputs": {name: list(shape) for name, shape in inspection.inputs.items()},
        "outputs": {name: list(shape) for name, shape in inspection.outputs.items()},
        "parameters": asdict(inspection.parameters),
        "flops": {"forward": 2 * inspection.multiply_adds},
        "memory": {**asdict(memory), "total": memory.total},
        "members": inspection.members,
        "batch": inspection.batch,
        "steps": sum(phase.clock.steps for phase in inspection.phases if phase.clock) if known else None,
        **{key: first[key] for key in ("steps_per_epoch", "optimizer", "schedule")},
        "phases": [phase_to_json(phase) for phase in inspection.phases],
        "layers": [
            {
                "path": leaf.path,
                "kind": leaf.kind,
                "output": list(leaf.output),
                "parameters": leaf.parameters,
                "statistics": leaf.statistics,
                "frozen": leaf.frozen,
                "flops": 2 * leaf.multiply_adds,
                "receptive_field": leaf.receptive_field and list(leaf.receptive_field),
                "shares": leaf.shares,
                "repeats": leaf.repeats,
                "groups": list(leaf.groups),
            }
            for row in inspection.rows
            for leaf in row.leaves()
        ],
    }


# -- working it out ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rows:
    """What makes nodes rows.

    Args:
        fields: the receptive field of each node, by path.
        groups: of the optimizer.
    """

    fields: Mapping[str, tuple[int, ...] | None]
    groups: Sequence[GroupPlan] = ()

    def of(self, nodes: Sequence[Node]) -> tuple[Row, ...]:
        return tuple(map(self.row, nodes))

    def row(self, node: Node) -> Row:
        if any(node.branches.values()):
            inside = tuple(row for nodes in node.branches.values() if nodes for row in self.branch(node, nodes))
            row = self.sums(node.path, node.kind, node.output.shape, inside)
            return replace(row, shares=node.owner if node.shared else None, repeats=node.repeats)
        return Row(
            path=node.path,
            kind=node.kind,
            output=node.output.shape,
            parameters=0 if node.shared else _numbers(dict(node.arrays("parameters"))),
            statistics=0 if node.shared else _numbers(dict(node.arrays("statistics"))),
            multiply_adds=node.repeats * sum(step.traced.multiply_adds for step in node.steps),
            activations=node.repeats * sum(prod(step.traced.output) for step in node.steps),
            frozen=node.frozen,
            receptive_field=self.fields[node.path],
            windows=node.kind in WINDOWS,
            shares=node.owner if node.shared else None,
            repeats=node.repeats,
            groups=() if node.shared else group_names(self.groups, dict(node.arrays("parameters"))),
        )

    def branch(self, node: Node, branch: Sequence[Node]) -> tuple[Row, ...]:
        """The rows of one list of a block: its own, or under the branch's name where its paths go through one."""
        rows, path = self.of(branch), branch[0].path.rpartition("/")[0]
        if path == node.path:
            return rows
        return (self.sums(path, path.rpartition("/")[2], rows[-1].output, rows),)

    def sums(self, path: str, kind: str, output: Shape, inside: tuple[Row, ...]) -> Row:
        return Row(
            path=path,
            kind=kind,
            output=output,
            parameters=sum(row.parameters for row in inside),
            statistics=sum(row.statistics for row in inside),
            multiply_adds=sum(row.multiply_adds for row in inside),
            activations=sum(row.activations for row in inside),
            frozen=all(row.frozen for row in inside),
            receptive_field=self.fields[path] if path in self.fields else inside[-1].receptive_field,
            repeats=inside[0].repeats,
            groups=tuple(sorted({name for row in inside for name in row.groups})),
            inside=inside,
        )


def _numbers(arrays: Mapping[str, Any]) -> int:
    return sum(prod(array.shape) for array in arrays.values())


def _bytes(arrays: Mapping[str, Any]) -> int:
    return sum(prod(array.shape) * array.dtype.itemsize for array in arrays.values())
