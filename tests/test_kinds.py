"""Every kind goes through everything: decode, explain, schema, resolve, inspect, build, a training step, source."""

from __future__ import annotations

import ast
from typing import Any

import jax
import jax.numpy as jnp
import jsonschema
import numpy as np
import optax
import pytest
import tomli

from netspec.build import build
from netspec.build.program import Program
from netspec.commands import manual
from netspec.diagnostics import SpecError
from netspec.document import parse
from netspec.emit import emit
from netspec.graph.calls import Mode
from netspec.graph.facts import Facts, InputFacts, TargetFacts
from netspec.graph.graph import Graph
from netspec.graph.resolve import resolve
from netspec.report.inspection.inspect import inspect, to_json
from netspec.spec.augmentations import Augmentation
from netspec.spec.call import Shape
from netspec.spec.courses import Course
from netspec.spec.decode import decode
from netspec.spec.examples import spec_with
from netspec.spec.families import FAMILIES, members
from netspec.spec.kind import Kind
from netspec.spec.layer import Layer
from netspec.spec.losses import Loss
from netspec.spec.optimizers.kinds import Called
from netspec.spec.schedules import Plateau
from netspec.spec.schema import schema
from netspec.spec.sources import Source
from netspec.spec.transforms import Transform

SHAPES = ((64,), (8, 8, 3), (6, 64), (4, 6, 6, 3))
VALIDATOR = jsonschema.Draft7Validator(schema())
KINDS = {f"{family.family} {name}": kind for family in FAMILIES.values() for name, kind in members(family).items()}
del KINDS["layer load"]  # it is layers of a run: tests/test_loaded.py has some
EXAMPLES = {"train": 4, "validation": 0, "test": 0}
TRAIN = "[train]\nsteps = 2\nbatch = 4\n"
OPTIMIZER = '[optimizer]\nkind = "sgd"\nlearning_rate = 0.1\n'
DATA = '[data]\nsource = "digits"\n'
NO_SOURCE = frozenset(
    (
        *("conjugate_gradients", "newton", "saddle_free_newton", "sophia", "sam"),
        *("dpsgd", "differentially_private_aggregate"),
        *("lookahead", "schedule_free", "schedule_free_adamw", "schedule_free_sgd"),
    )
)
"""Optimizers, and parts of them, that a plain training cannot drive."""


def network(kind: type[Kind]) -> tuple[str, Graph]:
    """A spec with an example of the kind, and its network: for a layer, on the first input that it can take."""
    for shape in SHAPES:
        text = spec_with(kind, shape)
        try:
            return text, resolve(decode(parse(text, "x.toml")))
        except SpecError:
            if shape == SHAPES[-1] or not issubclass(kind, Layer):
                raise
    raise AssertionError


def trainable(kind: type[Kind], text: str, graph: Graph) -> Program:
    """The same spec with all that a training needs and it does not say, and data that fits it."""
    values = tomli.loads(text)
    # A layer that has nothing to learn stands under one that has.
    text = text.replace("layers = [", "layers = [{ dense = 64 }, ", 1) if _learns_nothing(graph) else text
    if issubclass(kind, Loss):
        width = {"zero_one": 1, "plus_minus": 1, "nothing": 2}.get(kind.targets, 10)
        text = text.replace("{ dense = 10 }", f"{{ dense = {width} }}")
        text = text.replace("input = [64]", "input = [8, 64]") if kind.whole else text
    losses = '[loss]\nkind = "squared_error"\n' if issubclass(kind, Layer) else '[loss]\nkind = "cross_entropy"\n'
    for section, default in (("data", DATA), ("loss", losses), ("optimizer", OPTIMIZER), ("train", TRAIN)):
        text += "" if section in values else default
    (output,) = resolve(decode(parse(text, "x.toml"))).output_shapes.values()
    targets = {"target": _target(kind, output)}
    given = resolve(decode(parse(text, "x.toml"))).inputs
    inputs = {n: InputFacts(v.shape, v.dtype, 64) for n, v in given.items()}  # type: ignore[arg-type]
    return build(decode(parse(text, "x.toml")), Facts(inputs, targets, EXAMPLES))


def _learns_nothing(graph: Graph) -> bool:
    return not graph.parameters and next(iter(graph.inputs.values())).dtype == "float32"


def _target(kind: type[Kind], output: Shape) -> TargetFacts:
    form = getattr(kind, "targets", "number" if issubclass(kind, Layer) else "index")
    if form in ("number", "distribution"):
        return TargetFacts("number", (), output)
    classes = {"index": output.channels, "symbols": output.channels - 1}.get(form, 2)
    whole = issubclass(kind, Loss) and kind.whole
    return TargetFacts("class", tuple(map(str, range(classes))), Shape(output.spatial) if whole else Shape(()))


def one_step(program: Program) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters before and after one step."""
    random, graph = np.random.default_rng(0), program.network.graph
    inputs = {
        n: random.integers(0, 9, (2, *v.shape)) if v.dtype == "int32" else random.uniform(0.1, 0.9, (2, *v.shape))
        for n, v in graph.inputs.items()
    }
    inputs = {n: jnp.asarray(x, graph.inputs[n].dtype) for n, x in inputs.items()}
    facts = program.facts.targets["target"]
    shape = (2, *facts.shape)
    target = random.integers(0, 2, shape) if facts.kind == "class" else random.uniform(size=shape)
    parameters, statistics = program.network.initialise(jax.random.key(0))
    found = program.network.initialise_from_data(
        parameters, statistics, {n: jnp.concatenate([x + i / 64 for i in range(64)]) for n, x in inputs.items()}, 0
    )
    parameters |= found

    def loss(parameters: dict[str, Any]) -> Any:
        result = program.network.apply(
            parameters, statistics, inputs, key=jax.random.key(1), mode=Mode(training=True), also=program.objective.also
        )
        return program.objective.value(parameters, result, inputs, {"target": jnp.asarray(target)})

    value, gradient = jax.value_and_grad(loss)(parameters)
    told = {"value": value, "loss": value, "grad": gradient}
    functions = {"value_fn": loss, "obj_fn": loss, "grad_fn": lambda parameters, *_: jax.grad(loss)(parameters)}
    if program.updater.per_example:
        gradient = jax.tree.map(lambda g: jnp.stack([g, g]), gradient)
    transformation = program.updater.transformation
    state = transformation.init(parameters)
    updates, _ = transformation.update(gradient, state, parameters, **told, **functions)
    return parameters, optax.apply_updates(parameters, updates)


@pytest.mark.parametrize("name", [n for n, k in KINDS.items() if not issubclass(k, Source | Transform | Augmentation)])
def test_every_kind_goes_through_everything(name: str) -> None:
    kind = KINDS[name]
    text, graph = network(kind)
    assert list(VALIDATOR.iter_errors(tomli.loads(text))) == []
    assert any(page.name == kind.kind for page in manual.explain(f"{kind.family}.{kind.kind}"))
    program = trainable(kind, text, graph)
    assert to_json(inspect(program.spec, program.facts))["layers"]
    before, after = one_step(program)
    assert all(bool(jnp.isfinite(a).all()) for a in after.values())
    assert before.keys() == after.keys() == program.network.graph.parameters.keys()
    if issubclass(kind, Course | Plateau):
        with pytest.raises(SpecError, match="cannot be compiled"):
            emit(program.spec, program.network.graph, program)
        return
    if issubclass(kind, Called) and kind.kind in NO_SOURCE:
        with pytest.raises(SpecError, match="cannot be compiled"):
            emit(program.spec, program.network.graph, program)
        return
    emitted = emit(program.spec, program.network.graph, program)
    ast.parse(emitted.source)
    assert emitted.paths.keys() == {*program.network.graph.parameters, *program.network.graph.statistics}


@pytest.mark.parametrize("name", [n for n, k in KINDS.items() if issubclass(k, Source | Transform | Augmentation)])
def test_every_source_and_transform_is_read_explained_and_validated(name: str) -> None:
    kind = KINDS[name]
    text = spec_with(kind)
    assert decode(parse(text, "x.toml")).data is not None
    assert list(VALIDATOR.iter_errors(tomli.loads(text))) == []
    assert any(page.name == kind.kind for page in manual.explain(f"{kind.family}.{kind.kind}"))


def test_losses_are_among_them() -> None:
    assert {f"loss {name}" for name in Loss.kinds} <= KINDS.keys()
