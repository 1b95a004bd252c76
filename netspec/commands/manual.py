"""The manual as commands: pages, lists and the schema. Only what a layer becomes for an input needs JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import NetspecError, SpecError
from netspec.document import parse
from netspec.spec.call import Call, Parameter
from netspec.spec.clock import Clock
from netspec.spec.courses import Course
from netspec.spec.decode import decode
from netspec.spec.examples import spec_with
from netspec.spec.layer import Layer
from netspec.spec.optimizers import Setting
from netspec.spec.pages import Page, find, listed
from netspec.spec.sections import Spec

if TYPE_CHECKING:
    from netspec.graph.graph import Graph, Node

__all__ = ["explain", "kinds", "schema"]

SHAPES: Sequence[tuple[int, ...]] = ((64,), (28, 28, 3), (16, 64), (8, 28, 28, 3))
"""Inputs that the examples of layers are tried on: numbers, an image, a sequence, a volume."""

CLOCK = Clock(steps=1000, per_epoch=100)
"""The training that the examples of schedules are for."""


def explain(word: str) -> tuple[Page, ...]:
    """The manual's pages on a word, each with what its example becomes.

    Args:
        word: a kind, a family, a section, a kind of one family, or what a training is told of: "conv", "layers",
            "train", "schedule.step", "oscillation".

    Raises:
        SpecError: there is no such page; with the nearest word.
    """
    from netspec.train.diagnoses.pages import find as diagnosed

    told = diagnosed(word)
    try:
        return (*(replace(page, becomes=tuple(_becomes(page))) for page in find(word)), *told)
    except SpecError:
        if told:
            return told
        raise


def kinds(family: str | None = None, search: str | None = None) -> Mapping[str, tuple[Page, ...]]:
    """The pages of kinds and sections, by family.

    Args:
        family: only this one, such as "layers".
        search: only those that have it in their name or on their page.

    Raises:
        SpecError: there is no such family.
    """
    return listed(family, search)


def schema() -> str:
    """The JSON Schema of a spec as text, a line a definition: what a version changes is seen."""
    import json

    from netspec.spec.schema import schema as made

    whole = made()
    definitions = whole.pop("$defs")
    lines = [f"    {json.dumps(name)}: {json.dumps(table)}" for name, table in definitions.items()]
    inside = json.dumps(whole, indent=2).removesuffix("\n}")
    return "\n".join([f"{inside},", '  "$defs": {', ",\n".join(lines), "  }", "}", ""])


def _becomes(page: Page) -> Iterator[str]:
    if page.kind is None:
        return
    if issubclass(page.kind, Layer):
        yield from _layer_becomes(page.kind)
    else:
        spec = decode(parse(spec_with(page.kind), "the example"))
        yield from map(source, _calls(page.family, spec))


def _calls(family: str, spec: Spec) -> Sequence[Call]:
    """What the example of a kind becomes, wherever in its spec it stands."""
    if family in ("optimizer", "wrapper", "transformation", "clip"):
        assert spec.optimizer is not None
        whole = spec.optimizer.lower(Setting(CLOCK))
        return (whole,) if family in ("optimizer", "wrapper") else whole.arguments[:1]
    if family == "schedule":
        return (spec.schedule.lower(CLOCK),) if spec.schedule else ()
    if family == "course":
        layers = spec.model.layers if spec.model else ()
        return tuple(v.lower(CLOCK) for layer in layers for v in layer.__dict__.values() if isinstance(v, Course))
    of: Mapping[str, Callable[[], Any]] = {
        "loss": lambda: spec.losses[0],
        "penalty": lambda: spec.losses[0].penalties[0],
        "initial value": lambda: spec.model.layers[0].init if spec.model else None,
        "source": lambda: spec.data.source if spec.data else None,
        "transform": lambda: spec.data.transform[0] if spec.data else None,
        "augmentation": lambda: spec.data.augment[0] if spec.data else None,
    }
    return (of[family]().lower(),)


def _layer_becomes(kind: type[Layer]) -> Iterator[str]:
    """The calls of the example, for an input that it fits; where there is one, for one that it changes the shape of."""
    graphs = [graph for shape in SHAPES if (graph := _graph(kind, shape)) is not None]
    changed = [g for g in graphs if g.nodes[-1].inputs[0].shape != g.nodes[-1].output.shape]
    for graph in (changed or graphs)[:1]:
        yield from _node_lines(graph.nodes[-1])


def _graph(kind: type[Layer], shape: tuple[int, ...]) -> Graph | None:
    """The network of a kind's example, where it can take such an input."""
    from netspec.graph.fill import fill_sections
    from netspec.graph.resolve import resolve

    try:
        return resolve(fill_sections(decode(parse(spec_with(kind, shape), "the example")), None))
    except NetspecError:
        return None


def _node_lines(node: Node, indent: str = "") -> Iterator[str]:
    """A layer's calls; of a block, those inside, and what joins its branches."""
    shapes = f"{', '.join(str(value.shape) for value in node.inputs)} → {node.output.shape}"
    if not node.branches:
        calls = [source(step.call, "x", *(path.replace("/", ".") for path in step.borrowed)) for step in node.steps]
        yield from (f"{indent}{call}" for call in calls or [node.name])
        yield f"{indent}  {shapes}"
        return
    yield f"{indent}{node.name}   {shapes}"
    for name, branch in node.branches.items():
        if name and branch:
            yield f"{indent}  {name}:"
        for inner in branch:
            yield from _node_lines(inner, f"{indent}  {'  ' * bool(name)}")
    yield from (f"{indent}  joined by {step.call.name}" for step in node.steps)


def source(call: Call, *inputs: str) -> str:
    """A call as source, its whole name and those of the calls in it; a function is called with the inputs.

    >>> from netspec.spec.call import call
    >>> source(call("jax.nn.leaky_relu", negative_slope=0.01), "x")
    'jax.nn.leaky_relu(x, negative_slope=0.01)'
    """
    makes = call.name.rpartition(".")[2][:1].isupper()
    arguments = [*(() if makes else inputs), *map(_written, call.arguments)]
    keywords = [f"{name}={_written(value)}" for name, value in call.keywords]
    return f"{call.name}({', '.join([*arguments, *keywords])})"


def _written(value: Any) -> str:
    if isinstance(value, Call):
        return source(value)
    if isinstance(value, Parameter):
        return f"{value.layer}.{value.name}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))}{',' * (len(value) == 1)})"
    return repr(value)
